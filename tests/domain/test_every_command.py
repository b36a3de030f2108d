"""Every command is complete: what must exist besides its description is there, or is named here.

A new command needs two files and one function of the command line. This test says which is missing.
"""

import typing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from importlib import import_module
from typing import Any

import pytest
from pydantic import TypeAdapter
from temporalio import workflow

from activities import registry
from core.domain import commands, state_table
from core.domain.commands import ACCOUNT_COMMANDS, COMMANDS, RESULTS, SUBSCRIPTION_COMMANDS
from core.domain.commands import fields as kinds
from core.domain.commands.add_number import AddNumberResult
from core.domain.commands.base import Command, Result, States, fields_of
from core.domain.commands.purchase import PurchaseResult
from core.domain.faults import Faults
from core.domain.funding import Source
from core.domain.inputs import Sign, Wrong
from core.domain.numbers import HoldKind, Wanted
from core.domain.rules import Rule
from core.domain.subscription import Mode
from core.protocol.workflow_messages import AccountMessage, SubscriptionMessage
from doors.scenarios import command_steps
from tests.crash import points
from tests.domain.made import subscription
from workflows import subject_workflow
from workflows.account import AccountWorkflow
from workflows.subscription import SubscriptionWorkflow

every_command = pytest.mark.parametrize("do", COMMANDS)


def value_of(kind: kinds.AnyKind) -> Any:
    """A value that a field of the kind may have."""
    match kind:
        case kinds.Quantities():
            return {"SEAT": 1}
        case kinds.PhoneNumber():
            return "+6561234567"
        case kinds.Numbers():
            return (Wanted(number="+6561234567", sku="DID"),)
        case kinds.Amount() | kinds.Percent():
            return Decimal("5.00")
        case kinds.Whole():
            return kind.least
        case kinds.Day():
            return date(2021, 1, 31)
        case kinds.Flag():
            return True
        case kinds.Choice():
            return next(iter(kind.choices))
        case kinds.Email():
            return "ann@example.com"
        case (
            kinds.AccountId()
            | kinds.SubscriptionId()
            | kinds.RequestId()
            | kinds.Name()
            | kinds.Sku()
            | kinds.Text()
            | kinds.CardToken()
        ):
            return "x"
        case unreachable:
            typing.assert_never(unreachable)


def wrong_values(kind: kinds.AnyKind) -> list[Any]:
    """Values that no field of the kind may have."""
    match kind:
        case kinds.Quantities():
            return [[], {"SEAT": True}, {"": 1}, {"SEAT": 1.0}]
        case kinds.PhoneNumber():
            return ["", 1, "6561234567", "+", "+1234567890123456", "+65 1", "+６5", "+65\n"]
        case kinds.Numbers():
            one = Wanted(number="+65", sku="DID")
            return [
                {},
                [one],
                ("+65",),
                (one, one),
                (replace(one, number="65"),),
                (replace(one, sku=""),),
                (replace(one, hold="normal"),),  # type: ignore[arg-type]
            ]
        case kinds.Amount():
            return [5, 5.0, True, "5.00", Decimal("NaN"), Decimal("inf"), Decimal(10**12)]
        case kinds.Percent():
            return [
                5,
                5.0,
                True,
                "5",
                Decimal("NaN"),
                Decimal(-1),
                Decimal("100.1"),
                Decimal("1e-6"),
            ]
        case kinds.Whole():
            return [True, 1.0, "1", 10**9 + 1, -(10**9) - 1]
        case kinds.Day():
            return ["2021-01-31", INSTANT]
        case kinds.Flag():
            return ["true", 1, 0]
        case kinds.Choice():
            return ["credits", "nothing", 1]
        case kinds.Email():
            return [1, "", "ann@example.com\n", "\x00@example.com", "x" * 321]
        case kinds.Text():
            return [1, "a\nb", "\n", "\x00", "\ud800", "x" * (kind.longest + 1)]
        case (
            kinds.AccountId()
            | kinds.SubscriptionId()
            | kinds.RequestId()
            | kinds.Name()
            | kinds.Sku()
            | kinds.CardToken()
        ):
            return ["", " ", 1, "a\nb", "\x00", "\ud800", "x" * 201]
        case unreachable:
            typing.assert_never(unreachable)


