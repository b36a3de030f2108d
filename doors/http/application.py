"""The application: all endpoints, on one connection to Perennial."""

import functools
from typing import Any

from fastapi import FastAPI
from starlette.responses import JSONResponse

from doors.application.effect_runs import Runs
from doors.application.perennial import Perennial
from doors.http import (
    account_files,
    accounts,
    approvals,
    audit,
    campaigns,
    clocks,
    commands,
    events,
    import_undos,
    imports,
    invoices,
    messages,
    reasons,
    seller,
    seller_profile,
    subscriptions,
    term_effects,
    terms,
    usage_batches,
    webhooks,
    what_if,
)
from doors.http.background import Background
from doors.http.callers import Callers
from doors.http.description import ABOUT, describe
from doors.http.edge import Edge
from doors.http.events import Streams
from doors.http.problems import add_handlers

PARTS = (
    subscriptions.routes,
    accounts.routes,
    account_files.routes,
    clocks.routes,
    what_if.routes,
    terms.routes,
    term_effects.routes,
    campaigns.routes,
    invoices.routes,
    webhooks.routes,
    messages.routes,
    events.routes,
    reasons.routes,
    usage_batches.routes,
    imports.routes,
    import_undos.routes,
    seller.routes,
    seller_profile.routes,
    approvals.routes,
    audit.routes,
    commands.routes,  # There are many of them, so the others are found first.
)


def application(perennial: Perennial | None = None) -> FastAPI:
    """The API as an ASGI application.

    `perennial`: the connection. None: the application can be described, but serves nothing.
    """
    # The routes are as their parts have made them. `include_router` would make each anew, which
    # takes a second.
    routes = [route for part in PARTS for route in part.endpoints()]
    off: dict[str, Any] = {"docs_url": None, "redoc_url": None, "openapi_url": None}
    app = FastAPI(**ABOUT, **off, redirect_slashes=False, routes=[*routes])
    app.state.endpoints = routes
    app.state.streams = Streams()
    app.state.background = Background()
    app.state.effects = Runs()
    if perennial is not None:
        app.state.callers = Callers(perennial)
    add_handlers(app)
    app.add_middleware(Edge)
    description = functools.cache(functools.partial(describe, app))

    @app.get("/v1/openapi.json", include_in_schema=False)
    async def openapi() -> JSONResponse:
        return JSONResponse(description())

    @app.get("/healthz", include_in_schema=False)
    async def health() -> JSONResponse:
        return JSONResponse({"state": "up"})

    return app
