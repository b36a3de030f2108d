"""The card charge. It records that the gateway is called, calls it, and records the response.

The charge's key is the idempotency key at the gateway. When an earlier call may have been made, the
gateway is asked for its outcome first.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Row, bindparam, select, update

from core.gateways.cards import Answer, CardGateway, GatewayUnavailable
from core.ledger import failpoints
from core.ledger.ledger import Ledger
from core.ledger.tables import CardCharge
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import (
    ChargeOutcome,
    ChargeRequest,
    ChargeResult,
    CommandRequest,
    StepRequest,
)

Needed = Callable[[Work, StepRequest | CommandRequest], str | None]
"""The key of the card charge that a step or a command needs. None when it needs none."""

_BY_KEY = select(CardCharge.__table__).where(CardCharge.key == bindparam("charge"))
_PENDING = (
    update(CardCharge)
    .where(CardCharge.key == bindparam("charge"), CardCharge.outcome == ChargeOutcome.PENDING)
    .returning(CardCharge.__table__)
)
_CALLS = select(CardCharge.calls).where(CardCharge.key == bindparam("charge"))
_CALL = _PENDING.values(calls=CardCharge.calls + 1)
_WITHDRAW = _PENDING.where(CardCharge.calls == 0).values(
    outcome=ChargeOutcome.WITHDRAWN, reason="no longer needed", booked=True
)
_SETTLE = _PENDING.values(outcome=bindparam("became"), reason=bindparam("why"))


def charge(
    ledger: Ledger, gateway: CardGateway, request: ChargeRequest, needed: Needed
) -> ChargeResult:
    """Make the charge of this key, or find out what became of it.

    `needed`: tells, in a unit of work on the account, which charge the step or command needs.

    Before the first call it is asked again, because credits may have come in (Rule 5.3), or the
    customer may have ended the subscription. A charge that is no longer needed is withdrawn. No
    transaction is open while the gateway is called. Raises `GatewayUnavailable` while the outcome
    is unknown. The caller retries with the same key.
    """
    with ledger.read() as connection:
        row = connection.execute(_BY_KEY, {"charge": request.key}).one()
    if row.outcome != ChargeOutcome.PENDING:
        return _result(row)
    try:
        row = _note_call(ledger, row, request, needed)
    except _NotNeeded:
        return _withdraw(ledger, request.key)
    if row.outcome != ChargeOutcome.PENDING:
        return _result(row)
    answer = _ask(gateway, row)
    outcome = ChargeOutcome.CHARGED if answer.charged else ChargeOutcome.DECLINED
    with ledger.transaction("charge") as connection:
        settled = connection.execute(
            _SETTLE, {"charge": request.key, "became": str(outcome), "why": answer.reason}
        ).one_or_none()
        # The stored outcome counts. Reconciliation may have closed the charge and books it later.
        return _result(settled or connection.execute(_BY_KEY, {"charge": request.key}).one())


class _NotNeeded(Exception):
    """The charge is no longer needed. What was written to find out is rolled back."""


def _note_call(ledger: Ledger, row: Row[Any], request: ChargeRequest, needed: Needed) -> Row[Any]:
    """Write down that the gateway is called. Returns the charge as it is then."""
    by_key = {"charge": request.key}
    work_on = ledger.work(request.asked_by.now, account=row.account)
    with failpoints.inside("charge_call"), work_on as work:
        calls = work.connection.execute(_CALLS, by_key).scalar()
        if calls == 0 and needed(work, request.asked_by) != request.key:
            raise _NotNeeded
        noted = work.connection.execute(_CALL, by_key).one_or_none()
        return noted or work.connection.execute(_BY_KEY, by_key).one()


def _withdraw(ledger: Ledger, key: str) -> ChargeResult:
    with ledger.transaction("charge_call") as connection:
        withdrawn = connection.execute(_WITHDRAW, {"charge": key}).one_or_none()
        return _result(withdrawn or connection.execute(_BY_KEY, {"charge": key}).one())


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
