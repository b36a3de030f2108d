"""Messages reach endpoints: all of them, in order, and again until it works (Rule 12)."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError
from standardwebhooks import Webhook

from core.domain.commands.terminate import Terminate
from core.domain.commands.unsubscribe import Unsubscribe
from core.domain.deliveries import Answer, DeliveryState
from core.domain.refusal import Refused
from core.ledger import deliveries, endpoints
from doors.commandline.webhook_run import resend, resend_failed
from doors.queries.deliveries import find_message, list_endpoints, list_messages
from doors.service.messages import Messages
from tests.ledger.conftest import DAY, Shop
from tests.messages.conftest import Time
from tests.messages.servers import Platform, hang, ok, platform, status

Add = Callable[..., str]
Role = Callable[..., Messages]


def told(there: Platform) -> list[str]:
    return [got.body["type"] for got in there.got]


def states(shop: Shop) -> list[str]:
    return [row[0] for row in shop.rows("SELECT state FROM deliveries ORDER BY event")]


async def test_what_was_committed_is_told_signed_in_order_and_once(
    shop: Shop, add_endpoint: Add, role: Role
) -> None:
    shop.open()
    async with platform() as there:
        secret = add_endpoint(there.url)
        shop.buy()
        shop.do(Unsubscribe(subscription="s1"))
        messages = role()
        assert await messages.once() == 2
        assert await messages.once() == 0
    assert told(there) == ["purchased", "unsubscribed"]
    assert there.got[0].body["data"]["amount"] == "-50.00"
    for got in there.got:
        Webhook(secret).verify(got.content, got.headers)
        assert got.headers["webhook-id"] == got.body["id"]
    assert states(shop) == ["delivered", "delivered"]


async def test_what_is_rolled_back_is_not_told(shop: Shop, add_endpoint: Add, role: Role) -> None:
    """Only from committed rows."""
    shop.open()
    async with platform() as there:
        add_endpoint(there.url)
        assert shop.buy(quantity=400).refusal is not None
        assert await role().once() == 0
    assert there.got == []


async def test_an_endpoint_gets_its_events_only_and_those_after_it_was_added(
    shop: Shop, add_endpoint: Add, role: Role
) -> None:
    shop.open()
    shop.buy()
    async with platform() as there, platform() as all_:
        add_endpoint(there.url, events=["terminated"])
        add_endpoint(all_.url, name="all")
        shop.do(Unsubscribe(subscription="s1"))
        shop.do(Terminate(subscription="s1", reason="moved"))
        await role().once()
    assert told(there) == ["terminated"]
    assert told(all_) == ["unsubscribed", "terminated", "refunded"]


async def test_nothing_of_a_test_clock_leaves_the_house_unless_the_seller_asks(
    shop: Shop, add_endpoint: Add, role: Role
) -> None:
    shop.open()
    shop.buy()
    shop.put_on_clock()
    async with platform() as there, platform() as asked:
        add_endpoint(there.url)
        add_endpoint(asked.url, name="asked", test_clocks=True)
        shop.do(Unsubscribe(subscription="s1"))
        await role().once()
    assert there.got == []
    assert told(asked) == ["unsubscribed"]


async def test_another_sellers_endpoint_is_not_told(
    shop: Shop, add_endpoint: Add, role: Role
) -> None:
    shop.open()
    shop.run("INSERT INTO sellers (id) VALUES ('rival')")
    async with platform() as there:
        add_endpoint(there.url)
        shop.force("UPDATE endpoints SET seller = 'rival'")
        shop.buy()
        assert await role().once() == 0


async def test_a_later_message_of_a_subscription_waits_for_the_earlier_one(
    shop: Shop, add_endpoint: Add, role: Role, time: Time
) -> None:
    """In order per subscription: s1 waits for its first message, s2 does not."""
    shop.open()
    broken = True

    async def reply(writer: Any, _number: int) -> None:
        got = there.got[-1].body
        refuse = broken and got["data"].get("subscription") == "s1"
        await (status(500) if refuse else ok)(writer, 1)

    async with platform() as there:
        there.reply = reply
        add_endpoint(there.url)
        shop.buy("s1")
        shop.buy("s2")
        shop.do(Unsubscribe(subscription="s1"))
        shop.do(Unsubscribe(subscription="s2"))
        messages = role(webhook_connections=1)
        for _ in range(4):
            await messages.once()
            time.pass_(seconds=3)
        broken = False
        time.pass_(minutes=11)
        await messages.once()
    of = defaultdict(list)
    for got in there.got:
        of[got.body["data"]["subscription"]].append(got.body["type"])
    assert of["s2"] == ["purchased", "unsubscribed"]
    assert of["s1"][-2:] == ["purchased", "unsubscribed"]
    assert set(of["s1"][:-1]) == {"purchased"}
    assert len({got.headers["webhook-id"] for got in there.got}) == 4
    assert states(shop) == ["delivered"] * 4


async def test_an_endpoint_that_is_away_is_tried_at_growing_gaps_until_it_is_back(
    shop: Shop, add_endpoint: Add, role: Role, time: Time
) -> None:
    shop.open()
    async with platform() as there:
        port = there.port
        add_endpoint(there.url)
    shop.buy()
    messages = role()
    for _ in range(3):
        assert await messages.once() == 0
        time.pass_(minutes=1)
    [line] = list_endpoints(shop.ledger)
    assert (line.waiting, line.failed) == (1, 0)
    assert line.failing_since is not None
    async with platform(port) as back:
        time.pass_(minutes=15)
        assert await messages.once() == 1
    assert told(back) == ["purchased"]
    assert list_endpoints(shop.ledger)[0].failing_since is None


async def test_after_three_days_a_message_has_failed_and_a_person_sends_it_again(
    shop: Shop, add_endpoint: Add, role: Role, time: Time
) -> None:
    shop.open()
    async with platform(reply=status(500)) as there:
        add_endpoint(there.url)
        shop.buy()
        messages = role()
        for _ in range(40):
            await messages.once()
            time.pass_(hours=2)
        [line] = list_messages(shop.ledger, state=DeliveryState.FAILED)
        assert line.error == "the endpoint responded with the status 500"
        assert line.attempts > 8
        before = len(there.got)
        there.reply = ok
        assert resend_failed(shop.ledger, "crm") == 1
        assert await messages.once() == 1
        assert len(there.got) == before + 1
        assert {got.headers["webhook-id"] for got in there.got} == {f"event-{_seq(shop)}"}
        assert resend(shop.ledger, [line.id]) == 1
        assert await messages.once() == 1
    view = find_message(shop.ledger, line.id)
    assert view.line.state is DeliveryState.DELIVERED
    assert view.body == there.got[-1].body


def _seq(shop: Shop) -> int:
    return int(shop.value("SELECT max(seq) FROM history"))


async def test_after_five_days_of_failing_an_endpoint_is_off_until_it_is_switched_on(
    shop: Shop, add_endpoint: Add, role: Role, time: Time
) -> None:
    shop.open()
    async with platform(reply=status(503)) as there:
        add_endpoint(there.url)
        messages = role()
        for day in range(6):
            shop.buy(f"s{day}")
            shop.run("UPDATE deliveries SET next_at = now()")
            await messages.once()
            time.pass_(days=1)
        [line] = list_endpoints(shop.ledger)
        assert line.off_at is not None
        assert "without one success" in str(line.off_why)
        assert await messages.once() == 0
        assert set(states(shop)) == {"failed"}
        shop.buy("later")
        assert len(states(shop)) == 6
        assert resend(shop.ledger, [1]) == 0
        with pytest.raises(Refused, match="switched off"):
            resend_failed(shop.ledger, "crm")
        there.reply = ok
        with shop.ledger.engine.begin() as connection:
            endpoints.switch_on(connection, "main", "crm")
        shop.buy("again")
        assert await messages.once() == 1
    assert there.got[-1].body["data"]["subscription"] == "again"


async def test_an_endpoint_that_says_gone_is_switched_off_at_once(
    shop: Shop, add_endpoint: Add, role: Role
) -> None:
    shop.open()
    async with platform(reply=status(410)) as there:
        add_endpoint(there.url)
        shop.buy()
        await role().once()
    assert "410" in str(list_endpoints(shop.ledger)[0].off_why)


async def test_an_endpoint_that_hangs_holds_up_no_other_one(
    shop: Shop, add_endpoint: Add, role: Role
) -> None:
    shop.open(credits_="100000.00")
    async with platform(reply=hang) as dead, platform() as alive:
        add_endpoint(dead.url, name="dead")
        add_endpoint(alive.url, name="alive")
        for number in range(40):
            shop.buy(f"s{number}")
        messages = role()
        task = asyncio.create_task(messages.once())
        await alive.until(40)
        await dead.until(8)
        assert (dead.most_open, len(dead.got)) == (8, 8)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_an_endpoint_has_no_more_connections_than_the_setting_says(
    shop: Shop, add_endpoint: Add, role: Role
) -> None:
    shop.open(credits_="100000.00")
    async with platform() as there:
        add_endpoint(there.url)
        for number in range(30):
            shop.buy(f"s{number}")
        assert await role(webhook_connections=3).once() == 30
    assert there.most_open <= 3


async def test_two_workers_send_each_message_once(
    shop: Shop, add_endpoint: Add, role: Role
) -> None:
    """SKIP LOCKED."""
    shop.open(credits_="100000.00")
    async with platform() as there:
        add_endpoint(there.url)
        for number in range(60):
            shop.buy(f"s{number}")
        done = await asyncio.gather(role().once(), role().once())
    assert sum(done) == len(there.got) == 60


async def test_what_a_killed_worker_has_taken_goes_out_again_with_the_same_id(
    shop: Shop, add_endpoint: Add, role: Role, time: Time
) -> None:
    """At least once, and the receiver can tell."""
    shop.open()
    async with platform() as there:
        add_endpoint(there.url)
        shop.buy()
        endpoint = shop.value("SELECT id FROM endpoints")
        with shop.ledger.engine.begin() as connection:
            row = endpoints.if_on(connection, endpoint)
            assert row is not None
            taken = deliveries.take(connection, row, time(), 8)
        assert taken is not None
        messages = role()
        assert await messages.once() == 0
        time.pass_(minutes=2)
        assert await messages.once() == 1
        with shop.ledger.engine.begin() as connection:  # The dead worker wakes up.
            deliveries.end(connection, endpoint, [(taken[0], Answer(error="late"))], time())
    assert states(shop) == ["delivered"]


async def test_a_worker_that_is_stopped_loses_nothing(
    shop: Shop, add_endpoint: Add, role: Role, time: Time
) -> None:
    shop.open()
    async with platform(reply=hang) as there:
        add_endpoint(there.url)
        shop.buy()
        task = asyncio.create_task(role().run(asyncio.sleep))
        await there.until(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        there.reply = ok
        time.pass_(minutes=3)
        assert await role().once() == 1
    assert there.got[0].headers["webhook-id"] == there.got[1].headers["webhook-id"]


async def test_without_its_key_nothing_is_sent_and_it_is_said(
    shop: Shop, add_endpoint: Add, role: Role
) -> None:
    shop.open()
    async with platform() as there:
        add_endpoint(there.url)
        shop.buy()
        await role(webhook_keys="another-key-that-has-32-characters-too").once()
        assert there.got == []
    [line] = list_messages(shop.ledger)
    assert "PERENNIAL_WEBHOOK_KEYS" in str(line.error)


async def test_what_was_delivered_is_forgotten_after_30_days(
    shop: Shop, add_endpoint: Add, role: Role, time: Time
) -> None:
    shop.open()
    async with platform() as there:
        add_endpoint(there.url)
        shop.buy()
        messages = role()
        await messages.once()
        time.pass_(days=29)
        await messages.once()
        assert states(shop) == ["delivered"]
        time.pass_(days=2)
        await messages.once()
    assert states(shop) == []


def test_the_lists_show_pages_and_what_was_removed(shop: Shop, add_endpoint: Add) -> None:
    shop.open(credits_="100000.00")
    shop.open("other")
    add_endpoint("https://example.com/a")
    for number in range(5):
        shop.buy(f"s{number}")
    shop.buy("o1", account="other")
    first = list_messages(shop.ledger, most=4)
    rest = list_messages(shop.ledger, before=first[-1].id, most=4)
    assert [line.subscription for line in [*first, *rest]] == ["o1", "s4", "s3", "s2", "s1", "s0"]
    assert [line.subscription for line in list_messages(shop.ledger, account="other")] == ["o1"]
    with shop.ledger.engine.begin() as connection:
        endpoints.remove(connection, "main", "crm", DAY)
    assert list_endpoints(shop.ledger) == []
    assert len(list_messages(shop.ledger, endpoint="crm")) == 6


def test_a_name_is_taken_once_and_ten_endpoints_are_the_most(shop: Shop, add_endpoint: Add) -> None:
    add_endpoint("https://example.com/a", name="e0")
    with pytest.raises(Refused, match="already"):
        add_endpoint("https://example.com/b", name="e0")
    for number in range(1, 10):
        add_endpoint("https://example.com/a", name=f"e{number}")
    with pytest.raises(Refused, match="at most 10"):
        add_endpoint("https://example.com/a", name="e10")
    with shop.ledger.engine.begin() as connection:
        endpoints.remove(connection, "main", "e0", DAY)
    add_endpoint("https://example.com/a", name="e0")


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM endpoints",
        "UPDATE endpoints SET seller = 'other'",
        "UPDATE deliveries SET event = 1, subject = 'x'",
        "UPDATE deliveries SET state = 'lost'",
    ],
)
def test_the_database_refuses_what_must_not_happen(
    shop: Shop, add_endpoint: Add, statement: str
) -> None:
    shop.open()
    add_endpoint("https://example.com/a")
    shop.buy()
    with pytest.raises(DBAPIError):
        shop.run(statement)


async def test_the_pause_of_a_failing_endpoint_grows(
    shop: Shop, add_endpoint: Add, role: Role, time: Time
) -> None:
    shop.open(credits_="100000.00")
    async with platform(reply=status(500)) as there:
        add_endpoint(there.url)
        for number in range(20):
            shop.buy(f"s{number}")
        messages = role()
        await messages.once()
        tried = len(there.got)
        assert tried <= 8
        await messages.once()
        assert len(there.got) == tried
        time.pass_(seconds=2)
        await messages.once()
        assert len(there.got) == tried + 1
    assert shop.value("SELECT paused_until FROM endpoints") == time() + timedelta(seconds=4)


async def test_an_error_of_the_sender_is_a_failure_of_its_message_only(
    shop: Shop, add_endpoint: Add, role: Role
) -> None:
    """The others of the batch are noted as delivered, so they are not sent twice."""

    class Breaks:
        sent = 0

        async def post(self, url: str, headers: Any, content: bytes) -> Answer:
            self.sent += 1
            if b"s1" in content:
                raise LookupError("broken")
            return Answer(200)

    shop.open()
    add_endpoint("https://example.com/a")
    shop.buy("s0")
    shop.buy("s1")
    messages, breaks = role(), Breaks()
    messages._sender = breaks
    assert await messages.once() == 1
    assert await messages.once() == 0
    assert breaks.sent == 2
    assert "LookupError: broken" in str(list_messages(shop.ledger)[0].error)
