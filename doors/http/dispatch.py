"""Finding the endpoint of a request among about 150, by what stands behind the version in its path.

Starlette compares a path with one route after the other. This route stands for all of them, and
compares it with those alone that share its first word, such as `accounts`. The paths of commands
and of their previews differ in the second word, so they are told apart by two.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send


class Dispatch(BaseRoute):
    """All endpoints as one route. `routes`: none has a parameter among the words of `_of`."""

    def __init__(self, routes: Sequence[APIRoute]) -> None:
        self._routes = defaultdict[str, list[APIRoute]](list)
        for route in routes:
            self._routes[_of(route.path)].append(route)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether an endpoint takes the request. One of another method is the second best."""
        best, values = Match.NONE, dict[str, Any]()
        if scope["type"] != "http":
            return best, values
        for route in self._routes.get(_of(scope["path"]), ()):
            match, found = route.matches(scope)
            if match.value > best.value:
                best, values = match, dict(found)
            if best is Match.FULL:
                break
        return best, values

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the endpoint that was found serve the request. It has put itself into the scope."""
        await scope["route"].handle(scope, receive, send)


def _of(path: str) -> str:
    parts = path.split("/", 4)
    return "/".join(parts[: 4 if parts[2:3] in (["commands"], ["previews"]) else 3])
