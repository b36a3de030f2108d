"""The fields of a form, made from the one description of a command.

A form sends text. `document_of` makes of it what a program would send, and the kinds of the fields
read that. So a form, a file and the API say the same about a wrong value.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, assert_never

from core.domain import inputs
from core.domain.catalog import Catalog
from core.domain.commands import fields as kinds
from core.domain.commands.base import Command, CommandField
from core.domain.faults import Fault, Faults
from core.domain.inputs import Wrong
from doors.http.command_bodies import values_of

_SUBJECTS = ("subscription", "account")
_MOST_CHOICES = 300
_YES, _NO = "yes", "no"


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """A field of a form.

    `input`: `select`, `area`, or the type of an input. `choices`: pairs of a value and its words.
    `value`: what was typed, or the default. `fault`: what is wrong with it, or an empty text.
    `label`: how it is called. Default: its name, in words.
    `one_of`: it is one of some fields, of which the form says which of them are needed.
    """

    name: str
    input: str
    help: str
    required: bool
    value: str
    fault: str
    choices: Sequence[tuple[str, str]] = ()
    longest: int = 1000
    least: int | None = None
    most: int | None = None
    label: str = ""
    one_of: bool = False


def subject_of(command: type[Command], offered: bool) -> str:
    """The field that says what a command is about. `offered`: on the page of a subscription."""
    return _SUBJECTS[0] if offered else _SUBJECTS[1]


def controls(
    command: type[Command],
    subject: str,
    typed: Mapping[str, str],
    faults: Sequence[Fault],
    catalog: Catalog,
) -> list[Control]:
    """The fields of the form of a command, but its `subject`, with what was typed."""
    wrong = {fault.place.partition(".")[0].partition("[")[0]: fault.reason for fault in faults}
    return [
        _control(command, field, typed.get(field.name), wrong.get(field.name, ""), catalog)
        for field in values_of(command)
        if field.name != subject
    ]


def _control(
    command: type[Command], field: CommandField, typed: str | None, fault: str, catalog: Catalog
) -> Control:
    kind = field.kind
    value = _default(command, field) if typed is None else typed
    about: dict[str, Any] = {
        "name": field.name,
        "help": kind.help,
        "required": field.required and not field.optional,
        "value": value,
        "fault": fault,
        "one_of": field.name in (*command.exactly_one, *command.at_least_one),
    }
    blank = [] if about["required"] else [("", "as it is")]
    match kind:
        case kinds.Flag():
            return Control(input="select", choices=[*blank, (_YES, "yes"), (_NO, "no")], **about)
        case kinds.Choice():
            own = [(item.value, item.value.replace("_", " ")) for item in kind.choices]
            return Control(input="select", choices=[*blank, *own], **about)
        case kinds.Sku():
            skus = [sku.sku for sku in catalog.skus if sku.kind in kind.kinds]
            if len(skus) > _MOST_CHOICES:
                return Control(input="text", longest=inputs.LONGEST_ID, **about)
            none = [("", "choose one" if about["required"] else "as it is")]
            return Control(input="select", choices=[*none, *((it, it) for it in skus)], **about)
        case kinds.Whole():
            return Control(input="number", least=kind.least, most=kind.most, **about)
        case kinds.Day():
            return Control(input="date", **about)
        case kinds.Email():
            return Control(input="email", longest=inputs.LONGEST_EMAIL, **about)
        case kinds.PhoneNumber():
            return Control(input="tel", longest=20, **about)
        case kinds.Quantities() | kinds.Numbers():
            return Control(input="area", longest=20_000, **about)
        case kinds.Text():
            return Control(input="text", longest=kind.longest, **about)
        case kinds.Amount() | kinds.Percent():
            return Control(input="text", longest=40, **about)
        case kinds.AccountId() | kinds.SubscriptionId() | kinds.RequestId() | kinds.Name():
            return Control(input="text", longest=inputs.LONGEST_ID, **about)
        case kinds.CardToken():
            return Control(input="text", longest=inputs.LONGEST_ID, **about)
        case unreachable:
            assert_never(unreachable)


def _default(command: type[Command], field: CommandField) -> str:
    if field.required:
        return ""
    default = command.__dataclass_fields__[field.name].default
    if default is True or default is False:
        return _YES if default else _NO
    return str(default) if isinstance(default, str | int) else ""


def document_of(command: type[Command], typed: Mapping[str, str]) -> dict[str, object]:
    """What was typed, as a program would send it. A blank field is one that was left out.

    A field that must be said but may be None, such as the card, is None when it is blank. Raises
    `Faults`.
    """
    document: dict[str, object] = {}
    faults: list[Fault] = []
    for field in values_of(command):
        text = typed.get(field.name, "").strip()
        if text:
            try:
                document[field.name] = _value(field, text)
            except Wrong as wrong:
                faults.append(Fault(field.name, str(wrong)))
        elif field.required and field.optional:
            document[field.name] = None
    if faults:
        raise Faults(faults)
    return document


def _value(field: CommandField, text: str) -> object:
    match field.kind:
        case kinds.Whole(least=least, most=most):
            return inputs.read_whole_text(text, least, most)
        case kinds.Flag():
            if text not in (_YES, _NO):
                raise Wrong("must be yes or no")
            return text == _YES
        case kinds.Quantities():
            return dict(_quantity(line) for line in text.splitlines() if line.strip())
        case kinds.Numbers():
            return [_number(line) for line in text.splitlines() if line.strip()]
        case kinds.Text() | kinds.Email() | kinds.PhoneNumber() | kinds.CardToken():
            return text
        case kinds.AccountId() | kinds.SubscriptionId() | kinds.RequestId() | kinds.Name():
            return text
        case kinds.Sku() | kinds.Amount() | kinds.Percent() | kinds.Day() | kinds.Choice():
            return text
        case unreachable:
            assert_never(unreachable)


def _quantity(line: str) -> tuple[str, int]:
    sku, separator, quantity = line.rpartition("=")
    if not separator:
        raise Wrong("must have lines such as SEAT=3")
    return sku.strip(), inputs.read_whole_text(quantity.strip(), 1)


def _number(line: str) -> dict[str, str]:
    words = line.split()
    if not 2 <= len(words) <= 3:
        raise Wrong("must have lines such as +6561234567 DID, or +6561234567 DID imported")
    return dict(zip(("number", "sku", "hold"), words, strict=False))
