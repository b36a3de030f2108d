"""An example of each command's body, for the description. Tests carry them out."""

from collections.abc import Mapping
from typing import Any

from core.domain.commands import fields as kinds
from core.domain.commands.base import Command, CommandField
from doors.http.command_bodies import values_of

_BY_NAME: Mapping[str, Any] = {
    "account": "acme",
    "subscription": "s1",
    "sku": "PRO-M",
    "number": "+6561234567",
    "amount": "50.00",
    "card": "tok_1",
    "quantity": 5,
    "cycles": 1,
    "multiplier": 3,
    "credit_limit": "100.00",
    "assignee": "ann@acme.example",
    "member": "ben@acme.example",
    "name": "Acme GmbH",
    "reason": "agreed with the customer",
    "text": "SMS to +65",
}
_OPTIONAL = {"purchase": ("quantity",)}
"""Further fields that the example of a command has."""


def example_of(command: type[Command], do: str) -> dict[str, Any]:
    """A body that can be read: what is required, and one of the fields of which some are."""
    named = (*command.exactly_one[:1], *command.at_least_one[:1], *_OPTIONAL.get(do, ()))
    return {
        field.name: _value(field)
        for field in values_of(command)
        if field.required or field.name in named
    }


def _value(field: CommandField) -> Any:
    match field:
        case CommandField(name="to", kind=kinds.PhoneNumber()):
            return "+6561234568"
        case CommandField(name="to"):
            return "globex"
        case _:  # Its name says what it is, in every command.
            return _BY_NAME[field.name]
