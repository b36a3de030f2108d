"""E-mails on the command line (Rule 12)."""

import email
from pathlib import Path

import pytest

from tests.commandline.conftest import Shop, call
from tests.commandline.test_webhooks import deliver


def test_e_mails_are_switched_on_shown_and_off(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Customers get no e-mails" in call("mail", "show").out
    assert call("mail", "off").code == 1
    told = call("mail", "on", "--from", "billing@example.com", "--test-clocks")
    assert "PERENNIAL_MAIL is off" in told.out
    monkeypatch.setenv("PERENNIAL_MAIL", "file")
    monkeypatch.setenv("PERENNIAL_MAIL_FOLDER", str(tmp_path / "box"))
    assert "written into a folder" in call("mail", "show").out
    assert call("mail", "show", "--json").json["sender"] == "billing@example.com"
    shop.buy()
    assert shop.run("terminate", shop.s1, "--reason", "moved", "--yes").code == 0
    assert deliver() == 1
    [file] = (tmp_path / "box").iterdir()
    assert email.message_from_bytes(file.read_bytes())["To"] == "ada@acme.example"
    assert "e-mail" in call("message", "list").out
    assert call("webhook", "list", "--json").json == []
    assert call("mail", "off").code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("on", "--from", "nobody"),
        ("on", "--from", "a@b.example", "--seller", "x\r\nBcc: y@z.example"),
        ("on",),
    ],
)
def test_wrong_addresses_are_refused(shop: Shop, arguments: tuple[str, ...]) -> None:
    assert call("mail", *arguments).code == 2


def test_a_preview_is_shown_or_written(tmp_path: Path, installation: str) -> None:
    assert (
        "Subject: 3 × PRO-M could not be renewed"
        in call("message", "preview", "renewal_failed").out
    )
    file = tmp_path / "a.eml"
    assert call("message", "preview", "renewed", "--to", str(file)).code == 0
    assert email.message_from_bytes(file.read_bytes())["From"]
    assert call("message", "preview", "lost").code == 2
    assert call("message", "preview", "renewed", "--to", str(tmp_path / "no" / "a.eml")).code == 2


def test_a_sellers_own_texts_are_checked(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "texts" / "en").mkdir(parents=True)
    (tmp_path / "texts" / "en" / "renewed.txt").write_text("Subject: a\n{{ lost }}")
    monkeypatch.setenv("PERENNIAL_MAIL_TEMPLATES", str(tmp_path / "texts"))
    told = call("mail", "on", "--from", "billing@example.com")
    assert (told.code, "en/renewed.txt" in told.err) == (2, True)
