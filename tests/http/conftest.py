"""The API on servers of the test, called without a network."""

import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from core.domain.roles import Role
from core.ledger import api_keys
from core.ledger.clocks import machine_now
from doors.application.perennial import Perennial
from doors.http.application import application
from doors.service.every_seller import every_seller
from doors.service.workers import ROLES, running
from tests.shared_database import of_workers
from tests.workflows.shop import JANUARY, Shop, settings_for


@dataclass
class Api:
    """The API of a shop, and a key of each role."""

    shop: Shop
    client: httpx.AsyncClient
    keys: dict[str, str] = field(default_factory=dict)

    def key(self, role: Role = Role.ADMIN, seller: str = "main") -> str:
        """The key of a role and a seller."""
        name = f"{role} of {seller}"
        if name not in self.keys:
            with self.shop.perennial.ledger.engine.begin() as connection:
                self.keys[name] = api_keys.create(
                    connection, seller, name, role, now=machine_now(), actor="test"
                )
        return self.keys[name]

    async def get(
        self, path: str, role: Role = Role.ADMIN, seller: str = "main", **query: Any
    ) -> httpx.Response:
        """Read something."""
        headers = {"Authorization": f"Bearer {self.key(role, seller)}"}
        return await self.client.get(path, params=query or None, headers=headers)

    async def post(
        self,
        path: str,
        body: dict[str, Any],
        request_id: str | None = None,
        role: Role = Role.ADMIN,
        seller: str = "main",
    ) -> httpx.Response:
        """Send something. `request_id`: its idempotency key, default a new one."""
        headers = {"Idempotency-Key": request_id or str(uuid.uuid4())}
        return await self.send("POST", path, body, role, seller, headers)

    async def send(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        role: Role = Role.ADMIN,
        seller: str = "main",
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """Send something with any method. `headers`: beside that of the key."""
        all_headers = {"Authorization": f"Bearer {self.key(role, seller)}", **(headers or {})}
        return await self.client.request(method, path, json=body, headers=all_headers)

    async def done(self, do: str, body: dict[str, Any], **options: Any) -> dict[str, Any]:
        """Carry out a command, which is not refused."""
        response = await self.post(f"/v1/commands/{do}", body, **options)
        assert response.status_code == 200, response.text
        document: dict[str, Any] = response.json()
        return document


USUAL: dict[str, Any] = {
    "api_requests_per_second": 1000.0,
    "api_patience_seconds": 120.0,
    "webhook_keys": "k" * 32,
}
"""The settings of a shop's API, unless a test changes them. A loaded machine is waited for."""

OpenApi = Callable[..., AbstractAsyncContextManager[Api]]


@pytest.fixture
def open_api(database: str, temporal_address: str) -> OpenApi:
    """Returns a function that opens the API of a shop with an account `acme` on a test clock.

    The API and the workers have the role of an installation, so a seller sees its own rows only
    (docs/decisions/0033). The shop owns the tables.
    `workers`: the roles of the workers that run. Default: all. `changes`: further settings.
    """

    @asynccontextmanager
    async def open_(*, workers: tuple[str, ...] = ROLES, **changes: Any) -> AsyncIterator[Api]:
        config = settings_for(**USUAL | changes)
        async with (
            Perennial.connect(database, temporal_address, config) as perennial,
            Perennial.connect(of_workers(database), temporal_address, config) as installed,
            running(workers, every_seller(installed), config),
        ):
            shop = Shop(perennial, config)
            await shop.open(JANUARY)
            await shop.account()
            transport = httpx.ASGITransport(app=application(installed))
            async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
                yield Api(shop, client)

    return open_


@pytest.fixture
async def api(open_api: OpenApi) -> AsyncIterator[Api]:
    """The API of a shop, with all workers."""
    async with open_api() as opened:
        yield opened


@pytest.fixture
async def reading(open_api: OpenApi) -> AsyncIterator[Api]:
    """The API of a shop without workers. It opens faster."""
    async with open_api(workers=()) as opened:
        yield opened