INSTANT = datetime(2021, 1, 31, tzinfo=UTC)


def values_of(command: type[Command]) -> dict[str, Any]:
    return {field.name: value_of(field.kind) for field in fields_of(command)}


def result_of(do: str) -> Result:
    """A result with a value in each field."""
    found: dict[type, Any] = {
        str: "x",
        date: date(2021, 1, 31),
        Decimal: Decimal("5.00"),
        bool: True,
        int: 1,
        Mode: Mode.POSTPAID,
        tuple[str, ...]: ("x",),
    }
    values = {}
    for name, hint in typing.get_type_hints(RESULTS[do]).items():
        if name != "do" and typing.get_origin(hint) is not typing.ClassVar:
            values[name] = found[next(t for t in (hint, *typing.get_args(hint)) if t in found)]
    return RESULTS[do](**{**values, **({"currency": "USD"} if "currency" in values else {})})


@every_command
def test_it_has_a_description(do: str) -> None:
    command = COMMANDS[do]
    assert command.__doc__
    assert isinstance(command.rule, Rule)
    assert fields_of(command)
    assert all(field.kind.help.endswith(".") for field in fields_of(command))
    assert (do in SUBSCRIPTION_COMMANDS) != (do in ACCOUNT_COMMANDS)


@every_command
def test_it_has_a_row_of_the_table_of_states_or_is_about_an_account(do: str) -> None:
    if do in SUBSCRIPTION_COMMANDS:
        assert isinstance(SUBSCRIPTION_COMMANDS[do].states, States)
        state_table.refusal(do, subscription())
    else:
        assert "account" in [field.name for field in fields_of(COMMANDS[do])]


def test_rule_11_8_what_a_suspended_and_what_a_closed_account_may_still_do() -> None:
    suspended = {do for do, command in COMMANDS.items() if command.while_suspended}
    assert suspended == {
        *("resume", "terminate", "erase_account"),
        *("top_up", "set_card", "set_account", "set_billing", "pay_invoice"),  # Payments.
    }
    closed = {do for do, command in COMMANDS.items() if command.while_closed}
    assert closed == {"reopen_account", "erase_account"}


@every_command
def test_it_has_an_activity_of_its_name(do: str) -> None:
    assert do in registry._COMMANDS
    assert callable(getattr(import_module(f"activities.commands.{do}"), do))


@every_command
def test_it_has_its_handlers(do: str) -> None:
    on_subscription = do in SUBSCRIPTION_COMMANDS
    workflow_ = SubscriptionWorkflow if on_subscription else AccountWorkflow
    definition = workflow._Definition.must_from_class(workflow_)
    if not COMMANDS[do].through_workflow:
        assert do not in definition.updates
        return
    update = definition.updates[do]
    assert update.validator is not None
    assert update.arg_types == [SubscriptionMessage if on_subscription else AccountMessage]
    assert (do in definition.signals) == on_subscription


@every_command
def test_its_result_has_a_sentence_and_survives_the_ledger(do: str) -> None:
    result = result_of(do)
    assert result.sentence().endswith(".")
    assert "None" not in result.sentence()
    assert "do" not in result.data()
    assert commands.restored(commands.stored(result)) == result


@every_command
def test_it_has_a_json_schema_and_survives_json(do: str) -> None:
    schema = TypeAdapter(COMMANDS[do]).json_schema()
    assert all("description" in schema["properties"][f.name] for f in fields_of(COMMANDS[do]))
    command = COMMANDS[do](**values_of(COMMANDS[do]))
    adapter: TypeAdapter[Any] = TypeAdapter(commands.AnyCommand)
    assert adapter.validate_json(adapter.dump_json(command)) == command


@every_command
def test_it_has_a_step_in_scenario_files_unless_the_format_has_none(do: str) -> None:
    assert COMMANDS[do].in_scenario == (COMMANDS[do] in command_steps.BUILT.values())


