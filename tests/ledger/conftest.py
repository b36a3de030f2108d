"""A shop with one seller, whose accounts act through the activities, in a database of its own."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest

from activities.open_account import NewAccount, open_account
from activities.registry import Activities
from core.domain import policy
from core.domain.commands import AnyCommand
from core.domain.commands.purchase import Purchase
from core.domain.commands.trial import Trial
from core.domain.steps import of_subscription
from core.gateways.simulated_cards import SimulatedCards
from core.ledger import stored_terms
from core.ledger.database import connect
from core.ledger.ids import Ids
from core.ledger.ledger import Ledger
from core.protocol.activity_messages import CommandRequest, CommandResult, Passed
from core.protocol.call_sequences import carry_out
from doors.application.direct_engine import Direct

DAY = datetime(2021, 3, 1, tzinfo=UTC)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""The machine's clock of the shop: the instants that a test names are later."""
PRO = {
    "sku": "PRO",
    "application": "phone",
    "kind": "application",
    "months": 1,
    "prices": {"USD": "50.00"},
    "trial_days": 7,
}


@dataclass
class Shop:
    """The ledger, and short ways to act on it."""

    ledger: Ledger
    engine: Direct

    def open(self, id_: str = "acme", credits_: str = "1000.00", **settings: Any) -> None:
        settings = {"currency": "USD", "timezone": "UTC", "seller": "main"} | settings
        open_account(self.ledger, NewAccount(id=id_, credits=Decimal(credits_), **settings), DAY)

    def do(
        self,
        command: AnyCommand,
        now: datetime = DAY,
        past: tuple[str, ...] | None = (),
        *,
        by_workflow: bool = True,
    ) -> CommandResult:
        """Carry out a command. Due steps of the subscriptions in `past` are skipped."""
        skipped = (
            None if past is None else tuple(Passed(subject=of_subscription(id_)) for id_ in past)
        )
        result: CommandResult = self.engine._drive(
            carry_out(
                CommandRequest(command=command, now=now, past=skipped, by_workflow=by_workflow)
            )
        )
        return result

    def buy(self, id_: str = "s1", account: str = "acme", **values: Any) -> CommandResult:
        return self.do(Purchase(subscription=id_, account=account, sku="PRO", **values))

    def try_out(self, id_: str = "t1", account: str = "acme", **values: Any) -> CommandResult:
        return self.do(Trial(subscription=id_, account=account, **{"sku": "PRO"} | values))

    def by_lower_ids(self) -> Callable[[], None]:
        """Return a function after which ids are lower: of a process that took its block before."""
        lower = Ids()
        with self.ledger.engine.begin() as connection:
            lower.take(connection)

        def switch() -> None:
            self.ledger.ids = lower

        return switch

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self.ledger.engine.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(sql)]

    def value(self, sql: str) -> Any:
        return self.rows(sql)[0][0]

    def run(self, sql: str) -> None:
        """Execute a statement in its own transaction, as a person at a console would."""
        with self.ledger.engine.begin() as connection:
            connection.exec_driver_sql(sql)

    def force(self, sql: str) -> None:
        """Execute a statement with the guards of the database off."""
        self.run(f"SET LOCAL session_replication_role = replica; {sql}")

    def put_on_clock(self) -> None:
        """Put everything on the test clock ``c``."""
        self.run("INSERT INTO clocks (id, now) VALUES ('c', '2021-03-01')")
        for table in ("accounts", "subscriptions", "steps"):
            self.force(f"UPDATE {table} SET clock = 'c'")


@pytest.fixture
def shop(database: str) -> Iterator[Shop]:
    ledger = Ledger(connect(database, pool_size=30), machine_now=lambda: LONG_AGO)
    with ledger.engine.begin() as connection:
        stored_terms.add_policy(connection, "main", policy.DEFAULT)
        stored_terms.add_catalog(connection, "main", [PRO])
    yield Shop(ledger, Direct(Activities(ledger, SimulatedCards(ledger.engine))))
    ledger.engine.dispose()


@pytest.fixture
def at_once() -> Callable[[list[Callable[[], Any]]], list[Any]]:
    """Return a function that runs functions in threads which start together.

    It returns their results, or the exceptions that they raised, in order.
    """

    def run(functions: list[Callable[[], Any]]) -> list[Any]:
        barrier = Barrier(len(functions))

        def one(function: Callable[[], Any]) -> Any:
            barrier.wait()
            try:
                return function()
            except Exception as error:
                return error

        with ThreadPoolExecutor(len(functions)) as pool:
            return list(pool.map(one, functions))

    return run
