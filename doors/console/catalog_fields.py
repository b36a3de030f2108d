"""The fields of the form of an entry of the catalogue: a SKU, or a later version (Rule 3.5).

The form of a later version is filled in with what is in force on the day it is made. The version
names only what was changed there. A form sends text. What is read of it is an entry as a file has
it, so a form and a file get the same checks (`core.domain.catalog`).
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from core.domain import catalog as catalogs
from core.domain.catalog import (
    LONGEST_NAME,
    MOST_MONTHS,
    MOST_TRIAL_DAYS,
    Catalog,
    SkuKind,
)
from core.domain.faults import Fault, Faults
from core.domain.inputs import Wrong, read_at, read_day, read_whole_text
from core.domain.price_versions import Version
from doors.console.command_fields import Control
from doors.console.editor_fields import amounts_of, amounts_text, by_field

LONGEST = 1000
"""Characters of a field of amounts."""
AMOUNTS = ("prices", "costs", "activation_fee")
NAMES = (
    *("sku", "kind", "application", "months", "from"),
    *(*AMOUNTS, "trial_days", "refundable"),
)
"""The fields in the order of the form, by the keys of an entry."""
ON = "on"
"""The field of a later version with the day (local date) that its form was filled in for."""
ENTRY = "entry"
"""The field of a draft that holds the entry as JSON."""
_FIXED = ("sku", "kind", "application", "months")
_YES, _NO = "yes", "no"

_HELP = {
    "sku": "Its name, for good.",
    "application": "For the one trial per account and application. Blank: none.",
    "months": f"How many months one price pays for, 1 to {MOST_MONTHS:,}.",
    "prices": "Per unit for these months, such as USD 50.00, EUR 45.00.",
    "costs": "What the seller pays its supplier, in the same way. Blank: not known.",
    "activation_fee": "Of one number, such as USD 5.00. Blank: none.",
    "trial_days": "How long a trial lasts. Blank: there is no trial.",
    "refundable": "Whether a termination pays back.",
}
_LATER_HELP = {
    "from": "The first day on which it holds. A renewal costs the price of its renewal date.",
    "prices": "A currency that stays the same is not part of the new version.",
    "trial_days": "Blank: as it is.",
}


def texts_of(catalog: Catalog, sku: str, on: date) -> dict[str, str]:
    """What is in force of a SKU on a day, as the texts of the fields of a later version.

    `from` is blank. Raises KeyError for a SKU that is not in the catalogue.
    """
    state = catalog.in_force(sku, on)
    return {
        "sku": sku,
        "kind": catalog.kind(sku).value,
        "application": catalog.application(sku) or "",
        "months": str(catalog.months(sku)),
        "from": "",
        **{name: amounts_text(_plain(getattr(state, name))) for name in AMOUNTS},
        "trial_days": "" if state.trial_days is None else str(state.trial_days),
        "refundable": _NO if state.refundable is False else _YES,
    }


def is_later(texts: Mapping[str, str]) -> bool:
    """Whether a form is one of a later version."""
    return bool(texts.get(ON))


def new_texts() -> dict[str, str]:
    """The texts of the fields of a new SKU."""
    return dict.fromkeys(NAMES, "") | {"months": "1", "refundable": _YES}


def read_entry(
    texts: Mapping[str, str], catalog: Catalog, stored: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The entry of a form. Raises `Faults`, each at the name of its field.

    It is a later version if the form has the day (`on`) that it was filled in for, and else a new
    SKU. A later version without any difference is a fault.
    """
    later = is_later(texts)
    given = {name: texts.get(name, "").strip() for name in NAMES}
    if later and given["sku"] not in catalog:
        raise Faults([Fault("sku", "is not in the catalogue; load the page again")])
    faults: list[Fault] = []
    on = read_at("from", texts[ON], read_day, faults) if later else None
    entry = _entry(given, faults)
    if not later and given["sku"] in catalog:
        reason = "is in the catalogue; make a new version of it, from the list of SKUs"
        faults.append(Fault("sku", reason))
    if later and not given["from"]:
        faults.append(Fault("from", "is missing; a new version has a first day"))
    if on is not None and not faults:
        entry = _only_changes(entry, texts_of(catalog, entry["sku"], on))
    known = {fault.place for fault in faults}
    try:
        catalogs.load([entry], stored=stored)
    except Faults as error:
        found = by_field(error, "catalog[0]", NAMES)
        faults += [fault for fault in found if fault.place not in known]
    if faults:
        raise Faults(faults)
    return entry


def _entry(given: Mapping[str, str], faults: list[Fault]) -> dict[str, Any]:
    """What a file would have for the fields that are filled in."""
    read: Mapping[str, Callable[[str], Any]] = {
        "months": lambda text: read_whole_text(text, 1, MOST_MONTHS),
        "trial_days": lambda text: read_whole_text(text, 1, MOST_TRIAL_DAYS),
        "refundable": _flag,
        "from": lambda text: read_day(text).isoformat(),
        **dict.fromkeys(AMOUNTS, amounts_of),
    }
    entry: dict[str, Any] = {}
    for name, text in given.items():
        if not text:
            continue
        try:
            if len(text) > LONGEST:
                raise Wrong(f"has more than {LONGEST:,} characters")
            entry[name] = read.get(name, str)(text)
        except Wrong as wrong:
            faults.append(Fault(name, str(wrong)))
    if entry.get("refundable") is True:
        del entry["refundable"]  # It is the default.
    return entry


