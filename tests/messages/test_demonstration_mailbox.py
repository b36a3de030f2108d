"""The mailbox of the demonstration: e-mails as files. The e-mails of the seller are left alone."""

from collections.abc import Callable
from pathlib import Path

import pytest

from core.ledger import endpoints
from doors.commandline import demonstration_mailbox
from doors.commandline.demonstration_mailbox import mailbox
from settings import Settings
from tests.ledger.conftest import Shop
from tests.messages.mailbox import happens


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demonstration_mailbox, "_LAST_E_MAILS", 0.0)


async def test_it_leaves_files_of_accounts_on_test_clocks_and_switches_off(
    shop: Shop, tmp_path: Path
) -> None:
    shop.open(billing_email=demonstration_mailbox.CUSTOMER)
    shop.buy()
    shop.put_on_clock()
    async with mailbox(shop.ledger, Settings(home=tmp_path), "demo") as mails:
        happens(shop, "terminated", {})
    assert mails.folder == tmp_path / "mailbox" / "demo"
    [(kind, count, file)] = mails.kinds()
    assert (kind, count, file.exists()) == ("terminated", 1, True)
    with shop.ledger.read() as connection:
        assert endpoints.mail_of(connection, "main") is None


async def test_it_goes_on_after_one_that_was_killed(shop: Shop, tmp_path: Path) -> None:
    assert demonstration_mailbox._switch_on(shop.ledger)
    async with mailbox(shop.ledger, Settings(home=tmp_path), "demo") as mails:
        assert mails.folder is not None


async def test_a_seller_with_e_mails_of_its_own_has_no_mailbox(
    shop: Shop, switch_on: Callable[..., None], tmp_path: Path
) -> None:
    switch_on()
    async with mailbox(shop.ledger, Settings(home=tmp_path), "demo") as mails:
        assert (mails.folder, mails.kinds()) == (None, [])
    async with mailbox(shop.ledger, Settings(home=tmp_path, mail="smtp"), "demo") as mails:
        assert "SMTP" in mails.why
    with shop.ledger.read() as connection:
        assert endpoints.mail_of(connection, "main") is not None
