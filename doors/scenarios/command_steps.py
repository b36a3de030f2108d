"""The steps of a scenario: their shapes, and the command that a step becomes.

The shape of a step comes from the fields of its command (core/domain/commands/). A field is written
under its own name, but the subscription is written as `id`. The shapes are the tables of
docs/scenario.md.
"""

from collections.abc import Iterator, Mapping
from typing import Any, assert_never

from core.domain.commands import COMMANDS, AnyCommand
from core.domain.commands import fields as kinds
from core.domain.commands.base import Command, CommandField, SubscriptionCommand, fields_of
from core.domain.commands.purchase import Purchase
from doors.scenarios import step_shapes
from doors.scenarios.step_shapes import Check, Path

BUILT: Mapping[str, type[Command]] = {
    command.scenario_step or do: command for do, command in COMMANDS.items() if command.in_scenario
}
"""The commands by the word that a scenario uses for them."""


def command_of(values: Mapping[str, Any], request_id: str, owner: str | None) -> AnyCommand | None:
    """The command of a step without faults. None for an outage.

    `values`: the values of the step, as read by its shape.
    `owner`: the account that owns the step's subscription at that instant.
    """
    command = BUILT.get(values["do"])
    if command is None:
        return None
    given: dict[str, Any] = {"request_id": request_id}
    if issubclass(command, SubscriptionCommand):
        given["account_hint"] = owner
    for field in _written(command):
        if (key := _key(field)) in values:
            value = values[key]
            given[field.name] = field.kind.read(value) if _is_made_of(field) else value
    made: AnyCommand = command(**given)  # type: ignore[assignment]
    return made


def together(do: str, given: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """What is wrong with the combination of a step's keys, apart from their values."""
    command = BUILT.get(do)
    one = command.exactly_one if command else ()
    if one and len(given.keys() & set(one)) != 1:
        both = "both" if given.keys() >= set(one) else "neither"
        yield (), f"has {both} of {' and '.join(one)}; exactly one is needed"
    if command and command.at_least_one:
        *first, last = command.at_least_one
        if not given.keys() & {*first, last}:
            yield (), f"sets nothing; at least one of {', '.join(first)} and {last} is needed"
    if command is Purchase:
        yield from _payment(given)


def _payment(given: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    pay = given.get("pay", "credits")
    if pay == "external_invoice" and "invoice_number" not in given:
        yield ("invoice_number",), "is missing; pay: external_invoice needs it"
    if pay in ("credits", "contract") and "invoice_number" in given:
        yield ("invoice_number",), f"is allowed with pay: external_invoice only, not with {pay}"
    if pay in ("credits", "external_invoice") and "contract" in given:
        yield ("contract",), f"is allowed with pay: contract only, not with {pay}"


def _written(command: type[Command]) -> list[CommandField]:
    """The fields that a scenario has, with the subscription first."""
    fields = [field for field in fields_of(command) if field.kind.in_scenario]
    return sorted(fields, key=lambda field: _key(field) != "id")


def _key(field: CommandField) -> str:
    return "id" if isinstance(field.kind, kinds.SubscriptionId) else field.name


def _is_made_of(field: CommandField) -> bool:
    """Whether the shape leaves plain values, of which the kind makes the value of the field."""
    return isinstance(field.kind, kinds.Choice | kinds.Numbers)


def _check(kind: kinds.AnyKind) -> Check:
    """How a scenario writes a field of a kind."""
    match kind:
        case kinds.SubscriptionId():
            return step_shapes.IDENTIFIER if kind.new else step_shapes.introduced
        case kinds.AccountId():
            return step_shapes.account
        case kinds.Sku():
            return step_shapes.sku_of(*kind.kinds)
        case kinds.Quantities():
            return step_shapes.quantities(*kind.kinds)
        case kinds.CardToken():
            return step_shapes.card_token
        case kinds.Whole():
            return step_shapes.whole(kind.least, kind.most)
        case kinds.Flag():
            return step_shapes.flag
        case kinds.Numbers():
            return step_shapes.numbers
        case kinds.PhoneNumber():
            return step_shapes.plain(kind.read)
        case kinds.Percent() | kinds.Amount() | kinds.Day() | kinds.Text() | kinds.Choice():
            return step_shapes.plain(kind.read)
        case kinds.RequestId() | kinds.Name() | kinds.Email():
            return step_shapes.plain(kind.read)
        case unreachable:
            assert_never(unreachable)


def _shape(command: type[Command]) -> dict[str, Check]:
    return {
        _key(field) if field.required else f"{_key(field)}?": _check(field.kind)
        for field in _written(command)
    }


STEPS: Mapping[str, Mapping[str, Check]] = {
    **{do: _shape(it) for do, it in BUILT.items()},
    "outage": {"until": step_shapes.day_or_instant},
}
"""The keys of each step beside those that every step has. An outage is no command."""

EVERY_STEP: Mapping[str, Check] = {
    "at": step_shapes.day_or_instant,
    "do": step_shapes.one_of(*sorted(STEPS)),
    "request_id?": step_shapes.IDENTIFIER,
}
"""The keys that every step has."""
