"""Who calls: the key of a request, its seller and role. Every access is checked here.

A caller reaches the system through a connection that is bound to the seller of the key. So every
query and every command runs within this seller.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any, Concatenate, ParamSpec, TypeVar

from fastapi import Depends, Request

from core.ledger import api_keys
from core.ledger.api_keys import KeyLine
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from doors.application.patience import Patience
from doors.application.perennial import Perennial
from doors.http import access
from doors.http.limits import InFlight, RateLimit
from doors.http.problems import Kind, Problem

P = ParamSpec("P")
R = TypeVar("R")

_SCHEME = "bearer "


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller of a request: its key, and the connection within the key's seller."""

    key: KeyLine
    perennial: Perennial
    in_flight: InFlight

    @property
    def actor(self) -> str:
        """The caller, for the history."""
        return f"{self.key.name} (key {self.key.id})"

    async def read(
        self, query: Callable[Concatenate[Ledger, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """What a query of `doors.queries` returns, within the seller."""
        return await self.perennial.read(query, *args, **kwargs)


class Callers:
    """Finds the caller of each request.

    `perennial`: the connection of the process. Connections of other sellers share its servers.
    """

    def __init__(self, perennial: Perennial) -> None:
        config = perennial.config
        self._first = perennial
        self._patience = Patience(config.api_patience_seconds)
        self._limit = RateLimit(config.api_requests_per_second)
        self._in_flight = InFlight()
        self._sellers: dict[str, Perennial] = {}

    async def find(self, request: Request, operation: str) -> Caller:
        """The caller of a request, who may do the operation.

        Raises `Problem` 401 without a key that can be used, 429 with too many requests, and 403 for
        a role that may not do it.
        """
        key = await self._first.read(api_keys.authenticate, _shown(request), machine_now())
        if key is None:
            raise Problem(
                Kind.NO_KEY,
                "the key is missing, unknown, expired or revoked",
                headers={"WWW-Authenticate": "Bearer"},
            )
        request.state.key = key
        self._limit.take(key.id)
        if not access.may(key.role, operation):
            raise Problem(
                Kind.NOT_ALLOWED,
                f"the role {key.role} may not {operation}",
                allowed=sorted(access.ROLES[operation]),
            )
        return Caller(key, self._within(key.seller), self._in_flight)

    def _within(self, seller: str) -> Perennial:
        if seller not in self._sellers:
            self._sellers[seller] = self._first.of_seller(seller, self._patience)
        return self._sellers[seller]


def _shown(request: Request) -> str:
    header = request.headers.get("Authorization", "")
    return header[len(_SCHEME) :].strip() if header.lower().startswith(_SCHEME) else ""


def checked(operation: str) -> Callable[[Request], Coroutine[Any, Any, None]]:
    """The check of an endpoint: it runs before everything else of the endpoint.

    Raises KeyError for an operation that `doors/http/access.py` does not have.
    """
    if operation not in access.ROLES:
        raise KeyError(f"{operation} has no roles; doors/http/access.py names those that may do it")

    async def check(request: Request) -> None:
        request.state.operation = operation
        callers: Callers = request.app.state.callers
        request.state.caller = await callers.find(request, operation)

    return check


def _caller(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


Calling = Annotated[Caller, Depends(_caller)]
"""The parameter of an endpoint that holds its caller."""
