"""A scenario file, parsed and checked.

Owns the way from the text of docs/scenario.md to commands in order, each at its instant, and every fault that can be seen without
playing: the shapes of single steps are in `doors.simulation.shapes`, what the steps mean to one another (who owns which subscription so
far, instants, outages) is here. What a command does, and whether a rule refuses it, is no matter of this module.

Worked example: ``{at: 2020-11-16, do: recover, id: s1}`` after a purchase of s1 by an account in Asia/Singapore is the command
``Recover(subscription="s1")`` at 2020-11-15T16:00Z, the first instant of that day in Singapore (Rule 1.4).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

from core.domain import catalog, commands, policy
from core.domain.calendar import first_instant
from core.domain.catalog import Catalog, Kind
from core.domain.faults import Fault, Faults
from core.domain.inputs import read_amounts
from core.domain.places import shown
from core.domain.policy import Policy
from doors.simulation import document, shapes
from doors.simulation.document import place
from doors.simulation.shapes import Names, Reasons

T = TypeVar("T")

CARDS = {"none": None, "ok": "sim_ok", "declined": "sim_declined"}
"""What a scenario calls a card, and the token by which the simulated gateway knows it."""


class NotBuilt(Faults):
    """The file is valid, but uses what is not built yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSpec:
    """An account as the story begins; amounts are in its currency. `card` is none, ok or declined (`CARDS` has the tokens)."""

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
class Step:
    """A step: a command at an instant (UTC), or an outage, which has `outage_until` (UTC) and no command. `number` counts from 1;
    `zone` is where its dates are read."""

    number: int
    at: datetime
    zone: str
    do: str
    command: commands.AnyCommand | None = None
    outage_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A valid scenario. The documents are the policy and the catalogue as written, as plain JSON-able values."""

    policy: Policy
    policy_document: dict[str, Any]
    catalog: Catalog
    catalog_entries: list[dict[str, Any]]
    accounts: tuple[AccountSpec, ...]
    steps: tuple[Step, ...]
    until: date | datetime
    seller_credits: Mapping[str, Decimal] = field(default_factory=dict)

    def until_for(self, zone_name: str) -> datetime:
        """The instant (UTC) up to which everything due is done for accounts of the zone: a bare date is its first instant there."""
        return _instant(self.until, zone_name)


def parse(text: str | bytes) -> Scenario:
    """The scenario of a YAML or JSON text.

    Raises `Faults` with every fault of the file, each with its place, what is wrong and what is allowed; and `NotBuilt`, with a
    line for each use, when the file is valid but uses what is not built yet.
    """
    values, found = document.read(text)
    if not isinstance(values, dict):
        raise Faults(
            [
                *found,
                Fault(
                    "file",
                    f"must be a mapping with the keys {', '.join(key.rstrip('?') for key in _FILE)}",
                ),
            ]
        )
    return _File(values, found).scenario()


def _instant(when: date | datetime, zone_name: str) -> datetime:
    return when if isinstance(when, datetime) else first_instant(when, zone_name)


def _list(_: Names, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise shapes.WrongError("must be a list")
    return value


def _as_is(_: Names, value: Any) -> Any:
    return value


def _seller(names: Names, value: Any) -> dict[str, Decimal]:
    values, wrong = shapes.keys(names, value, {"credits?": _as_is}, ())
    faults: list[Fault] = []
    amounts = read_amounts(values.get("credits", {}), "credits", faults)
    wrong += [((fault.place,), fault.reason) for fault in faults]
    if wrong:
        raise shapes.WrongError(*wrong)
    return amounts


_FILE: Mapping[str, shapes.Check] = {
    "policy?": _as_is,
    "seller?": _seller,
    "catalog": _as_is,
    "accounts": _list,
    "steps": _list,
    "until": shapes.when,
}


class _File:
    """One reading of one file: gathers its faults, and what is not built yet."""

    def __init__(self, values: dict[str, Any], found: list[Fault]) -> None:
        self.found = found
        self.later: list[Fault] = []
        self.top, wrong = shapes.keys(Names({}, {}), values, _FILE, ())
        self.found += shapes.faults(wrong)

    def scenario(self) -> Scenario:
        """The scenario; raises what was found instead, the faults before what is not built yet."""
        rules = self._load(policy.load, self.top.get("policy", {}))
        goods = self._load(catalog.load, self.top["catalog"]) if "catalog" in self.top else None
        accounts = self._accounts()
        steps = tuple(_Story(self, self._names(goods)).steps(self.top.get("steps", [])))
        if self.found:
            raise Faults(self.found)
        assert rules is not None
        assert goods is not None
        if rules.seller_wallet:
            self.later.insert(0, Fault("policy.seller_wallet", "true is not built yet"))
        if self.later:
            raise NotBuilt(self.later)
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
            values, wrong = shapes.keys(Names({}, {}), written, shapes.ACCOUNT, ("accounts", index))
            name = values.get("id")
            if name in self.zones:
                wrong.append(
                    (
                        ("accounts", index, "id"),
                        f"{shown(name)} is an earlier account's; each has its own",
                    )
                )
            self.found += shapes.faults(wrong)
            if name is not None:
                self.zones.setdefault(name, values.get("timezone"))
            self.later += [
                Fault(place(("accounts", index)), f"{what} is not built yet")
                for what in _later_settings(values)
            ]
            if not wrong:
                accounts.append(AccountSpec(**values))
        return tuple(accounts)

    def _names(self, goods: Catalog | None) -> Names:
        """What steps may name. Of a catalogue with faults the names count all the same, so that one fault does not bring forth others."""
        if goods is not None:
            return Names({sku.sku: sku.kind for sku in goods.skus}, self.zones)
        kinds: dict[str, Kind | None] = {}
        entries = self.top.get("catalog")
        for entry in entries if isinstance(entries, list) else []:
            if isinstance(entry, dict) and isinstance(sku := entry.get("sku"), str):
                kind = entry.get("kind")
                kinds.setdefault(
                    sku,
                    Kind(kind)
                    if isinstance(kind, str) and kind in [k.value for k in Kind]
                    else None,
                )
        return Names(kinds, self.zones)


class _Story:
    """The steps in their order: what a step means depends on those before it."""

    def __init__(self, file: _File, names: Names) -> None:
        self.file = file
        self.names = names
        self.last: datetime | None = None
        self.outage: tuple[int, datetime, datetime] | None = None
        written = file.top.get("steps", [])
        self.taken = {
            step["request_id"]
            for step in written
            if isinstance(step, dict) and isinstance(step.get("request_id"), str)
        }

    def steps(self, written: list[Any]) -> Iterator[Step]:
        """The steps without faults; the faults of the others go to the file."""
        for index, step in enumerate(written):
            if (good := self._step(index, step)) is not None:
                yield good

    def _step(self, index: int, written: Any) -> Step | None:
        values, wrong = self._values(index, written)
        do = values.get("do")
        zone = self._zone(values)
        at = _instant_of(values.get("at"), zone)
        ends = _instant_of(values.get("until"), zone) if do == "outage" else None
        if at is not None:
            self._in_order(index, at, zone, wrong)
            if do == "outage" and ends is not None:
                self._outage(index, at, ends, wrong)
        self.file.found += shapes.faults(wrong)
        self.file.later += [
            Fault(place(("steps", index)), f"{what} is not built yet") for what in _later(values)
        ]
        command = None if wrong else self._command(index, values)
        if do in ("purchase", "trial") and "id" in values:
            self.names.owners.setdefault(values["id"], values.get("account"))
        if do == "change_owner" and not wrong:
            self.names.owners[values["id"]] = values["account"]
        if wrong or at is None:
            return None
        return Step(
            number=index + 1,
            at=at,
            zone=zone or "UTC",
            do=values["do"],
            command=command,
            outage_until=ends,
        )

    def _values(self, index: int, written: Any) -> tuple[dict[str, Any], Reasons]:
        """The step's valid values; of a step whose `do` is not known only what every step has is judged."""
        do = written.get("do") if isinstance(written, dict) else None
        if not isinstance(do, str) or do not in shapes.STEPS:
            common = (
                {key: written[key] for key in ("at", "do", "request_id") if key in written}
                if isinstance(written, dict)
                else written
            )
            return shapes.keys(self.names, common, shapes.EVERY_STEP, ("steps", index))
        values, wrong = shapes.keys(
            self.names, written, {**shapes.EVERY_STEP, **shapes.STEPS[do]}, ("steps", index)
        )
        wrong += [
            (("steps", index, *rest), reason) for rest, reason in shapes.together(do, written)
        ]
        return values, wrong

    def _command(self, index: int, values: Mapping[str, Any]) -> commands.AnyCommand | None:
        build = _COMMANDS.get(values["do"])
        request_id = values.get("request_id") or self._request_id(index)
        return (
            build({**values, "request_id": request_id, "hint": self._owner(values)})
            if build
            else None
        )

    def _owner(self, values: Mapping[str, Any]) -> str | None:
        owner = values.get("account") or self.names.owners.get(values.get("id", ""))
        return owner if isinstance(owner, str) else None

    def _zone(self, values: Mapping[str, Any]) -> str | None:
        """The zone in which the step's dates are read: its account's, else that of the owner so far; an outage's is UTC."""
        if values.get("do") == "outage":
            return "UTC"
        owner = self._owner(values)
        return None if owner is None else self.names.accounts.get(owner)

    def _in_order(self, index: int, at: datetime, zone: str | None, wrong: Reasons) -> None:
        path = ("steps", index, "at")
        if self.last is not None and at < self.last:
            wrong.append(
                (
                    path,
                    f"{_utc(at)} is before an earlier step at {_utc(self.last)}; instants must not decrease",
                )
            )
        if self.outage is not None and self.outage[1] <= at < self.outage[2]:
            number, _, ends = self.outage
            wrong.append(
                (
                    path,
                    f"{_utc(at)} is inside the outage of step {number}; {_utc(ends)} and later is allowed",
                )
            )
        self._before_until(path, at, zone, wrong)
        self.last = at if self.last is None else max(at, self.last)

    def _before_until(
        self, path: shapes.Path, at: datetime, zone: str | None, wrong: Reasons
    ) -> None:
        until = self.file.top.get("until")
        if until is None or (zone is None and not isinstance(until, datetime)):
            return
        if at > (last := _instant(until, zone or "UTC")):
            wrong.append(
                (path, f"{_utc(at)} is after the file's until; {_utc(last)} and earlier is allowed")
            )

    def _outage(self, index: int, at: datetime, ends: datetime, wrong: Reasons) -> None:
        path = ("steps", index, "until")
        if ends <= at:
            wrong.append(
                (
                    path,
                    f"{_utc(ends)} is not after the outage's first instant {_utc(at)}; a later instant is allowed",
                )
            )
            return
        self._before_until(path, ends, "UTC", wrong)
        if self.outage is None or ends > self.outage[2]:
            self.outage = (index + 1, at, ends)

    def _request_id(self, index: int) -> str:
        """A request id for a step that carries none, which no step of the file has."""
        name = f"step-{index + 1}"
        while name in self.taken:
            name += "-"
        return name


