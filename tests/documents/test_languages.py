"""Each text of a document is there in each language, with the same values in it."""

import ast
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest

from core.documents import languages, line_texts, mails, pages
from core.documents.languages import LOCALES, Untranslated, catalog_of, words_of
from core.documents.line_texts import in_language
from core.domain.documents import Line
from core.domain.languages import Language

FOREIGN = [language for language in Language if language is not Language.ENGLISH]
ISOLATES = str.maketrans("", "", "\u2068\u2069\u200e\u200f\u061c")


def said() -> Iterator[str]:
    """Every text that the code says: the arguments of `say`, and the tables of messages."""
    yield from pages._PAID_BY.values()
    yield from pages._MOVED_BY.values()
    yield from mails.REASONS.values()
    yield from (message for _, message in line_texts.SHAPES)
    for path in LOCALES.parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            named = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            if named and node.func.attr == "say" and node.args:
                for part in ast.walk(node.args[0]):
                    if isinstance(part, ast.Constant) and isinstance(part.value, str):
                        yield part.value
    yield from ("Invoice", "Monthly invoice", "Credit note")


@pytest.mark.parametrize("language", FOREIGN)
def test_each_text_has_a_translation_and_no_translation_is_left_over(language: Language) -> None:
    assert set(catalog_of(language)) == set(said())


@pytest.mark.parametrize("language", FOREIGN)
def test_a_translation_has_the_values_of_the_english_text(language: Language) -> None:
    for text, translation in catalog_of(language).items():
        assert set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", translation)), text


def test_a_text_without_a_translation_is_an_error() -> None:
    with pytest.raises(Untranslated):
        words_of(Language.GERMAN).say("Untranslated")


def test_money_has_the_minor_unit_of_the_currency_and_more_where_needed() -> None:
    english, german = words_of(Language.ENGLISH), words_of(Language.GERMAN)
    assert english.money(Decimal(1200), "JPY") == "¥1,200"
    assert english.money(Decimal("3.125"), "KWD") == "KWD\xa03.125"
    assert english.money(Decimal("-0.12345"), "USD") == "-$0.12345"
    assert english.money(Decimal("-0.00"), "USD") == "$0.00"
    assert german.money(Decimal("1234.5"), "EUR") == "1.234,50\xa0€"
    arabic = words_of(Language.ARABIC).money(Decimal("50.00"), "AED").translate(ISOLATES)
    assert arabic == "50.00\xa0د.إ."
    assert words_of(Language.ARABIC).money(Decimal(50), "USD").endswith("US$\u200e")


def test_dates_and_percentages_are_those_of_the_language() -> None:
    day, half = date(2026, 3, 1), Decimal("7.70000")
    assert words_of(Language.ENGLISH).long_date(day) == "March 1, 2026"
    assert words_of(Language.GERMAN).long_date(day) == "1. März 2026"
    assert words_of(Language.ARABIC).long_date(day) == "1 مارس 2026"
    assert words_of(Language.GERMAN).percent(half) == "7,7 %"
    assert words_of(Language.GERMAN).country("AE") == "Vereinigte Arabische Emirate"
    assert words_of(Language.GERMAN).country("") == ""


@pytest.mark.parametrize(
    ("text", "german"),
    [
        ("s1 primary PRO-M", "PRO-M (Abonnement s1)"),
        ("my shop add-on SEAT", "Zusatz SEAT (Abonnement my shop)"),
        ("s1 number +65123 DID", "Rufnummer +65123, DID (Abonnement s1)"),
        (
            "s1 primary BIZ from 2020-11-25 to 2020-12-15",
            "BIZ (Abonnement s1), 25.11.2020 bis 15.12.2020",
        ),
        ("Activation fee for number +65123", "Einrichtungsgebühr für Rufnummer +65123"),
        ("Adjustment: sorry", "Korrektur: sorry"),
        ("Adjustment: late refund", "Korrektur: late refund"),
        ("my shop refund", "Erstattung (Abonnement my shop)"),
        ("s1 administrative fee", "Bearbeitungsgebühr (Abonnement s1)"),
        ("calls to {Peru}", "calls to {Peru}"),
        (
            "Adjustment: outage from 2026-02-30 to 2026-03-31",
            "Korrektur: outage from 2026-02-30 to 2026-03-31",
        ),
    ],
)
def test_the_texts_of_lines_are_translated_and_those_of_people_are_not(
    text: str, german: str
) -> None:
    assert in_language(Line(text=text, amount=Decimal(5)), words_of(Language.GERMAN)) == german


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize(
    "text",
    [
        "Deposit refund",
        "Backup of primary server",
        "Late administrative fee",
        "Top-up",
        "Top-up from 2026-02-30 to 2026-03-31",
        "Usage of primary line from 2026-02-01 to 2026-03-01",
    ],
)
def test_the_text_of_usage_is_shown_as_it_is_whatever_it_looks_like(
    text: str, language: Language
) -> None:
    shown = in_language(Line(text=text, amount=Decimal(5), own_text=True), words_of(language))
    assert shown.translate(ISOLATES) == text


def test_a_number_keeps_its_direction_in_arabic() -> None:
    text = in_language(
        Line(text="s1 number +97141234567 NUM", amount=Decimal(5)), words_of(Language.ARABIC)
    )
    assert "\u2068+97141234567\u2069" in text


def test_texts_are_read_from_files_that_are_checked_in() -> None:
    assert {path.stem for path in LOCALES.glob("*.po")} == {str(language) for language in FOREIGN}
    assert languages.LOCALES.is_dir()
