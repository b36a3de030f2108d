"""A campaign: one command on many subscriptions, as one piece of work (docs/campaigns.md).

A campaign has a pattern and rows. The pattern is a command on the subscription `EACH`, which stands
for the subscription of each row. A row carries the command out under a request id of its own,
`c-1f…/17`. So a row that is tried again after a crash finds what it has done (Rule 4.2).

A command says in its description whether a campaign may carry it out (`in_campaign`).
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from pydantic import TypeAdapter

from core.domain.commands import SUBSCRIPTION_COMMANDS, AnySubscriptionCommand
from core.domain.commands.base import NOT_VALUES, SubscriptionCommand
from core.domain.faults import Fault, Faults
from core.domain.inputs import Wrong, either, read_id, read_whole

EACH = "each"
"""The subscription of a pattern. It stands for the subscription of each row."""
MOST_ROWS = 50_000
"""The most rows of a campaign."""
SLOWEST, USUAL, FASTEST = 1, 20, 500
"""The rates that a campaign may have, in rows per second."""
MOST_FAULTS = 100
"""So many faulty rows are listed. The others are counted."""


class CampaignState(StrEnum):
    """What a campaign does. A finished one is RUNNING again when its unknown rows are retried."""

    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    FINISHED = "finished"


class RowOutcome(StrEnum):
    """What became of a row.

    REPEATED: the row was done before, by a try that died before it could tell. It was done once.
    UNKNOWN: no outcome came in time, or the command cannot work. It is tried once more.
    """

    DONE = "done"
    REFUSED = "refused"
    REPEATED = "repeated"
    UNKNOWN = "unknown"


class Control(StrEnum):
    """What a person tells a campaign to do."""

    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"


#: The state after a control, for each state in which it is allowed.
_AFTER: Mapping[Control, Mapping[CampaignState, CampaignState]] = {
    Control.PAUSE: {
        CampaignState.RUNNING: CampaignState.PAUSED,
        CampaignState.PAUSED: CampaignState.PAUSED,
    },
    Control.RESUME: {
        CampaignState.RUNNING: CampaignState.RUNNING,
        CampaignState.PAUSED: CampaignState.RUNNING,
        CampaignState.FINISHED: CampaignState.RUNNING,
    },
    Control.STOP: {
        CampaignState.RUNNING: CampaignState.STOPPED,
        CampaignState.PAUSED: CampaignState.STOPPED,
        CampaignState.STOPPED: CampaignState.STOPPED,
    },
}


@dataclass(frozen=True, slots=True)
class Row:
    """A row: the line of the file (or its place in a list), and the subscription."""

    line: int
    subscription: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCampaign:
    """A campaign that is to be started. Making one raises `Faults`.

    `pattern`: the command, on the subscription `EACH`, with the request id and the actor.
    `rows`: the rows in the order in which they are carried out.
    `rate`: rows per second, at most.
    `selection`: the filter that has selected the rows, in words. None: they are a list.
    """

    pattern: SubscriptionCommand
    rows: tuple[Row, ...]
    rate: int = USUAL
    selection: str | None = None

    def __post_init__(self) -> None:
        """Check the command, the rate, and each row."""
        found = [*_faults_of_pattern(self.pattern), *_faults_of_rate(self.rate)]
        found = found or list(_faults_of_rows(self.rows))
        if found:
            raise Faults(at_most(found))

    @property
    def request_id(self) -> str:
        """The request id of the campaign as a whole (Rule 4.2)."""
        assert self.pattern.request_id is not None
        return self.pattern.request_id

    @property
    def about(self) -> str:
        """What it is about, for people: the filter, or how many ids were listed."""
        return self.selection or f"a list of {len(self.rows)} ids"

    def fingerprint(self) -> str:
        """A hash of the command and of what it is about.

        A filter counts as its words: asked again, it may select others. The rate is no part of it.
        """
        about = self.selection or "\n".join(row.subscription for row in self.rows)
        whole = f"{self.pattern.do}\n{self.pattern.fingerprint()}\n{about}"
        return hashlib.sha256(whole.encode()).hexdigest()


def campaign_id(seller: str, request_id: str) -> str:
    """The id of a campaign, such as ``c-9f86d081884c7d65``. One request id has one id.

    Its length keeps a seller `a/b` apart from a seller `a` with a request id that begins with `b/`.
    """
    whole = f"campaign/{len(seller)}/{seller}/{request_id}"
    return f"c-{uuid5(NAMESPACE_OID, whole).hex[:16]}"


def options_of(pattern: SubscriptionCommand) -> dict[str, Any]:
    """The options of a pattern as JSON, for the ledger."""
    found: dict[str, Any] = _commands().dump_python(pattern, mode="json", exclude_none=True)
    return {
        name: value
        for name, value in found.items()
        if name not in (*NOT_VALUES, "do", "subscription")
    }


def command_of_row(
    do: str, options: Mapping[str, Any], subscription: str, *, campaign: str, row: int, actor: str
) -> SubscriptionCommand:
    """The command of a row, from what the ledger holds.

    `row`: the number of the row, from 1. It is a part of the request id.
    """
    return _commands().validate_python(
        {
            **options,
            "do": do,
            "subscription": subscription,
            "request_id": f"{campaign}/{row}",
            "actor": actor,
        }
    )


def on_each(pattern: SubscriptionCommand, subscription: str) -> SubscriptionCommand:
    """The command of a pattern on one subscription, without a request id. A preview needs none."""
    return replace(pattern, subscription=subscription, request_id=None)


def after(control: Control, state: CampaignState, campaign: str) -> CampaignState:
    """The state of a campaign after a control. Raises `Faults` where it is not possible."""
    allowed = _AFTER[control]
    if state not in allowed:
        possible = either([str(one) for one, new in allowed.items() if new is not one])
        raise Faults(
            [
                Fault(
                    f"campaign {campaign}",
                    f"is {state}; to {control} it, it must be {possible}",
                )
            ]
        )
    return allowed[state]


def check_rate(rate: object) -> int:
    """A rate in rows per second. Raises `Faults`."""
    if found := list(_faults_of_rate(rate)):
        raise Faults(found)
    assert isinstance(rate, int)
    return rate


def at_most(faults: list[Fault]) -> list[Fault]:
    """The first faults, and how many there are beyond them."""
    more = len(faults) - MOST_FAULTS
    if more <= 0:
        return faults
    return [*faults[:MOST_FAULTS], Fault("rows", f"{more} more are faulty")]


def _faults_of_pattern(pattern: SubscriptionCommand) -> Iterable[Fault]:
    if not pattern.in_campaign:
        allowed = [do for do, command in SUBSCRIPTION_COMMANDS.items() if command.in_campaign]
        yield Fault(
            "do", f"{pattern.do} is no command of a campaign; allowed are {either(allowed)}"
        )
    if pattern.subscription != EACH:
        yield Fault("subscription", f"must be {EACH!r}, which stands for each of the rows")
    if pattern.request_id is None:
        yield Fault("request_id", "is needed, so that a campaign that is started again is the same")


def _faults_of_rate(rate: object) -> Iterable[Fault]:
    try:
        read_whole(rate, SLOWEST, FASTEST)
    except Wrong as wrong:
        yield Fault("rate", f"{wrong} (rows per second)")


def _faults_of_rows(rows: tuple[Row, ...]) -> Iterable[Fault]:
    if not rows:
        yield Fault("rows", "there are none: nothing to do")
    if len(rows) > MOST_ROWS:
        yield Fault("rows", f"there are {len(rows)}; at most {MOST_ROWS} are allowed")
        return
    lines: dict[str, int] = {}
    for row in rows:
        try:
            first = lines.setdefault(read_id(row.subscription), row.line)
        except Wrong as wrong:
            yield Fault(f"line {row.line}", str(wrong))
            continue
        if first != row.line:
            yield Fault(f"line {row.line}", f"{row.subscription} stands in line {first} already")


@lru_cache(maxsize=1)
def _commands() -> "TypeAdapter[SubscriptionCommand]":
    return TypeAdapter(AnySubscriptionCommand)
