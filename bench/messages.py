"""Messages: ten thousand of them due at one instant, to a platform and by e-mail.

One process with the role `messages` delivers them, beside an endpoint that never replies and beside
renewals. The platform and the mail server are one process of this machine, and take everything.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psutil
from sqlalchemy import select, text

from activities.number_invoices import number_invoices
from activities.registry import Activities
from bench.figures import Figure, Result, Say, at_least, at_most
from bench.shop import SELLER, open_shop, renew_one
from bench.site import Site, site, worker_program
from core.gateways.simulated_cards import SimulatedCards
from core.gateways.webhook_secrets import SecretKeys
from core.ledger import endpoints
from core.ledger.clocks import machine_now
from core.ledger.database import connect
from core.ledger.ledger import Ledger
from core.ledger.tables import StepRow
from settings import PROJECT

MESSAGES = 10_000
RENEWALS = 300
INVOICES = 200
_KEY = "a key of the bench with more than 32 characters"
_LONGEST = 1800.0
_HAPPEN = text(
    "INSERT INTO history (at, account, subscription, event, rule, actor, facts, operation) "
    "SELECT CAST(:now AS timestamptz), s.account, s.id, :event, '12', 'bench', "
    "jsonb_build_object('expiry', s.expiry), (SELECT max(operation) FROM history h "
    "  WHERE h.subscription = s.id AND CAST(:invoiced AS boolean)) "
    "FROM subscriptions s WHERE s.id = ANY (:ids) ORDER BY s.id"
)
_LEFT = text(
    "SELECT e.name, count(*) FROM deliveries d JOIN endpoints e ON e.id = d.endpoint "
    "WHERE d.state <> 'delivered' GROUP BY e.name"
)


async def measure(quick: bool, say: Say) -> list[Result]:
    """Deliver messages. `quick`: a tenth of them."""
    return [await asyncio.to_thread(_measure, MESSAGES // 10 if quick else MESSAGES, say)]


@dataclass
class Sinks:
    """Where messages go."""

    platform: int
    dead: int
    mails: int


@dataclass
class Run:
    """How long it took until all were delivered, in seconds, and what it cost.

    `cpu`: CPU seconds of the process. `renewals`: their rate meanwhile, 0 for none.
    """

    webhooks: float = 0.0
    mails: float = 0.0
    cpu: float = 0.0
    renewals: float = 0.0


def _measure(count: int, say: Say) -> Result:
    with site() as here, _sinks() as sinks:
        say(f"messages: {count} subscriptions are bought")
        subscriptions = open_shop(here.database_url, count + RENEWALS)
        ledger = Ledger(connect(here.database_url, pool_size=4), SELLER)
        try:
            _fill(ledger, sinks)
            renewed, told = subscriptions[:RENEWALS], subscriptions[RENEWALS:]
            say("messages: renewals by themselves")
            alone = _renew(ledger, renewed)
            say(f"messages: {count} are due at one instant")
            both = _deliver(here, ledger, sinks, "notice_renewal", told, renewed)
            say("messages: e-mails with invoices")
            while number_invoices(ledger):
                pass
            invoices = min(INVOICES, count)
            attached = _deliver(here, ledger, sinks, "reactivated", told[:invoices], [])
        finally:
            ledger.engine.dispose()
    figures = [
        Figure(f"{count:,} webhooks delivered", both.webhooks, "s", at_most(120)),
        Figure(f"{count:,} e-mails delivered", both.mails, "s", at_most(120)),
        Figure("messages/s", 2 * count / max(both.webhooks, both.mails)),
        Figure("CPU of the role for a message", both.cpu / (2 * count) * 1000, "ms"),
        Figure("renewals/s alone", alone),
        Figure("renewals/s beside them", both.renewals),
        Figure("renewals beside messages, as a part", both.renewals / alone, "", at_least(0.4)),
        Figure("e-mails with a new invoice in PDF/s", invoices / attached.mails),
        Figure("CPU of the role for such an e-mail", attached.cpu / invoices * 1000, "ms"),
    ]
    notes = (
        "One process of `worker.py messages` beside an endpoint that never replies. Webhooks and "
        "e-mails are due at the same instant.",
        "Renewals are those of one thread without workflows, and share the processors with it all.",
    )
    return Result("Messages due at one instant", figures, notes)


def _fill(ledger: Ledger, sinks: Sinks) -> None:
    keys, now = SecretKeys([_KEY]), machine_now()
    with ledger.transaction("webhook_add") as connection:
        connection.execute(text("UPDATE accounts SET billing_email = id || '@example.com'"))
        for name, port in (("platform", sinks.platform), ("dead", sinks.dead)):
            url, events = f"http://127.0.0.1:{port}/", ["notice_renewal"]
            given: dict[str, Any] = {"url": url, "events": events, "test_clocks": False}
            endpoints.add(
                connection, SELLER, name, sealed=keys.new(), now=now, actor="bench", **given
            )
        endpoints.set_mail(
            connection,
            SELLER,
            sender="billing@example.com",
            seller_address=None,
            events=["notice_renewal", "reactivated"],
            test_clocks=False,
            now=now,
            actor="bench",
        )


def _deliver(
    here: Site, ledger: Ledger, sinks: Sinks, event: str, told: list[str], renewed: list[str]
) -> Run:
    """Let an event happen to many, and wait until they are told. Others are renewed meanwhile."""
    with ledger.transaction("bench") as connection:
        values = {"now": machine_now(), "event": event, "ids": told}
        connection.execute(_HAPPEN, values | {"invoiced": event == "reactivated"})
    run = Run()
    with _role(here, sinks) as process:
        begin = time.monotonic()
        if renewed:
            run.renewals = _renew(ledger, renewed)
        while not (run.webhooks and run.mails):
            if time.monotonic() - begin > _LONGEST:
                raise RuntimeError("messages still wait")
            time.sleep(0.25)
            left, passed = _left(ledger), time.monotonic() - begin
            run.webhooks = run.webhooks or (0.0 if left.get("platform") else passed)
            run.mails = run.mails or (0.0 if left.get("e-mail") else passed)
        times = process.cpu_times()
        run.cpu = times.user + times.system
    return run


def _left(ledger: Ledger) -> dict[str, int]:
    with ledger.read() as connection:
        return {row.name: int(row[1]) for row in connection.execute(_LEFT)}


def _renew(ledger: Ledger, subscriptions: list[str]) -> float:
    """Renew each once, one after the other. Returns how many in a second."""
    activities = Activities(ledger, SimulatedCards(ledger.engine))
    query = select(StepRow.subject, StepRow.version, StepRow.due).where(
        StepRow.subject.in_(subscriptions)
    )
    with ledger.read() as connection:
        steps = connection.execute(query).all()
    begin = time.monotonic()
    for step in steps:
        renew_one(activities, step.subject, step.version, step.due)
    return len(steps) / (time.monotonic() - begin)


@contextmanager
def _sinks() -> Iterator[Sinks]:
    """The platform and the mail server, for the time of the block."""
    command = [sys.executable, "-m", "bench.message_sinks"]
    with subprocess.Popen(
        command, cwd=PROJECT, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        try:
            assert process.stdout is not None
            platform, dead, mails = map(int, process.stdout.readline().split())
            yield Sinks(platform, dead, mails)
        finally:
            process.terminate()


@contextmanager
def _role(here: Site, sinks: Sinks) -> Iterator[psutil.Process]:
    """A worker process with the role, for the time of the block."""
    with worker_program(
        here,
        "messages",
        log_level="ERROR",
        webhook_keys=_KEY,
        webhook_private="true",
        mail="smtp",
        smtp_host="127.0.0.1",
        smtp_port=str(sinks.mails),
        smtp_security="none",
    ) as process:
        yield psutil.Process(process.pid)
