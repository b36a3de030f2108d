"""Rules 5.1 to 5.7, 8.1, 8.2, 13: which renewals failed, were late or did not happen, and why."""

from typing import Any

import pytest

from core.domain.events import Event
from core.domain.explain_cycles import Told, late, unusual
from core.domain.explain_number import Taken, why_fee
from core.domain.rules import Rule
from tests.domain.made import at, day

UTC = "UTC"


def line(on: str, event: Event, rule: str = "5.1", **facts: Any) -> Told:
    """A line at 00:00 UTC of a day of 2021. `by`, `quiet` and `operation` are no facts."""
    by = facts.pop("by", "perennial")
    quiet, operation = facts.pop("quiet", None), facts.pop("operation", None)
    instant = at(f"2021-{on}T00:00")
    return Told(
        seq=7,
        at=instant,
        date=instant.date(),
        event=event,
        rule=Rule(rule),
        by=by,
        automatic=by == "perennial",
        operation=operation,
        facts=facts,
        quiet_since=quiet,
    )


BOUGHT = line("01-01", Event.PURCHASED, "4.1", by="shop", expiry="2021-01-31")


def told(*lines: Told) -> list[str]:
    return [f"{it.text} {it.rule}" for it in unusual([BOUGHT, *lines], 7, UTC)]


def test_rule_5_1_a_renewal_in_time_is_no_reason() -> None:
    assert told(line("01-24", Event.RENEWED, expiry="2021-02-28")) == []


def test_rule_5_4_a_failed_renewal_and_what_renewed_it() -> None:
    failed = line("01-24", Event.RENEWAL_FAILED, "5.1", reason="no_credits")
    assert told(failed, line("01-26", Event.RENEWED, "5.4", expiry="2021-02-28")) == [
        "The renewal of the cycle after 2021-01-31 failed: "
        "the usable credits did not cover the fee. 5.1",
        "The renewal that had failed was made on 2021-01-26 by itself. 5.4",
    ]
    recovered = line("01-27", Event.RECOVERED, "6.1", by="ann", expiry="2021-02-28")
    assert told(failed, recovered)[1:] == [
        "The renewal that had failed was made on 2021-01-27 by command. 6.1"
    ]


def test_rule_13_a_late_renewal_says_from_when_to_when_the_system_was_away() -> None:
    late = line("02-03", Event.RENEWED, "13", expiry="2021-02-28", quiet=at("2021-01-20T00:00"))
    expected = (
        "The renewal that was due on 2021-01-24 was made late, on 2021-02-03, because the system "
        "was away from 2021-01-24 00:00 to 2021-02-03 00:00. 13"
    )
    assert told(late) == [expected]
    never = line("02-03", Event.RENEWED, "13", expiry="2021-02-28")
    assert told(never) == [expected]


def test_rule_13_it_does_not_claim_an_outage_in_which_something_was_done() -> None:
    late = line("02-03", Event.RENEWED, "13", expiry="2021-02-28", quiet=at("2021-01-30T10:00"))
    assert told(late) == [
        "The renewal that was due on 2021-01-24 was made late, on 2021-02-03. "
        "Another step of the account was done meanwhile, on 2021-01-30 10:00. 13"
    ]


def test_rule_5_7_a_renewal_right_after_a_command_is_not_the_systems_fault() -> None:
    off = line("01-10", Event.UNSUBSCRIBED, "8.1", by="ann")
    on = line("01-28", Event.RESUBSCRIBED, "8.1", by="ann")
    renewed = line("01-28", Event.RENEWED, "5.7", expiry="2021-02-28")
    assert told(off, on, renewed) == [
        "It was renewed on 2021-01-28, right after a command. Its day was past. 5.7"
    ]


@pytest.mark.parametrize(
    ("before", "why"),
    [
        (
            [line("01-24", Event.RENEWAL_FAILED, reason="card_declined")],
            "the last attempt failed, the card was declined",
        ),
        (
            [line("01-10", Event.UNSUBSCRIBED, "8.1", by="ann")],
            "auto-renewal was off since 2021-01-10",
        ),
        ([], "the system was away on its renewal date, and no attempt could be made in time"),
        (
            [line("01-02", Event.TRIAL_STARTED, "4.3", expiry="2021-01-31")],
            "the trial was not converted",
        ),
    ],
)
def test_rule_1_5_an_absent_renewal_says_why(before: list[Told], why: str) -> None:
    assert told(*before, line("02-01", Event.EXPIRED, "1.5"))[-1:] == [
        f"It was not renewed, and expired after 2021-01-31: {why}. 1.5"
    ]


def test_rule_4_3_a_trial_that_could_not_be_charged() -> None:
    tried = line("01-02", Event.TRIAL_STARTED, "4.3", expiry="2021-01-31")
    expired = line("02-01", Event.EXPIRED, "4.3", reason="no_credits")
    assert told(tried, expired) == [
        "It was not renewed, and expired after 2021-01-31: its first cycle could not be charged, "
        "the usable credits did not cover the fee. 4.3"
    ]


def test_rule_8_1_auto_renewal_is_off_from_its_day_until_it_is_switched_on_again() -> None:
    off = line("01-10", Event.UNSUBSCRIBED, "8.1", by="ann")
    shared = line("01-11", Event.SHARED, "9", by="ann")
    on = line("01-12", Event.RESUBSCRIBED, "8.1", by="ann")
    expired = line("02-01", Event.EXPIRED, "1.5")
    assert "auto-renewal was off since 2021-01-10" in told(off, shared, expired)[-1]
    assert "the system was away on its renewal date" in told(off, shared, on, expired)[-1]