def _only_changes(entry: dict[str, Any], was: Mapping[str, str]) -> dict[str, Any]:
    """A later version with what was changed in its form. Raises `Faults`.

    `was`: the texts that the form was filled in with.
    """
    found: dict[str, Any] = {"sku": entry["sku"], "from": entry["from"]}
    for name in AMOUNTS:
        before, then = amounts_of(was[name]), entry.get(name, {})
        if gone := before.keys() - then.keys():
            reason = (
                f"{', '.join(sorted(gone))} cannot be left out; a later version replaces only the "
                "currencies it names"
            )
            raise Faults([Fault(name, reason)])
        if changed := {of: it for of, it in then.items() if _differs(before.get(of), it)}:
            found[name] = changed
    if "trial_days" in entry and str(entry["trial_days"]) != was["trial_days"]:
        found["trial_days"] = entry["trial_days"]
    refundable = entry.get("refundable", True)
    if refundable != (was["refundable"] == _YES):
        found["refundable"] = refundable
    if found.keys() == {"sku", "from"}:
        raise Faults([Fault("prices", "are as they were, and so is all else; change something")])
    return found


def _differs(before: str | None, then: str) -> bool:
    try:
        return before is None or Decimal(before) != Decimal(then)
    except ArithmeticError:  # The catalogue itself says what is wrong with it.
        return True


def _flag(text: str) -> bool:
    if text not in (_YES, _NO):
        raise Wrong("must be yes or no")
    return text == _YES


def entry_of(sent: Mapping[str, str]) -> dict[str, Any]:
    """The entry of a draft, which the page has checked. Raises `Faults`."""
    try:
        found = json.loads(sent.get(ENTRY, ""))
    except ValueError:
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("sku"), str):
        raise Faults([Fault(ENTRY, "is missing; load the page again")])
    return found


def controls(
    texts: Mapping[str, str], faults: Iterable[Fault] = (), *, later: bool
) -> list[Control]:
    """The form with these texts, each fault beside its field. `later`: of a later version."""
    wrong = {fault.place: fault.reason for fault in faults}
    names = [name for name in NAMES if not (later and name in _FIXED)]
    return [_control(name, texts, wrong, later=later) for name in names]


def _control(
    name: str, texts: Mapping[str, str], wrong: Mapping[str, str], *, later: bool
) -> Control:
    help_ = _LATER_HELP.get(name) if later else None
    about: dict[str, Any] = {
        "name": name,
        "help": help_ or _HELP.get(name, ""),
        "required": name in ("sku", "kind", "months") or (later and name == "from"),
        "value": texts.get(name, ""),
        "fault": wrong.get(name, ""),
    }
    match name:
        case "kind":
            return Control(input="select", choices=[(it, it.value) for it in SkuKind], **about)
        case "refundable":
            about["required"] = True
            return Control(input="select", choices=[(_YES, "yes"), (_NO, "no")], **about)
        case "from":
            about["help"] = help_ or "The first day on which it is sold. Blank: always."
            return Control(input="date", **about)
        case "months":
            return Control(input="number", least=1, most=MOST_MONTHS, **about)
        case "trial_days":
            return Control(input="number", least=1, most=MOST_TRIAL_DAYS, **about)
        case "sku" | "application":
            return Control(input="text", longest=LONGEST_NAME, **about)
        case _:  # Amounts by currency.
            return Control(input="text", longest=LONGEST, **about)


def changes_of(entry: Mapping[str, Any], catalog: Catalog) -> list[tuple[str, str, str]]:
    """What an entry changes on its first day: the key, what is in force without it, and then.

    `catalog`: without the entry.
    """
    sku = entry["sku"]
    found: list[tuple[str, str, str]] = []
    day = date.fromisoformat(entry["from"]) if "from" in entry else date.max
    state = catalog.in_force(sku, day) if sku in catalog else Version()
    for key, value in entry.items():
        if key in AMOUNTS:
            before = _plain(getattr(state, key))
            found += [
                (f"{key}, {currency}", before.get(currency, "none"), amount)
                for currency, amount in sorted(value.items())
            ]
        elif key == "refundable":
            was = "none" if sku not in catalog else _words(state.refundable is not False)
            found.append((key, was, _words(value)))
        elif key not in ("sku", "from"):
            found.append((key, str(getattr(state, key, None) or "none"), str(value)))
    return found


def following(entry: Mapping[str, Any], catalog: Catalog) -> list[date]:
    """The first days of later versions of the SKU than the entry, which replace what they name."""
    if "from" not in entry or entry["sku"] not in catalog:
        return []
    day = date.fromisoformat(entry["from"])
    [known] = [it for it in catalog.skus if it.sku == entry["sku"]]
    return sorted(it.since for it in known.versions if it.since is not None and it.since > day)


def _plain(amounts: Mapping[str, Decimal]) -> dict[str, str]:
    return {currency: format(amount, "f") for currency, amount in amounts.items()}


def _words(flag: bool) -> str:
    return _YES if flag else _NO
