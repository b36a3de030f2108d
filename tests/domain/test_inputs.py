"""The one reader of input: every value it accepts, every value it refuses, and what it says."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain import inputs
from core.domain.faults import Fault, Faults
from core.domain.inputs import Sign, Wrong


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"
    BLUE = "blue"


def reason(read: Callable[..., object], *values: Any, **options: Any) -> str:
    """What the reader says about a value that is wrong."""
    with pytest.raises(Wrong) as error:
        read(*values, **options)
    return str(error.value)


# --- text -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["a", " a b ", "客户-1", "Zoë \N{NO-BREAK SPACE}’s", "x" * 1000])
def test_text_is_returned_as_it_is(text: str) -> None:
    assert inputs.read_text(text) == text


def test_text_may_join_letters_and_emoji() -> None:
    family = "\N{MAN}\N{ZERO WIDTH JOINER}\N{GIRL}"
    assert inputs.read_text(family) == family


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (7, "must be text, not 7; write it in quotes"),
        (None, "must be text, not None; write it in quotes"),
        (True, "must be text, not True; write it in quotes"),
        (b"a", "must be text, not b'a'; write it in quotes"),
        (["a"], "must be text, not ['a']; write it in quotes"),
        ("", "must not be empty"),
        (" \t\N{NO-BREAK SPACE}", "must not be empty"),
        ("x" * 1001, "has 1001 characters; at most 1000 are allowed"),
    ],
    ids=repr,
)
def test_what_is_not_text_is_wrong(value: object, said: str) -> None:
    assert reason(inputs.read_text, value) == said


@pytest.mark.parametrize("character", ["\n", "\x00", "\x1b", "\x7f", "\ud800", "\u2028", "\u2029"])
def test_text_is_on_one_line_and_in_utf_8(character: str) -> None:
    assert reason(inputs.read_text, f"a{character}b").endswith(
        "has control characters or is not UTF-8; text on one line is allowed"
    )


@pytest.mark.parametrize("mark", ["\u202a", "\u202e", "\u2066", "\u2069"])
def test_text_does_not_turn_the_direction_of_writing(mark: str) -> None:
    assert reason(inputs.read_text, f"a{mark}b").endswith(
        "turns the direction of writing; text without such marks is allowed"
    )


def test_the_caller_may_limit_a_text() -> None:
    assert inputs.read_text("abc", longest=3) == "abc"
    assert reason(inputs.read_text, "abcd", 3) == "has 4 characters; at most 3 are allowed"


def test_an_id_can_be_printed_and_has_at_most_200_characters() -> None:
    assert inputs.read_id("客户-1") == "客户-1"
    assert inputs.read_id("x" * 200) == "x" * 200
    assert inputs.read_id("x" * 3, 3) == "xxx"
    assert reason(inputs.read_id, "x" * 201) == "has 201 characters; at most 200 are allowed"
    assert reason(inputs.read_id, "a\N{ZERO WIDTH SPACE}") == (
        r"'a\u200b' has characters that cannot be printed; printable text is allowed"
    )


def test_an_email_address_is_one_that_mail_can_be_sent_to() -> None:
    assert inputs.read_email("zoë@example.com") == "zoë@example.com"
    assert inputs.read_email("Ann@EXAMPLE.com") == "Ann@example.com"
    wrong = ("nobody", "a b@c.de", "a@b@c.de", "a@b,c@d.de", "<a@b.de>", "@b.de", "a@", "a@b")
    for value in (*wrong, "a..b@c.de", "a@localhost", "a@[127.0.0.1]"):
        assert reason(inputs.read_email, value) == (
            f"must be an e-mail address such as ann@example.com, not {value!r}"
        )
    assert reason(inputs.read_email, f"{'x' * 320}@a") == (
        "has 322 characters; at most 320 are allowed"
    )


# --- whole numbers and flags ----------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, 1, 1_000_000_000])
def test_a_whole_number_is_returned(number: int) -> None:
    assert inputs.read_whole(number) == number
    assert inputs.read_whole_text(str(number)) == number


@pytest.mark.parametrize("value", [True, 1.0, "x", None, [1], -1], ids=repr)
def test_what_is_not_a_whole_number_is_wrong(value: object) -> None:
    assert reason(inputs.read_whole, value) == (
        f"must be a whole number of 0 or more, not {value!r}"
    )


def test_a_number_in_quotes_is_text() -> None:
    assert reason(inputs.read_whole, "1") == (
        "must be a whole number of 0 or more, without quotes, not '1'"
    )


def test_a_whole_number_has_bounds() -> None:
    assert inputs.read_whole(-5, -5, 5) == -5
    assert reason(inputs.read_whole, 6, -5, 5) == "must be a whole number from -5 to 5, not 6"
    assert reason(inputs.read_whole, 0, 1) == "must be a whole number of 1 or more, not 0"
    assert reason(inputs.read_whole, 10**9 + 1, 1) == (
        "must be a whole number from 1 to 1000000000, not 1000000001"
    )


@pytest.mark.parametrize(("text", "number"), [("+7", 7), ("-7", -7), ("007", 7), ("-0", 0)])
def test_a_whole_number_as_text_may_have_a_sign(text: str, number: int) -> None:
    assert inputs.read_whole_text(text, -10) == number


@pytest.mark.parametrize("value", ["", "1.0", " 1", "1_000", "٣", "1e3", "9" * 11, True], ids=repr)
def test_what_is_not_a_whole_number_as_text_is_wrong(value: object) -> None:
    assert reason(inputs.read_whole_text, value, 1, 9) == (
        f"must be a whole number from 1 to 9, not {value!r}"
    )


def test_a_position_is_what_the_last_line_of_a_page_names() -> None:
    assert inputs.read_position("17") == 17
    assert inputs.read_position("9" * 18) == 10**18 - 1
    for value in ("", "-1", "1.0", "٣", "9" * 19, 17, None):
        assert "is not allowed here; allowed is what" in reason(inputs.read_position, value)


def test_a_flag_is_true_or_false() -> None:
    assert inputs.read_flag(True) is True
    assert inputs.read_flag(False) is False
    for value in ("true", 1, 0, None):
        assert reason(inputs.read_flag, value) == f"must be true or false, not {value!r}"


def test_a_flag_as_text_has_several_words() -> None:
    assert all(inputs.read_flag_text(word) for word in ("yes", "TRUE", "On", "1"))
    assert not any(inputs.read_flag_text(word) for word in ("no", "False", "OFF", "0"))
    for value in ("maybe", "", "2", True, 1):
        assert reason(inputs.read_flag_text, value) == f"must be yes or no, not {value!r}"


# --- choices --------------------------------------------------------------------------------------


def test_a_choice_is_a_value_of_the_enumeration() -> None:
    assert inputs.read_choice("green", Colour) is Colour.GREEN
    for value in ("Green", "", None, 1, ["red"], {}):
        assert reason(inputs.read_choice, value, Colour) == (
            f"must be red, green or blue, not {value!r}"
        )


@pytest.mark.parametrize(
    ("words", "written"), [(["a"], "a"), (["a", "b"], "a or b"), (["a", "b", "c"], "a, b or c")]
)
def test_words_are_written_as_a_choice(words: list[str], written: str) -> None:
    assert inputs.either(words) == written


# --- money ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sign", "allowed", "refused"),
    [
        (Sign.NOT_NEGATIVE, ["0", "0.00001", "5"], ["-0.00001"]),
        (Sign.POSITIVE, ["0.00001", "5"], ["0", "-0.00", "-5"]),
        (Sign.NOT_ZERO, ["-5", "0.00001"], ["0", "-0.00"]),
    ],
    ids=lambda value: str(value),
)
def test_an_amount_has_a_sign(sign: Sign, allowed: list[str], refused: list[str]) -> None:
    assert [inputs.read_amount(text, sign) for text in allowed] == [Decimal(t) for t in allowed]
    for text in refused:
        assert reason(inputs.read_amount, text, sign) == f"must be {sign.value}, not {text!r}"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (50, "an amount is text"),
        ("1e3", "allowed are digits with at most 5 decimals"),
        ("1.000000", "has 6 decimals; at most 5 are allowed"),
        ("1" + "0" * 12, "an amount is below 10^12"),
    ],
)
def test_what_is_not_an_amount_is_wrong(value: object, said: str) -> None:
    assert said in reason(inputs.read_amount, value)


def test_amounts_by_currency_are_read_with_every_fault() -> None:
    faults: list[Fault] = []
    document = {"USD": "5.00", "JPY": "0", "EUR": "-1", "SGD": 5, "usd": "1", 7: "1", "x" * 99: "1"}
    read = inputs.read_amounts(document, "p", faults)
    assert read == {"USD": Decimal("5.00"), "JPY": Decimal(0)}
    assert [(fault.place[:8], fault.reason.split(";")[0][:40]) for fault in faults] == [
        ("p.EUR", "must be zero or more, not '-1'"),
        ("p.SGD", "5 is not an amount: an amount is text, s"),
        ("p.usd", "'usd' is not a currency in use"),
        ("p.7", "7 is not a currency in use"),
        ("p.'xxxxx", f"'{'x' * 12}...{'x' * 13}' is not a "),
    ]


def test_amounts_by_currency_are_a_mapping() -> None:
    faults: list[Fault] = []
    assert inputs.read_amounts("50.00", "catalog[0].prices", faults) == {}
    assert [str(fault) for fault in faults] == [
        "catalog[0].prices: must be a mapping of currency to amount such as "
        "{USD: \"50.00\"}, not '50.00'"
    ]


@pytest.mark.parametrize(
    ("value", "number"), [("0", "0"), ("12.5", "12.5"), (100, "100"), (7.5, "7.5")]
)
def test_rule_3_6_a_percentage_is_text_or_a_number(value: object, number: str) -> None:
    assert inputs.read_percent(value) == Decimal(number)


@pytest.mark.parametrize(
    "value", ["-0.1", "100.5", -1, 101, True, None, "half", float("nan"), "1e1", [1]], ids=repr
)
def test_rule_3_6_a_percentage_is_0_to_100(value: object) -> None:
    assert reason(inputs.read_percent, value) == f"must be 0 to 100, not {value!r}"


def test_rule_3_2_a_currency_is_in_use() -> None:
    assert inputs.read_currency("KWD") == "KWD"
    for value in ("usd", "XXX", "", 840, None, ["USD"]):
        assert reason(inputs.read_currency, value) == (
            f"{value!r} is not a currency in use; allowed are ISO 4217 codes such as USD"
        )


# --- time -----------------------------------------------------------------------------------------


def test_rule_1_1_a_zone_has_an_iana_name() -> None:
    assert inputs.read_zone("Asia/Singapore") == "Asia/Singapore"
    for value in ("+08:00", "asia/singapore", "../etc", "", 8, None):
        assert reason(inputs.read_zone, value).endswith(
            "is not an IANA time zone; allowed are names such as Asia/Singapore or UTC"
        )


@pytest.mark.parametrize("text", ["1900-01-01", "2024-02-29", "2999-12-31"])
def test_a_day_is_a_date(text: str) -> None:
    assert inputs.read_day(text) == inputs.read_moment(text) == date.fromisoformat(text)
    assert inputs.read_day(date.fromisoformat(text)) == date.fromisoformat(text)


@pytest.mark.parametrize(
    "value",
    [
        *("01.02.2024", "20240102", "2024-1-2", "2024-W01", "", 20240102, None),
        *("2024-01-01T00:00:00Z", datetime(2024, 1, 1, tzinfo=UTC)),
    ],
    ids=repr,
)
def test_what_is_not_a_date_is_wrong(value: object) -> None:
    assert reason(inputs.read_day, value).startswith("must be a date such as 2021-01-31, not ")


@pytest.mark.parametrize("text", ["2023-02-29", "2024-13-01", "2024-04-31", "0000-01-01"])
def test_a_day_is_in_the_calendar(text: str) -> None:
    said = f"{text} is not in the calendar; allowed are days such as 2021-01-31"
    assert reason(inputs.read_day, text) == said
    assert reason(inputs.read_moment, text) == said


def test_a_day_lies_in_the_years_of_the_caller() -> None:
    said = "is out of range; the years 1900 to 2999 are allowed"
    assert reason(inputs.read_day, "1899-12-31") == f"1899-12-31 {said}"
    assert reason(inputs.read_day, date(3000, 1, 1)) == f"3000-01-01 {said}"
    assert inputs.read_day("1899-12-31", (1, 9999)) == date(1899, 12, 31)
    assert "the years 1970 to 1980 are" in reason(inputs.read_moment, "1969-12-31", (1970, 1980))


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2021-01-31T15:30:00+08:00", datetime(2021, 1, 31, 7, 30, tzinfo=UTC)),
        ("2021-01-31t15:30z", datetime(2021, 1, 31, 15, 30, tzinfo=UTC)),
        ("2021-01-31 15:30:01.5Z", datetime(2021, 1, 31, 15, 30, 1, 500_000, tzinfo=UTC)),
        ("2021-01-01T00:30:00+05:45", datetime(2020, 12, 31, 18, 45, tzinfo=UTC)),
    ],
)
def test_an_instant_has_an_offset_and_is_returned_in_utc(text: str, instant: datetime) -> None:
    assert inputs.read_moment(text) == inputs.read_instant(text) == instant
    assert str(inputs.read_moment(text)).endswith("+00:00")


@pytest.mark.parametrize("value", ["2021-01-31T15:30:00", "noon", "", 7, None, "2021-01-31T15Z"])
def test_what_is_neither_a_date_nor_an_instant_is_wrong(value: object) -> None:
    assert reason(inputs.read_moment, value) == (
        "must be a date such as 2021-01-31 or an instant with an offset such as "
        f"2021-01-31T15:30:00+08:00, not {value!r}"
    )


@pytest.mark.parametrize(
    "text", ["2021-02-30T00:00:00Z", "2021-01-01T25:00:00Z", "0001-01-01T00:00:00+01:00"]
)
def test_an_instant_is_in_the_calendar(text: str) -> None:
    assert reason(inputs.read_moment, text) == (
        f"{text!r} is not in the calendar or on the clock; "
        "allowed are instants such as 2021-01-31T15:30:00Z"
    )


def test_an_instant_lies_in_the_years_of_the_caller() -> None:
    text = "1900-01-01T00:00:00+01:00"  # 1899 in UTC
    assert reason(inputs.read_instant, text) == (
        f"{text} is out of range; the years 1900 to 2999 are allowed"
    )


def test_rule_1_4_a_date_as_an_instant_is_its_first_instant_in_the_zone() -> None:
    assert inputs.read_instant("2024-03-10") == datetime(2024, 3, 10, tzinfo=UTC)
    # Havana skips midnight on this day, which begins at 01:00, 05:00Z.
    assert inputs.read_instant("2024-03-10", "America/Havana") == datetime(
        2024, 3, 10, 5, tzinfo=UTC
    )


instants = st.datetimes(
    datetime(1901, 1, 1),  # noqa: DTZ001
    datetime(2998, 12, 31),  # noqa: DTZ001
    timezones=st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m))),
)


@given(instants)
def test_every_instant_that_is_written_is_read_back(instant: datetime) -> None:
    assert inputs.read_moment(instant.isoformat()) == instant


# --- files and places -----------------------------------------------------------------------------


def test_a_file_is_text_in_utf_8_of_limited_size() -> None:
    assert inputs.read_utf8("\ufeffZoë".encode(), 7) == "Zoë"
    assert reason(inputs.read_utf8, b"12345678", 7) == (
        "has more than 7 bytes; smaller files are allowed"
    )
    assert reason(inputs.read_utf8, b"\xff\xfe", 7) == "is not UTF-8 text; text in UTF-8 is allowed"


def test_what_a_reader_says_becomes_a_fault_of_the_place() -> None:
    faults: list[Fault] = []
    assert inputs.read_at("step 1, quantity", 3, inputs.read_whole, faults) == 3
    assert inputs.read_at("step 1, quantity", -3, inputs.read_whole, faults) is None
    assert [str(fault) for fault in faults] == [
        "step 1, quantity: must be a whole number of 0 or more, not -3"
    ]


anything: st.SearchStrategy[object] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.lists(st.text()),
)
READERS: list[Callable[[object], object]] = [
    inputs.read_text,
    inputs.read_id,
    inputs.read_email,
    inputs.read_whole,
    inputs.read_whole_text,
    inputs.read_flag,
    inputs.read_flag_text,
    lambda value: inputs.read_choice(value, Colour),
    inputs.read_amount,
    inputs.read_percent,
    inputs.read_currency,
    inputs.read_zone,
    inputs.read_day,
    inputs.read_moment,
    inputs.read_instant,
]


@pytest.mark.parametrize("read", READERS)
@given(value=anything)
def test_a_reader_returns_a_value_or_says_briefly_what_is_wrong(
    read: Callable[[object], object], value: object
) -> None:
    try:
        assert read(value) is not None
    except Wrong as error:
        assert 0 < len(str(error)) < 300  # noqa: PT017


# values that a program has made


def test_what_is_required_is_read_or_is_a_fault_of_its_place() -> None:
    assert inputs.required("owner", "Ann", inputs.read_text) == "Ann"
    with pytest.raises(Faults, match="owner: "):
        inputs.required("owner", 7, inputs.read_text)


def test_an_instant_of_a_program_has_an_offset_and_is_in_the_calendar() -> None:
    eastern = datetime(2021, 1, 31, 12, tzinfo=timezone(timedelta(hours=8)))
    assert inputs.check_instant(eastern) == datetime(2021, 1, 31, 4, tzinfo=UTC)
    assert reason(inputs.check_instant, "2021-01-31") == (
        "must be a datetime with a time zone, not '2021-01-31'"
    )
    assert "has no time zone" in reason(inputs.check_instant, datetime(2021, 1, 31))  # noqa: DTZ001
    last = datetime.max.replace(tzinfo=timezone(timedelta(hours=-8)))
    assert "is not in the calendar of UTC" in reason(inputs.check_instant, last)
