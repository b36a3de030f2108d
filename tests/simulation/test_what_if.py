"""What is forecast under assumptions is what happens when they come true, and nothing is touched.

Made-up stories are played up to a moment. Then assumptions are played on a copy of an account, and
afterwards for real, on the test clock of the story.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import event, given, note, settings
from hypothesis import strategies as st
from sqlalchemy import text

from core.domain.commands import AnyCommand
from core.domain.commands.set_card import SetCard
from core.domain.faults import Faults
from core.domain.subscription import Failure
from core.gateways import assumed_cards
from core.ledger import stored_terms
from core.ledger.account_copy import copy_of_account
from core.ledger.database import connect
from core.ledger.ledger import Ledger
from core.ledger.tables import Base
from doors.application import what_if as what_ifs
from doors.application.what_if import Assumptions, WhatIf, what_if
from doors.queries.forecasts import known_of
from doors.scenarios import assumptions as files
from tests.simulation import test_forecast_equals_clock as made_up
from tests.simulation.how_many import scenarios_in_ci
from tests.simulation.test_forecast_equals_clock import Stories, buy, story

MONTHS = 4
TOKENS = {assumed_cards.CHARGED: "sim_ok", assumed_cards.DECLINED: "sim_declined"}


class Played(Stories):
    """A story that was played up to a moment, with assumptions about one of its accounts."""

    def assume(self, account: str, document: dict[str, Any], months: int = MONTHS) -> Assumptions:
        """The assumptions of a file about the account."""
        known = known_of(self.ledger, account, months)
        return files.read(
            json.dumps(document).encode(),
            account=account,
            zone=known.zone,
            until=known.until,
            subscriptions=known.subscriptions,
            catalog=known.catalog,
        )

    def forecast_with(
        self, account: str, assumed: Assumptions, months: int = MONTHS, **more: Any
    ) -> WhatIf:
        """What the assumptions change. Checks that no row of the database has changed."""
        before = self.everything()
        found = what_if(self.ledger, account, assumed, months, **more)
        assert self.everything() == before
        return found

    def everything(self) -> dict[str, str]:
        """A digest of each table."""
        with self.ledger.engine.connect() as connection:
            return {
                table: connection.execute(
                    text(f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t")
                ).scalar_one()
                for table in Base.metadata.tables
            }

    def come_true(self, assumed: Assumptions, until: datetime) -> None:
        """Play the assumptions for real."""
        with self.ledger.engine.begin() as connection:
            stored_terms.add_catalog(connection, self.ledger.seller, assumed.catalog)
        for step in assumed.steps:
            self.advance(step.at)
            if step.outage_until is not None:
                self.advance(step.outage_until, outage=True)
            if step.command is not None:
                asyncio.run(self.engine.command(for_real(step.command), step.at))
                self.advance(step.at)
        self.advance(until)


def for_real(command: AnyCommand) -> AnyCommand:
    """The command with a real card, and with a request id that the story does not have."""
    more: dict[str, Any] = {"request_id": f"true/{command.request_id}"}
    if isinstance(command, SetCard) and command.card is not None:
        more["card"] = TOKENS[command.card]
    return replace(command, **more)


@contextmanager
def played(url: str, told: dict[str, Any], moment: datetime) -> Iterator[Played]:
    ledger = Ledger(connect(url))
    try:
        stories = Played(ledger)
        stories.play(told, moment)
        yield stories
    finally:
        ledger.engine.dispose()


def lines(found: WhatIf) -> list[str]:
    """The pairs that differ, as short texts: date, subscription, without, with."""

    def short(entry: Any) -> str:
        if entry is None:
            return "-"
        parts = (entry.event, entry.amount and f"{entry.amount:+.2f}", entry.reason)
        return " ".join(str(part) for part in parts if part)

    return [
        f"{str(pair.date)[5:]} {pair.subscription or '*'}: "
        f"{short(pair.without)} / {short(pair.assumed)}"
        for pair in found.pairs
        if not pair.same
    ]


MOMENT = datetime.fromisoformat("2020-12-01T00:00:00+00:00")


def assumed_lines(
    url: str, document: dict[str, Any], *steps: dict[str, Any], **account: Any
) -> list[str]:
    """What assumptions change for s1, which was bought on 11-16 at 50.00 a month."""
    with played(url, story(buy("s1"), *steps, **account), MOMENT) as stories:
        return lines(stories.forecast_with("acme", stories.assume("acme", document), 2))


def test_rule_5_3_the_card_dies(database: str) -> None:
    """Usable 30, and 50.00 is due on 12-08: the card does not pay it."""
    dies = {"steps": [{"at": "2020-12-05", "do": "set_card", "card": "declined"}]}
    card = {"credits": "30.00", "card": "ok", "renew_by_card": True}
    found = assumed_lines(database, dies, **card)
    assert found[:4] == [
        "12-08 *: card_charged +50.00 / card_declined",
        "12-08 s1: renewed -50.00 / renewal_failed card_declined",
        "12-10 *: - / card_declined",
        "12-10 s1: - / renewal_failed card_declined",
    ]
    assert "12-16 s1: - / expired" in found


def test_rule_3_5_the_price_rises(database: str) -> None:
    rises = {"catalog": [{"sku": "A", "prices": {"USD": "75.00"}, "from": "2021-01-01"}]}
    assert assumed_lines(database, rises, credits="500.00") == [
        "01-08 s1: renewed -50.00 / renewed -75.00"
    ]


def test_rule_5_4_a_top_up_heals_a_renewal_that_would_fail(database: str) -> None:
    topped_up = {"steps": [{"at": "2020-12-09", "do": "top_up", "amount": "50.00"}]}
    found = assumed_lines(database, topped_up)
    assert found[:3] == [
        "12-09 *: - / topped_up +50.00",
        "12-09 s1: - / renewed -50.00",
        "12-10 s1: renewal_failed no_credits / -",
    ]


def test_rule_13_an_outage_of_two_weeks(database: str) -> None:
    """The renewal of 12-08 is late, and made at the end of the outage."""
    away = {"steps": [{"at": "2020-12-05", "do": "outage", "until": "2020-12-19"}]}
    found = assumed_lines(database, away, credits="500.00")
    assert found == ["12-08 s1: renewed -50.00 / -", "12-19 s1: - / renewed -50.00"]


def test_an_assumption_that_is_refused_is_told_with_its_rule(database: str) -> None:
    with played(database, story(buy("s1")), MOMENT) as stories:
        document = {"steps": [{"at": "2020-12-05", "do": "extend", "id": "s1", "cycles": 1}]}
        found = stories.forecast_with("acme", stories.assume("acme", document))
    [refused] = found.refused
    assert (refused.number, refused.do) == (1, "extend")
    assert str(refused.refusal) == "usable 0.00 USD does not cover 50.00 (rule 6.2)"


def test_a_copy_is_named_by_the_ids_of_the_account(database: str) -> None:
    """Rule 4.1: the text of a refusal names the subscription as people know it."""
    with played(database, story(buy("s1")), MOMENT) as stories:
        bought = {"at": "2020-12-05", "do": "purchase", "id": "s1", "sku": "A"}
        found = stories.forecast_with("acme", stories.assume("acme", {"steps": [bought]}))
    assert str(found.refused[0].refusal) == "s1 exists (rule 4.1)"


def test_without_assumptions_both_sides_are_the_forecast(database: str) -> None:
    with played(database, story(buy("s1"), credits="80.00"), MOMENT) as stories:
        found = stories.forecast_with("acme", Assumptions())
        told = stories.forecast("acme", MOMENT, found.until)
    assert [pair.without for pair in found.pairs] == told
    assert lines(found) == []
    assert found.without == found.assumed


# --- wrong assumptions ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ("[]", "file: holds no assumption; a mapping with steps, catalog or both is allowed"),
        ('{"accounts": []}', "accounts: unknown key; allowed are catalog, steps"),
        ('{"steps": 1}', "steps: must be a list, not 1"),
        (
            json.dumps({"steps": [{}] * 101}),
            "steps: has 101 entries; at most 100 are allowed",
        ),
        (
            '{"steps": [{"at": "2020-12-05", "do": "transfer", "to": "b", "amount": "1"}]}',
            "step 1, do: 'transfer' cannot be assumed; allowed are adjust, change_cycle,",
        ),
        (
            '{"steps": [{"at": "2020-12-05", "do": "recover", "id": "s9"}]}',
            "step 1, id: no earlier purchase or trial has the id 's9'; allowed are s1",
        ),
        (
            '{"steps": [{"at": "2030-12-05", "do": "suspend"}]}',
            "step 1, at: 2030-12-04T16:00:00Z is after the end of the forecast; "
            "2021-03-31T16:00:00Z and earlier is allowed",
        ),
        (
            '{"steps": [{"at": "2020-11-30", "do": "suspend"}]}',
            "step 1, at: 2020-11-29T16:00:00Z is past; the account's now, "
            "2020-12-01T00:00:00Z, or later is allowed",
        ),
        (
            '{"steps": [{"at": "2020-12-05", "do": "purchase", "id": "n", "sku": "A", '
            '"numbers": []}]}',
            "step 1, numbers: cannot be assumed; leave it out",
        ),
        (
            '{"catalog": [{"sku": "A", "prices": {"USD": "1"}}]}',
            "catalog[0].from: is missing",
        ),
    ],
)
def test_wrong_assumptions_are_faults_with_their_places(
    database: str, document: str, fault: str
) -> None:
    with played(database, story(buy("s1")), MOMENT) as stories:
        with pytest.raises(Faults) as raised:
            stories.forecast_with("acme", stories.assume("acme", json.loads(document)))
        assert str(raised.value).startswith(fault), str(raised.value)


def test_a_file_that_is_too_large_is_refused(database: str) -> None:
    with pytest.raises(Faults, match="has more than 100,000 bytes"):
        files.read(
            b" " * 100_001, account="a", zone="UTC", until=MOMENT, subscriptions=[], catalog=[]
        )


def test_an_account_that_is_too_large_for_so_many_months_is_refused(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(what_ifs, "MOST_CYCLES", 4)
    with played(database, story(buy("s1"), buy("s2")), MOMENT) as stories:
        stories.forecast_with("acme", Assumptions(), 2)
        with pytest.raises(Faults, match="months: account acme has 2 subscriptions; at most 2 mon"):
            stories.forecast_with("acme", Assumptions(), 3)
        with pytest.raises(LookupError, match="there is no account nobody"):
            stories.forecast_with("nobody", Assumptions(), 3)


def test_a_play_that_is_interrupted_leaves_nothing(database: str) -> None:
    def interrupt(_: datetime) -> None:
        raise KeyboardInterrupt

    with played(database, story(buy("s1"), credits="500.00"), MOMENT) as stories:
        before = stories.everything()
        with pytest.raises(KeyboardInterrupt):
            what_if(stories.ledger, "acme", Assumptions(), 3, progress=interrupt)
        assert stories.everything() == before


def test_a_copy_locks_nothing_of_its_account(database: str) -> None:
    """While a copy is open, a command on the account is carried out."""
    with (
        played(database, story(buy("s1"), credits="500.00"), MOMENT) as stories,
        copy_of_account(stories.ledger, "acme", MOMENT) as copied,
    ):
        with stories.ledger.transaction("test") as connection:
            connection.execute(text("SET LOCAL lock_timeout = '1s'"))
            connection.execute(text("SELECT 1 FROM accounts, sellers, clocks FOR UPDATE"))
        assert copied.original(copied.id_of("s1")) == "s1"


# --- generated stories ----------------------------------------------------------------------------


def str_of(told: made_up.Event) -> list[str]:
    """A key by which events can be sorted. Pairs stand in another order than the history."""
    return [str(part) for part in told]


def without_other_reasons(told: made_up.Event) -> made_up.Event:
    """The event as a forecast tells it: with the reason of a failure, and no other one."""
    return (*told[:4], told[4] if told[4] in list(Failure) else None)


NEVER_ASSUMED = {"change_owner", "add_number", "swap_number"}


@st.composite
def assumptions_about(draw: st.DrawFn, told: dict[str, Any], moment: datetime) -> dict[str, Any]:
    """Steps and prices that are assumed of the first account of a story."""
    account = told["accounts"][0]
    ids = [
        step["id"]
        for step in told["steps"]
        if step["do"] in ("purchase", "trial") and step["account"] == account["id"]
    ]
    days = sorted(draw(st.lists(st.floats(0.01, 90), max_size=5)))
    steps, at = [], moment
    for day in days:
        at = max(at, moment + timedelta(days=day))
        if draw(st.integers(0, 4)) == 0:
            until = at + timedelta(days=draw(st.integers(1, 20)))
            steps.append({"at": at.isoformat(), "do": "outage", "until": until.isoformat()})
            at = until
            continue
        step = made_up.command(draw, account["id"], ids, [account["id"]])
        if step["do"] not in NEVER_ASSUMED:
            steps.append({"at": at.isoformat(), **step})
    catalog = []
    if draw(st.booleans()):
        changed = {account["currency"]: draw(made_up.price) + made_up.DECIMALS[account["currency"]]}
        catalog = [{"sku": "M", "prices": changed, "from": str(moment.date() + timedelta(days=20))}]
    return {"steps": steps, "catalog": catalog}


@settings(max_examples=scenarios_in_ci(12), deadline=None, suppress_health_check=made_up.SLOW)
@given(made_up.stories(), st.data())
def test_what_is_forecast_under_assumptions_happens_when_they_come_true(
    new_ledger: Callable[[], Ledger],
    told: tuple[dict[str, Any], datetime, datetime],
    data: st.DataObject,
) -> None:
    tale, moment, _ = told
    account = tale["accounts"][0]["id"]
    document = data.draw(assumptions_about(tale, moment))
    note(json.dumps(tale, indent=1))
    note(f"from {moment}: {json.dumps(document, indent=1)}")
    stories = Played(new_ledger())
    stories.play(tale, moment)
    owned = {own.id for own in stories.state(account, moment)[1]}
    document["steps"] = [
        step for step in document["steps"] if step.get("id") is None or step["id"] in owned
    ]
    charges = stories.state(account, moment)[0].card != "sim_declined"
    alike = stories.forecast_with(account, Assumptions(), card_charges=charges)
    assert lines(alike) == []
    assumed = stories.assume(account, document)
    found = stories.forecast_with(account, assumed, card_charges=charges)
    stories.come_true(assumed, found.until)
    told_of = [pair.assumed for pair in found.pairs if pair.assumed is not None]
    happened = [without_other_reasons(it) for it in stories.happened(account, moment)]
    assert sorted(made_up.foretold(told_of), key=str_of) == sorted(happened, key=str_of)
    assert found.assumed.balance == stories.state(account, found.until)[0].balance
    for step in assumed.steps:
        event(step.do)
