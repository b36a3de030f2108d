"""What the ledger keeps of campaigns, and what the database itself refuses."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy.exc import IntegrityError

from core.domain.campaigns import EACH, CampaignState, Control, NewCampaign, Row, RowOutcome
from core.domain.commands.extend import Extend
from core.domain.faults import Faults
from core.ledger import campaigns
from core.ledger.campaigns import Settled
from core.protocol.campaign_messages import Place
from doors.queries import campaign_selections
from doors.queries.campaign_selections import Selection, selected_rows
from doors.queries.campaigns import find_campaign, list_campaigns, receipt
from doors.queries.list_names import WorkList
from tests.ledger.conftest import Shop

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def start(shop: Shop, rows: int = 3, request_id: str = "july", now: datetime = NOW) -> str:
    """A campaign on subscriptions that do not exist. Its rows are never carried out here."""
    pattern = Extend(subscription=EACH, cycles=1, request_id=request_id, actor="ann")
    new = NewCampaign(pattern=pattern, rows=tuple(Row(n, f"s{n}") for n in range(1, rows + 1)))
    with shop.ledger.transaction("campaign") as connection:
        return campaigns.create(connection, shop.ledger.seller, new, now)[0]


def record(shop: Shop, campaign: str, *outcomes: Settled) -> None:
    with shop.ledger.transaction("campaign_rows") as connection:
        campaigns.record(connection, campaign, outcomes, NOW)


def done(row: int, outcome: RowOutcome = RowOutcome.DONE) -> Settled:
    return Settled(row=row, outcome=outcome, sentence="=1+1", amount=Decimal(50), currency="USD")


BEGIN = Place()


def next_rows(shop: Shop, campaign: str, place: Place = BEGIN) -> list[int]:
    with shop.ledger.read() as connection:
        return [row.row for row in campaigns.next_rows(connection, campaign, place, 10)]


def test_rows_are_taken_in_their_order_and_unknown_ones_once_more(shop: Shop) -> None:
    campaign = start(shop)
    assert next_rows(shop, campaign) == [1, 2, 3]
    record(shop, campaign, done(1), done(2, RowOutcome.UNKNOWN))
    assert next_rows(shop, campaign) == [3]
    assert next_rows(shop, campaign, Place(again=True)) == [2]
    assert next_rows(shop, campaign, Place(again=True, after=2)) == []
    record(shop, campaign, done(2, RowOutcome.REPEATED), done(3, RowOutcome.REFUSED))
    view = find_campaign(shop.ledger, campaign)
    assert (view.line.settled, view.done, view.repeated, view.refused) == (3, 1, 1, 1)


def test_rule_4_2_a_row_keeps_its_first_known_outcome(shop: Shop) -> None:
    """Two batches overlap when a process was taken for dead. Each row counts once."""
    campaign = start(shop)
    record(shop, campaign, done(1))
    record(shop, campaign, done(1, RowOutcome.REPEATED), done(2))
    assert [row.outcome for row in receipt(shop.ledger, campaign)] == ["done", "done", None]
    assert find_campaign(shop.ledger, campaign).line.settled == 2


def test_rule_4_2_the_same_request_is_written_once(shop: Shop) -> None:
    assert start(shop) == start(shop)
    assert shop.value("SELECT count(*) FROM campaign_rows") == 3


def test_a_finished_campaign_runs_again_and_a_stopped_one_does_not(shop: Shop) -> None:
    campaign = start(shop)
    with shop.ledger.transaction("campaign_state") as connection:
        assert campaigns.finish(connection, campaign, NOW) is CampaignState.FINISHED
        assert campaigns.untold(connection, 10) == [campaign]
        campaigns.told(connection, campaign, CampaignState.RUNNING)
        assert campaigns.untold(connection, 10) == [campaign], "it was told of an older state"
        campaigns.told(connection, campaign, CampaignState.FINISHED)
        assert campaigns.untold(connection, 10) == []
        campaigns.control(connection, campaign, Control.RESUME, NOW)
        assert campaigns.find(connection, campaign).ended_at is None
        assert campaigns.untold(connection, 10) == [campaign]
        assert campaigns.untold(connection, 10, [campaign]) == []
        campaigns.control(connection, campaign, Control.STOP, NOW)
        campaigns.control(connection, campaign, Control.STOP, NOW + timedelta(days=1))
        assert campaigns.find(connection, campaign).ended_at == NOW


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE campaign_rows SET outcome = 'refused' WHERE row = 1",
        "UPDATE campaign_rows SET outcome = NULL WHERE row = 1",
        "UPDATE campaign_rows SET subscription = 's9' WHERE row = 2",
        "UPDATE campaigns SET options = '{}'",
        "UPDATE campaigns SET \"do\" = 'terminate'",
        "UPDATE campaigns SET settled = 0",
        "UPDATE campaigns SET settled = 4",
        "UPDATE campaigns SET rate = 0",
        "UPDATE campaigns SET state = 'lost'",
        "DELETE FROM campaign_rows",
        "DELETE FROM campaigns",
        "INSERT INTO campaign_rows (campaign, row, line, subscription) "
        "SELECT campaign, 9, 9, 's1' FROM campaign_rows LIMIT 1",
    ],
)
def test_the_database_refuses_what_must_not_happen(shop: Shop, attack: str) -> None:
    campaign = start(shop)
    record(shop, campaign, done(1))
    with pytest.raises(IntegrityError):
        shop.run(attack)


def test_a_list_of_campaigns_has_pages(shop: Shop) -> None:
    """The newest first. Of one instant, the order of the ids decides."""
    ids = [start(shop, 1, f"r{n}", NOW + timedelta(hours=n // 2)) for n in range(5)]
    found, after = [], None
    while page := list_campaigns(shop.ledger, after=after, most=2):
        found += [line.campaign for line in page]
        after = page[-1].campaign
    assert sorted(found) == sorted(ids)
    assert found[0] == ids[4]
    assert {*found[1:3]} == {*ids[2:4]}


def test_rows_on_test_clocks_do_not_hide_that_a_list_is_too_long(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for id_ in ("a1", "a2"):
        shop.open(id_)
        shop.buy(f"of-{id_}", id_)
    shop.put_on_clock()
    for id_ in ("b1", "b2"):
        shop.open(id_)
        shop.buy(f"of-{id_}", id_)
    every, on_clock = (Selection(which=WorkList.ACTIVE, clock=clock) for clock in (None, "c"))
    for selection, ids in ((every, ["of-b1", "of-b2"]), (on_clock, ["of-a1", "of-a2"])):
        rows = selected_rows(shop.ledger, selection, "list")
        assert [row.subscription for row in rows] == ids
    monkeypatch.setattr(campaign_selections, "MOST_ROWS", 1)
    with pytest.raises(Faults, match="more than 1 subscriptions; name an account"):
        selected_rows(shop.ledger, every, "list")


def test_10_000_rows_are_written_and_told_in_pages(shop: Shop) -> None:
    campaign = start(shop, 10_000)
    assert sum(1 for _ in receipt(shop.ledger, campaign)) == 10_000
    assert find_campaign(shop.ledger, campaign).waiting == 10_000
