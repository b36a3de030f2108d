"""The texts of e-mails, and those of a seller (Rule 12)."""

import re
from collections import Counter
from dataclasses import fields, replace
from pathlib import Path

import pytest

from core.documents.languages import words_of
from core.documents.mails import ALARM_SAMPLE, TEXTS, MailFacts, MailTexts, sample
from core.documents.own_templates import BadTemplates
from core.domain.alarms import Alarm
from core.domain.events import Event
from core.domain.languages import Language
from core.domain.mails import TOLD

SAMPLE = sample(Language.ENGLISH)
NAME = re.compile(r"\b(" + "|".join(field.name for field in fields(MailFacts)) + r")\b")


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("event", TOLD)
def test_each_event_has_a_text_in_each_language(event: Event, language: Language) -> None:
    written = MailTexts().write(event, language, sample(language))
    assert "  " not in written.text
    assert "\n\n\n" not in written.text
    assert "Example Telecom" in written.text
    assert f'lang="{language}" dir="{words_of(language).direction}"' in written.html


@pytest.mark.parametrize("language", [each for each in Language if each is not Language.ENGLISH])
@pytest.mark.parametrize("event", TOLD)
def test_each_language_says_the_same_facts_under_the_same_conditions(
    event: Event, language: Language
) -> None:
    """A paragraph or an amount that is left out in one language would be told to some only."""
    english, other = (_facts_of(event, each) for each in (Language.ENGLISH, language))
    assert other == english


def _facts_of(event: Event, language: Language) -> list[tuple[str, int]]:
    """The conditions in their order, and how often each fact is named."""
    text = (TEXTS / language / f"{event}.txt").read_text()
    conditions = re.findall(r"{%.*?%}", text)
    said = re.sub(r'"[^"]*"', "", " ".join(re.findall(r"{{.*?}}", text)))
    named = Counter(NAME.findall(said))
    named.pop("trial", None)  # One language needs it more often than another.
    return [(each, 1) for each in conditions] + sorted(named.items())


@pytest.mark.parametrize("alarm", Alarm)
def test_each_alarm_has_a_text(alarm: Alarm) -> None:
    written = MailTexts().alarm(alarm, ALARM_SAMPLE)
    assert "  " not in written.text
    assert "\n\n\n" not in written.text


def test_names_keep_their_direction_in_arabic() -> None:
    written = MailTexts().write(Event.RENEWED, Language.ARABIC, sample(Language.ARABIC))
    assert "\u20683 × PRO-M\u2069" in written.subject
    assert "\u2068billing@example.com\u2069" in written.text


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
