"""The activities by name: methods of one object that owns the ledger and the gateway."""

from collections.abc import Callable
from typing import Any

from temporalio import activity

from activities import (
    accounts,
    charge,
    extend,
    purchase,
    reactivate,
    recover,
    refund,
    subscribe,
)
from activities.steps import end, expire, mark_failed, renew
from core.gateways.cards import CardGateway
from core.ledger import failpoints
from core.ledger.ledger import Ledger
from core.protocol.activity_messages import (
    ChargeRequest,
    ChargeResult,
    CommandRequest,
    CommandResult,
    StepRequest,
    StepResult,
)

_STEPS: dict[str, Callable[[Ledger, StepRequest], StepResult]] = {
    "renew": renew.renew,
    "mark_failed": mark_failed.mark_failed,
    "expire": expire.expire,
    "end": end.end,
}
_COMMANDS: dict[str, Callable[[Ledger, CommandRequest], CommandResult]] = {
    "purchase": purchase.purchase,
    "recover": recover.recover,
    "extend": extend.extend,
    "reactivate": reactivate.reactivate,
    "unsubscribe": subscribe.unsubscribe,
    "resubscribe": subscribe.resubscribe,
    "refund": refund.refund,
    "top_up": accounts.top_up,
    "set_card": accounts.set_card,
    "set_account": accounts.set_account,
    "suspend": accounts.suspend,
    "resume": accounts.resume,
}


class Activities:
    """All activities over one ledger and one gateway; `call` is how the direct engine reaches them."""

    def __init__(self, ledger: Ledger, gateway: CardGateway) -> None:
        self.ledger = ledger
        self.gateway = gateway

    def call(self, name: str, request: Any) -> Any:
        """Run an activity by name."""
        with failpoints.inside(name):
            if name == "charge":
                result: Any = charge.charge(self.ledger, self.gateway, request)
            else:
                result = (_STEPS.get(name) or _COMMANDS[name])(self.ledger, request)
        failpoints.reach(f"{name}.end")
        return result

    def registered(self) -> list[Callable[..., Any]]:
        """The activities for a Temporal worker, but for the charge, which has a queue of its own."""
        return [_step(self, name) for name in _STEPS] + [_command(self, name) for name in _COMMANDS]

    def charging(self) -> list[Callable[..., Any]]:
        """The card charge, for the worker of its queue."""

        @activity.defn(name="charge")
        def run(request: ChargeRequest) -> ChargeResult:
            result: ChargeResult = self.call("charge", request)
            return result

        return [run]


def _step(activities: Activities, name: str) -> Callable[..., Any]:
    @activity.defn(name=name)
    def run(request: StepRequest) -> StepResult:
        result: StepResult = activities.call(name, request)
        return result

    return run


def _command(activities: Activities, name: str) -> Callable[..., Any]:
    @activity.defn(name=name)
    def run(request: CommandRequest) -> CommandResult:
        result: CommandResult = activities.call(name, request)
        return result

    return run
