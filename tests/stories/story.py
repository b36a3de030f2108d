"""Plays a short scenario by the direct engine, and shows in a few lines what happened.

A story leaves out what does not matter to it. Without `catalog:` or `accounts:` it has the shop and
the customer below. The timeline has every event, so an unexpected event fails the test.

Each story is also checked for what is true of all stories. Money is conserved, the timeline
explains the balances, and the invoice numbers have no gap.
"""

import asyncio
import textwrap
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from activities.registry import Activities
from core.gateways.simulated_cards import SimulatedCards
from core.ledger.database import connect
from core.ledger.ledger import Ledger
from core.ledger.tables import AccountRow
from doors.application.direct_engine import Direct
from doors.queries.statements import movements, statement
from doors.queries.transactions import Wanted, transactions
from doors.scenarios.scenario import Scenario, parse
from doors.simulation.player import play

SHOP = """
catalog:
  - {sku: PRO, application: phone, kind: application, months: 1,
     prices: {USD: "50.00", KWD: "15.125", JPY: "5000"}}
  - {sku: BIZ, application: phone, kind: application, months: 1, prices: {USD: "90.00"}}
  - {sku: YEAR, application: desk, kind: application, months: 12, prices: {USD: "370.00"}}
  - {sku: FREE, application: chat, kind: service, months: 1, prices: {USD: "0.00"}}
  - {sku: FINAL, application: fax, kind: hardware, months: 1, prices: {USD: "20.00"},
     refundable: false}
  - {sku: SEAT, kind: addon, months: 1, prices: {USD: "10.00"}}
  - {sku: SUPPORT, kind: addon, months: 12, prices: {USD: "100.00"}}
  - {sku: DID, kind: number, months: 1, prices: {USD: "10.00"}, activation_fee: {USD: "5.00"}}
  - {sku: BARE, kind: number, months: 1, prices: {USD: "3.00"}}
"""
CUSTOMER = """
accounts:
  - {id: acme, currency: USD, timezone: Asia/Singapore, credits: "100.00"}
"""


@dataclass(frozen=True)
class Story:
    """What happened in a story: the whole result, and the parts that tests use most."""

    result: dict[str, Any]

    @property
    def timeline(self) -> list[str]:
        """The events, such as ``2021-01-09 s1 renewed -50.00``.

        A line has the date, the time if it is not midnight, the id, the event, the number, the
        amount and the reason.
        """
        return [_line(event) for event in self.result["timeline"]]

    @property
    def invoices(self) -> list[str]:
        """The invoices, such as ``2021-01-09 acme individual 40.00 + 10.00 = 50.00``."""
        return [_invoice(invoice) for invoice in self.result["invoices"]]

    @property
    def refused(self) -> list[str]:
        """The refusals, such as ``2 recover 6.1``: the step, its command, the refusing rule."""
        return [f"{r['step']} {r['do']} {r['rule']}" for r in self.result["refused"]]

    @property
    def balances(self) -> dict[str, str]:
        """The balance of each account."""
        return {id_: account["balance"] for id_, account in self.result["accounts"].items()}

    def state(self, id_: str, *keys: str) -> Any:
        """Values of a subscription. For one key it is the value, for several keys a tuple."""
        values = tuple(self.result["subscriptions"][id_][key] for key in keys)
        return values if len(values) > 1 else values[0]

    def events(self, *kinds: str) -> list[str]:
        """The lines of the timeline with events of these kinds."""
        return [_line(event) for event in self.result["timeline"] if event["event"] in kinds]


def lines(text: str) -> list[str]:
    """The lines of an indented text, without comments. A comment begins with two spaces and #."""
    return [line.split("  #")[0].rstrip() for line in textwrap.dedent(text).strip().splitlines()]


def read(text: str) -> Scenario:
    """The scenario of a story."""
    text = textwrap.dedent(text)
    shop = "" if "catalog:" in text else SHOP
    customer = "" if "accounts:" in text else CUSTOMER
    return parse("\n".join([shop, customer, text]))


def tell(text: str, database: str) -> Story:
    """Play a story in an empty, migrated database."""
    scenario = read(text)
    ledger = Ledger(connect(database, pool_size=2))
    try:
        engine = Direct(Activities(ledger, SimulatedCards(ledger.engine)))
        told = Story(asyncio.run(play(scenario, ledger, engine)))
        _statements_hold(ledger)
    finally:
        ledger.engine.dispose()
    _holds(told, {account.id: account.credits for account in scenario.accounts})
    return told


def _invoice(invoice: dict[str, Any]) -> str:
    lines = " + ".join(line["amount"] for line in invoice["lines"])
    return f"{invoice['date']} {invoice['account']} {invoice['kind']} {lines} = {invoice['total']}"


def _line(event: dict[str, Any]) -> str:
    time = event["at"][10:16]
    when = event["date"] + (time if time != "T00:00" else "")
    who = event.get("id", event["account"])
    words = [
        when,
        who,
        event["event"],
        event.get("number", ""),
        event.get("amount", ""),
        f"({event['reason']})" if "reason" in event else "",
    ]
    return " ".join(word for word in words if word)


def _statements_hold(ledger: Ledger) -> None:
    """Check that the transactions of each account explain every balance (Rule 11.7)."""
    query = select(AccountRow.id, AccountRow.balance, AccountRow.unbilled)
    with ledger.engine.connect() as connection:
        accounts = connection.execute(query.order_by(AccountRow.id)).all()
    for account in accounts:
        found = list(transactions(ledger, Wanted(account=account.id), newest_first=False))
        assert list(transactions(ledger, Wanted(account=account.id))) == found[::-1]
        balance = Decimal(0)
        for line in found:
            assert line.balance == balance + line.amount, line
            balance = line.balance
        assert balance == account.balance
        assert not found or (found[-1].unbilled or 0) == account.unbilled
        days = sorted({line.date for line in found})
        for day in days:
            told = statement(ledger, account.id, day, day)
            of_the_day = [line for line in found if line.date == day]
            assert list(movements(ledger, told)) == of_the_day
            moved = sum(line.amount for line in of_the_day)
            assert told.opening.balance + moved == told.closing.balance
            assert told.opening.balance == of_the_day[0].balance - of_the_day[0].amount


def _holds(told: Story, opening: dict[str, Decimal]) -> None:
    """Check what is true of every story."""
    result = told.result
    assert result["ledger_sum"] == "0.00"
    moved: dict[str, Decimal] = defaultdict(Decimal)
    for event in result["timeline"]:
        moved[event["account"]] += Decimal(event.get("amount", 0))
    for id_, account in result["accounts"].items():
        assert Decimal(account["balance"]) == opening[id_] + moved[id_], (
            f"the timeline does not explain the balance of {id_}"
        )
    assert [int(invoice["number"]) for invoice in result["invoices"]] == list(
        range(1, len(result["invoices"]) + 1)
    )
    for invoice in result["invoices"]:
        assert (
            Decimal(invoice["total"])
            == sum(Decimal(line["amount"]) for line in invoice["lines"])
            != 0
        )
