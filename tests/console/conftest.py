"""The console on servers of the test, called without a network, as a person of each role."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from html import unescape
from typing import Any

import httpx
import pytest

from core.domain.roles import Role
from core.ledger import sessions, staff
from core.ledger.clocks import machine_now
from core.ledger.sessions import How
from doors.application.perennial import Perennial
from doors.console.application import application
from doors.console.visitors import COOKIE, form_token
from doors.console.wall import Keeper
from doors.service.workers import ROLES, running
from tests.workflows.shop import JANUARY, Shop, settings_for

PEOPLE = (Role.VIEWER, Role.SUPPORT, Role.FINANCE, Role.ADMIN)
"""The roles that a person can have."""
PASSWORD = "five horses eat hay"


@dataclass
class Desk:
    """The console of a shop, and a session of each role. `keeper`: of the figures of the wall."""

    shop: Shop
    client: httpx.AsyncClient
    keeper: Keeper
    tokens: dict[str, str] = field(default_factory=dict)

    def token(self, role: Role = Role.ADMIN, seller: str = "main") -> str:
        """The token of a session of a person with a role."""
        name = f"{role}@{seller}.example.com"
        if name not in self.tokens:
            ledger = self.shop.perennial.of_seller(seller).ledger
            with ledger.engine.begin() as connection:
                person = staff.add(
                    connection,
                    seller,
                    name,
                    f"{role} person",
                    role,
                    password=PASSWORD,
                    now=machine_now(),
                    actor="test",
                )
            self.tokens[name] = sessions.start(
                ledger, person.id, how=How.PASSWORD, address="test", now=machine_now()
            )
        return self.tokens[name]

    async def get(self, path: str, role: Role = Role.ADMIN, seller: str = "main") -> httpx.Response:
        """Read a page."""
        return await self.client.get(path, headers=self._cookie(self.token(role, seller)))

    async def page(self, path: str, role: Role = Role.ADMIN) -> str:
        """The text of a page, without its tags."""
        response = await self.get(path, role)
        assert response.status_code == 200, (path, response.text)
        return words_of(response.text)

    async def send(
        self,
        path: str,
        form: dict[str, str],
        role: Role = Role.ADMIN,
        seller: str = "main",
        **headers: str,
    ) -> httpx.Response:
        """Send a form as its page would."""
        token = self.token(role, seller)
        sent = {"csrf": form_token(token)} | form
        return await self.client.post(path, data=sent, headers=self._cookie(token) | headers)

    def _cookie(self, token: str) -> dict[str, str]:
        return {"Cookie": f"{COOKIE}={token}"}


def words_of(html: str) -> str:
    """The text of a page: without its tags, each space once."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


OpenConsole = Callable[..., AbstractAsyncContextManager[Desk]]


@pytest.fixture
def open_console(database: str, temporal_address: str) -> OpenConsole:
    """Returns a function that opens the console of a shop with an account `acme`.

    `workers`: the roles of the workers that run. Default: all. `changes`: further settings.
    """

    @asynccontextmanager
    async def open_(*, workers: tuple[str, ...] = ROLES, **changes: Any) -> AsyncIterator[Desk]:
        config = settings_for(**changes)
        async with (
            Perennial.connect(database, temporal_address, config) as perennial,
            running(workers, perennial, config),
        ):
            shop = Shop(perennial, config)
            await shop.open(JANUARY)
            await shop.account()
            app = application(perennial)
            app.state.wall.waits = 300.0  # A test waits for figures, also on a busy machine.
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://desk") as client:
                yield Desk(shop, client, app.state.wall)

    return open_


@pytest.fixture
async def desk(open_console: OpenConsole) -> AsyncIterator[Desk]:
    """The console of a shop, with all workers."""
    async with open_console() as opened:
        yield opened


@pytest.fixture
async def reading(open_console: OpenConsole) -> AsyncIterator[Desk]:
    """The console of a shop without workers. It opens faster."""
    async with open_console(workers=()) as opened:
        yield opened
