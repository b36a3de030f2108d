"""The templates of e-mails and documents are shown, and nothing in them runs."""

from pathlib import Path

from activities.number_invoices import number_invoices
from activities.registry import Activities
from core.domain.roles import Role
from doors.application import test_clocks
from doors.application.direct_engine import Direct
from tests.console.conftest import Desk, OpenConsole
from tests.workflows.shop import FEBRUARY


async def test_templates_are_listed_and_previewed(
    open_console: OpenConsole, tmp_path: Path
) -> None:
    mails, documents = tmp_path / "mails", tmp_path / "documents"
    (mails / "en").mkdir(parents=True)
    documents.mkdir()
    (mails / "en" / "renewed.txt").write_text("Subject: Hi {{ customer }}\n\nThat was it.\n")
    (documents / "receipt.html").write_text("Ours {{ page.title }}")
    folders = {"mail_templates": mails, "document_templates": documents}
    async with open_console(workers=(), **folders) as desk:
        page = await desk.page("/admin/templates", Role.FINANCE)
        assert "Renewed your own" in page
        assert "Renewal failed of Perennial" in page
        assert "Receipt your own" in page
        assert "Statement of Perennial" in page
        told = await desk.page("/admin/templates/renewed/en")
        assert "Hi Acme Ltd" in told
        assert "That was it." in told
        assert 'dir="rtl"' in (await desk.get("/admin/templates/expired/ar")).text
        sealed = await desk.get("/admin/template-mails/alarm_findings/en")
        assert "sandbox" in sealed.headers["content-security-policy"]
        receipt = await desk.get("/admin/template-documents/html/receipt/de")
        assert receipt.text.startswith("Ours ")
        pdf = await desk.get("/admin/template-documents/pdf/statement/ar")
        assert pdf.content.startswith(b"%PDF-")
        for path in ("templates/lost/en", "template-documents/xml/invoice/en"):
            assert (await desk.get(f"/admin/{path}")).status_code == 404
        assert (await desk.get("/admin/templates/renewed/xx")).status_code == 400
        (mails / "en" / "renewed.txt").write_text("Subject: a\n{{ lost }}")
        bad = await desk.get("/admin/templates/renewed/en")
        assert bad.status_code == 422
        assert "lost" in bad.text
        assert (await desk.get("/admin/templates", Role.SUPPORT)).status_code == 403


async def test_a_template_is_shown_with_the_facts_of_an_account(reading: Desk) -> None:
    """Rule 12. What has happened to it last, or else as if it happened today."""
    shop, acme = reading.shop, reading.shop.id("acme")
    assert "has nothing that this could be about" in await _mail(reading, "renewed")
    s = await shop.buy()
    assert "as if it happened today" in await _mail(reading, "renewal_failed")
    engine = Direct(Activities(shop.perennial.ledger, shop.gateway))
    await test_clocks.advance(shop.perennial.ledger, engine, str(shop.clock), FEBRUARY)
    told = await _mail(reading, "renewed")
    assert f"About {s} of account {acme} , to which this has happened on" in told
    assert "$50.00" in told
    assert "March 14, 2021" in told
    assert "The template en/renewed.txt" in told
    assert "{{ customer }}" in told
    assert "März" in await _mail(reading, "renewed", "de")
    while number_invoices(shop.perennial.ledger):
        pass
    where = "/admin/template-documents/html"
    invoice = await reading.get(f"{where}/invoice/de?account={acme}")
    assert invoice.status_code == 200, invoice.text
    assert "50,00" in invoice.text
    statement = await reading.get(f"{where}/statement/en?account={acme}")
    assert "1,000.00" in statement.text
    none = await reading.get(f"{where}/credit_note/en?account={acme}")
    assert none.status_code == 404
    assert "has no credit note yet" in none.text
    for path in ("/admin/templates", "/admin/templates/renewed/en", f"{where}/invoice/en"):
        assert (await reading.get(f"{path}?account=lost")).status_code == 404
    page = await reading.get(f"/admin/templates?account={acme}")
    assert f"/admin/templates/renewed/en?account={acme}" in page.text


async def _mail(desk: Desk, kind: str, language: str = "en") -> str:
    return await desk.page(f"/admin/templates/{kind}/{language}?account={desk.shop.id('acme')}")
