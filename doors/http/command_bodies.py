"""Commands as JSON: how one is read, and its JSON schema. Both follow its one description."""

from collections.abc import Iterator, Mapping
from typing import Any, assert_never, cast

from core.domain.commands import AnyCommand
from core.domain.commands import fields as kinds
from core.domain.commands.base import NOT_VALUES, Command, CommandField, fields_of
from core.domain.faults import MISSING, Fault, Faults
from core.domain.inputs import either, read_at
from core.domain.numbers import HoldKind

#: An amount of money, and the same with a sign (Rule 3.2).
AMOUNT = r"^-?[0-9]{1,12}(\.[0-9]{1,5})?$"
PERCENT = r"^[0-9]{1,3}(\.[0-9]{1,5})?$"


def values_of(command: type[Command]) -> list[CommandField]:
    """The fields that a body has. The key of the request and the caller say the others."""
    return [field for field in fields_of(command) if field.name not in NOT_VALUES]


def read_command(
    command: type[Command], document: Mapping[str, object], *, request_id: str, actor: str
) -> AnyCommand:
    """The command that a body describes. Raises `Faults` with all that is wrong.

    `request_id`: its idempotency key. `actor`: who asks, for the history.
    """
    fields = {field.name: field for field in values_of(command)}
    faults = [
        Fault(name[:100], f"is no field of {command.__name__}; allowed are {', '.join(fields)}")
        for name in document
        if name not in fields
    ]
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if name not in document:
            if field.required:
                faults.append(Fault(name, MISSING))
        elif document[name] is not None or not field.optional:
            values[name] = read_at(name, document[name], field.kind.read, faults)
        elif field.required:
            values[name] = None
    faults += _together(command, values)
    if faults:
        raise Faults(faults)
    return cast(AnyCommand, command(request_id=request_id, actor=actor, **values))


def _together(command: type[Command], values: Mapping[str, object]) -> Iterator[Fault]:
    one = command.exactly_one
    if one and len(values.keys() & set(one)) != 1:
        yield Fault(one[0], f"exactly one of {either(one)} is needed")
    some = command.at_least_one
    if some and not values.keys() & set(some):
        yield Fault(some[0], f"at least one of {either(some)} is needed")


def body_name(command: type[Command]) -> str:
    """The name of the JSON schema of a command's body."""
    return f"{command.__name__}Body"


def body_schema(command: type[Command]) -> dict[str, Any]:
    """The JSON schema of a command's body."""
    fields = values_of(command)
    schema: dict[str, Any] = {
        "type": "object",
        "title": body_name(command),
        "additionalProperties": False,
        "properties": {field.name: _field(field) for field in fields},
        "required": [field.name for field in fields if field.required],
    }
    if command.exactly_one:
        schema["oneOf"] = [_needs(name) for name in command.exactly_one]
    if command.at_least_one:
        schema["anyOf"] = [_needs(name) for name in command.at_least_one]
    return schema


def _needs(name: str) -> dict[str, Any]:
    return {"required": [name], "properties": {name: {"not": {"type": "null"}}}}


def _field(field: CommandField) -> dict[str, Any]:
    schema = schema_of(field.kind)
    if field.optional:
        schema = {"anyOf": [schema, {"type": "null"}]}
    return {**schema, "description": field.kind.help}


def schema_of(kind: kinds.AnyKind) -> dict[str, Any]:
    """The JSON schema of a kind of fields."""
    match kind:
        case kinds.Amount():
            return {"type": "string", "pattern": AMOUNT, "examples": ["50.00"]}
        case kinds.Percent():
            return {"type": "string", "pattern": PERCENT, "examples": ["12.5"]}
        case kinds.Whole():
            return {"type": "integer", **kind.bounds()}
        case kinds.Quantities():
            return {"type": "object", "additionalProperties": {"type": "integer", "minimum": 1}}
        case kinds.Numbers():
            number = schema_of(kinds.PhoneNumber(help=""))
            hold = {"type": "string", "enum": [hold.value for hold in HoldKind]}
            properties = {"number": number, "sku": {"type": "string"}, "hold": hold}
            return {
                "type": "array",
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": properties,
                    "required": ["number", "sku"],
                },
            }
        case kinds.Day():
            return {"type": "string", "format": "date"}
        case kinds.Flag():
            return {"type": "boolean"}
        case kinds.Choice():
            return {"type": "string", "enum": [choice.value for choice in kind.choices]}
        case kinds.AccountId() | kinds.SubscriptionId() | kinds.RequestId() | kinds.Name():
            return {"type": "string", **kind.bounds()}
        case kinds.Sku() | kinds.PhoneNumber() | kinds.Text() | kinds.Email() | kinds.CardToken():
            return {"type": "string", **kind.bounds()}
        case unreachable:
            assert_never(unreachable)
