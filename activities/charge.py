"""The card charge: call the gateway with the charge's key, and write down what it answered (guide: pending, call, settle).

A call that was not answered is looked up by its key, never made with a new one.
"""

from decimal import Decimal
from typing import Any

from sqlalchemy import Row, bindparam, select, update

from domain.messages import ChargeOutcome, ChargeRequest, ChargeResult
from gateways.cards import Answer, CardGateway, GatewayUnavailable
from ledger import failpoints
from ledger.tables import CardCharge
from ledger.work import Ledger

_BY_KEY = select(CardCharge.__table__).where(CardCharge.key == bindparam("charge"))
_SETTLE = (
    update(CardCharge)
    .where(CardCharge.key == bindparam("charge"), CardCharge.outcome == "pending")
    .values(outcome=bindparam("became"), reason=bindparam("why"))
    .returning(CardCharge.__table__)
)


def charge(ledger: Ledger, gateway: CardGateway, request: ChargeRequest) -> ChargeResult:
    """Make the charge of this key, or find out what became of it; no transaction is open while the gateway is called. Raises
    `GatewayUnavailable` while nobody knows: to be tried again with the same key."""
    with ledger.read() as connection:
        row = connection.execute(_BY_KEY, {"charge": request.key}).one()
    if row.outcome != ChargeOutcome.PENDING:
        return _result(row)
    failpoints.reach("charge.before_call")
    answer = _ask(gateway, row.key, row.card, row.amount, row.currency)
    failpoints.reach("charge.after_call")
    outcome = ChargeOutcome.CHARGED if answer.charged else ChargeOutcome.DECLINED
    with ledger.transaction("charge") as connection:
        settled = connection.execute(_SETTLE, {"charge": row.key, "became": str(outcome), "why": answer.reason}).one_or_none()
        # what is written counts, whoever wrote it: reconciliation may have closed the charge meanwhile, and books it later
        return _result(settled or connection.execute(_BY_KEY, {"charge": row.key}).one())


def _result(row: Row[Any]) -> ChargeResult:
    return ChargeResult(key=row.key, outcome=ChargeOutcome(row.outcome), amount=row.amount, reason=row.reason)


def _ask(gateway: CardGateway, key: str, card: str, amount: Decimal, currency: str) -> Answer:
    try:
        return gateway.charge(key, card, amount, currency)
    except GatewayUnavailable:
        failpoints.reach("charge.before_look_up")
        answer = gateway.look_up(key)
        failpoints.reach("charge.after_look_up")
        if answer is None:
            raise
        return answer
