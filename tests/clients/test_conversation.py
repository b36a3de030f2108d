"""The Python client without a network: what it sends again, when, and what an outcome is."""

import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from itertools import count
from typing import Any

import httpx
import perennial_client as client
import pytest
from perennial_client.commands import Purchase, SetCard, TopUp, Wanted
from perennial_client.retries import Retries, seconds_of

Given = httpx.Response | Exception
DONE = httpx.Response(
    200,
    json={
        "do": "top_up",
        "request_id": "k",
        "state": "done",
        "sentence": "$5.00 added.",
        "result": {"account": "acme", "amount": "5.00", "currency": "USD", "more": 1},
    },
)


class Api:
    """Stands for the API: gives one answer after the other, and keeps what was sent."""

    def __init__(self, *answers: Given) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


def problem(status: int, kind: str, headers: dict[str, str] | None = None, **more: Any) -> Given:
    """A problem of the API."""
    document = {"type": f"urn:perennial:problem:{kind}", "title": kind, "status": status}
    return httpx.Response(status, json=document | more, headers=headers)


OPEN = httpx.Response(202, json={"state": "open"}, headers={"Retry-After": "2"})
IN_FLIGHT = problem(409, "in-flight", {"Retry-After": "1"})
BUSY = problem(429, "too-many-requests", {"Retry-After": "3"})
CUT = httpx.ReadTimeout("no response")
AWAY = httpx.ConnectError("refused")
ORDER = TopUp(account="acme", amount=Decimal("5.00"))


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the client has waited for. It does not really wait."""
    found: list[float] = []
    monkeypatch.setattr("time.sleep", found.append)
    return found


def connect(api: Callable[[httpx.Request], httpx.Response], **retries: Any) -> client.Perennial:
    """A client of an API that is a function."""
    return client.Perennial(
        "http://api",
        "pk_1",
        retries=Retries(**{"now": lambda: 0.0, "chance": lambda: 1.0} | retries),
        transport=httpx.MockTransport(api),
    )


def test_a_command_is_sent_again_with_the_same_key_until_it_has_an_outcome(
    waits: list[float],
) -> None:
    api = Api(CUT, OPEN, IN_FLIGHT, BUSY, DONE)
    done = connect(api).do(ORDER)
    assert done.result.amount == Decimal("5.00")
    assert len({request.headers["idempotency-key"] for request in api.requests}) == 1
    assert len({request.content for request in api.requests}) == 1
    assert done.idempotency_key == api.requests[0].headers["idempotency-key"]
    assert waits == [0.2, 2.4, 1.8, 4.6], "the gap doubles, and Retry-After is added to it"


def test_a_new_call_is_a_new_command_unless_the_caller_has_a_key() -> None:
    api = Api(DONE)
    perennial = connect(api)
    for key in (None, None, "order-1", "order-1"):
        perennial.do(ORDER, idempotency_key=key)
    keys = [request.headers["idempotency-key"] for request in api.requests]
    assert len(set(keys)) == 3
    assert keys[2:] == ["order-1", "order-1"]


def test_attempts_and_time_are_bounded(waits: list[float]) -> None:
    api = Api(AWAY)
    with pytest.raises(client.NoResponse, match="refused"):
        connect(api).list_accounts().page()
    assert len(api.requests) == 6
    api = Api(problem(503, "not-available", {"Retry-After": "61"}))
    with pytest.raises(client.NotAvailable) as error:
        connect(api).show_account("acme")
    assert (len(api.requests), error.value.retry_after) == (1, 61.0)
    seconds = count(0, 25)
    api = Api(AWAY)
    with pytest.raises(client.NoResponse):
        connect(api, now=lambda: float(next(seconds))).show_account("acme")
    assert len(api.requests) == 3


@pytest.mark.parametrize("last", [CUT, OPEN, IN_FLIGHT, problem(502, "")])
def test_a_command_that_may_have_run_is_never_called_a_failure(
    last: Given, waits: list[float]
) -> None:
    with pytest.raises(client.OutcomeUnknown) as error:
        connect(Api(last)).do(ORDER, idempotency_key="order-1")
    assert error.value.idempotency_key == "order-1"
    with pytest.raises(client.OutcomeUnknown):
        connect(Api(last, AWAY)).do(ORDER)


@pytest.mark.parametrize(("last", "error"), [(AWAY, client.NoResponse), (BUSY, client.Problem)])
def test_a_command_that_was_never_read_has_not_run(
    last: Given, error: type[Exception], waits: list[float]
) -> None:
    with pytest.raises(error):
        connect(Api(last)).do(ORDER)


def test_gaps_are_partly_by_chance_so_that_callers_do_not_come_back_together() -> None:
    chance = random.Random(1).random
    gaps = [Retries(chance=chance, now=lambda: 0.0).gap(3, 0.0, None) for _ in range(100)]
    assert all(gap is not None and 0.4 <= gap <= 0.8 for gap in gaps)
    assert len(set(gaps)) == 100
    assert Retries(attempts=99, chance=lambda: 1.0, now=lambda: 0.0).gap(50, 0.0, None) == 5.0
    with pytest.raises(ValueError, match="attempt"):
        Retries(attempts=0)


def test_retry_after_is_seconds_or_a_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    assert 98 <= (seconds_of(later) or 0) <= 100
    assert seconds_of("Fri, 31 Dec 1999 23:59:59 GMT") == 0
    assert seconds_of(" 7 ") == 7
    for text in (None, "", "soon", "-1", "1.5", "9" * 400, "²"):
        assert seconds_of(text) is None


def test_a_problem_tells_rule_place_what_is_allowed_and_what_to_do() -> None:
    told = problem(
        400,
        "bad-input",
        detail="quantity: must be 1 or more",
        instance="urn:perennial:request:ab",
        next="Correct it.",
        place="quantity",
        allowed="1 or more",
        rule="4.1",
        faults=[{"place": "quantity", "reason": "must be 1 or more"}],
        invented=1,
    )
    with pytest.raises(client.BadInput) as error:
        connect(Api(told)).do(ORDER)
    found = error.value
    assert (found.kind, found.status, found.rule) == ("bad-input", 400, "4.1")
    assert (found.place, found.allowed, found.next) == ("quantity", "1 or more", "Correct it.")
    assert found.faults == (client.Fault("quantity", "must be 1 or more"),)
    assert found.request == "urn:perennial:request:ab"
    assert str(found) == "bad-input: quantity: must be 1 or more (rule 4.1). Correct it."
    with pytest.raises(client.Problem) as unknown:
        connect(Api(problem(418, "invented"))).show_policy()
    assert unknown.value.kind == "invented"


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404, text="<html>nginx " + "x" * 9999),
        httpx.Response(302, headers={"Location": "http://elsewhere"}),
        httpx.Response(401, json=["no"]),
        httpx.Response(404, content=b"\xff\xfe"),
    ],
)
def test_an_answer_of_something_else_says_so(answer: httpx.Response) -> None:
    with pytest.raises(client.Problem, match="no Perennial API") as error:
        connect(Api(answer)).show_account("acme")
    assert len(str(error.value)) < 500


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={"sentence": 1}),
        httpx.Response(200, json={"sentence": "x", "result": {"account": "acme", "amount": 5.0}}),
        httpx.Response(200, json={"sentence": "x", "result": {"account": "acme", "amount": "a"}}),
    ],
)
def test_a_result_that_cannot_be_read_is_said(answer: httpx.Response) -> None:
    with pytest.raises(client.Unreadable):
        connect(Api(answer)).do(ORDER)


def test_the_key_stays_with_the_api_and_out_of_sight() -> None:
    api = Api(httpx.Response(307, headers={"Location": "http://elsewhere/v1/policy"}))
    perennial = connect(api)
    with pytest.raises(client.Problem):
        perennial.show_policy()
    assert [request.url.host for request in api.requests] == ["api"]
    assert "pk_1" not in repr(perennial)
    for address, key in (("api:8400", "k"), ("", "k"), ("http://api", ""), ("http://api", "ä")):
        with pytest.raises(ValueError, match=r"address|key"):
            client.Perennial(address, key)


@pytest.mark.parametrize("key", ["", "x" * 201, "ä", "a\nb", " a"])
def test_an_idempotency_key_that_cannot_be_sent_is_refused(key: str) -> None:
    api = Api(DONE)
    with pytest.raises(ValueError, match="idempotency key"):
        connect(api).do(ORDER, idempotency_key=key)
    assert api.requests == []


def test_a_command_as_json() -> None:
    """Fields that have their default are left out, and amounts are text."""
    api = Api(problem(418, "invented"))
    perennial = connect(api)
    order = Purchase(
        account="acme",
        subscription="s1",
        sku="PRO",
        addons={"SEAT": 2},
        numbers=[Wanted(number="+6561234567", sku="DID")],
        discount=Decimal("1E+1"),
    )
    for command in (order, SetCard(account="acme", card=None)):
        with pytest.raises(client.Problem):
            perennial.do(command)
    assert [json.loads(request.content) for request in api.requests] == [
        {
            "account": "acme",
            "subscription": "s1",
            "sku": "PRO",
            "addons": {"SEAT": 2},
            "numbers": [{"number": "+6561234567", "sku": "DID"}],
            "discount": "10",
        },
        {"account": "acme", "card": None},
    ]
    with pytest.raises(TypeError, match="Decimal"):
        perennial.do(TopUp(account="acme", amount=5.0))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("id_", "path"),
    [("a/b", "a%2Fb"), ("..", "%2E%2E"), ("ä ?#%", "%C3%A4%20%3F%23%25"), (".", "%2E")],
)
def test_an_id_is_one_part_of_the_path(id_: str, path: str) -> None:
    api = Api(problem(404, "not-found"))
    with pytest.raises(client.NotFound):
        connect(api).show_account(id_)
    assert api.requests[0].url.raw_path == f"/v1/accounts/{path}".encode()


def pages() -> Iterator[httpx.Response]:
    """Three pages of a history of five lines."""
    line = {
        "at": "2021-01-15T12:00:00+00:00",
        "date": "2021-01-15",
        "account": "acme",
        "subscription": None,
        "event": "renewed",
        "amount": "-50.00",
        "currency": "USD",
        "timezone": "UTC",
        "rule": "5.1",
        "actor": "platform",
        "facts": {},
    }
    for first, after in ((9, "8"), (7, "6"), (5, None)):
        rows = [line | {"seq": seq} for seq in range(first, max(first - 2, 4), -1)]
        yield httpx.Response(200, json={"data": rows, "next": after})


def test_a_list_reads_page_after_page_as_it_is_needed() -> None:
    api = Api(*pages())
    rows = connect(api).list_history(account="acme", per_page=2)
    assert api.requests == []
    lines = iter(rows)
    first = next(lines)
    assert (first.amount, first.date) == (Decimal("-50.00"), date(2021, 1, 15))
    assert first.at == datetime(2021, 1, 15, 12, tzinfo=UTC)
    assert len(api.requests) == 1
    assert [line.seq for line in lines] == [8, 7, 6, 5]
    assert [str(request.url.query, "ascii") for request in api.requests] == [
        "account=acme&sort=newest&limit=2",
        "account=acme&sort=newest&after=8&limit=2",
        "account=acme&sort=newest&after=6&limit=2",
    ]


async def test_the_asynchronous_client_does_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("asyncio.sleep", wait)
    api = Api(CUT, OPEN, DONE, *pages())
    async with client.AsyncPerennial(
        "http://api",
        "pk_1",
        retries=Retries(now=lambda: 0.0, chance=lambda: 1.0),
        transport=httpx.MockTransport(api),
    ) as perennial:
        assert (await perennial.do(ORDER)).sentence == "$5.00 added."
        assert waits == [0.2, 2.4]
        rows = perennial.list_history(account="acme", per_page=2)
        assert [line.seq async for line in rows] == [9, 8, 7, 6, 5]
        api.answers = [AWAY]
        with pytest.raises(client.NoResponse):
            await perennial.show_policy()


def told(*numbers: int) -> str:
    """Events of a stream, between heartbeats."""
    body = json.dumps(
        {"type": "renewed", "version": 1, "timestamp": "2021-02-07T00:00:00Z", "data": {}}
    )
    lines = [
        f'id: {number}\nevent: renewed\ndata: {body[:-1]}, "id": "event-{number}"}}\n\n'
        for number in numbers
    ]
    return "retry: 2000\n\n: still here\n\n" + ": still here\n\n".join(lines)


def test_a_stream_that_breaks_goes_on_after_the_last_event(waits: list[float]) -> None:
    first = httpx.Response(200, text=told(1, 2))
    rest = httpx.Response(200, text=told(3) + "id: 7\n\n")
    api = Api(first, CUT, BUSY, rest, httpx.Response(200, text=told(8)))
    events = connect(api).events(account="acme", after=0)
    found = [next(events) for _ in range(4)]
    assert [event.number for event in found] == [1, 2, 3, 8]
    assert found[0].message.id == "event-1"
    assert [request.headers["last-event-id"] for request in api.requests] == list("02227")
    assert {str(request.url.query, "ascii") for request in api.requests} == {"account=acme"}
    assert waits == [0.2, 0.4, 3.8, 0.2], "an event that comes begins the attempts anew"


def test_an_event_that_was_cut_off_comes_again(waits: list[float]) -> None:
    """Its number had come, and its data had not."""
    cut = httpx.Response(200, text=told(1) + "id: 2\nevent: renewed\ndata: {")
    api = Api(cut, httpx.Response(200, text=told(2)))
    events = connect(api).events(after=0)
    assert [next(events).number for _ in range(2)] == [1, 2]
    assert [request.headers["last-event-id"] for request in api.requests] == ["0", "1"]
    assert len(waits) == 1


def test_a_stream_that_cannot_be_opened_says_why(waits: list[float]) -> None:
    for answer, error in ((problem(404, "not-found"), client.NotFound), (AWAY, client.NoResponse)):
        with pytest.raises(error):
            next(connect(Api(answer)).events())
    with pytest.raises(client.Unreadable):
        next(connect(Api(httpx.Response(200, text="data: {}\n\n"))).events())
    assert len(waits) == 5


async def test_the_asynchronous_stream_does_the_same() -> None:
    api = Api(httpx.Response(200, text=told(1, 2)))
    async with client.AsyncPerennial(
        "http://api", "pk_1", transport=httpx.MockTransport(api)
    ) as perennial:
        events = perennial.events()
        assert [(await anext(events)).number, (await anext(events)).number] == [1, 2]


def test_what_is_no_command_is_changed_once_too(waits: list[float]) -> None:
    opened = httpx.Response(200, json={"account": "acme"})
    api = Api(CUT, opened)
    perennial = connect(api)
    perennial.open_account(
        account="acme", currency="USD", timezone="UTC", credits=Decimal("5"), renew_by_card=False
    )
    first, second = api.requests
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert json.loads(second.content) == {
        "account": "acme",
        "currency": "USD",
        "timezone": "UTC",
        "credits": "5",
        "renew_by_card": False,
    }
    api.answers = [httpx.Response(200, json={})]
    with pytest.raises(client.Unreadable):
        perennial.set_campaign_rate("c/1", rate=5)
    put = api.requests[-1]
    assert (put.method, put.url.raw_path) == ("PUT", b"/v1/campaigns/c%2F1/rate")
    assert "idempotency-key" not in put.headers


def test_a_command_that_waits_for_a_second_person_is_not_sent_again() -> None:
    api = Api(httpx.Response(202, json={"state": "open", "approval": "a1"}))
    with pytest.raises(client.NeedsApproval) as error:
        connect(api).do(ORDER)
    assert (error.value.approval, len(api.requests)) == ("a1", 1)
