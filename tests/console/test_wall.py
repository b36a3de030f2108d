"""The wall shows its figures with charts, tables and CSV, to those who may see them."""

import csv
import io
from dataclasses import replace
from threading import Event
from xml.etree import ElementTree

import pytest

from core.domain.roles import Role
from doors.console import charts, wall
from doors.console.charts import Series
from doors.console.wall_figures import Figure
from doors.queries.wall.scope import Scope
from tests.console.conftest import Desk, words_of


async def test_the_wall_shows_figures_as_charts_tables_and_csv(reading: Desk) -> None:
    shop = reading.shop
    subscription = await shop.buy()
    clock = shop.row(subscription).clock
    answer = await reading.get(f"/wall?clock={clock}&days=31")
    assert answer.status_code == 200, answer.text
    page = words_of(answer.text)
    for title in ("Renewals by day", "What waits", "Recurring revenue", "Money in and out"):
        assert title in page
    assert "no worker for workflows" in page
    assert "style=" not in answer.text
    assert answer.text.count("<svg") == answer.text.count('role="img"')
    told = await reading.get(f"/wall/money/recurring?clock={clock}")
    head, row = csv.reader(io.StringIO(told.text))
    assert head == ["currency", "subscriptions", "in a month", "not priced", "currency"]
    assert row == ["USD", "1", "50.00", "0", "USD"]


async def test_money_is_for_those_who_see_reports(reading: Desk) -> None:
    page = await reading.page("/wall", Role.SUPPORT)
    assert "Renewals by day" in page
    assert "Recurring revenue" not in page
    assert (await reading.get("/wall/money/money", Role.SUPPORT)).status_code == 403
    assert (await reading.get("/wall/work/money", Role.SUPPORT)).status_code == 404


async def test_a_page_does_not_wait_for_a_figure_that_is_being_counted(
    reading: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says which one, the others stand there, and it follows when it has been read."""
    go_on = Event()

    def slow(scope: Scope) -> list[Figure]:
        assert go_on.wait(300)
        return lives.read(scope)

    lives = next(it for it in wall.SOURCES if "churn" in it.names)
    sources = [replace(it, read=slow) if it is lives else it for it in wall.SOURCES]
    await reading.page("/wall", Role.SUPPORT)
    monkeypatch.setattr(wall, "SOURCES", sources)
    for key in [key for key in reading.keeper._kept if key[1] == "churn"]:
        del reading.keeper._kept[key]
    reading.keeper.waits = 0.01
    page = await reading.page("/wall", Role.SUPPORT)
    assert "2 figures of 7 are being counted" in page
    assert "Came and went It is being counted." in page
    assert "Renewals by day In UTC." in page
    go_on.set()
    [task] = reading.keeper._reading.values()
    await task
    page = await reading.page("/wall", Role.SUPPORT)
    assert "It is being counted." not in page
    assert "Came and went Subscriptions by month." in page


async def test_what_is_asked_for_wrongly_is_told(reading: Desk) -> None:
    for path in ("/wall?days=63", "/wall?days=x", "/wall/work/renewals?days=0"):
        assert (await reading.get(path)).status_code == 400, path
    gone = await reading.get("/wall?clock=gone")
    assert gone.status_code == 404
    assert "There is no test clock gone" in words_of(gone.text)


async def test_figures_are_kept_for_a_minute(reading: Desk) -> None:
    first = await reading.get("/wall")
    reading.shop.sql("UPDATE accounts SET suspended = true")
    again = await reading.get("/wall")
    read_at = "Read at "
    assert first.text.split(read_at)[1][:80] == again.text.split(read_at)[1][:80]


def test_bars_and_curves_are_whole_and_escaped() -> None:
    made = charts.bars(
        'A "chart" & more',
        ["<1>", "2"],
        [
            Series(name="good ones", look="good", values=[3, 0]),
            Series(name="b", look="bad", values=[1, 5]),
        ],
    )
    drawn = ElementTree.fromstring(made)
    assert drawn.attrib["aria-label"] == 'A "chart" & more'
    assert len(drawn.findall("rect")) == 3
    assert drawn.findtext("rect/title") == "<1>: 3 good ones"
    balance = Series(name="x", look="good", values=[-5, 0, 1e12])
    curve = charts.curves("c", ["1", "2", "3"], [balance])
    points = ElementTree.fromstring(curve).find("polyline")
    assert points is not None
    assert len(points.attrib["points"].split()) == 5
    assert ElementTree.fromstring(charts.bars("none", [], [])).tag == "svg"
    assert "nan" not in charts.bars("zero", ["a"], [Series(name="z", look="good", values=[0])])
