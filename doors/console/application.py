"""The application: all pages, on one connection to Perennial."""

from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from doors.access.openid import OpenId
from doors.access.sellers import Sellers
from doors.access.staff import StaffSignIn
from doors.application.effect_runs import Runs
from doors.application.perennial import Perennial
from doors.console import (
    accounts,
    approvals,
    assets,
    audit,
    campaigns,
    catalog_editor,
    commands,
    documents,
    effects,
    find,
    home,
    keys,
    messages,
    numbers,
    openid,
    payloads,
    policy_editor,
    sign_in,
    staff,
    subscriptions,
    template_previews,
    terms,
    wall,
    webhooks,
    what_if,
    work_lists,
)
from doors.console.errors import add_handlers, own_error
from doors.console.visitors import SignInNeeded, sign_in_path
from doors.http.edge import HEADERS, Edge

GROUPS = (
    home.pages,
    find.pages,
    accounts.pages,
    subscriptions.pages,
    commands.pages,
    documents.pages,
    messages.pages,
    numbers.pages,
    wall.pages,
    what_if.pages,
    work_lists.pages,
    campaigns.pages,
    terms.pages,
    webhooks.pages,
    policy_editor.pages,
    catalog_editor.pages,
    effects.pages,
    approvals.pages,
    audit.pages,
    staff.pages,
    keys.pages,
    template_previews.pages,
)
"""The pages that a visitor needs a session for, group by group."""

POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
"""What a browser may load and where it may send forms to. Nothing inline runs."""


def application(perennial: Perennial) -> FastAPI:
    """The console as an ASGI application."""
    others = (sign_in.router, openid.router, payloads.router, assets.router)
    routers = (*(group.router for group in GROUPS), *others)
    # The routes are as their groups have made them. `include_router` would make each anew.
    routes = [route for router in routers for route in router.routes]
    off: dict[str, Any] = {"docs_url": None, "redoc_url": None, "openapi_url": None}
    app = FastAPI(**off, redirect_slashes=False, routes=routes)
    app.state.config = perennial.config
    app.state.people = StaffSignIn(Sellers(perennial))
    app.state.wall = wall.Keeper()
    app.state.effects = Runs()
    app.state.openid = None if perennial.config.openid_issuer is None else OpenId(perennial.config)
    add_handlers(app)
    app.add_middleware(
        Edge,
        headers={
            **HEADERS,
            "Content-Security-Policy": POLICY,
            "Referrer-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
        },
        own_error=own_error,
    )

    @app.exception_handler(SignInNeeded)
    async def sign_in_first(request: Request, needed: SignInNeeded) -> Response:
        return RedirectResponse(sign_in_path(needed.path, sent=needed.sent), status_code=303)

    @app.get("/healthz", include_in_schema=False)
    async def health() -> JSONResponse:
        return JSONResponse({"state": "up"})

    return app
