"""A scenario file, parsed and checked.

Owns the way from a text (docs/scenario.md) to commands in order, each at its instant. Finds every
fault that can be found without running the scenario. The shapes of single steps are in
`doors.scenarios.command_steps`. This module owns what depends on earlier steps: owners, instants,
outages. It does not know what a command does or whether a rule refuses it.

Worked example: ``{at: 2020-11-16, do: recover, id: s1}`` after a purchase of s1 by an account in
Asia/Singapore is the command ``Recover(subscription="s1")`` at 2020-11-15T16:00Z. That is the first
instant of that day in Singapore (Rule 1.4).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

from core.domain import catalog, inputs, policy
from core.domain.calendar import first_instant
from core.domain.catalog import Catalog, SkuKind
from core.domain.commands import AnyCommand
from core.domain.commands.base import Command, NewSubscriptionCommand
from core.domain.fault_places import shown
from core.domain.faults import Fault, Faults
from core.domain.inputs import read_amounts
from core.domain.policy import Policy
from doors.scenarios import command_steps, document, step_shapes
from doors.scenarios.command_steps import BUILT
from doors.scenarios.step_shapes import Names, Reasons

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSpec:
    """An account as the story begins. Amounts are in its currency.

    `card`: none, ok or declined (`step_shapes.CARDS` has the tokens).
    """

    id: str
    currency: str
    timezone: str
    credits: Decimal = Decimal(0)
    credit_limit: Decimal = Decimal(0)
    card: str = "none"
    renew_by_card: bool = False
    auto_top_up: bool = False
    mode: str = "prepaid"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioStep:
    """A step: a command at an instant (UTC), or an outage.

    `number`: its place in the file, from 1.
    `zone`: the zone of the account that it acts on, in which a refusal is dated.
    `command`: None for an outage.
    `outage_until`: the end of an outage (UTC).
    """

    number: int
    at: datetime
    zone: str
    do: str
    command: AnyCommand | None = None
    outage_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A valid scenario. The documents are the policy and the catalogue as written, as JSON."""

    policy: Policy
    policy_document: dict[str, Any]
    catalog: Catalog
    catalog_entries: list[dict[str, Any]]
    accounts: tuple[AccountSpec, ...]
    steps: tuple[ScenarioStep, ...]
    until: date | datetime
    seller_credits: Mapping[str, Decimal] = field(default_factory=dict)

    def until_for(self, zone_name: str) -> datetime:
        """The instant (UTC) up to which due steps run for accounts of a zone.

        A bare date is its first instant there.
        """
        return _instant(self.until, zone_name)


def parse(text: str | bytes) -> Scenario:
    """The scenario of a YAML or JSON text.

    Raises `Faults` with every fault of the file, each with its place, what is wrong and what is
    allowed.
    """
    values, found = document.read(text)
    if not isinstance(values, dict):
        keys = ", ".join(key.rstrip("?") for key in _FILE)
        raise Faults([*found, Fault("file", f"must be a mapping with the keys {keys}")])
    return _File(values, found).scenario()


def _instant(when: date | datetime, zone_name: str) -> datetime:
    return when if isinstance(when, datetime) else first_instant(when, zone_name)


def _list(_: Names, value: Any) -> list[Any]:
    if not isinstance(value, list):
        inputs.wrong("must be a list")
    return value


def _as_is(_: Names, value: Any) -> Any:
    return value


def _seller(names: Names, value: Any) -> dict[str, Decimal]:
    values, wrong = step_shapes.keys(names, value, {"credits?": _as_is}, ())
    faults: list[Fault] = []
    amounts = read_amounts(values.get("credits", {}), "credits", faults)
    wrong += [((fault.place,), fault.reason) for fault in faults]
    if wrong:
        raise step_shapes.WrongInside(wrong)
    return amounts


_FILE: Mapping[str, step_shapes.Check] = {
    "policy?": _as_is,
    "seller?": _seller,
    "catalog": _as_is,
    "accounts": _list,
    "steps": _list,
    "until": step_shapes.day_or_instant,
}


