"""Rule 1: dates, zones, first instants and months from the anchor."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import available_timezones

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.domain import calendar
from core.domain.calendar import (
    UnknownZone,
    add_months,
    first_instant,
    last_paid_day,
    local_date,
    local_time,
    zone,
)

ZONES = sorted(available_timezones() - {"localtime", "posixrules", "Factory"})
ONE_DAY = timedelta(days=1)

any_day = st.dates(date(1900, 1, 1), date(2037, 12, 31))
any_zone = st.sampled_from(ZONES)


def days(text: str) -> date:
    return date.fromisoformat(text)


# --- 1.3: from the anchor -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("anchor", "cycles", "expiries"),
    [
        # 11-16 + 1 month = 12-16, − 1 day; + 2 months = 01-16, − 1 day
        ("2020-11-16", [1, 1], ["2020-12-15", "2021-01-15"]),
        # 02-31 → 02-28 − 1; 03-31 − 1; 04-31 → 04-30 − 1; 05-31 − 1
        ("2023-01-31", [1, 1, 1, 1], ["2023-02-27", "2023-03-30", "2023-04-29", "2023-05-30"]),
        # leap year: 02-31 → 02-29 − 1; 03-31 − 1
        ("2024-01-31", [1, 1], ["2024-02-28", "2024-03-30"]),
        # 2025-02-29 → 02-28 − 1, 2026 and 2027 alike; 2028-02-29 − 1
        ("2024-02-29", [12, 12, 12, 12], ["2025-02-27", "2026-02-27", "2027-02-27", "2028-02-28"]),
        # 2025-02-31 → 02-28 − 1; 2025-08-31 − 1; 2026-02-31 → 02-28 − 1
        ("2024-08-31", [6, 6, 6], ["2025-02-27", "2025-08-30", "2026-02-27"]),
        # M = 1, 3, 5: 02-28 − 1; 04-30 − 1; 06-31 → 06-30 − 1
        ("2023-01-31", [1, 2, 2], ["2023-02-27", "2023-04-29", "2023-06-29"]),
    ],
)
def test_rule_1_3_the_last_paid_day_is_counted_from_the_anchor(
    anchor: str, cycles: list[int], expiries: list[str]
) -> None:
    paid = [sum(cycles[: i + 1]) for i in range(len(cycles))]
    assert [last_paid_day(days(anchor), months) for months in paid] == [
        days(expiry) for expiry in expiries
    ]


def test_rule_1_3_the_next_whole_month_of_an_extension_is_counted_from_the_anchor() -> None:
    # Rule 6.2: A + (M + 1) months − 1 day with A = 2020-11-16, M = 1
    assert last_paid_day(days("2020-11-16"), 1 + 1) == days("2021-01-15")


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        ("2021-01-31", 0, "2021-01-31"),
        ("2021-01-31", 1, "2021-02-28"),
        ("2021-12-31", 1, "2022-01-31"),
        ("2021-12-31", 12, "2022-12-31"),
        ("2021-03-31", -1, "2021-02-28"),
        ("2021-01-15", -1, "2020-12-15"),
        ("2000-02-29", 1200, "2100-02-28"),  # 2100 is no leap year
        ("9999-11-30", 1, "9999-12-30"),
        ("0001-02-28", -1, "0001-01-28"),
    ],
)
def test_rule_1_3_months_are_added_with_the_day_clamped(
    day: str, months: int, expected: str
) -> None:
    assert add_months(days(day), months) == days(expected)


@pytest.mark.parametrize(
    ("day", "months"),
    [("9999-12-01", 1), ("0001-01-31", -1), ("2021-01-01", 10**12), ("2021-01-01", -(10**12))],
)
def test_months_outside_the_calendar_overflow(day: str, months: int) -> None:
    with pytest.raises(OverflowError, match="years 1 to 9999"):
        add_months(days(day), months)


def test_a_last_paid_day_before_the_calendar_overflows() -> None:
    with pytest.raises(OverflowError):
        last_paid_day(date.min, 0)


def naive_add_months(day: date, months: int) -> date:
    """Walk day by day to the wanted month, then to the wanted day or the month's last day."""
    at = day
    for _ in range(months):
        left = (at.year, at.month)
        while (at.year, at.month) == left:
            at += ONE_DAY
    while at.day < day.day and (at + ONE_DAY).month == at.month:
        at += ONE_DAY
    return at