@every_command
def test_tests_kill_at_each_point_of_its_activity(do: str) -> None:
    assert {f"{do}.{place}" for place in points.PLACES} <= points.ALL


@every_command
def test_it_cannot_be_made_with_what_no_field_can_hold(do: str) -> None:
    command = COMMANDS[do]
    good = values_of(command)
    for field in fields_of(command):
        for value in [*wrong_values(field.kind), *([] if field.optional else [None])]:
            with pytest.raises(Faults) as raised:
                command(**{**good, field.name: value})
            assert [fault.place for fault in raised.value.faults] == [field.name], value


@pytest.mark.parametrize(
    ("result", "sentence"),
    [
        (
            PurchaseResult(
                subscription="s1",
                expiry=date(2021, 3, 14),
                amount=Decimal("60.00"),
                currency="USD",
                activation_fees=Decimal("5.00"),
            ),
            "s1 is bought: $60.00 paid, $5.00 for the activation of numbers, "
            "paid up to 14 March 2021.",
        ),
        (
            PurchaseResult(
                subscription="s1",
                expiry=date(2021, 3, 14),
                amount=Decimal("50.00"),
                currency="USD",
            ),
            "s1 is bought: $50.00 paid, paid up to 14 March 2021.",
        ),
        (
            AddNumberResult(
                subscription="s1",
                number="+65",
                sku="DID",
                amount=Decimal(0),
                activation_fee=Decimal(0),
                currency="USD",
                at_renewal=True,
            ),
            "s1 has the number +65 with the next paid cycle.",
        ),
        (
            AddNumberResult(
                subscription="s1",
                number="+65",
                sku="DID",
                amount=Decimal("7.00"),
                activation_fee=Decimal("5.00"),
                currency="USD",
                at_renewal=False,
            ),
            "s1 has the number +65 from today on: $7.00 paid, activation fee $5.00.",
        ),
    ],
)
def test_what_was_done_with_numbers_in_words(result: Result, sentence: str) -> None:
    assert result.sentence() == sentence


def test_a_command_that_is_wrong_in_several_fields_says_so_at_once() -> None:
    with pytest.raises(Faults) as raised:
        COMMANDS["extend"](subscription="", cycles=True, actor="\ud800")
    assert [fault.place for fault in raised.value.faults] == ["actor", "subscription", "cycles"]


def test_a_choice_is_one_of_its_enumeration() -> None:
    choices = [f.kind for c in COMMANDS.values() for f in fields_of(c)]
    assert all(issubclass(c.choices, StrEnum) for c in choices if isinstance(c, kinds.Choice))


@pytest.mark.parametrize(
    ("do", "suspended", "closed", "words"),
    [
        ("suspend", True, False, "account acme is suspended already"),
        ("suspend", False, False, None),
        ("resume", False, False, "account acme is not suspended"),
        ("resume", True, False, None),
        ("close_account", False, True, "account acme is closed already"),
        ("close_account", False, False, None),
        ("reopen_account", False, False, "account acme is not closed"),
        ("reopen_account", False, True, None),
        ("set_account", False, False, None),
    ],
)
def test_rule_11_8_a_command_that_would_change_nothing_is_refused(
    do: str, suspended: bool, closed: bool, words: str | None
) -> None:
    refusal = ACCOUNT_COMMANDS[do].changes_nothing("acme", suspended=suspended, closed=closed)
    assert (None if refusal is None else refusal.reason) == words
    assert refusal is None or refusal.rule == Rule.SUSPEND_AND_CLOSE