def delays(*lines: Told) -> list[tuple[str, str, bool]]:
    """From when to when something was late, and whether it was an outage."""
    found = late([BOUGHT, *lines], 7, UTC)
    return [(str(it.due), str(it.line.date), it.is_outage(UTC)) for it in found]


def test_rule_13_what_was_done_late_has_the_days_on_which_it_was_due_and_done() -> None:
    late_one = line("02-03", Event.RENEWED, "13", expiry="2021-02-28")
    assert delays(late_one) == [("2021-01-24", "2021-02-03", True)]
    assert delays(line("01-24", Event.RENEWED, expiry="2021-02-28")) == []
    busy = line("01-30", Event.RENEWED, expiry="2021-02-28", quiet=at("2021-01-29T10:00"))
    assert delays(busy) == [("2021-01-24", "2021-01-30", False)]
    # A step of the instant at which the outage begins is still done.
    before = line("01-30", Event.RENEWED, expiry="2021-02-28", quiet=at("2021-01-24T00:00"))
    assert delays(before) == [("2021-01-24", "2021-01-30", True)]


def test_rule_13_a_late_attempt_that_fails_and_expires_at_once_is_one_delay() -> None:
    failed = line("02-03", Event.RENEWAL_FAILED, "13", reason="no_credits")
    expired = line("02-03", Event.EXPIRED, "13")
    assert delays(failed, expired) == [("2021-01-24", "2021-02-03", True)]


def test_rule_13_a_missed_renewal_a_late_expiry_and_a_late_conversion() -> None:
    assert delays(line("02-01", Event.EXPIRED, "1.5")) == [("2021-01-24", "2021-02-01", True)]
    off = line("01-10", Event.UNSUBSCRIBED, "8.1", by="ann")
    assert delays(off, line("02-01", Event.EXPIRED, "1.5")) == []
    assert delays(off, line("02-06", Event.EXPIRED, "1.5")) == [("2021-02-01", "2021-02-06", True)]
    tried = line("01-02", Event.TRIAL_STARTED, "4.3", expiry="2021-01-31")
    converted = line("02-04", Event.CONVERTED, "4.3", expiry="2021-02-28")
    assert delays(tried, converted) == [("2021-02-01", "2021-02-04", True)]


def test_rule_1_5_an_expiry_on_the_day_after_the_last_one_is_in_time() -> None:
    """The last day is 01-31. So is the end on day 29, 03-01, and what a command sets off."""
    expired = line("02-01", Event.EXPIRED, "1.5")
    failed = line("01-24", Event.RENEWAL_FAILED, reason="no_credits")
    assert delays(failed, expired) == []
    tried = line("01-02", Event.TRIAL_STARTED, "4.3", expiry="2021-01-31")
    assert delays(tried, expired) == []
    off = line("01-10", Event.UNSUBSCRIBED, "8.1", by="ann")
    assert delays(off, expired, line("03-01", Event.TERMINATED, "1.5")) == []
    on = line("01-28", Event.RESUBSCRIBED, "8.1", by="ann")
    assert delays(off, on, line("01-28", Event.RENEWED, "5.7", expiry="2021-02-28")) == []


def test_rule_5_4_retries_and_what_people_do_are_not_late() -> None:
    failed = line("01-24", Event.RENEWAL_FAILED, reason="no_credits")
    again = line("01-30", Event.RENEWAL_FAILED, "5.4", reason="no_credits")
    assert delays(failed, again, line("01-31", Event.RENEWED, "5.4", expiry="2021-02-28")) == []
    assert delays(line("02-05", Event.RENEWED, by="ann", expiry="2021-02-28")) == []


def test_rule_8_2_a_termination_is_told_with_who_asked_and_its_rows() -> None:
    asked = line("01-10", Event.TERMINATED, "8.2", by="ann", operation=12)
    assert told(asked) == ["It was terminated on 2021-01-10 by ann, so it does not renew. 8.2"]
    [reason] = unusual([BOUGHT, asked], 7, UTC)
    assert reason.rows == ("operation 12", "history 7")
    [own] = unusual([BOUGHT, line("01-10", Event.TERMINATED, "1.5")], 7, UTC)
    assert (own.rows, "by itself" in own.text) == (("history 7",), True)


def test_a_history_that_begins_in_the_middle_claims_no_lateness() -> None:
    renewed = line("06-03", Event.RENEWED, expiry="2021-06-30")
    assert list(unusual([renewed], 7, UTC)) == []


def taken(**more: Any) -> str:
    instant = at("2021-01-10T03:00")
    reason = why_fee(Taken(at=instant, date=day("2021-01-10"), subscription="s1", **more))
    assert (reason.at, reason.rule) == (instant, Rule.ACTIVATION_FEE)
    return reason.text


def test_rule_10_1_a_charged_activation_fee_says_on_which_invoice_it_stands() -> None:
    assert taken(fee="$5.00", invoice="000012") == (
        "An activation fee of $5.00 was charged when s1 took it into use on 2021-01-10. "
        "It stands on invoice 000012."
    )
    assert taken(fee="$5.00").endswith("It waits for the invoice of its month.")


@pytest.mark.parametrize(
    ("fact", "why"),
    [
        ({"own": True}, "the customer has brought the number along"),
        ({"swapped": True}, "it came in place of a number of the same SKU"),
        ({"again": True}, "the account had given it back a few hours before"),
        ({"unpaid": True}, "an external invoice or a milestone contract pays"),
        ({"waits": True}, "it is charged with the next paid cycle"),
        ({}, "its SKU had no activation fee in this currency"),
    ],
)
def test_rule_10_1_why_no_activation_fee_was_charged(fact: dict[str, bool], why: str) -> None:
    assert taken(**fact) == (
        f"No activation fee was charged when s1 took it into use on 2021-01-10: {why}."
    )
