"""Shops for the tests of workflows.

A shop runs with or without workers, on a test clock or on the machine's clock.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from doors.application.perennial import Perennial
from doors.service.workers import ROLES, running
from tests.workflows.shop import JANUARY, Shop, settings_for

OpenShop = Callable[..., AbstractAsyncContextManager[Shop]]


@pytest.fixture
def open_shop(database: str, temporal_address: str) -> OpenShop:
    """Returns a function that opens a shop.

    `clock`: whether the shop has a test clock, which stands at `JANUARY`. Default: True.
    `workers`: the roles of the workers that run. Default: all roles.
    `rules`: values of its policy. Default: the default policy.
    `changes`: further settings.
    """

    @asynccontextmanager
    async def open_(
        *, clock: bool = True, workers: tuple[str, ...] = ROLES, rules: Any = None, **changes: Any
    ) -> AsyncIterator[Shop]:
        config = settings_for(**changes)
        async with (
            Perennial.connect(database, temporal_address, config) as perennial,
            running(workers, perennial, config),
        ):
            shop = Shop(perennial, config)
            await shop.open(JANUARY if clock else None, **(rules or {}))
            yield shop

    return open_


@pytest.fixture
async def shop(open_shop: OpenShop) -> AsyncIterator[Shop]:
    """A shop on a test clock that stands at `JANUARY`, with all workers."""
    async with open_shop() as shop:
        yield shop


@pytest.fixture
async def closed(open_shop: OpenShop) -> AsyncIterator[Shop]:
    """A shop on a test clock, without any worker."""
    async with open_shop(workers=()) as shop:
        yield shop
