"""`invoice`, `receipt`, `seller profile`, `seller tax`, `account billing` by the command line."""

from hashlib import sha256
from pathlib import Path
from xml.etree import ElementTree

import pytest

from activities.number_invoices import number_invoices
from core.ledger.database import connect
from core.ledger.ledger import Ledger
from settings import read_settings
from tests.commandline.conftest import Shop, call
from tests.documents.made import logo


@pytest.fixture
def billed(shop: Shop, tmp_path: Path) -> Shop:
    """The shop with a purchase and a top-up that have their numbers."""
    (tmp_path / "logo.png").write_bytes(logo())
    assert (
        shop.run(
            *("seller", "profile", "--name", "Northwind", "--city", "Hamburg", "--country", "de"),
            *("--tax-number", "DE123456789", "--logo", str(tmp_path / "logo.png")),
        ).code
        == 0
    )
    assert shop.run("seller", "tax", "DE", "19", "--since", "2020-01-01").code == 0
    told = shop.run(
        *("account", "billing", shop.acme, "--name", "Acme AG", "--country", "DE"),
        *("--language", "de"),
    )
    assert told.code == 0, told.err
    shop.run("purchase", shop.acme, "PRO", "--id", f"{shop.acme}-1")
    shop.run("top-up", shop.acme, "25.00")
    engine = connect(str(read_settings().database_url), pool_size=1)
    number_invoices(Ledger(engine, "main"))
    engine.dispose()
    return shop


def test_documents_are_written_to_files_and_are_always_the_same(
    billed: Shop, tmp_path: Path
) -> None:
    numbers = [each["number"] for each in billed.run("invoice", "list", billed.acme, "--json").json]
    assert len(numbers) >= 2
    number = numbers[0]
    for format_ in ("pdf", "html", "xml"):
        file = tmp_path / f"made.{format_}"
        told = billed.run("invoice", format_, number, "--to", str(file), "--json").json
        assert sha256(file.read_bytes()).hexdigest() == told["sha256"]
        again = billed.run("invoice", format_, number, "--to", str(file))
        assert told["sha256"] in again.out
    assert (tmp_path / "made.pdf").read_bytes().startswith(b"%PDF")
    assert "Rechnung" in (tmp_path / "made.html").read_text()
    ElementTree.parse(tmp_path / "made.xml")
    assert [path for path in tmp_path.iterdir() if path.name.startswith(".made")] == []


def test_an_invoice_and_its_receipt_are_shown(billed: Shop, tmp_path: Path) -> None:
    bought, topped_up = billed.run("invoice", "list", billed.acme, "--json").json[-2:]
    shown = billed.run("invoice", "show", bought["number"])
    assert "Acme AG" in shown.out
    assert "VAT 19 % in it" in shown.out
    assert "Paid by credits" in shown.out
    details = billed.run("invoice", "show", topped_up["number"], "--json").json
    assert (details["total"], details["taxes"], details["how"]) == ("25.00", "0.00", "bank")
    before = billed.run(
        *("invoice", "list", billed.acme, "--after", str(topped_up["position"]), "--limit", "1"),
        "--json",
    )
    assert [each["number"] for each in before.json] == [bought["number"]]
    assert "PRO: 50.00" in billed.run("invoice", "list", billed.acme, "--csv", "-").out
    assert "bank" in billed.run("receipt", "list", billed.acme, "--csv", "-").out
    assert "bank" in billed.run("receipt", "list", billed.acme).out
    receipt = billed.run("receipt", "list", billed.acme, "--json").json[-1]
    assert (receipt["how"], receipt["amount"]) == ("bank", "25.00")
    file = tmp_path / "receipt.html"
    told = billed.run("receipt", "html", str(receipt["receipt"]), "--to", str(file))
    assert told.code == 0
    assert topped_up["number"] in file.read_text()
    assert billed.run("receipt", "pdf", str(receipt["receipt"]), "--to", str(file)).code == 0


def test_profiles_are_shown_with_their_history(billed: Shop) -> None:
    seller = billed.run("seller", "profile", "--tax-number", "", "--history", "--json").json
    assert seller["name"] == "Northwind"
    assert "tax_number" not in seller
    assert seller["history"][1]["tax_number"] == "DE123456789"
    assert seller["history"][0]["logo"].endswith("bytes")
    assert "logo" not in billed.run("seller", "profile", "--no-logo", "--json").json
    customer = billed.run("account", "billing", billed.acme, "--history", "--json").json
    assert (customer["name"], len(customer["history"])) == ("Acme AG", 1)
    assert billed.run("seller", "taxes", "--json").json[0]["percent"] == "19"
    assert "inclusive" in billed.run("seller", "taxes").out


