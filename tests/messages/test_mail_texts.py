"""The texts of e-mails, and those of a seller (Rule 12)."""

from dataclasses import replace
from pathlib import Path

import pytest

from core.documents.mails import SAMPLE, TEXTS, BadTemplates, MailTexts
from core.domain.events import Event
from core.domain.mails import TOLD
from core.domain.profiles import Language


@pytest.mark.parametrize("event", TOLD)
def test_each_event_has_an_english_text(event: Event) -> None:
    assert (TEXTS / "en" / f"{event}.txt").exists()
    written = MailTexts().write(event, Language.ARABIC, SAMPLE)
    assert "  " not in written.text
    assert "\n\n\n" not in written.text
    assert "Example Telecom" in written.text


def test_a_text_of_a_person_is_no_markup_no_template_and_no_second_line() -> None:
    evil = replace(SAMPLE, customer="<b>{{ 7 * 7 }}</b>\nSubject: other")
    written = MailTexts().write(Event.RENEWED, Language.ENGLISH, evil)
    assert "Hello <b>{{ 7 * 7 }}</b> Subject: other," in written.text
    assert "&lt;b&gt;{{ 7 * 7 }}" in written.html


def test_a_seller_replaces_a_text_and_the_layout(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "renewed.txt").write_text("Subject: Hi {{ customer }}\n\nDone.\n")
    (tmp_path / "layout.html").write_text("<i>{{ paragraphs[0][0] }}</i>")
    texts = MailTexts(tmp_path)
    texts.check()
    written = texts.write(Event.RENEWED, Language.ENGLISH, SAMPLE)
    assert (written.subject, written.html) == ("Hi Acme Ltd", "<i>Done.</i>")
    assert "could not be" in texts.write(Event.RENEWAL_FAILED, Language.ENGLISH, SAMPLE).subject


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("en/lost.txt", "Subject: a\n", "unknown"),
        ("en/renewed.txt", "Hello\n", "first line"),
        ("en/renewed.txt", "Subject: a\n{{ lost }}", "'lost' is undefined"),
        ("en/renewed.txt", "Subject: a\n{% if %}", "line 2"),
        ("en/renewed.txt", "Subject: a\n{{ 1 / 0 }}", "division"),
        ("en/renewed.txt", "Subject: a\n{{ ''.__class__.__mro__ }}", "unsafe"),
        ("en/renewed.txt", "Subject: " + "a" * 300, "first line"),
        ("en/renewed.txt", "Subject: a\n" + "a" * 70_000, "bytes"),
        ("layout.html", "{{ lost }}", "'lost' is undefined"),
    ],
)
def test_a_sellers_text_is_checked_when_it_is_loaded(
    tmp_path: Path, name: str, text: str, words: str
) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / name).write_text(text)
    with pytest.raises(BadTemplates, match=words):
        MailTexts(tmp_path).check()


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadTemplates, match="no folder"):
        MailTexts(tmp_path / "lost").check()
