"""The Python client against a running API: it sells, recovers and refunds."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from perennial_client import (
    AsyncPerennial,
    BadInput,
    Changed,
    KeyUsed,
    NoKey,
    NotAllowed,
    NotFound,
    Perennial,
    Refused,
)
from perennial_client.commands import (
    Adjust,
    Assign,
    Purchase,
    Recover,
    SetCard,
    Terminate,
    TopUp,
)

from core.domain.roles import Role
from doors.http import clocks
from doors.http.application import application
from doors.http.server import listen, serving
from settings import PROJECT
from tests.http.conftest import Api, OpenApi

README = PROJECT / "clients/python/README.md"


@asynccontextmanager
async def served(open_api: OpenApi, **options: Any) -> AsyncIterator[tuple[Api, str]]:
    """The API of a shop on a port of this machine, and its address."""
    async with (
        open_api(**options) as api,
        serving(application(api.shop.perennial), listen("api", "127.0.0.1", 0, 5)) as address,
    ):
        yield api, address


async def test_a_program_buys_recovers_and_refunds(open_api: OpenApi) -> None:
    """Rules 4.1, 4.2, 6.1, 8.2: a renewal fails, is recovered, and the cycle is given back."""
    async with served(open_api) as (api, address):
        acme, s = api.shop.id("acme"), api.shop.id("s")
        assert api.shop.clock is not None
        async with AsyncPerennial(address, api.key()) as perennial:
            order = Purchase(account=acme, subscription=s, sku="PRO", quantity=20)
            preview = await perennial.preview(order)
            assert preview.refusal is None
            assert preview.result is not None
            assert preview.after is not None
            assert (preview.result.amount, preview.after.usable) == (Decimal("1000.00"), 0)
            bought = await perennial.do(order, idempotency_key="order-7731")
            assert (bought.result.expiry, bought.replayed) == (date(2021, 2, 14), False)
            again = await perennial.do(order, idempotency_key="order-7731")
            assert (again.result, again.replayed) == (bought.result, True)
            with pytest.raises(KeyUsed):
                await perennial.do(
                    Purchase(account=acme, subscription=s, sku="BIZ"), idempotency_key="order-7731"
                )
            assert (await perennial.show_request("order-7731")).state == "done"

            events = perennial.events(account=acme, test_clocks=True, after=0)
            async with asyncio.timeout(300):
                assert (await anext(events)).message.type == "purchased"
            await events.aclose()

            await api.shop.advance(2021, 2, 7)
            [failed] = [row async for row in perennial.list_work("failed", account=acme)]
            assert (failed.subscription, failed.balance) == (s, 0)
            with pytest.raises(Refused) as refused:
                await perennial.do(Recover(subscription=s))
            assert refused.value.rule == "6.1"
            assert refused.value.next
            await perennial.do(Adjust(account=acme, amount=Decimal("1000.00"), reason="goodwill"))
            recovered = await perennial.do(Recover(subscription=s))
            assert recovered.result.amount == Decimal("1000.00")
            assert recovered.result.expiry == date(2021, 3, 14)
            assert recovered.sentence.startswith(f"{s} is recovered: $1,000.00 paid")

            ended = await perennial.do(Terminate(subscription=s, reason="moved away"))
            assert ended.result.refund == Decimal("1000.00")
            view = await perennial.show_subscription(s)
            assert (view.status, view.periods[-1].refunded) == ("TERMINATED", Decimal("1000.00"))
            events = [line.event async for line in perennial.list_history(account=acme, per_page=1)]
            assert events[:2] == ["refunded", "terminated"]
            assert len(events) > 3
            lines = [row async for row in perennial.list_transactions(account=acme, per_page=2)]
            assert sum(line.amount for line in lines) == lines[0].balance == Decimal("1000.00")


async def test_a_month_passes_on_a_test_clock(
    open_api: OpenApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rules 1.7, 5.1: what was bought renews while the clock is advanced, in several requests."""
    monkeypatch.setattr(clocks, "SECONDS", 0.0)
    async with served(open_api) as (api, address):
        clock, new, s = api.shop.id("spring"), api.shop.id("globex"), api.shop.id("s")
        spring = datetime(2021, 3, 1, tzinfo=UTC)

        def act() -> None:
            with Perennial(address, api.key(Role.PLATFORM)) as perennial:
                perennial.create_clock(clock=clock, now=spring)
                perennial.open_account(
                    account=new,
                    currency="USD",
                    timezone="Asia/Singapore",
                    credits=Decimal("500.00"),
                    clock=clock,
                )
                order = Purchase(account=new, subscription=s, sku="PRO", quantity=5)
                assert perennial.do(order).result.expiry == date(2021, 3, 31)
                to = spring + timedelta(days=31)
                assert not perennial.advance_clock(clock, to=to).reached
                there = perennial.advance(clock, to)
                assert (there.now, there.reached) == (to, True)
                assert perennial.show_subscription(s).expiry == date(2021, 4, 30)
                assert perennial.show_account(new).balance == 0
                assert perennial.show_clock(clock).accounts == 1
                assert clock in [row.clock for row in perennial.list_clocks()]
                with pytest.raises(BadInput, match="never goes back"):
                    perennial.advance(clock, spring)
                with pytest.raises(ValueError, match="no time zone"):
                    perennial.advance(clock, datetime(2021, 5, 1))  # noqa: DTZ001

        await asyncio.to_thread(act)
        async with AsyncPerennial(address, api.key()) as waiting:
            may = datetime(2021, 5, 1, tzinfo=UTC)
            assert (await waiting.advance(clock, may)).now == may


