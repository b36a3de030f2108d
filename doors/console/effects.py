"""The effect of a draft of terms: asked for, worked out in the background, shown, and as CSV.

`doors.application.effect_runs` works it out. So the page can be shown by any process, and to
another person.
"""

from collections.abc import AsyncIterator, Mapping
from enum import StrEnum
from typing import Any
from uuid import uuid4

from fastapi import Request
from starlette.responses import Response

from core.domain import catalog as catalogs
from core.domain import inputs
from core.domain.faults import Fault, Faults
from core.ledger import term_effects
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from core.ledger.term_effects import EffectLine
from doors.access.staff import StaffCaller
from doors.application.effect_runs import Runs, found_in
from doors.application.effect_words import COLUMNS, lines, moment_words, sample_words
from doors.application.terms_effect import (
    MOST_DRAWS,
    MOST_MONTHS,
    USUAL_ACCOUNTS,
    USUAL_MONTHS,
    NewTerms,
    Sampling,
)
from doors.console.catalog_fields import entry_of
from doors.console.clock_choice import first_clocks
from doors.console.forms import Sent
from doors.console.pages import Page, Pages, see
from doors.console.parameters import PathId
from doors.console.policy_fields import read_policy
from doors.console.rendering import path_of
from doors.console.terms_changes import REQUEST, SEEN, seen_of, stored_catalog
from doors.console.visitors import Visiting
from doors.http.csv_files import csv_file
from doors.queries.clocks import find_clock
from doors.queries.snapshot import NotFound
from doors.queries.terms_in_force import versions_in_force

pages = Pages()

SIZES = (25, USUAL_ACCOUNTS, 100)
"""So many accounts can be chosen here. The command line takes more."""
SPANS = (1, USUAL_MONTHS, 3, 6, MOST_MONTHS)
"""So many months can be chosen."""
SHOWN = 100
"""So many subscriptions are shown that renew differently."""
_OF_SAMPLE = ("accounts", "months", "draw", "clock")


class Kind(StrEnum):
    """Which terms a draft changes."""

    POLICY = "policy"
    CATALOG = "catalog"


@pages.post("/terms/policy/effect", "set_policy")
async def of_policy(request: Request, visitor: Visiting, sent: Sent) -> Response:
    """Work out the effect of a policy."""
    terms = NewTerms(policy=read_policy(sent))
    return await _ask(request, visitor, Kind.POLICY, sent, terms)


@pages.post("/terms/catalog/effect", "add_catalog_entries")
async def of_catalog(request: Request, visitor: Visiting, sent: Sent) -> Response:
    """Work out the effect of an entry of the catalogue."""
    entry = entry_of(sent)
    _, _, stored = await visitor.read(stored_catalog)
    catalogs.load([entry], stored=stored)
    return await _ask(request, visitor, Kind.CATALOG, sent, NewTerms(entries=(entry,)))


async def _ask(
    request: Request,
    visitor: StaffCaller,
    kind: Kind,
    sent: Mapping[str, str],
    terms: NewTerms,
) -> Response:
    seen_of(sent)
    id_ = inputs.required("effect", sent.get("effect"), inputs.read_id)
    sampling = await _sampling(visitor, sent)
    draft = {name: text for name, text in sent.items() if name not in (REQUEST, "effect")}
    if await visitor.read(term_effects.ask, id_, kind, draft, by=visitor.actor, now=machine_now()):
        runs: Runs = request.app.state.effects
        runs.start(visitor.perennial, id_, terms, sampling)
    return see(path_of("terms", "effects", id_))


async def _sampling(visitor: StaffCaller, sent: Mapping[str, str]) -> Sampling:
    """How the sample of a form is drawn. Raises `Faults`, and NotFound for an unknown clock."""
    clock = sent.get("clock") or None
    if clock is not None:
        await visitor.read(find_clock, inputs.required("clock", clock, inputs.read_id))

    def number(name: str, usual: int, most: int) -> int:
        text = sent.get(name) or str(usual)
        return inputs.required(name, text, lambda it: inputs.read_whole_text(it, 1, most))

    return Sampling(
        accounts=number("accounts", USUAL_ACCOUNTS, max(SIZES)),
        months=number("months", USUAL_MONTHS, MOST_MONTHS),
        draw=number("draw", 1, MOST_DRAWS),
        clock=clock,
    )


async def offer(visitor: StaffCaller) -> dict[str, Any]:
    """What the page of a draft needs to offer its effect: the choices, and a new id."""
    return {
        "effect": f"{uuid4()}",
        "sizes": SIZES,
        "size": USUAL_ACCOUNTS,
        "spans": SPANS,
        "span": USUAL_MONTHS,
        "clocks": await visitor.read(first_clocks),
    }


@pages.get("/terms/effects/{effect:path}", "set_policy")
async def show(visitor: Visiting, effect: PathId) -> Page:
    """How far an effect is, or who would renew differently."""
    line = await visitor.read(_find, effect)
    revision, version = await visitor.read(versions_in_force)
    now = version if line.kind == Kind.POLICY else revision
    draft = {name: text for name, text in line.draft.items() if name not in _OF_SAMPLE}
    sampled = {name: text for name, text in line.draft.items() if name in _OF_SAMPLE}
    if line.found is not None:
        sampled["draw"] = str(int(sampled.get("draw") or 1) % MOST_DRAWS + 1)
    shows: dict[str, Any] = {
        "it": line,
        "found": None,
        "changed": str(now) != draft[SEEN],
        "draft": draft,
        "sampled": sampled,
        "again": f"{uuid4()}",
    }
    if (found := found_in(line)) is not None:
        differing = [row for row in found.rows if row.differs]
        shows |= {
            "found": found,
            "rows": differing[:SHOWN],
            "more": max(0, len(differing) - SHOWN),
            "sample": sample_words(found),
            "told": moment_words,
        }
    return Page(template="effect.html", shows=shows)


@pages.get("/terms/effect-csv/{effect:path}", "set_policy")
async def as_csv(visitor: Visiting, effect: PathId) -> Response:
    """Every subscription that was played, as CSV."""
    line = await visitor.read(_find, effect)
    if (found := found_in(line)) is None:
        raise Faults([Fault("effect", "is not there yet; load its page again")])

    async def rows() -> AsyncIterator[dict[str, str]]:
        for row in lines(found):
            yield row

    return csv_file("effect", COLUMNS, rows(), lambda row: [row[name] for name in COLUMNS])


def _find(ledger: Ledger, id_: str) -> EffectLine:
    found = term_effects.find(ledger, id_, machine_now())
    if found is None or found.kind not in set(Kind):  # Others are not drafts of an editor.
        raise NotFound("there is no such effect, or newer ones have taken its place")
    return found
