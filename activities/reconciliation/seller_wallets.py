"""The sellers' own wallets: what was put in was paid from them or is left (Rule 11.5).

Only a full pass looks, because it reads all postings of costs.
"""

from sqlalchemy import text

from activities.reconciliation.batches import off, result
from core.domain.findings import Finding, FindingKind, ReconcileRequest, ReconcileResult
from core.domain.money import plain
from core.ledger.double_entry import Book
from core.ledger.ledger import Ledger

_DIFFERING = text(
    f"""
WITH moved AS (
  SELECT seller, currency, amount FROM seller_credits
  UNION ALL
  SELECT a.seller, p.currency, p.amount FROM postings p JOIN accounts a ON a.id = p.account
   WHERE p.book = '{Book.SELLER}'
), expected AS (
  SELECT seller, currency, sum(amount) AS amount FROM moved GROUP BY seller, currency
), held AS (
  SELECT seller, currency, sum(balance) AS amount FROM seller_wallets GROUP BY seller, currency
)
SELECT coalesce(e.seller, h.seller) AS seller, coalesce(e.currency, h.currency) AS currency,
       coalesce(e.amount, 0) AS expected, coalesce(h.amount, 0) AS held
  FROM expected e FULL JOIN held h ON h.seller = e.seller AND h.currency = e.currency
 WHERE coalesce(e.amount, 0) <> coalesce(h.amount, 0)
 ORDER BY 1, 2
"""  # noqa: S608
)


class SellerWallets:
    """Looks at the sellers' own wallets."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def look(self, request: ReconcileRequest) -> ReconcileResult:
        """Compare what the wallets hold with what has moved, in a full pass."""
        found = await off(self._differing) if request.full else []
        return result(found, 0, None)

    def _differing(self) -> list[Finding]:
        with self._ledger.read() as connection:
            rows = connection.execute(_DIFFERING).all()
        return [
            Finding(
                kind=FindingKind.BALANCE,
                subject=row.seller,
                what=f"its own wallet holds {plain(row.held, row.currency)} {row.currency}, and "
                f"{plain(row.expected, row.currency)} were put in and not paid",
            )
            for row in rows
        ]
