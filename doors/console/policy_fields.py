"""The fields of the form of a policy, made from the kinds of its settings (Rule 14).

A setting inside a group has a name with dots, such as ``number_hold_days.normal.expired``. A form
sends text. What is read of it is a document as a file has it, so a form and a file get the same
checks (`core.domain.policy`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from core.domain import policy as policies
from core.domain.faults import Fault, Faults
from core.domain.inputs import Wrong, read_whole_text
from core.domain.policy import DEFAULT, Policy
from core.domain.setting_kinds import (
    LARGEST_NUMBER,
    Amounts,
    Choice,
    Flag,
    Group,
    RisingDays,
    Setting,
    Whole,
    kinds_of,
)
from doors.console.command_fields import Control
from doors.console.editor_fields import amounts_of, amounts_text, by_field

LONGEST = 500
"""Characters of a field."""
_YES, _NO = "yes", "no"


class Section(NamedTuple):
    """A part of the form: its title, what it says, and its fields."""

    title: str
    about: str
    fields: list[Control]


_SECTIONS: tuple[tuple[str, str, dict[str, str]], ...] = (
    (
        "Renewal",
        "They hold for expiry dates that are set from now on.",
        {
            "renewal_lead_days": "Days before the expiry date on which a subscription renews.",
            "legacy_renewal_lead_days": "The same, for a subscription that is flagged legacy.",
            "retry_days": "Days after the renewal date on which a failed renewal is tried again, "
            "rising, such as 2, 4, 6. At most the smaller lead. Blank: no retries.",
            "group_renewal": "Together: what renews on one day is paid as one sum, or not at all.",
            "retry_on_top_up": "Whether a top-up renews what had failed, if it covers it.",
            "late_renewal_days": "Days after the expiry date on which a renewal that an outage "
            "has prevented is still made.",
            "min_cycle_months": "The shortest cycle that is sold, in months.",
        },
    ),
    (
        "After the expiry date",
        "",
        {
            "trial_end": "Expire, or convert: the first cycle is charged on the day after a trial.",
            "reactivation_days": "Days after the expiry date on which it can be reactivated.",
            "account_closing_days": "Days in which a closed account can be opened again.",
        },
    ),
    (
        "Messages",
        "",
        {
            "renewal_notice_days": "Days before the renewal date on which the customer is told.",
            "expiring_notice_days": "Days before the expiry date on which the customer is told, "
            "if auto-renewal is off.",
            "notify": "Who gets the notices.",
        },
    ),
    (
        "Money",
        "Amounts are by currency, such as USD 5.00, EUR 4.50. Blank: none.",
        {
            "refund_allowed": "Whether a termination pays back at all.",
            "refund_window_days": "Days from the start of a period in which all of it is paid "
            "back.",
            "refund_admin_fee": "What is kept of the refund of a termination.",
            "auto_top_up_daily_cap": "The most that automatic top-ups of an account charge in a "
            "day. A currency without a cap has none.",
            "seller_wallet": "Whether the seller's own wallet pays the cost of each charge.",
            "max_licences": "The most licences of a SKU in one subscription.",
        },
    ),
    (
        "Numbers",
        "The last day on which a number is held, counted from the day it was given up.",
        {
            "number_hold_days.normal.expired": "",
            "number_hold_days.normal.terminated": "",
            "number_hold_days.normal.swapped": "",
            "number_hold_days.ported_in.expired": "",
            "number_hold_days.ported_in.terminated": "",
            "number_hold_days.ported_in.swapped": "",
            "reservation_days": "Days for which a number is reserved by hand.",
            "rebuy_grace_hours": "Hours in which the same account buys a number back without an "
            "activation fee.",
        },
    ),
)
"""The fields in the order of the form, each with what it means."""

_LABELS = {
    f"number_hold_days.{hold}.{cause}": f"{words}, {cause}"
    for hold, words in (("normal", "Normal number"), ("ported_in", "Ported-in number"))
    for cause in ("expired", "terminated", "swapped")
}


@dataclass(frozen=True, slots=True)
class Leaf:
    """A setting that has a field. `path`: the keys that lead to it."""

    path: tuple[str, ...]
    kind: Setting

    @property
    def name(self) -> str:
        """The name of its field."""
        return ".".join(self.path)


def _leaves(group: type[Any], defaults: Any, path: tuple[str, ...] = ()) -> Iterator[Leaf]:
    for key, kind in kinds_of(group).items():
        value = getattr(defaults, key)
        if isinstance(kind, Group):
            yield from _leaves(type(value), value, (*path, key))
        else:
            yield Leaf((*path, key), kind)


LEAVES: Mapping[str, Leaf] = {leaf.name: leaf for leaf in _leaves(Policy, DEFAULT)}
"""The settings by the names of their fields."""
if (_in_form := {name for *_, fields in _SECTIONS for name in fields}) != LEAVES.keys():
    raise ImportError(f"no field, or no setting: {sorted(_in_form ^ LEAVES.keys())}")


def texts_of(policy: Policy) -> dict[str, str]:
    """A policy as the texts of its fields."""
    found: dict[str, str] = {}
    for name, leaf in LEAVES.items():
        value: Any = policy
        for key in leaf.path:
            value = getattr(value, key)
        found[name] = _text(leaf.kind.write(value))
    return found


def _text(written: Any) -> str:
    if isinstance(written, bool):
        return _YES if written else _NO
    if isinstance(written, dict):
        return amounts_text(written)
    if isinstance(written, list):
        return ", ".join(map(str, written))
    return str(written)


def read_policy(texts: Mapping[str, str]) -> Policy:
    """The policy of a form. Raises `Faults` with every fault, each at the name of its field."""
    document: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, leaf in LEAVES.items():
        try:
            _set(document, leaf.path, _value(leaf.kind, texts.get(name, "").strip()))
        except Wrong as wrong:
            faults.append(Fault(name, str(wrong)))
    try:
        policy = policies.load(document)
    except Faults as error:
        faults += by_field(error, "policy", LEAVES)
    if faults:
        raise Faults(faults)
    return policy


def _set(document: dict[str, Any], path: tuple[str, ...], value: object) -> None:
    for key in path[:-1]:
        document = document.setdefault(key, {})
    document[path[-1]] = value


def _value(kind: Setting, text: str) -> object:
    """What a file would have. Raises `Wrong`."""
    if len(text) > LONGEST:
        raise Wrong(f"has more than {LONGEST} characters")
    match kind:
        case Whole(least=least, most=most):
            return read_whole_text(text, least, most)
        case Flag():
            if text not in (_YES, _NO):
                raise Wrong("must be yes or no")
            return text == _YES
        case RisingDays():
            return [read_whole_text(day.strip(), 1) for day in text.split(",")] if text else []
        case Amounts():
            return amounts_of(text)
        case _:  # A choice, which the policy itself reads.
            return text


def sections(texts: Mapping[str, str], faults: Iterable[Fault] = ()) -> list[Section]:
    """The form with these texts, each fault beside its field."""
    wrong = {fault.place: fault.reason for fault in faults}
    return [
        Section(
            title, about, [_control(name, help_, texts, wrong) for name, help_ in fields.items()]
        )
        for title, about, fields in _SECTIONS
    ]


def _control(name: str, help_: str, texts: Mapping[str, str], wrong: Mapping[str, str]) -> Control:
    kind = LEAVES[name].kind
    about: dict[str, Any] = {
        "name": name,
        "label": _LABELS.get(name, ""),
        "help": help_,
        "required": True,
        "value": texts.get(name, ""),
        "fault": wrong.get(name, ""),
    }
    match kind:
        case Whole(least=least, most=most):
            bounds = f"{least} to {most:,}." if most < LARGEST_NUMBER else ""
            about["help"] = f"{help_} {bounds}".strip()
            return Control(input="number", least=least, most=most, **about)
        case Flag():
            return Control(input="select", choices=[(_YES, "yes"), (_NO, "no")], **about)
        case Choice():
            default: Any = DEFAULT
            for key in LEAVES[name].path:
                default = getattr(default, key)
            words = [(it.value, it.value.replace("_", " ")) for it in type(default)]
            return Control(input="select", choices=words, **about)
        case _:  # Days or amounts, which are text.
            return Control(input="text", longest=LONGEST, **about | {"required": False})
