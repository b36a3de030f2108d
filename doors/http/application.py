"""The application: all endpoints, on one connection to Perennial."""

from fastapi import FastAPI
from starlette.responses import JSONResponse

from doors.application.perennial import Perennial
from doors.http import accounts, commands, seller, subscriptions
from doors.http.callers import Callers
from doors.http.description import ABOUT, describe
from doors.http.edge import Edge
from doors.http.problems import add_handlers

PARTS = (commands.routes, subscriptions.routes, accounts.routes, seller.routes)


def application(perennial: Perennial | None = None) -> FastAPI:
    """The API as an ASGI application.

    `perennial`: the connection. None: the application can be described, but serves nothing.
    """
    app = FastAPI(**ABOUT, docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    for part in PARTS:
        app.include_router(part.router)
    if perennial is not None:
        app.state.callers = Callers(perennial)
    add_handlers(app)
    app.add_middleware(Edge)
    description = describe(app)

    @app.get("/v1/openapi.json", include_in_schema=False)
    async def openapi() -> JSONResponse:
        return JSONResponse(description)

    @app.get("/healthz", include_in_schema=False)
    async def health() -> JSONResponse:
        return JSONResponse({"state": "up"})

    return app
