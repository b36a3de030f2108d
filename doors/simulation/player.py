"""Runs a scenario on a test clock (docs/scenario.md).

It opens the accounts, runs the commands, lets time pass, and reports.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import insert

from activities.number_invoices import number_invoices
from activities.open_account import NewAccount, open_account
from core.domain.commands import AnyCommand
from core.domain.subscription import Mode
from core.ledger import seller_wallets, stored_terms
from core.ledger.ledger import Ledger
from core.ledger.tables import Clock
from core.protocol.activity_messages import CommandResult
from doors.application import test_clocks
from doors.application.test_clocks import Taker
from doors.scenarios.scenario import Scenario
from doors.scenarios.step_shapes import CARDS
from doors.simulation.report import Refused, report

CLOCK = "scenario"


class Engine(Taker, Protocol):
    """Runs the steps and the commands."""

    async def command(self, command: AnyCommand, now: datetime) -> CommandResult:
        """Run a command at a business instant."""
        ...


async def play(scenario: Scenario, ledger: Ledger, engine: Engine) -> dict[str, Any]:
    """Run a scenario in an empty database. Returns the report that docs/scenario.md describes."""
    ends = {account.timezone: scenario.until_for(account.timezone) for account in scenario.accounts}
    begin = min(
        [*(step.at for step in scenario.steps), *ends.values()], default=scenario.until_for("UTC")
    )
    _open(scenario, ledger, begin)
    refused = []
    for step in scenario.steps:
        await _pass(ledger, engine, ends, step.at)
        if step.outage_until is not None:
            await test_clocks.advance(ledger, engine, CLOCK, step.outage_until, outage=True)
        if step.command is not None:
            result = await engine.command(step.command, step.at)
            if result.refusal:
                refused.append(Refused(step, result.refusal))
            await _pass(ledger, engine, ends, step.at)
    await _pass(ledger, engine, ends, max(ends.values(), default=begin))
    while number_invoices(ledger):
        pass
    return report(scenario, ledger, refused)


async def _pass(ledger: Ledger, engine: Engine, ends: Mapping[str, datetime], to: datetime) -> None:
    """Let time pass up to an instant, in each zone at most to the end of the story there.

    As a bare date, `until` begins in Kiritimati a day before it begins in Niue. The last steps in
    Niue must not move Kiritimati beyond its end.
    """
    for end in sorted({min(end, to) for end in ends.values()}):
        zones = [zone for zone, ends_at in ends.items() if ends_at >= end]
        await test_clocks.advance(
            ledger, engine, CLOCK, end, zones=zones if len(zones) < len(ends) else None
        )


def _open(scenario: Scenario, ledger: Ledger, begin: datetime) -> None:
    with ledger.engine.begin() as connection:
        stored_terms.add_policy(connection, ledger.seller, scenario.policy)
        stored_terms.add_catalog(connection, ledger.seller, scenario.catalog_entries)
        connection.execute(insert(Clock).values(id=CLOCK, now=begin))
        for currency, amount in scenario.seller_credits.items():
            if amount:
                seller_wallets.top_up(
                    connection,
                    ledger.seller,
                    currency,
                    amount,
                    at=begin,
                    request_id=f"scenario/{currency}",
                    actor="scenario",
                )
    for account in scenario.accounts:
        opened = NewAccount(
            id=account.id,
            seller=ledger.seller,
            currency=account.currency,
            timezone=account.timezone,
            credits=account.credits,
            credit_limit=account.credit_limit,
            card=CARDS[account.card],
            renew_by_card=account.renew_by_card,
            auto_top_up=account.auto_top_up,
            mode=Mode(account.mode),
            clock=CLOCK,
        )
        open_account(ledger, opened, begin)