def _instant_of(when: date | datetime | None, zone: str | None) -> datetime | None:
    """The instant of a date or instant; none when it, or the zone to read it in, is not known for a fault."""
    if isinstance(when, datetime):
        return when
    return None if when is None or zone is None else first_instant(when, zone)


def _utc(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _later_settings(values: Mapping[str, Any]) -> Iterator[str]:
    if values.get("auto_top_up"):
        yield "auto_top_up: true"
    if values.get("mode") == "postpaid":
        yield "mode: postpaid"


_LATER_OF_A_PURCHASE: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "numbers": (bool, "numbers"),
    "pay": (lambda pay: pay == "contract", "pay: contract"),
    "align": (bool, "align: true"),
    "discount": (bool, "discount"),
}


def _later(values: Mapping[str, Any]) -> Iterator[str]:
    """What in a step is not built yet, in words."""
    do = values.get("do")
    if do == "purchase":
        for key, (used, words) in _LATER_OF_A_PURCHASE.items():
            if key in values and used(values[key]):
                yield f"purchase with {words}"
    elif do == "set":
        yield from (f"set with {setting}" for setting in _later_settings(values))
    elif isinstance(do, str) and do != "outage" and do not in _COMMANDS:
        yield do


def _purchase(v: Mapping[str, Any]) -> commands.AnyCommand | None:
    if any(_later(v)):
        return None
    return commands.Purchase(
        request_id=v["request_id"],
        subscription=v["id"],
        account=v["account"],
        sku=v["sku"],
        quantity=v.get("quantity", 1),
        multiplier=v.get("multiplier", 1),
        addons=v.get("addons", {}),
        pay=commands.Pay(v.get("pay", "credits")),
        invoice_number=v.get("invoice_number"),
        legacy=v.get("legacy", False),
    )


