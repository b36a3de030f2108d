"""The card charge: call the gateway with the charge's key, and write down what it answered (guide: pending, call, settle).

A call that was not answered is looked up by its key, never made with a new one.
"""

from decimal import Decimal
from typing import Any

from sqlalchemy import Row, select, update

from domain.messages import ChargeOutcome, ChargeRequest, ChargeResult
from gateways.cards import Answer, CardGateway, GatewayUnavailable
from ledger import failpoints
from ledger.tables import CardCharge
from ledger.work import Ledger


def charge(ledger: Ledger, gateway: CardGateway, request: ChargeRequest) -> ChargeResult:
    """Make the charge of this key, or find out what became of it; no transaction is open while the gateway is called. Raises
    `GatewayUnavailable` while nobody knows: to be tried again with the same key."""
    with ledger.engine.connect() as connection:
        row = connection.execute(select(CardCharge.__table__).where(CardCharge.key == request.key)).one()
    if row.outcome != ChargeOutcome.PENDING:
        return _result(row)
    failpoints.reach("charge.before_call")
    answer = _ask(gateway, row.key, row.card, row.amount, row.currency)
    failpoints.reach("charge.after_call")
    outcome = ChargeOutcome.CHARGED if answer.charged else ChargeOutcome.DECLINED
    with ledger.transaction("charge") as connection:
        settled = update(CardCharge).where(CardCharge.key == row.key, CardCharge.outcome == ChargeOutcome.PENDING)
        connection.execute(settled.values(outcome=str(outcome), reason=answer.reason))
        # what is written counts, whoever wrote it: reconciliation may have closed the charge meanwhile, and books it later
        return _result(connection.execute(select(CardCharge.__table__).where(CardCharge.key == row.key)).one())


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
