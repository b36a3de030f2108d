"""No door lets a text or a number in without a bound, and each says what is wrong in one way.

A wrong value from a program ends as `Faults`, before anything is sent. It never ends as an error of
the database, of a codec or of arithmetic.
"""

import copy
import dataclasses
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

from activities.open_account import NewAccount
from core.domain import catalog, policy
from core.domain.commands import COMMANDS
from core.domain.commands import fields as kinds
from core.domain.commands.base import fields_of
from core.domain.commands.purchase import Purchase
from core.domain.commands.top_up import TopUp
from core.domain.faults import Faults
from core.protocol.workflow_messages import AccountMessage, SubscriptionMessage
from doors.application.perennial import Perennial
from doors.intake import cell_values, column_mapping
from doors.scenarios import scenario
from settings import PROJECT
from tests.domain.test_every_command import value_of

TEXTS = ["x" * 100_000, "\ud800", "a\x00b", "a\nb", "\x1b[31mred", "", "  "]
NUMBERS = [10**30, -(10**30), float("nan"), float("inf"), 1e300, Decimal("NaN"), Decimal(10**20)]
OTHERS = [datetime(2021, 1, 1), [], {}, b"x"]  # noqa: DTZ001


def shown(value: object) -> str:
    return repr(value)[:30]


def faults_of(make: Callable[[], object]) -> list[str]:
    """The places of what is wrong. Any other error fails the test."""
    try:
        make()
    except Faults as faults:
        return [fault.place for fault in faults.faults]
    return []


@pytest.mark.parametrize("do", COMMANDS)
def test_a_program_cannot_make_a_command_with_such_a_value(do: str) -> None:
    good = {field.name: value_of(field.kind) for field in fields_of(COMMANDS[do])}
    for field in fields_of(COMMANDS[do]):
        allowed: list[object] = []
        match field.kind:  # The use case refuses a blank text, if at all.
            case kinds.Text():
                allowed = ["", "  "]
            case kinds.Quantities():
                allowed = [{}]
            case kinds.Flag():
                allowed = [True]
        for value in [*TEXTS, *NUMBERS, *OTHERS, True]:
            if value in allowed:
                continue
            wrong = {**good, field.name: value}
            assert faults_of(lambda wrong=wrong: COMMANDS[do](**wrong)) == [field.name], value


@pytest.mark.parametrize("value", ["", " ", "\ud800", True, None, 5, "x" * 201], ids=shown)
def test_a_subscription_without_a_proper_id_cannot_be_bought(value: Any) -> None:
    with pytest.raises(Faults, match="subscription: "):
        Purchase(subscription=value, account="acme", sku="PRO")


@pytest.mark.parametrize("message", [SubscriptionMessage, AccountMessage])
def test_a_signal_or_an_update_with_such_a_value_cannot_be_read(message: Any) -> None:
    for value in ("x" * 100_000, "", "a\nb"):
        for command in ("terminate", "top_up"):
            written = {"command": {"do": command, "subscription": value, "account": value}}
            with pytest.raises(ValidationError):
                TypeAdapter(message).validate_json(json.dumps(written))


GOOD: dict[str, Any] = {
    "id": "acme",
    "seller": "main",
    "currency": "USD",
    "timezone": "UTC",
    "credits": Decimal(5),
    "credit_limit": Decimal(0),
    "card": "sim_ok",
    "renew_by_card": True,
    "owner": "Ann",
    "billing_email": "ann@example.com",
    "clock": "spring",
}


@pytest.mark.parametrize("field", GOOD)
def test_no_account_is_opened_with_such_a_value(field: str) -> None:
    assert faults_of(lambda: NewAccount(**GOOD)) == []
    for value in [*TEXTS, *NUMBERS, *OTHERS, Decimal(-1), 5, 5.0, True]:
        if value is True and field == "renew_by_card":
            continue
        wrong = {**GOOD, field: value}
        assert faults_of(lambda wrong=wrong: NewAccount(**wrong)) == [field], value


@pytest.fixture
def client() -> Perennial:
    """A client whose servers are never reached."""
    made: Any = Perennial.__new__(Perennial)
    return made


