"""The effect of new terms: who would renew differently under them, on a sample of accounts.

It is that of `starter.py policy effect` and `catalog effect`. It is worked out after the response
(`doors.application.effect_runs`), and nothing is changed.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from fastapi import Query, Request
from pydantic import BeforeValidator

from core.domain import inputs, policy
from core.domain.faults import Faults
from core.domain.refusal import used_for_something_else
from core.ledger import term_effects
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from core.ledger.stored_terms import stored_entries
from core.ledger.term_effects import EffectLine
from doors.application import new_terms
from doors.application.effect_runs import Runs, found_in
from doors.application.effect_words import COLUMNS, lines, sample_words
from doors.application.terms_effect import (
    MOST_ACCOUNTS,
    MOST_DRAWS,
    MOST_MONTHS,
    USUAL_ACCOUNTS,
    USUAL_MONTHS,
    Effect,
    Moment,
    NewTerms,
    Sampling,
    Sums,
)
from doors.http.background import POLL_SECONDS
from doors.http.callers import Caller, Calling
from doors.http.csv_files import csv_file
from doors.http.file_headers import CSV
from doors.http.forms import Form, id_, whole
from doors.http.pages import Listed, page_of
from doors.http.parameters import USUAL_ROWS, AfterPosition, IdempotencyKey, Limit, PathId
from doors.http.problems import Kind, later
from doors.http.routes import Answer, Routes, place_of
from doors.http.terms import ENTRIES, POLICY
from doors.queries.clocks import find_clock
from doors.queries.snapshot import NotFound

KIND = "terms"
"""The kind of effects that are asked for by HTTP. Those of the console's editors have others."""

ASK = Form(
    "TermsToLookAt",
    {
        "policy": POLICY,
        "entries": ENTRIES,
        "accounts": whole(
            f"How many accounts are drawn by chance, at most. Default {USUAL_ACCOUNTS}.",
            1,
            MOST_ACCOUNTS,
        ),
        "months": whole(f"How many months to look. Default {USUAL_MONTHS}.", 1, MOST_MONTHS),
        "draw": whole("Another number draws other accounts. Default 1.", 1, MOST_DRAWS),
        "clock": id_("Accounts on this test clock. Default: those on none."),
    },
    example={"policy": {"renewal_lead_days": 10}, "accounts": 20},
    at_least_one=("policy", "entries"),
)
_AGAIN = "Ask again with another Idempotency-Key."

EveryRow = Annotated[
    bool,
    Query(alias="all", description="Whether subscriptions that renew as before are listed, too."),
    BeforeValidator(inputs.read_flag_text),
]

routes = Routes("terms")


class EffectState(StrEnum):
    """How an effect stands.

    RUNNING: it is worked out, or waits for its turn. DONE: it is there. FAILED: it could not be
    worked out, and the log tells why. INTERRUPTED: its process ended.
    """

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotPlayed:
    """An account that could not be played, and why."""

    account: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectTotals:
    """An effect in total.

    `sample`: how the sample was drawn, in words. `played`: how many accounts.
    `subscriptions`: how many were played. `differing`: how many of them renew differently: on other
    dates (`dates`), for other fees (`fees`), with another outcome (`outcomes`).
    `failed_without`, `failed_under`: attempts to renew that fail, as it is and under the new terms.
    `sums`: what renewals take, by currency. `not_played`: accounts that could not be played.
    """

    sample: str
    played: int
    subscriptions: int
    differing: int
    dates: int
    fees: int
    outcomes: int
    failed_without: int
    failed_under: int
    sums: list[Sums]
    not_played: list[NotPlayed]


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsEffect:
    """The effect of new terms, by its idempotency key.

    `accounts_done`, `accounts`: how many accounts of how many are played.
    `found`: the effect in total. Its rows are a list of their own. `next`: what to do without it.
    """

    effect: str
    state: EffectState
    asked_at: datetime
    asked_by: str
    accounts_done: int
    accounts: int
    found: EffectTotals | None = None
    next: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsEffectRow:
    """A subscription as it renews today (`without`), and under the new terms (`under`).

    `row`: its place. `differs`: whether it renews differently, by `dates`, `fees`, `outcomes`.
    """

    row: int
    account: str
    currency: str
    subscription: str
    without: list[Moment]
    under: list[Moment]
    differs: bool
    dates: bool
    fees: bool
    outcomes: bool