@pytest.mark.parametrize(
    ("kind", "file", "begin"),
    [
        ("invoice", "sample.pdf", b"%PDF"),
        ("credit_note", "sample.html", b"<!doctype html>"),
        ("statement", "sample.HTM", b"<!doctype html>"),
        ("receipt", "sample", b"%PDF"),
    ],
)
def test_a_sample_of_a_document_is_written(
    installation: str, tmp_path: Path, kind: str, file: str, begin: bytes
) -> None:
    told = call("invoice", "preview", kind, "--language", "ar", "--to", file)
    assert (told.code, told.err) == (0, "")
    assert told.out == f"The {kind.replace('_', ' ')} is in {file}.\n"
    first = (tmp_path / file).read_bytes()
    assert first[: len(begin)].lower() == begin.lower()
    again = call("invoice", "preview", kind, "--language", "ar", "--to", file, "--json")
    assert again.json == {"file": file}
    assert (tmp_path / file).read_bytes() == first
    call("invoice", "preview", kind, "--to", file)
    assert (tmp_path / file).read_bytes() != first


def test_a_sample_is_made_by_the_own_template(
    installation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERENNIAL_DOCUMENT_TEMPLATES", str(tmp_path / "none"))
    told = call("invoice", "preview", "--to", "sample.pdf")
    assert (told.code, "PERENNIAL_DOCUMENT_TEMPLATES" in told.err) == (2, True)
    assert not (tmp_path / "sample.pdf").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("invoice", "preview", "poem", "--to", "x.pdf"), 2, "'poem' is no document"),
        (("invoice", "preview", "p" * 9999, "--to", "x.pdf"), 2, "KIND"),
        (("invoice", "preview"), 2, "--to"),
        (("invoice", "preview", "--to", "."), 2, "is a directory"),
        (("invoice", "preview", "--to", "nowhere/x.pdf"), 2, "cannot be written"),
        (("invoice", "preview", "--to", "x.xml"), 2, "'x.xml': allowed are .pdf, .html and .htm"),
        (("invoice", "preview", "--to", "x.pdf", "--language", "xx"), 2, "--language"),
        (("invoice", "show", "999"), 1, "there is no invoice 000999"),
        (("invoice", "pdf", "999", "--to", "x.pdf"), 1, "There is no invoice 999"),
        (("invoice", "pdf", "0", "--to", "x.pdf"), 2, "greater than or equal to 1"),
        (("invoice", "pdf", "one", "--to", "x.pdf"), 2, "valid int"),
        (("invoice", "pdf", "1"), 2, "--to"),
        (("invoice", "list", "no-such-account"), 1, "there is no account"),
        (("receipt", "pdf", "999", "--to", "x.pdf"), 1, "There is no receipt 999"),
        (("seller", "profile", "--country", "XX"), 2, "ISO 3166"),
        (("seller", "profile", "--name", "x" * 201), 2, "at most 200"),
        (("seller", "profile", "--logo", "nothing.png"), 2, "cannot be read"),
        (("seller", "tax", "DE", "190", "--since", "2020-01-01"), 2, "0 to 100"),
        (("seller", "tax", "DE", "19", "--since", "soon"), 2, "--since"),
        (("account", "billing", "acme", "--country", "Germany"), 2, "ISO 3166"),
        (("account", "billing", "no-such-account"), 1, "there is no account"),
    ],
)
def test_wrong_input_is_told(
    installation: str, arguments: tuple[str, ...], code: int, words: str
) -> None:
    told = call(*arguments)
    assert told.code == code
    assert words in told.err


def test_a_file_that_cannot_be_written_is_told(billed: Shop, tmp_path: Path) -> None:
    number = billed.run("invoice", "list", billed.acme, "--json").json[0]["number"]
    for place, words in (
        (tmp_path, "is a directory"),
        (tmp_path / "no" / "x", "cannot be written"),
    ):
        told = billed.run("invoice", "pdf", number, "--to", str(place))
        assert (told.code, words in told.err) == (2, True)


def test_a_statement_is_written_to_files(billed: Shop, tmp_path: Path) -> None:
    days = ("--from", "1970-01-01", "--to", "2999-12-31")
    pdf, html = tmp_path / "s.pdf", tmp_path / "s.html"
    told = billed.run("statement", billed.acme, *days, "--pdf", str(pdf), "--html", str(html))
    assert told.code == 0, told.err
    assert pdf.read_bytes().startswith(b"%PDF")
    assert "Kontoauszug" in html.read_text()
