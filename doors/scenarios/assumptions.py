"""A file of assumptions about one account, read and checked (docs/what-if.md).

Its steps and its catalogue are written as in a scenario. The account and its subscriptions exist
already, so the file names no accounts, and a step may leave `account` out.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NoReturn

from core.domain import catalog as catalogs
from core.domain.catalog import Catalog
from core.domain.commands import COMMANDS
from core.domain.commands.set_card import SetCard
from core.domain.fault_places import shown
from core.domain.faults import Fault, Faults
from core.gateways import assumed_cards
from doors.application.what_if import ASSUMABLE, MOST_STEPS, Assumption, Assumptions
from doors.scenarios import document, step_shapes
from doors.scenarios.command_steps import STEPS
from doors.scenarios.scenario import ScenarioStep, Story
from doors.scenarios.step_shapes import CARDS, Names

LARGEST = 100_000
"""Bytes of a file."""
MOST_ENTRIES = 100
"""So many entries of the catalogue are allowed."""

_WORDS = [
    "outage",
    *(it.scenario_step or do for do, it in COMMANDS.items() if it.in_scenario and do in ASSUMABLE),
]
_TOKENS = {CARDS["ok"]: assumed_cards.CHARGED, CARDS["declined"]: assumed_cards.DECLINED}
_FILE = ("catalog", "steps")


def read(
    text: bytes,
    *,
    account: str,
    zone: str,
    until: datetime,
    subscriptions: Collection[str],
    catalog: Sequence[dict[str, Any]],
) -> Assumptions:
    """The assumptions of a YAML or JSON text. Raises `Faults` with every fault of the file.

    `account`, `zone`: the account and its time zone, in which dates are read.
    `until`: the end of the forecast (UTC).
    `subscriptions`: the ids of the account's subscriptions.
    `catalog`: the entries of the catalogue as they are stored.
    """
    if len(text) > LARGEST:
        _wrong("file", f"has more than {LARGEST:,} bytes; smaller files are allowed")
    values, found = document.read(text)
    if not isinstance(values, dict) or not values:
        _wrong("file", "holds no assumption; a mapping with steps, catalog or both is allowed")
    found += [
        Fault(document.place((key,)), f"unknown key; allowed are {', '.join(_FILE)}")
        for key in values
        if key not in _FILE
    ]
    steps = _list(values, "steps", MOST_STEPS, found)
    entries = _list(values, "catalog", MOST_ENTRIES, found)
    for index, step in enumerate(steps):
        found += step_shapes.faults(_not_assumable(index, step))
    if found:
        raise Faults(found)
    sold: Catalog = catalogs.load(entries, stored=catalog)
    names = Names(
        {sku.sku: sku.kind for sku in sold.skus},
        {account: zone},
        dict.fromkeys(subscriptions, account),
    )
    written = [_with_account(step, account) for step in steps]
    top = {"steps": written, "until": until}
    story = Story(top, found, names, end="the end of the forecast")
    read_steps = [_assumption(step) for step in story.steps(written)]
    if found:
        raise Faults(found)
    return Assumptions(catalog=tuple(entries), steps=tuple(read_steps))


def _list(values: Mapping[str, Any], key: str, most: int, found: list[Fault]) -> list[Any]:
    listed = values.get(key, [])
    if not isinstance(listed, list):
        found.append(Fault(key, f"must be a list, not {shown(listed)}"))
    elif len(listed) > most:
        found.append(Fault(key, f"has {len(listed)} entries; at most {most} are allowed"))
    else:
        return listed
    return []


def _not_assumable(index: int, step: Any) -> step_shapes.Reasons:
    """What is wrong with a step that a scenario may have, and assumptions may not."""
    if not isinstance(step, dict) or "do" not in step:
        return []
    if step["do"] not in _WORDS:
        allowed = ", ".join(sorted(_WORDS))
        reason = f"{shown(step['do'])} cannot be assumed; allowed are {allowed}"
        return [(("steps", index, "do"), reason)]
    if "numbers" in step:
        return [(("steps", index, "numbers"), "cannot be assumed; leave it out")]
    return []


def _with_account(step: Any, account: str) -> Any:
    """The step with its account, if it needs one."""
    if not isinstance(step, dict) or "account" not in STEPS.get(str(step.get("do")), {}):
        return step
    return {"account": account} | step


def _assumption(step: ScenarioStep) -> Assumption:
    command = step.command
    if isinstance(command, SetCard) and command.card is not None:
        command = replace(command, card=_TOKENS[command.card])
    return Assumption(at=step.at, command=command, outage_until=step.outage_until)


def _wrong(place: str, reason: str) -> NoReturn:
    raise Faults([Fault(place, reason)])
