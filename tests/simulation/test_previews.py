"""A preview says what the command then does: result, refusal, events, invoices and what is usable.

Made-up scenarios are played. Each command is previewed, and then carried out with what it sets off
at once. Where a card would be charged, only a card that is not declined can be compared.
"""

import asyncio
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from sqlalchemy import Connection, text

from activities.registry import Activities
from core.domain.calendar import local_date
from core.domain.commands import AnyCommand
from core.domain.commands.base import SubscriptionCommand
from core.domain.commands.transfer import Transfer
from core.domain.events import Event
from core.gateways.simulated_cards import SimulatedCards
from core.ledger.ledger import Ledger
from core.ledger.rows import account_from
from core.protocol.activity_messages import CommandResult
from core.protocol.call_sequences import catch_up
from doors.application.direct_engine import Direct
from doors.application.previews import Preview, preview
from doors.scenarios.scenario import parse
from doors.simulation.player import play
from tests.simulation.how_many import scenarios_in_ci
from tests.simulation.stories import scenarios

EXAMPLES = Path(__file__).parent / "examples"


def known_before(event: Any) -> dict[str, Any]:
    """The facts of an event that a preview can tell: not the key that a card charge gets."""
    by_card = event.event in {Event.CARD_CHARGED, Event.AUTO_TOPPED_UP}
    return {name: it for name, it in event.facts.items() if not (by_card and name == "charge")}


class Previewing(Direct):
    """Previews each command before it carries it out, and compares."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(Activities(ledger, SimulatedCards(ledger.engine)))
        self.ledger = ledger
        self.compared = 0
        self.told: list[Preview] = []

    async def command(self, command: AnyCommand, now: datetime) -> CommandResult:
        account, accounts = self._account(command), self._accounts(command)
        for each in accounts:
            self._drive(catch_up(each, now))
        before = self._everything()
        told = preview(self.ledger, command, now)
        self.told.append(told)
        assert self._everything() == before, "a preview has changed something"
        result = await super().command(command, now)
        if told.card is not None and self._card(account) != "sim_ok":
            return result
        assert told.refusal == result.refusal
        assert told.result == result.result
        assert told.replayed == result.replayed
        if told.after is not None and account is not None:
            for each in accounts:
                self._drive(catch_up(each, now))
            self._compare(told, account, command, now, before)
        return result

    def _compare(
        self, told: Preview, account: str, command: AnyCommand, now: datetime, before: Any
    ) -> None:
        assert told.after is not None
        self.compared += 1
        with self.ledger.engine.connect() as connection:
            row = self._one(connection, "SELECT * FROM accounts WHERE id = :a", a=account)
            assert told.after.usable == account_from(row).usable(local_date(now, row.timezone))
            events = connection.execute(
                text(
                    "SELECT event, subscription, amount, rule, facts FROM history WHERE seq > :seq "
                    "AND (account IN (:a, :to) OR subscription = :s) ORDER BY seq"
                ),
                {
                    "seq": before[0],
                    "a": account,
                    "to": command.to if isinstance(command, Transfer) else None,
                    "s": getattr(command, "subscription", None),
                },
            ).all()
            assert [(e.event, e.subscription, e.amount, e.rule, e.facts) for e in told.events] == [
                (*event[:-1], known_before(event)) for event in events
            ]
            invoices = connection.execute(
                text(
                    "SELECT i.account, total FROM invoices i JOIN operations o ON o.id = operation "
                    "WHERE seq > :seq AND (i.account = :a OR subscription = :s) ORDER BY seq"
                ),
                {"seq": before[1], "a": account, "s": getattr(command, "subscription", None)},
            ).all()
            assert [(it.account, it.total) for it in told.invoices] == [
                tuple(invoice) for invoice in invoices
            ]
            if (id_ := getattr(command, "subscription", None)) is not None:
                row = self._one(connection, "SELECT * FROM subscriptions WHERE id = :s", s=id_)
                assert (told.after.status, told.after.expiry) == (row.status, row.expiry)

    def _accounts(self, command: AnyCommand) -> list[str]:
        others = command.other_accounts() if isinstance(command, SubscriptionCommand) else ()
        return sorted({it for it in (self._account(command), *others) if it is not None})

    def _account(self, command: AnyCommand) -> str | None:
        if not isinstance(command, SubscriptionCommand):
            return command.account
        with self.ledger.engine.connect() as connection:
            query = text("SELECT account FROM subscriptions WHERE id = :s")
            found: str | None = connection.execute(query, {"s": command.subscription}).scalar()
            return found

    def _card(self, account: str | None) -> str | None:
        with self.ledger.engine.connect() as connection:
            query = text("SELECT card FROM accounts WHERE id = :a")
            found: str | None = connection.execute(query, {"a": account}).scalar()
            return found

    def _everything(self) -> Any:
        """The last event and invoice, and the sums of what may change."""
        with self.ledger.engine.connect() as connection:
            return self._one(
                connection,
                "SELECT (SELECT coalesce(max(seq), 0) FROM history),"
                " (SELECT coalesce(max(seq), 0) FROM invoices),"
                " (SELECT count(*) FROM operations), (SELECT count(*) FROM card_charges),"
                " (SELECT sum(version) FROM subscriptions), (SELECT sum(balance) FROM accounts),"
                " (SELECT count(*) FROM messages), (SELECT count(*) FROM tellings)",
            )

    def _one(self, connection: Connection, sql: str, **values: Any) -> Any:
        return connection.execute(text(sql), values).one()


def test_a_preview_names_no_charge_that_is_yet_to_be_made(
    new_ledger: Callable[[], Ledger],
) -> None:
    ledger = new_ledger()
    engine = Previewing(ledger)
    asyncio.run(
        play(parse((EXAMPLES / "card-declined-then-recover.yaml").read_bytes()), ledger, engine)
    )
    charged = [
        event for told in engine.told for event in told.events if event.event is Event.CARD_CHARGED
    ]
    assert [event.amount for event in charged] == [40, 40]
    assert not any("charge" in event.facts for event in charged)
    query = text("SELECT facts FROM history WHERE event = 'card_charged'")
    with ledger.engine.connect() as connection:
        assert "charge" in connection.execute(query).scalar_one()


@given(scenarios())
@settings(
    max_examples=scenarios_in_ci(50),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    print_blob=True,
)
def test_a_command_does_what_its_preview_says(
    new_ledger: Callable[[], Ledger], document: dict[str, Any]
) -> None:
    ledger = new_ledger()
    engine = Previewing(ledger)
    result = asyncio.run(play(parse(json.dumps(document)), ledger, engine))
    assert result["ledger_sum"] == "0.00"
    done = len(document["steps"]) - len(result["refused"])
    assert engine.compared or not done or all(s["do"] == "outage" for s in document["steps"])
