"""What is said to the API, one request after the other, without a network.

A conversation is a generator. It yields what is to be done: a `Send` or a `Pause`. What it is told
back is the response to a `Send`, or the error of the network. So the synchronous and the
asynchronous client share every decision, and differ in how they send and wait.
"""

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, Generic, TypeVar
from uuid import uuid4

import httpx

from perennial_client.errors import (
    InFlight,
    NeedsApproval,
    NoResponse,
    OutcomeUnknown,
    PerennialError,
    Problem,
    Unreadable,
    problem_of,
)
from perennial_client.plain import build, fields_of, plain
from perennial_client.retries import Retries, seconds_of

R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """A request to send."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """Seconds to wait."""

    seconds: float


Told = httpx.Response | httpx.RequestError | None
Conversation = Generator[Send | Pause, Told, R]

#: The caller has not sent anything when one of these comes.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
#: Statuses that pass by themselves, also those of a proxy.
_PASSING = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done(Generic[R]):
    """What a command did.

    `sentence`: for a person. `result`: for a program.
    `idempotency_key`: its key.
    `replayed`: it had been done before with this key. Nothing was done again.
    """

    do: str
    idempotency_key: str
    sentence: str
    result: R
    replayed: bool


def ask(request: Send, retries: Retries) -> Conversation[httpx.Response]:
    """Send a request until there is a response that stays. Returns it, with a status below 300.

    Raises `Problem`, `NoResponse`, or `OutcomeUnknown` for a request with an idempotency key that
    may have been carried out.
    """
    began, attempt, in_doubt = retries.now(), 0, False
    while True:
        attempt += 1
        told = yield request
        error = error_of(told)
        if error is None and isinstance(told, httpx.Response):
            return told
        assert error is not None
        if not passes(told, error):
            raise error
        in_doubt |= _may_be_done(told, error)
        wait = retries.gap(attempt, began, retry_after_of(told))
        if wait is None:
            key = request.headers.get(KEY)
            raise OutcomeUnknown(key, _first_line(error)) if key and in_doubt else error
        yield Pause(wait)


def carry_out(
    do: str, command: object, returns: type[R], key: str, retries: Retries
) -> Conversation[Done[R]]:
    """Carry out a command. `returns`: the type of its result."""
    response = yield from ask(post(f"/v1/commands/{do}", fields_of(command), key), retries)
    document = read(response)
    return Done(
        do=do,
        idempotency_key=key,
        sentence=build(str, document.get("sentence")),
        result=build(returns, document.get("result")),
        replayed=response.headers.get("Idempotent-Replayed") == "true",
    )


KEY = "Idempotency-Key"


def change(
    method: str,
    path: str,
    body: Mapping[str, object] | None,
    idempotency_key: str | None = None,
    if_match: str | None = None,
) -> Send:
    """A request that changes something. A POST has a key, any other may be repeated as it is.

    Fields of the body that are None are left out. `if_match`: the ETag that it is based on.
    """
    fields = {name: plain(value) for name, value in (body or {}).items() if value is not None}
    matched = {} if if_match is None else {"If-Match": if_match}
    if method == "POST":
        key = str(uuid4()) if idempotency_key is None else idempotency_key
        request = post(path, fields, key)
        return replace(request, headers={**request.headers, **matched})
    if body is None:
        return Send(method=method, path=path, headers=matched)
    headers = {"Content-Type": "application/json", **matched}
    content = json.dumps(fields, allow_nan=False).encode()
    return Send(method=method, path=path, headers=headers, content=content)


def post(path: str, body: Mapping[str, Any], key: str) -> Send:
    """A request that sends a JSON object. Raises ValueError for a key that cannot be sent."""
    if not (1 <= len(key) <= 200 and key.isascii() and key.isprintable() and key.strip() == key):
        raise ValueError(
            f"the idempotency key {key[:50]!r} cannot be sent; allowed are 1 to 200 printable "
            "ASCII characters, such as a UUID"
        )
    return Send(
        method="POST",
        path=path,
        headers={KEY: key, "Content-Type": "application/json"},
        content=json.dumps(body, allow_nan=False).encode(),
    )


def read(response: httpx.Response) -> dict[str, Any]:
    """The JSON object of a response, with its ETag as `etag`. Raises `Unreadable`."""
    try:
        document = response.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise Unreadable("The response is no JSON object. Is this the address of a Perennial API?")
    etag = response.headers.get("ETag")
    return document if etag is None else {**document, "etag": etag}


def error_of(told: Told) -> PerennialError | None:
    """The error that a response or a fault of the network stands for. None: it is a result."""
    if isinstance(told, httpx.Response):
        if told.status_code == HTTPStatus.ACCEPTED and KEY in told.request.headers:
            if approval := read(told).get("approval"):
                return NeedsApproval(told.request.headers[KEY], str(approval))
            return NoResponse("no outcome has come in time")
        if told.is_success:
            return None
        try:
            document = told.json()
        except ValueError:
            document = told.text
        return problem_of(told.status_code, document, retry_after_of(told))
    reason = str(told) or type(told).__name__
    return NoResponse(f"The API does not respond: {reason}. Check its address, then try again.")


def passes(told: Told, error: PerennialError) -> bool:
    """Whether the same request may succeed later."""
    if isinstance(error, NeedsApproval):
        return False
    if isinstance(error, Problem):
        return isinstance(error, InFlight) or error.status in _PASSING
    return not isinstance(told, httpx.UnsupportedProtocol)


def _may_be_done(told: Told, error: PerennialError) -> bool:
    """Whether a command that met this may have been carried out all the same."""
    if isinstance(error, Problem):
        return error.status != HTTPStatus.TOO_MANY_REQUESTS
    return not isinstance(told, _NOT_SENT)


def retry_after_of(told: Told) -> float | None:
    """The seconds that the API asks to wait."""
    return seconds_of(told.headers.get("Retry-After")) if isinstance(told, httpx.Response) else None


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__).rstrip(".")