@pytest.mark.parametrize(
    ("kind", "written", "value"),
    [
        (kinds.Quantities(help="", kinds=()), {"SEAT": 2}, {"SEAT": 2}),
        (kinds.PhoneNumber(help=""), "+6561234567", "+6561234567"),
        (
            kinds.Numbers(help=""),
            [
                {"number": "+65", "sku": "DID"},
                {"number": "+66", "sku": "DID", "hold": "byoi"},
                Wanted(number="+67", sku="DID"),
            ],
            (
                Wanted(number="+65", sku="DID"),
                Wanted(number="+66", sku="DID", hold=HoldKind.BYOI),
                Wanted(number="+67", sku="DID"),
            ),
        ),
        (kinds.Amount(help="", sign=Sign.POSITIVE), "5.00", Decimal("5.00")),
        (kinds.Percent(help=""), "12.5", Decimal("12.5")),
        (kinds.Percent(help=""), 25, Decimal(25)),
        (kinds.Whole(help="", least=1, most=9), 7, 7),
        (kinds.Text(help=""), "a late port", "a late port"),
        (kinds.SubscriptionId(), "s1", "s1"),
        (kinds.Email(help=""), "ann@EXAMPLE.com", "ann@example.com"),
        (kinds.Day(help=""), "2021-01-31", date(2021, 1, 31)),
        (kinds.Day(help=""), "9999-12-30", date(9999, 12, 30)),
        (kinds.Flag(help=""), False, False),
        (kinds.Choice(help="", choices=Source), "card", Source.CARD),
    ],
)
def test_a_kind_reads_what_is_written_outside(
    kind: kinds.FieldKind, written: object, value: object
) -> None:
    assert kind.read(written) == value
    with pytest.raises(Wrong):
        kind.read(["x", None])


@pytest.mark.parametrize(
    "written",
    [
        "+65",
        [{"number": "+65"}],
        [{"number": "+65", "sku": "DID", "price": "0"}],
        [{"number": "65", "sku": "DID"}],
        [{"number": "+65", "sku": ""}],
        [{"number": "+65", "sku": "DID", "hold": "rented"}],
        [{"number": "+65", "sku": "DID"}, {"number": "+65", "sku": "DID"}],
    ],
)
def test_a_list_of_numbers_that_is_wrong(written: object) -> None:
    with pytest.raises(Wrong):
        kinds.Numbers(help="").read(written)


def test_a_number_that_was_paid_in_another_way_has_another_fingerprint() -> None:
    one, other = (
        COMMANDS["purchase"](
            subscription="s1",
            account="acme",
            sku="PRO",
            numbers=(Wanted(number="+65", sku="DID", hold=hold),),
        )
        for hold in (HoldKind.NORMAL, HoldKind.BYOI)
    )
    assert one.fingerprint() != other.fingerprint()


def test_what_every_kind_and_every_result_must_have_is_asked_of_it() -> None:
    with pytest.raises(NotImplementedError):
        kinds.FieldKind(help="").read("x")
    with pytest.raises(NotImplementedError):
        Result(do="x").sentence()


def test_a_file_of_a_command_and_a_field_of_it_say_what_they_lack() -> None:
    with pytest.raises(ImportError, match="must define one Command whose do is 'lost'"):
        commands._only(import_module("core.domain.money"), Command, "lost")

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Bare(Command):
        licences: int = 1

    with pytest.raises(TypeError, match=r"Bare\.licences needs exactly one kind of field"):
        fields_of(Bare)


@every_command
def test_the_largest_one_fits_into_a_message_with_many_others(do: str) -> None:
    """A workflow carries so many waiting commands into its next run (`MOST_CARRIED`)."""
    if not COMMANDS[do].through_workflow:
        return
    largest = COMMANDS[do](
        **{
            field.name: "\U0001f600" * most if most else value_of(field.kind)
            for field in fields_of(COMMANDS[do])
            for most in [field.kind.bounds().get("maxLength")]
        }
    )
    size = len(TypeAdapter(commands.AnyCommand).dump_json(largest))
    assert size <= 16_384
    assert size * subject_workflow.MOST_CARRIED < 1_000_000


@every_command
def test_the_other_accounts_that_it_is_about_are_named_in_it(do: str) -> None:
    command = COMMANDS[do](**values_of(COMMANDS[do]))
    named = [f.name for f in fields_of(COMMANDS[do]) if isinstance(f.kind, kinds.AccountId)]
    others = [name for name in named if do in SUBSCRIPTION_COMMANDS or name != "account"]
    assert command.other_accounts() == tuple(getattr(command, name) for name in others)