async def test_everything_that_is_read_can_be_read(open_api: OpenApi) -> None:
    async with served(open_api) as (api, address):
        acme, s = api.shop.id("acme"), await api.shop.buy()
        days = {"first_day": date(2021, 1, 1), "last_day": date(2021, 1, 31)}

        def read() -> None:
            with Perennial(address, api.key()) as perennial:
                account = perennial.show_account(acme)
                assert (account.balance, account.mode) == (Decimal("950.00"), "prepaid")
                assert account.now.tzinfo is not None
                assert [row.account for row in perennial.list_accounts(test_clocks=True)] == [acme]
                assert list(perennial.list_accounts()) == []
                assert perennial.show_state(s).state.subscription.sku == "PRO"
                explained = perennial.explain(s)
                assert explained.next_step is not None
                assert explained.next_step in explained.coming
                assert perennial.forecast(account=acme, months=12).entries[0].subscription == s
                statement = perennial.show_statement(account=acme, **days)
                assert statement.closing.balance == Decimal("950.00")
                assert perennial.show_catalog().entries[0]["sku"] == "PRO"
                assert perennial.show_policy().version == 1
                report = perennial.show_report(
                    "fees", first=date(2021, 1, 1), last=date(2021, 1, 1), test_clocks=True
                )
                assert report.rows[0].month == date(2021, 1, 1)
                assert list(perennial.list_numbers()) == list(perennial.list_campaigns()) == []
                assert perennial.do(SetCard(account=acme, card=None)).result.account == acme
                new = api.shop.id("globex")
                for _ in range(2):
                    perennial.open_account(
                        account=new,
                        currency="USD",
                        timezone="Asia/Singapore",
                        credits=Decimal("100.00"),
                        idempotency_key="customer-17",
                    )
                assert perennial.show_account(new).balance == Decimal("100.00")
                with pytest.raises(Refused, match="assigned to the owner already"):
                    perennial.do(Assign(subscription=s, assignee=None))

        await asyncio.to_thread(read)


async def test_two_who_edit_with_an_etag(open_api: OpenApi) -> None:
    """Rule 14. The second one is told, and nothing is changed."""
    async with served(open_api, workers=()) as (api, address):

        def edit() -> None:
            with Perennial(address, api.key()) as perennial:
                seen = perennial.show_policy()
                terms = {**seen.policy, "max_licences": 400}
                now = perennial.set_policy(policy=terms, if_match=str(seen.etag))
                assert now.policy["max_licences"] == 400
                assert now.etag == perennial.show_policy().etag != seen.etag
                with pytest.raises(Changed) as told:
                    perennial.set_policy(policy={}, if_match=str(seen.etag))
                assert told.value.allowed == now.etag
                profile = perennial.show_seller_profile()
                named = perennial.change_seller_profile(name="N", if_match=str(profile.etag))
                assert (named.name, named.etag) == ("N", '"1"')
                [line] = perennial.list_policy_versions(per_page=1).page().data
                assert line.version == now.version

        await asyncio.to_thread(edit)


async def test_the_readme_sells_and_what_a_caller_gets_wrong_is_told(open_api: OpenApi) -> None:
    async with served(open_api, workers=()) as (api, address):
        acme = api.shop.id("acme")

        def act() -> None:
            follow_the_readme(api, address)
            with Perennial(address, api.key()) as perennial:
                with pytest.raises(NotFound, match="there is no account none"):
                    perennial.show_account("none")
                with pytest.raises(NotFound):
                    perennial.show_subscription("..")
                with pytest.raises(BadInput) as wrong:
                    perennial.do(TopUp(account=acme, amount=Decimal("-1")))
                assert (wrong.value.place, len(wrong.value.faults)) == ("amount", 1)
            with Perennial(address, "pk_wrong") as stranger, pytest.raises(NoKey):
                stranger.show_policy()
            with Perennial(address, api.key(Role.VIEWER)) as viewer:
                with pytest.raises(NotAllowed) as barred:
                    viewer.do(TopUp(account=acme, amount=Decimal(1)))
                assert barred.value.allowed == ["admin", "finance", "platform"]

        await asyncio.to_thread(act)


def follow_the_readme(api: Api, address: str) -> None:
    """Run the first lines of the README as a seller that has nothing, twice, and a second order."""
    examples = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    names = {"http://127.0.0.1:8400": address, "pk_…": api.key(seller="new")}
    names |= {f'"{name}"': repr(api.shop.id(f"new-{name}")) for name in ("acme", "s1")}
    names |= {"order-7731": api.shop.id("order-7731")}

    def run(example: str, **others: str) -> str:
        for name, here in (names | others).items():
            example = example.replace(name, here)
        printed: list[str] = []

        def keep(*words: object) -> None:
            printed.append(" ".join(map(str, words)))

        exec(compile(example, str(README), "exec"), {"print": keep})
        return "\n".join(printed).replace(api.shop.id("new-s1"), "s1")

    prepared, sold = examples
    assert all(name in prepared + sold for name in names)
    assert len(re.findall(r"^.*\S", sold, re.MULTILINE)) == 10
    refused, told = re.findall(r"  # (.*)", sold)
    for _ in range(2):
        assert run(prepared) == ""
        answer = run(sold)
        assert until(answer) == until(told)
    other = {'"s1"': repr(api.shop.id("new-s2")), "order-7731": api.shop.id("order-7732")}
    assert run(sold, **other) == refused


def until(sentence: str) -> str:
    """What a purchase tells, without the day."""
    start, day = sentence.split("paid up to ")
    assert re.fullmatch(r"\d+ \w+ \d{4}\.", day)
    return start
