"""A seller's own templates of documents are checked when they are loaded."""

from pathlib import Path

import pytest

from core.documents.document_templates import SHIPPED, DocumentTemplates, templates_of
from core.documents.own_templates import BadTemplates
from core.documents.render import render
from core.documents.samples import KINDS, drawn
from core.domain.documents import Format, NotOffered
from core.domain.languages import Language
from tests.documents.made import cases

FACTS = cases()["english"]


def own(folder: Path, **texts: str) -> Path:
    """A folder with files, `invoice_html` for invoice.html."""
    for name, text in texts.items():
        stem, _, suffix = name.rpartition("_")
        (folder / f"{stem}.{suffix}").write_text(text)
    return folder


def test_every_kind_has_both_templates() -> None:
    assert {f"{kind}.{end}" for kind in KINDS for end in ("typ", "html")} <= set(SHIPPED)


def test_a_seller_replaces_a_kind_and_a_part_of_all(tmp_path: Path) -> None:
    body = '{% extends "page.html" %}{% block body %}<h1>Ours {{ page.title }}</h1>{% endblock %}'
    footer = '#import "page.typ": head, letter\n#show: letter\n#head()\nOurs.\n'
    folder = own(tmp_path, invoice_html=body, invoice_typ=footer)
    templates = templates_of(folder)
    assert templates.own == {"invoice.html", "invoice.typ"}
    assert "<h1>Ours Invoice 000042</h1>" in render(FACTS, Format.HTML, folder).decode()
    assert render(FACTS, Format.PDF, folder) != render(FACTS, Format.PDF)
    assert render(FACTS, Format.PDF, folder) == render(FACTS, Format.PDF, folder)
    receipt = drawn("receipt", Language.GERMAN, Format.HTML, templates)
    assert receipt == drawn("receipt", Language.GERMAN, Format.HTML, DocumentTemplates())


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("lost.html", "", "lost.html: unknown"),
        ("invoice.html", "{{ lost }}", "'lost' is undefined"),
        ("invoice.html", "{{ page.lost }}", "no attribute 'lost'"),
        ("invoice.html", "\n{% if %}", "invoice.html, line 2"),
        ("invoice.html", "{{ ''.__class__.__mro__ }}", "unsafe"),
        ("page.html", "{{ 1 / 0 }}", "division"),
        ("invoice.html", "a" * 70_000, "bytes"),
        ("invoice.typ", '#import "page.typ": lost', "invoice.typ: unresolved import"),
        ("page.typ", "#let (", "page.typ|invoice.typ"),
        ("invoice.typ", '#import "@preview/cetz:0.3.0"', "packages cannot be imported"),
        ("invoice.typ", '#read("/etc/hostname")', "invoice.typ: "),
    ],
)
def test_a_template_is_checked_when_it_is_loaded(
    tmp_path: Path, name: str, text: str, words: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(BadTemplates, match=words):
        templates_of(tmp_path)
    with pytest.raises(NotOffered, match="templates of the seller"):
        render(FACTS, Format.HTML, tmp_path)


def test_text_of_people_is_no_markup_in_an_own_template(tmp_path: Path) -> None:
    folder = own(tmp_path, receipt_html="<p>{{ page.customer[0] }}</p>")
    facts = cases()["receipt"]
    assert b"<p>Ada Lim</p>" in render(facts, Format.HTML, folder)
