"""The seller's own wallets, which pay the costs of what is sold (Rule 11.5).

A wallet is spread over parts. A charge takes from the part of its account. Only when that part does
not cover the cost, all parts are locked, in their order, and what is left is spread anew. So the
wallet is not one row that all renewals wait for.
"""

import zlib
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert

from core.domain.refusal import used_for_something_else
from core.ledger.request_ids import used_by_any
from core.ledger.tables import SellerCredit, SellerWallet

PARTS = 16
_CENT = Decimal("0.00001")

_OF = (
    SellerWallet.seller == bindparam("of"),
    SellerWallet.currency == bindparam("in_currency"),
)
_TAKE = (
    update(SellerWallet)
    .where(
        *_OF, SellerWallet.part == bindparam("of_part"), SellerWallet.balance >= bindparam("cost")
    )
    .values(balance=SellerWallet.balance - bindparam("cost"))
    .returning(SellerWallet.part)
)
_ALL = select(SellerWallet.balance).where(*_OF).order_by(SellerWallet.part).with_for_update()
_SUM = select(func.coalesce(func.sum(SellerWallet.balance), 0)).where(*_OF)


def take(connection: Connection, seller: str, currency: str, account: str, cost: Decimal) -> bool:
    """Take a cost from the seller's wallet. Returns whether the wallet covers it."""
    part = zlib.crc32(account.encode()) % PARTS
    values = {"of": seller, "in_currency": currency, "of_part": part, "cost": cost}
    if connection.execute(_TAKE, values).first() is not None:
        return True
    of = {"of": seller, "in_currency": currency}
    left = sum(connection.execute(_ALL, of).scalars(), Decimal(0)) - cost
    if left < 0:
        return False
    _spread(connection, seller, currency, left)
    return True


def balance(connection: Connection, seller: str, currency: str) -> Decimal:
    """What a wallet holds. Nothing is locked."""
    return Decimal(connection.execute(_SUM, {"of": seller, "in_currency": currency}).scalar_one())


def balances(connection: Connection, seller: str) -> Mapping[str, Decimal]:
    """What the seller's wallets hold, by currency."""
    query = (
        select(SellerWallet.currency, func.sum(SellerWallet.balance))
        .where(SellerWallet.seller == seller)
        .group_by(SellerWallet.currency)
        .order_by(SellerWallet.currency)
    )
    return {currency: Decimal(amount) for currency, amount in connection.execute(query)}


def top_up(
    connection: Connection,
    seller: str,
    currency: str,
    amount: Decimal,
    *,
    at: datetime,
    request_id: str,
    actor: str,
) -> bool:
    """Put money into the seller's wallet. Returns False when this request has done so before.

    `at`: an instant (UTC).

    Raises `Refused` if the request has put in another amount, or did something else (Rule 4.2).
    """
    put_in = select(SellerCredit.currency, SellerCredit.amount).where(
        SellerCredit.seller == seller, SellerCredit.request_id == request_id
    )
    used = used_by_any(connection, seller, [request_id])
    if used and connection.execute(put_in).first() is None:
        raise used_for_something_else(request_id)
    credit = (
        insert(SellerCredit)
        .values(
            seller=seller,
            currency=currency,
            amount=amount,
            at=at,
            request_id=request_id,
            actor=actor,
        )
        .on_conflict_do_nothing(constraint="seller_credits_once")
        .returning(SellerCredit.id)
    )
    if connection.execute(credit).first() is None:
        first = connection.execute(put_in).one()
        if tuple(first) != (currency, amount):
            raise used_for_something_else(request_id)
        return False
    # Two first top-ups at once: the second waits here, and then finds what the first has put in.
    parts = [_part(seller, currency, part, Decimal(0)) for part in range(PARTS)]
    connection.execute(insert(SellerWallet).values(parts).on_conflict_do_nothing())
    of = {"of": seller, "in_currency": currency}
    left = sum(connection.execute(_ALL, of).scalars(), Decimal(0))
    _spread(connection, seller, currency, left + amount)
    return True


def _part(seller: str, currency: str, part: int, holds: Decimal) -> dict[str, Any]:
    return {"seller": seller, "currency": currency, "part": part, "balance": holds}


def _spread(connection: Connection, seller: str, currency: str, total: Decimal) -> None:
    """Spread what a wallet holds evenly over its parts, which are locked."""
    each = (total / PARTS).quantize(_CENT, rounding="ROUND_DOWN")
    rows = [
        _part(seller, currency, part, each if part else total - each * (PARTS - 1))
        for part in range(PARTS)
    ]
    new = insert(SellerWallet).values(rows)
    key = [SellerWallet.seller, SellerWallet.currency, SellerWallet.part]
    connection.execute(
        new.on_conflict_do_update(index_elements=key, set_={"balance": new.excluded.balance})
    )
