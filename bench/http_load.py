"""Many clients of the HTTP API at once: what they ask, and what they are told.

Each client is a connection of its own. It buys, buys the same again, and reads, one request after
the other, with no pause. One that is told to come later (429) is sent again with the same key.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

import httpx

#: Of ten requests so many buy, and so many repeat an earlier purchase. The others read.
BUY, REPEAT = 4, 1
TIMEOUT = 60.0


@dataclass(slots=True)
class Told:
    """What all clients were told.

    `statuses`: how often each status came. "no response" counts, too.
    `seconds`: of each request that was not told to come later, by what it asked for.
    `bought`: the account by the idempotency key of each purchase with status 200.
    `open`: the same of those that have no outcome yet.
    `wrong`: responses that contradict an earlier one, as text.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    bought: dict[str, str] = field(default_factory=dict)
    open: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


async def load(
    address: str,
    keys: Sequence[str],
    accounts: Sequence[str],
    reads: Sequence[str],
    *,
    clients: int,
    seconds: float,
) -> Told:
    """Let clients ask for so many seconds.

    `keys`: keys of the API, shared by the clients in turn. `accounts`: those that buy PRO.
    `reads`: paths that can be read.
    """
    told, ends, numbers = Told(), time.monotonic() + seconds, count()
    await asyncio.gather(
        *(
            _client(address, keys[number % len(keys)], accounts, reads, told, ends, numbers)
            for number in range(clients)
        )
    )
    return told


async def _client(
    address: str,
    key: str,
    accounts: Sequence[str],
    reads: Sequence[str],
    told: Told,
    ends: float,
    numbers: "count[int]",
) -> None:
    chance = random.Random(next(numbers))  # noqa: S311
    headers, bought = {"Authorization": f"Bearer {key}"}, list[tuple[str, str]]()
    async with httpx.AsyncClient(
        base_url=address,
        headers=headers,
        timeout=TIMEOUT,
        verify=False,  # noqa: S501 # nosec B501 # of this bench
    ) as http:
        while time.monotonic() < ends:
            die = chance.randrange(10)
            if die < BUY:
                order = f"load-{next(numbers)}", chance.choice(accounts)
                if await _purchase(http, *order, told, ends, repeated=False):
                    bought.append(order)
            elif die < BUY + REPEAT and bought:
                await _purchase(http, *chance.choice(bought), told, ends, repeated=True)
            else:
                request = http.build_request("GET", chance.choice(reads))
                await _send(http, request, "read", told, ends)


async def _purchase(
    http: httpx.AsyncClient, order: str, account: str, told: Told, ends: float, *, repeated: bool
) -> bool:
    """Buy under an order's number. Returns whether it is bought."""
    body = {"subscription": order, "account": account, "sku": "PRO"}
    request = http.build_request(
        "POST", "/v1/commands/purchase", json=body, headers={"Idempotency-Key": order}
    )
    response = await _send(http, request, "repeat" if repeated else "purchase", told, ends)
    if response is None:
        told.open[order] = account
        return False
    if response.status_code != 200:
        if response.status_code != 429:
            told.open[order] = account
        return False
    told.bought[order] = account
    if repeated and response.headers.get("Idempotent-Replayed") != "true":
        told.wrong.append(f"{order} was carried out again")
    return True


async def _send(
    http: httpx.AsyncClient, request: httpx.Request, what: str, told: Told, ends: float
) -> httpx.Response | None:
    """Send a request, again and again while it is told to come later. None: no response."""
    while True:
        began = time.monotonic()
        try:
            response = await http.send(request)
        except httpx.HTTPError as error:
            told.statuses[f"no response: {type(error).__name__}"] += 1
            return None
        told.statuses[str(response.status_code)] += 1
        if response.status_code != 429:
            told.seconds.setdefault(what, []).append(time.monotonic() - began)
            return response
        if time.monotonic() >= ends:
            return response
        await asyncio.sleep(float(response.headers["Retry-After"]))
