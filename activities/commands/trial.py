"""Trial: free days of a subscription, one trial per account and application, ever (Rule 4.3)."""

from activities.command_checks import check_new, check_sku
from activities.payments import done
from core.domain import trial as trials
from core.domain.catalog import PRIMARY
from core.domain.commands.trial import Trial
from core.domain.events import Event
from core.domain.fees import next_cycle_lines
from core.domain.refusal import Refused
from core.domain.subscription import ZERO
from core.ledger.double_entry import Purpose
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult


def trial(work: Work, command: Trial) -> CommandResult:
    """Start a trial. After a refusal nothing exists."""
    check_new(work, command)
    check_sku(work, command.sku, PRIMARY, "cannot be tried by itself")
    days = work.catalog.trial_days(command.sku, work.today)
    if days is None:
        raise Refused(command.rule, f"{command.sku} has no trial; buy it instead")
    once = work.catalog.trial_of(command.sku)
    if earlier := work.trial_of(once):
        raise Refused(
            command.rule,
            f"{work.account.id} has had its one trial of {once}, {earlier}; buy it instead",
        )
    tried, period = trials.start(
        id_=command.subscription,
        account=work.account.id,
        sku=command.sku,
        base_months=work.catalog.months(command.sku),
        days=days,
        today=work.today,
        now=work.now,
        policy_version=work.policy_version,
    )
    # Its first paid cycle must have a price in the account's currency (Rule 4.1).
    next_cycle_lines(tried, work.catalog, work.account.currency, work.today)
    facts = {"do": command.do, "subscription": tried.id, "expiry": str(tried.expiry)}
    operation = work.operation(
        Purpose.TRIAL, facts, subscription=tried.id, cycle=tried.anchor, command=command
    )
    work.period(operation, tried, period, ZERO)
    work.event(
        Event.TRIAL_STARTED,
        command.rule,
        subscription=tried.id,
        actor=command.actor,
        operation=operation,
        expiry=tried.expiry,
    )
    work.create(tried)
    work.record_trial(tried, once)
    return done(facts)
