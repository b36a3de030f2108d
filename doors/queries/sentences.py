"""Sentences about subscriptions for a support person: status, events, reasons, next steps."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import assert_never

from core.domain.commands.changes import When
from core.domain.contents import Coming
from core.domain.events import Event
from core.domain.forecast import Entry
from core.domain.planner.notices import Notice
from core.domain.steps import Step, StepKind
from core.domain.subscription import Failure, Status
from core.ledger.double_entry import Purpose
from doors.application.dates_and_money import cycle, day, moment, money
from doors.application.previews import PreviewedEvent
from doors.queries.accounts import AccountView
from doors.queries.histories import HistoryLine
from doors.queries.subscriptions import SubscriptionView
from doors.queries.transactions import TransactionLine

_NUMBERS_SHOWN = 10


def reason(failure: str | None) -> str:
    """Return why a charge failed, or an empty text for None."""
    if failure is None:
        return ""
    return Failure(failure).words if failure in list(Failure) else failure


def event(line: HistoryLine | TransactionLine | PreviewedEvent | Entry) -> str:
    """Return what happened, with the day up to which it is paid or the reason of a failure."""
    if line.event is None:
        return Purpose.OPENING_CREDITS.words
    happened = Event(line.event)
    if isinstance(line, Entry):
        told = f"{happened.words}, {line.number}" if line.number else happened.words
        return f"{told}: {reason(line.reason)}" if line.reason else told
    facts = line.facts
    if "reason" in facts:
        return f"{happened.words}: {reason(facts['reason'])}"
    details = [_change(facts)] if facts.keys() & {"when", "number"} else []
    if "expiry" in facts and happened.pays_cycle:
        details.append(f"paid up to {day(date.fromisoformat(facts['expiry']))}")
    if "brings" in facts:
        details.append(f"with {facts['brings']}")
    if "external_invoice" in facts:
        details.append(f"on external invoice {facts['external_invoice']}")
    if "text" in facts:
        details.append(facts["text"])
    if "partner" in facts:
        details.append(f"{'from' if (line.amount or 0) > 0 else 'to'} {facts['partner']}")
    if happened is Event.ADJUSTED and "why" in facts:
        details.append(facts["why"])
    return ", ".join([happened.words, *details])


def _change(facts: Mapping[str, str]) -> str:
    """Return what a change brings, from the facts of its line of the history."""
    if "number" in facts:
        old = f" in place of {facts['old']}" if "old" in facts else ""
        what = facts["number"] + old
    elif "months" in facts:
        what = f"cycles of {cycle(int(facts['months']))}"
    else:
        what = f"{facts['quantity']} × {facts['sku']}" if "quantity" in facts else facts["sku"]
    return f"{what} with the next paid cycle" if facts.get("when") == When.RENEWAL else what


def state(view: SubscriptionView) -> str:
    """Return the status of a subscription, with what is unusual about it."""
    match view.status:
        case Status.TERMINATED:
            return f"TERMINATED on {day(view.terminated_on)}"
        case Status.EXPIRED:
            return f"EXPIRED on {day(view.expired_on)}{' (trial)' if view.trial else ''}"
        case Status.ACTIVE:
            notes = ["trial"] if view.trial else []
            notes += [f"renewal failed: {reason(view.failure)}"] if view.renewal_failed else []
            notes += [] if view.auto_renew else ["auto-renewal off"]
            notes += ["account suspended"] if view.suspended else []
            return f"ACTIVE ({'; '.join(notes)})" if notes else "ACTIVE"
        case unreachable:
            assert_never(unreachable)


def change(coming: Coming) -> str:
    """Return a change that a later cycle brings, and from when it holds."""
    since = f"from {day(coming.since)} on" if coming.since else "with the next paid cycle"
    return f"{coming.words} {since}"


def terms(view: SubscriptionView) -> list[str]:
    """Return the terms under which a subscription goes on. One that has ended has none."""
    if view.status is Status.TERMINATED:
        return []
    left = view.discount_cycles - view.cycles_paid if view.discount != "0" else 0
    cycles = "the next paid cycle" if left == 1 else f"the next {left} paid cycles"
    return [
        *([f"{view.discount} % off {cycles} (rule 3.6)"] if left > 0 else []),
        *(["renewals end with a month (rule 5.5)"] if view.align else []),
        *([f"contract {view.contract.replace('_', ' ')} (rule 8.3)"] if view.contract else []),
        *(["it renews a day earlier (rule 1.5)"] if view.legacy else []),
        f"policy version {view.policy_version} until the next cycle is paid (rule 14)",
    ]


def numbers_in_words(found: Mapping[str, str]) -> str:
    """Return numbers with their SKUs, the first ten of them."""
    first = ", ".join(f"{number} ({sku})" for number, sku in sorted(found.items())[:_NUMBERS_SHOWN])
    more = len(found) - _NUMBERS_SHOWN
    return f"{first} and {more} more" if more > 0 else first


def closed(view: AccountView) -> str:
    """Return since when an account is closed, and whether it can be opened again."""
    if view.erased_on is not None:
        return f"since {day(view.closed_on)}; its personal data was erased on {day(view.erased_on)}"
    again = "for good" if view.closed_for_good else "and can be opened again (rule 11.8)"
    return f"since {day(view.closed_on)}, {again}"


def waiting(view: AccountView) -> str:
    """Return what waits for the monthly invoice of an account."""
    return f"{money(view.waiting, view.currency)} are deducted and wait for it (rule 11.4)"


def next_step(step: Step | None, zone: str) -> str:
    """Return what comes next, when, by which rule, and why."""
    if step is None:
        return "nothing: the subscription has ended for good"
    return f"{step.kind.words} on {moment(step.due, zone)} (rule {step.rule}): {step.why}"


def step(kind: str) -> str:
    """Return what a step or a notice of this kind does."""
    return Notice(kind).words if kind in list(Notice) else StepKind(kind).words


def last_payment(lines: Sequence[HistoryLine]) -> str:
    """Return how the current cycle was paid, from the history since that payment."""
    line = next((line for line in lines if Event(line.event).pays_cycle), None)
    if line is None:
        return ""
    paid = f" for {money(-line.amount, line.currency)}" if line.amount and line.amount < 0 else ""
    return f"It was {Event(line.event).words} on {day(line.date)}{paid} (rule {line.rule}). "