@settings(deadline=None)
@given(st.dates(date(1990, 1, 1), date(2110, 12, 31)), st.integers(0, 30))
@example(date(2024, 2, 29), 12)
@example(date(2023, 1, 31), 1)
def test_rule_1_3_months_agree_with_a_walk_day_by_day(day: date, months: int) -> None:
    assert add_months(day, months) == naive_add_months(day, months)
    assert last_paid_day(day, months) == naive_add_months(day, months) - ONE_DAY


@settings(deadline=None)
@given(any_day, st.lists(st.integers(1, 36), min_size=1, max_size=24))
def test_rule_1_3_periods_follow_one_another_without_gap_and_never_drift(
    anchor: date, cycles: list[int]
) -> None:
    paid = 0
    before = anchor - ONE_DAY
    for months in cycles:
        paid += months
        expiry = last_paid_day(anchor, paid)
        assert expiry > before
        begins = expiry + ONE_DAY
        assert begins.day == anchor.day or (
            begins.day < anchor.day and (begins + ONE_DAY).month != begins.month
        )
        before = expiry


# --- 1.4: the first instant of a date -------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "where", "instant"),
    [
        ("2020-11-16", "Asia/Singapore", "2020-11-15T16:00:00+00:00"),  # +08:00 all year
        (
            "2024-03-10",
            "America/Havana",
            "2024-03-10T05:00:00+00:00",
        ),  # begins at 01:00 local, −04:00
        (
            "2011-12-30",
            "Pacific/Apia",
            "2011-12-30T10:00:00+00:00",
        ),  # does not exist: the first instant of 12-31
        ("2011-12-31", "Pacific/Apia", "2011-12-30T10:00:00+00:00"),  # +14:00
        ("2011-12-29", "Pacific/Apia", "2011-12-29T10:00:00+00:00"),  # −10:00
        (
            "1993-08-21",
            "Pacific/Kwajalein",
            "1993-08-21T12:00:00+00:00",
        ),  # does not exist: the first instant of 08-22, +12:00
        (
            "2024-11-03",
            "America/Havana",
            "2024-11-03T04:00:00+00:00",
        ),  # 01:00 goes back to 00:00: the first 00:00, −04:00
        (
            "2006-10-29",
            "America/St_Johns",
            "2006-10-29T02:30:00+00:00",
        ),  # 00:01 goes back to 23:01: entered twice, the first 00:00, −02:30
        (
            "1919-03-31",
            "America/Toronto",
            "1919-03-31T04:30:00+00:00",
        ),  # 23:30 jumps to 00:30: begins at 00:30 local, −04:00
        (
            "2018-11-04",
            "America/Sao_Paulo",
            "2018-11-04T03:00:00+00:00",
        ),  # begins at 01:00 local, −02:00
        (
            "1867-10-19",
            "America/Juneau",
            "1867-10-18T08:57:41+00:00",
        ),  # entered twice a day apart (date line): the first, +15:02:19
        (
            "1920-01-01",
            "Africa/Monrovia",
            "1920-01-01T00:44:30+00:00",
        ),  # an offset with seconds, −00:44:30
        ("2024-02-29", "UTC", "2024-02-29T00:00:00+00:00"),
        ("9999-12-31", "America/New_York", "9999-12-31T05:00:00+00:00"),
    ],
)
def test_rule_1_4_a_date_begins_at_its_first_instant(day: str, where: str, instant: str) -> None:
    assert first_instant(days(day), where) == datetime.fromisoformat(instant)
    assert first_instant(days(day), where).tzinfo is UTC


def test_rule_1_4_a_date_before_the_calendar_overflows() -> None:
    with pytest.raises(OverflowError):
        first_instant(date.min, "Asia/Singapore")


def naive_first_instant(day: date, where: str) -> datetime:
    """Walk minute by minute over the days around the date, then second by second.

    Returns the first instant on the date. If it does not exist, returns the first one after it.
    """
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=40)
    there = zone(where)
    minutes = [
        (start + timedelta(minutes=i), (start + timedelta(minutes=i)).astimezone(there).date())
        for i in range(80 * 60)
    ]
    exists = any(on == day for _, on in minutes)

    def reached(on: date) -> bool:
        return on == day if exists else on > day

    minute = next(at for at, on in minutes if reached(on))
    seconds = [minute - timedelta(seconds=i) for i in range(60)]
    return min(at for at in seconds if reached(at.astimezone(there).date()))


