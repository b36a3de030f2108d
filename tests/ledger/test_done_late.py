"""Work is judged and dated by the day it is done, not by the day it was asked for (Rule 13, last).

The database was away for 40 days. What was in flight when it went away is retried now.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core.domain.commands.recover import Recover
from core.domain.commands.top_up import TopUp
from core.domain.steps import StepKind, of_subscription
from core.protocol.activity_messages import (
    Before,
    ChargeRequest,
    CommandRequest,
    CommandResult,
    DueStep,
    Outcome,
    StepRequest,
    StepResult,
)
from core.protocol.call_sequences import carry_out
from tests.ledger.conftest import DAY, Shop

RENEWAL_DATE = datetime(2021, 3, 24, tzinfo=UTC)
"""Of what is bought on 2021-03-01 for a month. It expires on 03-31."""
LATER = RENEWAL_DATE + timedelta(days=40)


@pytest.fixture
def waiting(shop: Shop) -> Shop:
    """s1 is bought on 2021-03-01. The machine's clock shows 2021-05-03 now."""
    shop.open()
    shop.buy()
    shop.ledger.machine_now = lambda: LATER
    return shop


def renew(shop: Shop) -> StepResult:
    request = StepRequest(subject=of_subscription("s1"), version=1, now=RENEWAL_DATE, past=())
    result: StepResult = shop.engine._activities.call("renew", request)
    return result


def test_a_renewal_that_was_asked_for_in_time_is_not_made_forty_days_later(waiting: Shop) -> None:
    result = renew(waiting)
    assert result.outcome is Outcome.DONE
    assert result.snapshot.next_step is not None
    assert result.snapshot.next_step.kind == "expire"
    assert waiting.value("SELECT balance FROM accounts") == Decimal(950)
    assert waiting.rows("SELECT event FROM history WHERE event = 'renewed'") == []


def test_a_late_renewal_is_dated_by_the_day_it_is_made(waiting: Shop) -> None:
    """On 04-07, the last of the 7 days after *E*, it is one full cycle of the old schedule."""
    done = datetime(2021, 4, 7, 12, tzinfo=UTC)
    waiting.ledger.machine_now = lambda: done
    renew(waiting)
    assert waiting.rows("SELECT at, rule FROM history WHERE event = 'renewed'") == [(done, "13")]


def test_a_command_is_dated_by_the_day_it_is_done(waiting: Shop) -> None:
    waiting.do(TopUp(account="acme", amount=Decimal(5)), DAY, past=None)
    assert waiting.value("SELECT at FROM history WHERE event = 'topped_up'") == LATER
    assert waiting.value("SELECT date FROM invoices WHERE total = 5") == LATER.date()


def test_a_command_is_judged_by_the_day_it_is_done(waiting: Shop) -> None:
    """The step that expires s1 comes first, so it is too late to recover."""
    result = waiting.do(Recover(subscription="s1"), RENEWAL_DATE)
    assert str(result.refusal) == "recover is not possible while EXPIRED (rule 6.1)"


def test_a_clock_that_is_behind_does_not_make_a_due_step_wait(waiting: Shop) -> None:
    """The server's clock is ahead of the worker's. The step is due, whatever the worker's shows."""
    waiting.ledger.machine_now = lambda: RENEWAL_DATE - timedelta(seconds=2)
    assert renew(waiting).outcome is Outcome.DONE
    assert waiting.value("SELECT at FROM history WHERE event = 'renewed'") == RENEWAL_DATE


def test_a_command_that_has_charged_a_card_is_judged_by_the_day_it_is_done(shop: Shop) -> None:
    """The renewal failed, and recover charged the card. Its retry comes 40 days later.

    The subscription has expired meanwhile. The charge stays in the wallet (decision 5).
    """
    shop.open(credits_="50.00")
    shop.buy()
    shop.ledger.machine_now = lambda: RENEWAL_DATE
    request = StepRequest(subject=of_subscription("s1"), version=1, now=RENEWAL_DATE)
    shop.engine._activities.call("renew", request)
    shop.run("UPDATE accounts SET card = 'sim_ok', renew_by_card = true")
    recover = CommandRequest(command=Recover(subscription="s1"), now=RENEWAL_DATE, past=())
    charge = shop.engine._activities.call("recover", recover).needs_charge
    shop.engine._activities.call("charge", ChargeRequest(key=charge, asked_by=recover))
    shop.ledger.machine_now = lambda: LATER
    result = shop.engine._drive(carry_out(replace(recover, charge=charge)))
    assert str(result.refusal) == "recover is not possible while EXPIRED (rule 6.1)"
    assert shop.value("SELECT balance FROM accounts") == Decimal(50)


def test_a_step_that_another_worker_found_due_is_due_for_one_whose_clock_is_behind(
    waiting: Shop,
) -> None:
    """It does not skip the step. A recover after *E* stays refused (Rule 1.6)."""
    expiry = datetime(2021, 4, 1, tzinfo=UTC)
    waiting.ledger.machine_now = lambda: DAY
    waiting.run("UPDATE subscriptions SET auto_renew = false")
    sequence = carry_out(CommandRequest(command=Recover(subscription="s1"), now=DAY))
    call = next(sequence)
    found = DueStep(subject=of_subscription("s1"), version=1, kind=StepKind.EXPIRE, due=expiry)
    call = sequence.send(CommandResult(before=Before(first=found)))
    assert (call.activity, call.request.now) == ("expire", expiry)