class _File:
    """One reading of one file. It gathers the faults."""

    def __init__(self, values: dict[str, Any], found: list[Fault]) -> None:
        self.found = found
        self.top, wrong = step_shapes.keys(Names({}, {}), values, _FILE, ())
        self.found += step_shapes.faults(wrong)

    def scenario(self) -> Scenario:
        """The scenario. Raises the faults that were found."""
        rules = self._load(policy.load, self.top.get("policy", {}))
        goods = self._load(catalog.load, self.top["catalog"]) if "catalog" in self.top else None
        accounts = self._accounts()
        steps = tuple(
            Story(self.top, self.found, self._names(goods)).steps(self.top.get("steps", []))
        )
        if self.found:
            raise Faults(self.found)
        assert rules is not None
        assert goods is not None
        return Scenario(
            policy=rules,
            policy_document=dict(self.top.get("policy", {})),
            catalog=goods,
            catalog_entries=list(self.top["catalog"]),
            accounts=accounts,
            steps=steps,
            until=self.top["until"],
            seller_credits=self.top.get("seller", {}),
        )

    def _load(self, load: Callable[[object], T], value: Any) -> T | None:
        try:
            return load(value)
        except Faults as error:
            self.found += error.faults
            return None

    def _accounts(self) -> tuple[AccountSpec, ...]:
        accounts: list[AccountSpec] = []
        self.zones: dict[str, str | None] = {}
        for index, written in enumerate(self.top.get("accounts", [])):
            values, wrong = step_shapes.keys(
                Names({}, {}), written, step_shapes.ACCOUNT, ("accounts", index)
            )
            name = values.get("id")
            if name in self.zones:
                wrong.append(
                    (
                        ("accounts", index, "id"),
                        f"{shown(name)} is an earlier account's; each has its own",
                    )
                )
            self.found += step_shapes.faults(wrong)
            if name is not None:
                self.zones.setdefault(name, values.get("timezone"))
            if not wrong:
                accounts.append(AccountSpec(**values))
        return tuple(accounts)

    def _names(self, goods: Catalog | None) -> Names:
        """What steps may name.

        The names of a catalogue with faults count too, so that one fault causes no others.
        """
        if goods is not None:
            return Names({sku.sku: sku.kind for sku in goods.skus}, self.zones)
        kinds: dict[str, SkuKind | None] = {}
        entries = self.top.get("catalog")
        for entry in entries if isinstance(entries, list) else []:
            if isinstance(entry, dict) and isinstance(sku := entry.get("sku"), str):
                kind = entry.get("kind")
                kinds.setdefault(
                    sku,
                    SkuKind(kind)
                    if isinstance(kind, str) and kind in [k.value for k in SkuKind]
                    else None,
                )
        return Names(kinds, self.zones)