def _of_a_subscription(
    command: Callable[..., commands.AnyCommand], *keys: str
) -> Callable[[Mapping[str, Any]], commands.AnyCommand]:
    return lambda v: command(
        request_id=v["request_id"], subscription=v["id"], account_hint=v["hint"], **_only(v, keys)
    )


def _of_an_account(
    command: Callable[..., commands.AnyCommand], *keys: str
) -> Callable[[Mapping[str, Any]], commands.AnyCommand]:
    return lambda v: command(request_id=v["request_id"], account=v["account"], **_only(v, keys))


def _only(values: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: values[key] for key in keys if key in values}


_COMMANDS: Mapping[str, Callable[[Mapping[str, Any]], commands.AnyCommand | None]] = {
    "purchase": _purchase,
    "recover": _of_a_subscription(commands.Recover, "invoice_number"),
    "extend": _of_a_subscription(commands.Extend, "cycles", "to", "invoice_number"),
    "reactivate": _of_a_subscription(commands.Reactivate, "invoice_number"),
    "unsubscribe": _of_a_subscription(commands.Unsubscribe),
    "resubscribe": _of_a_subscription(commands.Resubscribe),
    "terminate": _of_a_subscription(commands.Terminate, "reason"),
    "top_up": _of_an_account(commands.TopUp, "amount"),
    "set_card": lambda v: commands.SetCard(
        request_id=v["request_id"], account=v["account"], card=CARDS[v["card"]]
    ),
    "set": _of_an_account(commands.SetAccount, "credit_limit", "renew_by_card"),
    "suspend": _of_an_account(commands.Suspend),
    "resume": _of_an_account(commands.Resume),
}