INSTANT = datetime(2021, 1, 1, tzinfo=UTC)
NOT_INSTANTS = [
    datetime(2021, 1, 1),  # noqa: DTZ001
    datetime.max.replace(tzinfo=UTC),
    datetime.min.replace(tzinfo=UTC),
    "2021-01-01",
    True,
    INSTANT.date(),
    None,
]


@pytest.mark.parametrize("value", NOT_INSTANTS, ids=shown)
async def test_an_instant_needs_a_time_zone(client: Perennial, value: Any) -> None:
    with pytest.raises(Faults, match="now: "):
        await client.new_clock("spring", value)
    with pytest.raises(Faults, match="until: "):
        await client.advance("spring", value)
    if value is not None:
        with pytest.raises(Faults, match="now: "):
            await client.command(TopUp(account="acme", amount=Decimal(5)), value)


@pytest.mark.parametrize("value", [*TEXTS, True, None, 5], ids=shown)
async def test_an_id_of_a_clock_or_a_query_has_bounds(client: Perennial, value: Any) -> None:
    with pytest.raises(Faults, match="clock: "):
        await client.new_clock(value, INSTANT)
    with pytest.raises(Faults, match="clock: "):
        await client.advance(value, INSTANT)
    for query in (client.state, client.next_step, client.why_not_renewed):
        with pytest.raises(Faults, match="subscription: "):
            await query(value)


CATALOG = [
    {
        "sku": "PRO",
        "application": "phone",
        "kind": "application",
        "months": 1,
        "prices": {"USD": "50.00"},
    }
]
HOLDS = "number_hold_days"
POLICY: dict[str, Any] = {
    **{field.name: None for field in dataclasses.fields(policy.Policy)},
    "retry_days": [2],
    "auto_top_up_daily_cap": {"USD": "1.00"},
    "refund_admin_fee": {"USD": "1.00"},
    HOLDS: {"normal": {"expired": 1, "terminated": 1, "swapped": 1}},
}
STORY = yaml.safe_load((PROJECT / "examples" / "story.yaml").read_text())


def scenario_of(document: Any) -> object:
    return scenario.parse(yaml.safe_dump(document))


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places of all texts and numbers of a document."""
    if isinstance(document, dict | list):
        items = document.items() if isinstance(document, dict) else enumerate(document)
        for key, value in items:
            yield from places(value, (*path, key))
    else:
        yield path


def changed(document: Any, path: tuple[Any, ...], value: object) -> Any:
    document = copy.deepcopy(document)
    *before, last = path
    place = document
    for key in before:
        place = place[key]
    place[last] = value
    return document


FILES: dict[str, tuple[Callable[[Any], object], Any]] = {
    "catalogue": (catalog.load, CATALOG),
    "scenario": (scenario_of, STORY),
}


@pytest.mark.parametrize(
    ("file", "path"),
    [(file, path) for file, (_, document) in FILES.items() for path in places(document)],
    ids=str,
)
def test_every_text_and_number_of_a_file_has_a_bound(file: str, path: tuple[Any, ...]) -> None:
    load, document = FILES[file]
    load(document)
    for value in ["x" * 100_000, "a\nb", 10**30, -(10**30), float("nan"), float("inf")]:
        with pytest.raises(Faults):
            load(changed(document, path, value))


@pytest.mark.parametrize("path", list(places(POLICY)), ids=str)
def test_every_setting_of_a_policy_has_a_bound(path: tuple[Any, ...]) -> None:
    for value in ["x" * 100_000, "a\nb", 10**30, -(10**30), float("nan"), float("inf")]:
        with pytest.raises(Faults):
            policy.load(changed({path[0]: POLICY[path[0]]}, path, value))


def test_every_field_of_an_import_has_a_bound() -> None:
    for name, read in column_mapping.FIELDS.items():
        for value in ("x" * 100_000, "a\x00b", "9" * 400, "NaN", "1e999", "-1e999"):
            try:
                found = read(value, cell_values.PLAIN, cell_values.RowContext())
            except ValueError:
                continue
            assert not isinstance(found, str) or len(found) <= 1000, (name, value[:9])
