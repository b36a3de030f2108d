"""The card charge. It records that the gateway is called, calls it, and records the response.

The charge's key is the idempotency key at the gateway. When an earlier call may have been made, the
gateway is asked for its outcome first.
"""

from typing import Any

from sqlalchemy import Row, bindparam, select, update

from core.gateways.cards import Answer, CardGateway, GatewayUnavailable
from core.ledger import failpoints
from core.ledger.ledger import Ledger
from core.ledger.tables import CardCharge
from core.protocol.activity_messages import ChargeOutcome, ChargeRequest, ChargeResult

_BY_KEY = select(CardCharge.__table__).where(CardCharge.key == bindparam("charge"))
_PENDING = (
    update(CardCharge)
    .where(CardCharge.key == bindparam("charge"), CardCharge.outcome == ChargeOutcome.PENDING)
    .returning(CardCharge.__table__)
)
_CALL = _PENDING.values(calls=CardCharge.calls + 1)
_SETTLE = _PENDING.values(outcome=bindparam("became"), reason=bindparam("why"))


def charge(ledger: Ledger, gateway: CardGateway, request: ChargeRequest) -> ChargeResult:
    """Make the charge of this key, or find out what became of it.

    No transaction is open while the gateway is called. Raises `GatewayUnavailable` while the
    outcome is unknown. The caller retries with the same key.
    """
    with ledger.transaction("charge_call") as connection:
        row = connection.execute(_CALL, {"charge": request.key}).one_or_none()
        if row is None:
            return _result(connection.execute(_BY_KEY, {"charge": request.key}).one())
    answer = _ask(gateway, row)
    outcome = ChargeOutcome.CHARGED if answer.charged else ChargeOutcome.DECLINED
    with ledger.transaction("charge") as connection:
        settled = connection.execute(
            _SETTLE, {"charge": request.key, "became": str(outcome), "why": answer.reason}
        ).one_or_none()
        # The stored outcome counts. Reconciliation may have closed the charge and books it later.
        return _result(settled or connection.execute(_BY_KEY, {"charge": request.key}).one())


def _result(row: Row[Any]) -> ChargeResult:
    return ChargeResult(
        key=row.key, outcome=ChargeOutcome(row.outcome), amount=row.amount, reason=row.reason
    )


def _ask(gateway: CardGateway, row: Row[Any]) -> Answer:
    if row.calls > 1 and (answer := _look_up(gateway, row.key)):
        return answer
    failpoints.reach("charge.before_call")
    try:
        answer = gateway.charge(row.key, row.card, row.amount, row.currency)
    except GatewayUnavailable:
        found = _look_up(gateway, row.key)
        if found is None:
            raise
        return found
    failpoints.reach("charge.after_call")
    return answer


def _look_up(gateway: CardGateway, key: str) -> Answer | None:
    failpoints.reach("charge.before_look_up")
    answer = gateway.look_up(key)
    failpoints.reach("charge.after_look_up")
    return answer
