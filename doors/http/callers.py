"""Who calls: the key of a request, its seller and role. Every access is checked here.

A caller reaches the system through a connection that is bound to the seller of the key. So every
query and every command runs within this seller.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request

from core.ledger import api_keys
from core.ledger.acting import from_here
from core.ledger.api_keys import KeyLine
from core.ledger.clocks import machine_now
from doors.access import caller as access
from doors.access import operations
from doors.access.sellers import Sellers
from doors.application.perennial import Perennial
from doors.http.limits import InFlight, RateLimit
from doors.http.problems import Kind, Problem

_SCHEME = "bearer "


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller(access.Caller):
    """The caller of a request. `in_flight`: the commands that the process carries out."""

    in_flight: InFlight


class Callers:
    """Finds the caller of each request.

    `perennial`: the connection of the process. Connections of other sellers share its servers.
    """

    def __init__(self, perennial: Perennial) -> None:
        config = perennial.config
        self._sellers = Sellers(perennial)
        self._limit = RateLimit(config.api_requests_per_second)
        self._in_flight = InFlight()
        self._seller_of: dict[str, str] = {}

    async def find(self, request: Request, operation: str) -> Caller:
        """The caller of a request, who may do the operation.

        Raises `Problem` 401 without a key that can be used, 429 with too many requests, and
        `NotAllowed` for a role that may not do it.
        """
        key = await self._key(_shown(request))
        if key is None:
            raise Problem(
                Kind.NO_KEY,
                "the key is missing, unknown, expired or revoked",
                headers={"WWW-Authenticate": "Bearer"},
            )
        request.state.key = key
        self._limit.take(key.id)
        caller = Caller(
            role=key.role,
            who=f"key/{key.id}",
            by=f"key/{key.id}",
            address=request.client.host if request.client else "",
            scopes=None if key.scopes is None else frozenset(key.scopes),
            actor=f"{key.name} (key {key.id})",
            perennial=self._sellers.within(key.seller),
            in_flight=self._in_flight,
        )
        caller.require(operation)
        from_here(caller.acting)
        return caller

    async def _key(self, shown: str) -> KeyLine | None:
        """The key that a caller shows. It is read anew each time, so one that is revoked ends.

        It is looked up among the keys of the seller that it had before. So a connection seldom
        changes its seller, which costs round trips (docs/decisions/0033).
        """
        id_ = api_keys.id_of(shown)
        seller = self._seller_of.get(id_)
        system = self._sellers.first if seller is None else self._sellers.within(seller)
        key = await system.read(api_keys.authenticate, shown, machine_now())
        if key is None:
            self._seller_of.pop(id_, None)
        else:
            self._seller_of[id_] = key.seller
        return key


def _shown(request: Request) -> str:
    header = request.headers.get("Authorization", "")
    return header[len(_SCHEME) :].strip() if header.lower().startswith(_SCHEME) else ""


def checked(operation: str) -> Callable[[Request], Coroutine[Any, Any, None]]:
    """The check of an endpoint: it runs before everything else of the endpoint.

    Raises KeyError for an operation that `doors/access/operations.py` does not have.
    """
    if operation not in operations.ROLES:
        raise KeyError(f"{operation} has no roles; add its row to doors/access/operations.py")

    async def check(request: Request) -> None:
        request.state.operation = operation
        callers: Callers = request.app.state.callers
        request.state.caller = await callers.find(request, operation)

    return check


async def _caller(request: Request) -> Caller:  # FastAPI would run it in a thread otherwise.
    caller: Caller = request.state.caller
    return caller


Calling = Annotated[Caller, Depends(_caller)]
"""The parameter of an endpoint that holds its caller."""
