"""Every page, every role, forms of other sites, and what a browser may do with a page."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.routing import APIRoute

from core.domain.roles import Role
from doors.access import operations
from doors.console.application import GROUPS, application
from doors.console.visitors import COOKIE, form_token
from tests.console.conftest import PASSWORD, PEOPLE, Desk, words_of

OPEN_TO_ALL = {
    *("/sign-in", "/sign-in/openid", "/sign-in/openid/back", "/sign-out"),
    *("/assets/{mark}/{name}", "/healthz"),
}
"""The paths that need no session: they tell nothing of a seller."""
CHECKED_ITSELF = {"/payloads/decode"}
"""A path that pages of another origin call. tests/console/test_payloads.py has its checks."""

ALLOWED = (200, 202, 303, 400, 404, 422)
"""What a page may say to a role that may see it, for ids and forms that do not exist."""


def routes() -> Iterator[APIRoute]:
    """Every page that needs a session."""
    for group in GROUPS:
        for route in group.router.routes:
            assert isinstance(route, APIRoute)
            yield route


def operation_of(route: APIRoute) -> str:
    """The operation of a page."""
    operation: str = (route.openapi_extra or {})["x-operation"]
    return operation


def path_of(route: APIRoute) -> str:
    """A path of a page, with ids that do not exist."""
    number = "+6561234567" if "/numbers/" in route.path else "1"
    known = {"number": number, "message": "1", "format_": "html"}
    path = route.path_format
    for name in route.dependant.path_params:
        path = path.replace(f"{{{name.alias}}}", known.get(name.alias, "x"))
    return path


def test_every_page_but_the_sign_in_is_checked_first(reading: Desk) -> None:
    app = application(reading.shop.perennial)
    made = {route.path for route in app.routes if isinstance(route, APIRoute)}
    checked = {route.path for route in routes()}
    assert made - checked == OPEN_TO_ALL | CHECKED_ITSELF
    for route in routes():
        checks = [d.dependency.__qualname__ for d in route.dependencies if d.dependency]
        assert checks[0].startswith("checked."), route.path
        assert checked <= made
        assert ("POST" in route.methods) == (checks[1:] == ["checked_form"]), route.path


async def test_every_page_with_every_role_does_what_the_table_says(reading: Desk) -> None:
    """The table is walked completely."""
    for route in routes():
        for role in PEOPLE:
            if "GET" in route.methods:
                answer = await reading.get(path_of(route), role)
            else:
                answer = await reading.send(path_of(route), {}, role)
            if operations.may(role, operation_of(route)):
                assert answer.status_code in (200, 202, 303, 400, 404, 422), (
                    route.path,
                    answer.text,
                )
            else:
                assert answer.status_code == 403, (route.path, role)
                assert "Ask someone with the role" in answer.text


async def test_without_a_session_every_page_leads_to_the_sign_in(reading: Desk) -> None:
    tokens = ["", "x", "ps_000000000000_" + "A" * 43, reading.token().swapcase()]
    for token in tokens:
        headers = {"Cookie": f"{COOKIE}={token}"} if token else {}
        for route in routes():
            [method] = route.methods
            answer = await reading.client.request(method, path_of(route), headers=headers)
            assert answer.status_code == 303, route.path
            assert answer.headers["location"].startswith("/sign-in")


async def test_another_seller_sees_nothing(reading: Desk) -> None:
    acme = reading.shop.id("acme")
    for route in routes():
        path = path_of(route).removesuffix("x") + acme
        if "{account" in route.path and "GET" in route.methods:
            answer = await reading.get(path, seller="other")
            assert answer.status_code == 404, path
    found = await reading.get(f"/find?q={acme}", seller="other")
    assert "Nothing is found" in found.text


async def test_a_person_signs_in_goes_on_and_signs_out(reading: Desk) -> None:
    reading.token()
    client, acme = reading.client, f"/accounts/wallet/{reading.shop.id('acme')}"
    asked = await client.get(acme)
    form = await client.get(asked.headers["location"])
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form.text))
    assert fields["next"] == acme
    person = {"email": "Admin@main.example.com", "password": "not the password"}
    wrong = await client.post("/sign-in", data=fields | person)
    assert wrong.status_code == 401
    assert "The address, the password or the code is wrong" in wrong.text
    assert "not the password" not in wrong.text
    right = await client.post("/sign-in", data=fields | person | {"password": PASSWORD})
    assert (right.status_code, right.headers["location"]) == (303, acme)
    cookie = next(c for c in right.headers.get_list("set-cookie") if c.startswith(COOKIE))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    inside = await client.get(acme)
    assert inside.status_code == 200
    [token] = set(re.findall(r'name="csrf" value="([^"]*)"', inside.text))
    session = client.cookies[COOKIE]
    assert (await client.post("/sign-out", data={"csrf": token})).status_code == 303
    again = await client.get(acme, headers={"Cookie": f"{COOKIE}={session}"})
    assert again.status_code == 303


@pytest.mark.parametrize("then", ["//evil.example.com", "https://evil.example.com", "/\\evil", "x"])
async def test_a_sign_in_goes_on_within_the_console_only(reading: Desk, then: str) -> None:
    form = await reading.client.get("/sign-in", params={"next": then})
    assert 'name="next" value="/"' in form.text


async def test_a_form_of_another_page_or_site_does_nothing(reading: Desk) -> None:
    token = reading.token()
    right = {"csrf": form_token(token)}
    cookie = {"Cookie": f"{COOKIE}={token}"}
    foreign: list[tuple[dict[str, str], dict[str, str]]] = [
        ({"other": "field"}, {}),
        ({"csrf": ""}, {}),
        ({"csrf": form_token(reading.token(Role.SUPPORT))}, {}),
        (right, {"Origin": "https://evil.example.com"}),
        (right, {"Origin": "null"}),
        (right, {"Sec-Fetch-Site": "cross-site"}),
        (right, {"Sec-Fetch-Site": "same-site"}),
    ]
    for form, headers in foreign:
        answer = await reading.client.post("/sign-out", data=form, headers=cookie | headers)
        assert answer.status_code == 403, (form, headers)
        assert "Nothing was done" in answer.text
    assert (await reading.get("/")).status_code == 200
    own = {"Origin": "http://desk", "Sec-Fetch-Site": "same-origin"}
    answer = await reading.client.post("/sign-out", data=right, headers=cookie | own)
    assert answer.status_code == 303


async def test_a_page_may_load_nothing_from_elsewhere_and_run_nothing_inline(reading: Desk) -> None:
    acme = reading.shop.id("acme")
    for path in ("/", "/accounts?test_clocks=on", f"/accounts/wallet/{acme}", "/find?q=x", "/no"):
        answer = await reading.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=", answer.text), path
        for address in re.findall(r'(?:src|href|action)="([^"]+)"', answer.text):
            assert address.startswith(("/", "#")), address


async def test_text_of_customers_is_never_code(reading: Desk) -> None:
    evil = "<script>alert(1)</script>\u202e"
    acme = reading.shop.id("acme")
    reading.shop.sql("UPDATE accounts SET owner = :evil WHERE id = :id", evil=evil, id=acme)
    for path in ("/accounts?test_clocks=on", f"/accounts/wallet/{acme}", "/find?q=<script>"):
        answer = await reading.get(path)
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
        assert "\u202e" not in answer.text.split("<title>")[1].split("</title>")[1]


async def test_a_form_that_is_too_large_or_none_is_refused(reading: Desk) -> None:
    cookie = {"Cookie": f"{COOKIE}={reading.token()}"}
    large = await reading.client.post("/sign-out", data={"x": "y" * 70_000}, headers=cookie)
    assert large.status_code == 413
    none = await reading.client.post("/sign-out", json={}, headers=cookie)
    assert none.status_code == 415
    twice = await reading.client.post(
        "/sign-out",
        content="csrf=a&csrf=b",
        headers=cookie | {"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert twice.status_code == 400


async def test_a_file_is_kept_for_a_year_and_has_a_new_address_with_new_content(
    reading: Desk,
) -> None:
    page = await reading.get("/")
    [style] = re.findall(r'href="(/assets/[^"]+\.css)"', page.text)
    answer = await reading.client.get(style)
    assert "immutable" in answer.headers["cache-control"]
    older = await reading.client.get("/assets/000000000000/console.css")
    assert older.headers["cache-control"] == "no-cache"
    assert (await reading.client.get("/assets/x/..%2fpages.py")).status_code == 404


async def test_a_form_that_is_sent_too_late_leads_to_a_page_and_says_so(reading: Desk) -> None:
    """Every form, after the session has ended: the page of its path, or where it has stood."""
    stood = "http://desk/lists/failed?account=acme"
    for route in routes():
        if "POST" not in route.methods:
            continue
        path = path_of(route)
        late = await reading.client.post(path, data={}, headers={"Referer": stood})
        target = urlsplit(late.headers["location"])
        assert (late.status_code, target.path) == (303, "/sign-in"), path
        asked = parse_qs(target.query)
        assert asked["sent"] == ["yes"], path
        [then] = asked["next"]
        assert then in (path, "/lists/failed?account=acme"), path
        assert (await reading.get(then)).status_code != 405, path
        elsewhere = {"Referer": "https://desk.example.com/lists/failed"}
        late = await reading.client.post(path, data={}, headers=elsewhere)
        then = parse_qs(urlsplit(late.headers["location"]).query).get("next", ["/"])[0]
        assert then in (path, "/"), path
    told = words_of((await reading.client.get("/sign-in?next=%2F&sent=yes")).text)
    assert "What you have just sent was not carried out" in told