class Story:
    """The steps in their order: what a step means depends on those before it.

    `top`: the values of the file, with `steps` and `until`.
    `found`: where faults are added.
    `names`: what the steps may refer to.
    `end`: what `until` is called, default the file's.
    """

    def __init__(
        self,
        top: Mapping[str, Any],
        found: list[Fault],
        names: Names,
        end: str = "the file's until",
    ) -> None:
        self.top = top
        self.found = found
        self.names = names
        self.end = end
        self.last: datetime | None = None
        self.outage: tuple[int, datetime, datetime] | None = None
        written = top.get("steps", [])
        self.taken = {
            step["request_id"]
            for step in written
            if isinstance(step, dict) and isinstance(step.get("request_id"), str)
        }

    def steps(self, written: list[Any]) -> Iterator[ScenarioStep]:
        """The steps without faults. The faults of the others are added to the file."""
        for index, step in enumerate(written):
            if (good := self._step(index, step)) is not None:
                yield good

    def _step(self, index: int, written: Any) -> ScenarioStep | None:
        values, wrong = self._values(index, written)
        do = values.get("do")
        zone = self._zone(values)
        at = _instant_of(values.get("at"), zone)
        ends = _instant_of(values.get("until"), zone) if do == "outage" else None
        if at is not None:
            self._in_order(index, at, zone, wrong)
            if do == "outage" and ends is not None:
                self._outage(index, at, ends, wrong)
        self.found += step_shapes.faults(wrong)
        told_in = self._zone_of(self._owner(values)) or zone
        command = None if wrong else self._command(index, values)
        if _creates(do) and "id" in values:
            self.names.owners.setdefault(values["id"], values.get("account"))
        if do == "change_owner" and not wrong:
            self.names.owners[values["id"]] = values["account"]
        if wrong or at is None:
            return None
        return ScenarioStep(
            number=index + 1,
            at=at,
            zone=told_in or "UTC",
            do=values["do"],
            command=command,
            outage_until=ends,
        )

    def _values(self, index: int, written: Any) -> tuple[dict[str, Any], Reasons]:
        """The step's valid values.

        If the `do` of a step is unknown, only the keys that every step has are checked.
        """
        do = written.get("do") if isinstance(written, dict) else None
        if not isinstance(do, str) or do not in command_steps.STEPS:
            common = (
                {key: written[key] for key in ("at", "do", "request_id") if key in written}
                if isinstance(written, dict)
                else written
            )
            return step_shapes.keys(self.names, common, command_steps.EVERY_STEP, ("steps", index))
        values, wrong = step_shapes.keys(
            self.names,
            written,
            {**command_steps.EVERY_STEP, **command_steps.STEPS[do]},
            ("steps", index),
        )
        wrong += [
            (("steps", index, *rest), reason)
            for rest, reason in command_steps.together(do, written)
        ]
        return values, wrong

    def _command(self, index: int, values: Mapping[str, Any]) -> AnyCommand | None:
        request_id = values.get("request_id") or self._request_id(index)
        return command_steps.command_of(values, request_id, self._owner(values))

    def _owner(self, values: Mapping[str, Any]) -> str | None:
        """The account of a step: the owner of its subscription so far, or else the named one."""
        owner = None if _creates(values.get("do")) else self.names.owners.get(values.get("id", ""))
        owner = owner or values.get("account")
        return owner if isinstance(owner, str) else None

    def _zone(self, values: Mapping[str, Any]) -> str | None:
        """The zone in which the step's dates are read.

        It is that of its account, or else of the owner so far. That of an outage is UTC.
        """
        if values.get("do") == "outage":
            return "UTC"
        return self._zone_of(values.get("account") or self._owner(values))

    def _zone_of(self, account: str | None) -> str | None:
        return None if account is None else self.names.accounts.get(account)

    def _in_order(self, index: int, at: datetime, zone: str | None, wrong: Reasons) -> None:
        path = ("steps", index, "at")
        if self.last is not None and at < self.last:
            wrong.append(
                (
                    path,
                    f"{_utc(at)} is before an earlier step at {_utc(self.last)}; "
                    "instants must not decrease",
                )
            )
        if self.outage is not None and self.outage[1] <= at < self.outage[2]:
            number, _, ends = self.outage
            wrong.append(
                (
                    path,
                    f"{_utc(at)} is inside the outage of step {number}; "
                    f"{_utc(ends)} and later is allowed",
                )
            )
        self._before_until(path, at, zone, wrong)
        self.last = at if self.last is None else max(at, self.last)

    def _before_until(
        self, path: step_shapes.Path, at: datetime, zone: str | None, wrong: Reasons
    ) -> None:
        until = self.top.get("until")
        if until is None or (zone is None and not isinstance(until, datetime)):
            return
        if at > (last := _instant(until, zone or "UTC")):
            wrong.append(
                (path, f"{_utc(at)} is after {self.end}; {_utc(last)} and earlier is allowed")
            )

    def _outage(self, index: int, at: datetime, ends: datetime, wrong: Reasons) -> None:
        path = ("steps", index, "until")
        if ends <= at:
            wrong.append(
                (
                    path,
                    f"{_utc(ends)} is not after the outage's first instant {_utc(at)}; "
                    "a later instant is allowed",
                )
            )
            return
        self._before_until(path, ends, "UTC", wrong)
        if self.outage is None or ends > self.outage[2]:
            self.outage = (index + 1, at, ends)

    def _request_id(self, index: int) -> str:
        """A request id for a step without one. No step of the file has it."""
        name = f"step-{index + 1}"
        while name in self.taken:
            name += "-"
        return name


def _creates(do: object) -> bool:
    """Whether a step makes a subscription."""
    return issubclass(BUILT.get(str(do), Command), NewSubscriptionCommand)


def _instant_of(when: date | datetime | None, zone: str | None) -> datetime | None:
    """The instant of a date or instant. None if a fault hides it, or its zone."""
    if isinstance(when, datetime):
        return when
    return None if when is None or zone is None else first_instant(when, zone)


def _utc(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
