"""Each page says in which zone its times are."""

import re
from collections.abc import Iterator

import pytest

from core.domain.roles import Role
from doors.console.rendering import environment
from tests.console.conftest import Desk


def sources(name: str) -> Iterator[str]:
    """The text of a template, and of those that it extends but the one of all pages."""
    loader = environment().loader
    assert loader is not None
    text = loader.get_source(environment(), name)[0]
    yield text
    above = re.search(r'{% extends "([^"]+)" %}', text)
    if above and above[1] != "base.html":
        yield from sources(above[1])


@pytest.mark.parametrize("name", environment().list_templates(extensions=["html"]))
def test_a_page_with_times_in_utc_says_so(name: str) -> None:
    """A time with its zone beside it needs no word at the foot."""
    if re.search(r'moment\("UTC"\)(?! }} UTC)', next(sources(name))):
        assert any("{% block zone %}UTC{% endblock %}" in text for text in sources(name))


async def test_the_foot_of_a_page_names_its_own_zone(reading: Desk) -> None:
    for path in ("/admin/audit", "/approvals", "/campaigns", "/wall", "/webhooks"):
        assert "Times are in UTC." in await reading.page(path, Role.ADMIN)
    account = await reading.page(f"/accounts/wallet/{reading.shop.id('acme')}")
    assert "Times are in the zone of the account." in account
