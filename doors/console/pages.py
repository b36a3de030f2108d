"""How pages are made: each has an operation of the table of access, and one form of result."""

import functools
import inspect
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from doors.console.forms import checked_form
from doors.console.rendering import rendered
from doors.console.visitors import checked

Answer = Callable[..., Coroutine[Any, Any, "Page | Response"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page: the template that shows it, what the template shows, and the HTTP status.

    `kept`: the browser may show it again on the way back, without asking. It is for a page that a
    form has made. The sign-out clears what is kept.
    """

    template: str
    shows: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    kept: bool = False


def shown_once(
    told: str, what: str, secret: str, back: str, *, keep: str, frame: str = "admin.html"
) -> Page:
    """The page that alone shows a secret.

    `told`: what was done. `keep`: what to do with the secret, in a sentence.
    `back`: where to go on.
    `frame`: the template of the group of pages. Default: the pages of admins.
    """
    shows = {"told": told, "what": what, "secret": secret, "back": back}
    return Page(template="shown_once.html", shows=shows | {"keep": keep, "frame": frame})


class Pages:
    """The pages of one group, which stand in one file.

    pages = Pages()

    @pages.get("/wall", "show_report")
    async def wall(visitor: Visiting) -> Page:
        return Page(template="wall.html", shows={...})
    """

    def __init__(self) -> None:
        self.router = APIRouter(include_in_schema=False)

    def get(self, path: str, operation: str) -> Callable[[Answer], Answer]:
        """Register a page. `operation`: its row in the table of access (`doors/access`)."""
        return self._add("GET", path, operation, [])

    def post(self, path: str, operation: str) -> Callable[[Answer], Answer]:
        """Register where a form is sent to. `operation`: as in `get`.

        A form that does not come from a page of the same session is refused before.
        """
        return self._add("POST", path, operation, [Depends(checked_form)])

    def _add(
        self, method: str, path: str, operation: str, further: list[Any]
    ) -> Callable[[Answer], Answer]:
        def register(answer: Answer) -> Answer:
            self.router.add_api_route(
                path,
                shown(answer),
                methods=[method],
                dependencies=[Depends(checked(operation)), *further],
                response_model=None,
                openapi_extra={"x-operation": operation},
            )
            return answer

        return register


def respond(request: Request, made: Page | Response) -> Response:
    """What a page has made, as it is sent to the browser."""
    if isinstance(made, Response):
        return made
    response = rendered(request, made.template, made.shows, made.status)
    if made.kept:
        response.headers["Cache-Control"] = "private, no-cache"
    return response


def _the_request(request: Request) -> Request:
    return request


def shown(answer: Answer) -> Callable[..., Coroutine[Any, Any, Response]]:
    """A function of a page that returns what is sent to the browser."""

    @functools.wraps(answer)
    async def entry(*, request_: Request, **values: Any) -> Response:
        return respond(request_, await answer(**values))

    own = inspect.signature(answer, eval_str=True)
    request = inspect.Parameter(
        "request_",
        inspect.Parameter.KEYWORD_ONLY,
        annotation=Annotated[Request, Depends(_the_request)],
    )
    signature = own.replace(parameters=[*own.parameters.values(), request])
    entry.__signature__ = signature  # type: ignore[attr-defined]
    return entry


def see(path: str) -> Response:
    """Let the browser read another page after a form was sent. A reload sends nothing again."""
    return RedirectResponse(path, status_code=303)