@routes.write(
    "POST",
    "/terms-effects",
    "ask_terms_effect",
    TermsEffect,
    ASK,
    unfinished="It is worked out. `Location` tells how far it is.",
)
async def ask_terms_effect(caller: Calling, request: Request, key: IdempotencyKey) -> Answer:
    """Who would renew differently under another policy, or with other entries of the catalogue.

    A sample of accounts is played on copies, and nothing is changed. A policy holds for expiry
    dates that are set from now on. So it shows from the second renewal of a subscription on. The
    newest 20 effects of a seller are kept.
    """
    values = await ASK.of(request)
    draft = {name: value for name, value in values.items() if value is not None}
    terms = await _terms(caller, values)
    sampling = Sampling(
        **{name: values[name] for name in ("accounts", "months", "draw", "clock") if name in values}
    )
    if sampling.clock is not None:
        await caller.read(find_clock, sampling.clock)
    try:
        new = await caller.read(
            term_effects.ask, key, KIND, draft, by=caller.actor, now=machine_now()
        )
    except Faults as many:
        raise later(Kind.TOO_MANY, many.faults[0].reason, 10) from None
    line = await caller.read(_find, key)
    if new:
        runs: Runs = request.app.state.effects
        runs.start(caller.perennial, key, terms, sampling)
    elif line.draft != draft:
        raise used_for_something_else(key)
    shown = _shown(line)
    running = shown.state is EffectState.RUNNING
    headers = {"Location": place_of("terms-effects", key)}
    if running:
        headers["Retry-After"] = str(POLL_SECONDS)
    if not new:
        headers["Idempotent-Replayed"] = "true"
    return Answer(shown, 202 if running else 200, headers)


async def _terms(caller: Caller, values: Mapping[str, Any]) -> NewTerms:
    """The terms of a body. Raises `Faults` for wrong ones."""
    new = policy.load(values["policy"]) if "policy" in values else None
    if "entries" not in values:
        return NewTerms(policy=new)

    def read(ledger: Ledger) -> Sequence[Mapping[str, Any]]:
        with ledger.read() as connection:
            return stored_entries(connection, ledger.seller)

    added = new_terms.new_entries(values["entries"], await caller.read(read), place="entries")
    return NewTerms(policy=new, entries=tuple(added))


@routes.get("/terms-effects/{effect}", "show_terms_effect", TermsEffect)
async def show_terms_effect(caller: Calling, effect: PathId) -> TermsEffect:
    """How far an effect is, or what would differ in total."""
    return _shown(await caller.read(_find, effect))


@routes.get("/terms-effects/{effect}/rows", "list_terms_effect", Listed[TermsEffectRow])
async def list_terms_effect(
    caller: Calling,
    effect: PathId,
    every: EveryRow = False,
    after: AfterPosition = None,
    limit: Limit = USUAL_ROWS,
) -> Listed[TermsEffectRow]:
    """The subscriptions that would renew differently."""
    found = await caller.read(_worked_out, effect)
    rows = (
        TermsEffectRow(
            row=place,
            account=row.account,
            currency=row.currency,
            subscription=row.subscription,
            without=list(row.without),
            under=list(row.under),
            differs=row.differs,
            dates=row.dates,
            fees=row.fees,
            outcomes=row.outcomes,
        )
        for place, row in enumerate(found.rows, start=1)
        if place > (after or 0) and (every or row.differs)
    )
    return page_of(rows, limit, lambda row: row.row)


@routes.file("/terms-effects/{effect}/csv", "export_terms_effect", [CSV])
async def export_terms_effect(caller: Calling, effect: PathId) -> Any:
    """Every subscription that was played, as CSV: a line for each event of either future."""
    found = await caller.read(_worked_out, effect)

    async def rows() -> AsyncIterator[dict[str, str]]:
        for row in lines(found):
            yield row

    return csv_file("effect", COLUMNS, rows(), lambda row: [row[name] for name in COLUMNS])


def _find(ledger: Ledger, id_: str) -> EffectLine:
    found = term_effects.find(ledger, id_, machine_now())
    if found is None or found.kind != KIND:
        raise NotFound("there is no such effect, or newer ones have taken its place")
    return found


def _worked_out(ledger: Ledger, id_: str) -> Effect:
    """An effect that is there. Raises NotFound until then."""
    if (found := found_in(_find(ledger, id_))) is None:
        raise NotFound("the effect is not there yet; ask how far it is")
    return found


def _shown(line: EffectLine) -> TermsEffect:
    found = found_in(line)
    if found is not None:
        state = EffectState.DONE
    elif line.error is not None:
        state = EffectState.FAILED
    else:
        state = EffectState.INTERRUPTED if line.interrupted else EffectState.RUNNING
    over = state in (EffectState.FAILED, EffectState.INTERRUPTED)
    return TermsEffect(
        effect=line.id,
        state=state,
        asked_at=line.asked_at,
        asked_by=line.asked_by,
        accounts_done=line.done,
        accounts=line.total,
        found=None if found is None else _totals(found),
        next=_AGAIN if over else None,
    )


def _totals(found: Effect) -> EffectTotals:
    return EffectTotals(
        sample=sample_words(found),
        played=found.played,
        subscriptions=len(found.rows),
        differing=found.differing,
        dates=sum(row.dates for row in found.rows),
        fees=sum(row.fees for row in found.rows),
        outcomes=sum(row.outcomes for row in found.rows),
        failed_without=found.failed_without,
        failed_under=found.failed_under,
        sums=found.sums,
        not_played=[NotPlayed(account=account, why=why) for account, why in found.failing],
    )