def changes(where: str, year: int) -> list[date]:
    """The days of a year near which the offset of the zone changes."""
    there = zone(where)
    noons = [datetime(year, 1, 1, 12, tzinfo=there) + i * ONE_DAY for i in range(366)]
    offsets = [noon.utcoffset() for noon in noons]
    return [noons[i].date() for i in range(1, 366) if offsets[i] != offsets[i - 1]]


@settings(deadline=None)
@given(any_day, any_zone)
def test_rule_1_4_the_first_instant_agrees_with_a_walk_minute_by_minute(
    day: date, where: str
) -> None:
    assert first_instant(day, where) == naive_first_instant(day, where)


@settings(deadline=None)
@given(any_zone, st.integers(1880, 2037), st.data())
def test_rule_1_4_the_first_instant_agrees_with_a_walk_where_the_clock_changes(
    where: str, year: int, data: st.DataObject
) -> None:
    around = changes(where, year) or [date(year, 1, 1)]
    day = data.draw(st.sampled_from(around)) + data.draw(st.integers(-1, 1)) * ONE_DAY
    assert first_instant(day, where) == naive_first_instant(day, where)


@settings(deadline=None)
@given(any_day, any_zone)
def test_rule_1_4_first_instants_rise_with_the_dates(day: date, where: str) -> None:
    assert first_instant(day, where) <= first_instant(day + ONE_DAY, where)
    assert local_date(first_instant(day, where), where) >= day


# --- 1.1: zones and local dates -------------------------------------------------------------------


@pytest.mark.parametrize("name", ZONES)
def test_rule_1_1_every_zone_of_the_database_is_known(name: str) -> None:
    assert zone(name).key == name
    assert zone(name) is zone(name)


@pytest.mark.parametrize(
    "name",
    [
        *[
            "",
            " ",
            "localtime",
            "Factory",
            "posixrules",
            "Asia/Nowhere",
            "asia/singapore",
            "../etc/passwd",
            "/etc/localtime",
            "Asia",
            "+08:00",
        ],
        *[
            "UTC+8",
            "UTC\x00",
            "Asia/Singapore ",
            "zone.tab",
            "posix/UTC",
            "x" * 10**6,
            None,
            8,
            b"UTC",
            [],
            {},
            float("nan"),
        ],
    ],
    ids=lambda name: repr(name)[:30],
)
def test_rule_1_1_what_is_no_iana_name_is_an_unknown_zone(name: object) -> None:
    with pytest.raises(UnknownZone, match="not an IANA time zone") as error:
        zone(name)  # type: ignore[arg-type]
    assert len(str(error.value)) < 300
    with pytest.raises(UnknownZone):
        calendar.local_date(datetime(2021, 1, 1, tzinfo=UTC), name)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("instant", "where", "local"),
    [
        ("2020-12-10T15:30:00+00:00", "Asia/Singapore", "2020-12-10T23:30:00+08:00"),
        ("2020-12-10T16:00:00+00:00", "Asia/Singapore", "2020-12-11T00:00:00+08:00"),
        ("2024-03-10T04:59:59+00:00", "America/Havana", "2024-03-09T23:59:59-05:00"),
        ("2024-03-10T05:00:00+00:00", "America/Havana", "2024-03-10T01:00:00-04:00"),
        ("2021-01-01T00:00:00+08:00", "UTC", "2020-12-31T16:00:00+00:00"),
    ],
)
def test_rule_1_1_an_instant_lies_on_the_local_date_of_the_zone(
    instant: str, where: str, local: str
) -> None:
    there = local_time(datetime.fromisoformat(instant), where)
    assert there.isoformat() == local
    assert local_date(datetime.fromisoformat(instant), where) == there.date()


def test_a_naive_instant_is_a_defect() -> None:
    with pytest.raises(ValueError, match="has no offset"):
        local_date(datetime(2021, 1, 1), "UTC")  # noqa: DTZ001


def test_a_date_that_is_entered_twice_stays_today_when_the_clock_goes_back() -> None:
    # St. John's, 2010-11-07: at 00:01 the clock goes back to 23:01 of the day before
    zone_name = "America/St_Johns"
    begin = first_instant(date(2010, 11, 7), zone_name)
    assert local_date(begin - timedelta(seconds=1), zone_name) == date(2010, 11, 6)
    assert [local_date(begin + timedelta(minutes=m), zone_name) for m in (0, 1, 30, 60, 90)] == [
        date(2010, 11, 7)
    ] * 5
    # The summer of 1988 was two hours ahead, so the clock went back to 22:01.
    assert local_date(datetime(1988, 10, 30, 1, 31, tzinfo=UTC), zone_name) == date(1988, 10, 30)
