"""Rule 11.6: what a postpaid account may spend, owes and has overpaid."""

from decimal import Decimal

import pytest

from core.domain.events import Event
from core.domain.forecast import forecast
from core.domain.funding import Source, fund
from core.domain.subscription import Account, Failure, Mode
from tests.domain.made import account, at, day, subscription, terms


def postpaid(balance: str, unbilled: str = "0", **more: object) -> Account:
    values: dict[str, object] = {"mode": Mode.POSTPAID, "credit_limit": Decimal(100), **more}
    return account(balance, unbilled=Decimal(unbilled), **values)


# balance = overpayment − unbilled − receivable
# usable = limit (100) − unbilled − reserved + overpayment
@pytest.mark.parametrize(
    ("of", "usable", "receivable", "overpayment"),
    [
        (postpaid("0"), 100, 0, 0),
        (postpaid("-34", "34"), 66, 0, 0),  # nothing is invoiced
        (postpaid("-41.50"), 100, "41.50", 0),  # invoiced and unpaid: usable is not reduced
        (postpaid("-55.50", "34"), 66, "21.50", 0),  # 41.50 invoiced, 20 of it paid
        (postpaid("25"), 125, 0, 25),
        (postpaid("-25", "50"), 75, 0, 25),  # 100 − 50 + 25
        (postpaid("0", reserved=Decimal(10)), 90, 0, 0),
        (postpaid("0", credit_limit_until=day("11-30")), 0, 0, 0),  # on 12-01 it has ended
    ],
)
def test_rule_11_6_what_is_usable_receivable_and_overpaid(
    of: Account, usable: object, receivable: object, overpayment: object
) -> None:
    found = of.usable(day("12-01")), of.receivable, of.overpayment
    assert [Decimal(it) for it in found] == [
        Decimal(str(it)) for it in (usable, receivable, overpayment)
    ]


def test_what_is_usable_is_said_by_rule_11_6_or_rule_11_1() -> None:
    assert [str(mode.usable_rule) for mode in (Mode.POSTPAID, Mode.PREPAID)] == ["11.6", "11.1"]


def test_rule_11_6_the_card_of_a_postpaid_account_pays_nothing() -> None:
    with_card = {"card": "sim_ok", "renew_by_card": True}
    assert fund(postpaid("-90", "90", **with_card), Decimal(50), day("12-01")) is Failure.NO_CREDITS
    assert fund(postpaid("-50", "50", **with_card), Decimal(50), day("12-01")) is Source.WALLET
    assert fund(account("0", **with_card), Decimal(50), day("12-01")) is Source.CARD


def test_rule_11_6_a_forecast_bills_what_renews_at_the_end_of_the_month() -> None:
    """90 a month are usable. 50 and 40 renew on 12-08, are billed on 01-01, and renew on 01-08."""
    entries = forecast(
        postpaid("0", credit_limit=Decimal(90)),
        [subscription(), subscription("s2", sku="BIZ-M")],
        terms(),
        at("2020-12-01T00:00"),
        at("2021-02-02T00:00"),
    )
    told = [(str(entry.date), entry.event, entry.balance) for entry in entries]
    assert [line for line in told if line[1] is not Event.NOTICE_RENEWAL] == [
        ("2020-12-08", Event.RENEWED, -50),
        ("2020-12-08", Event.RENEWED, -90),
        ("2021-01-01", Event.INVOICED, -90),
        ("2021-01-08", Event.RENEWED, -140),
        ("2021-01-08", Event.RENEWED, -180),
        ("2021-02-01", Event.INVOICED, -180),
    ]


def test_rule_11_6_a_forecast_spends_no_more_than_the_limit_in_a_month() -> None:
    """90 are usable. 50 renew on 12-08. The 50 of 12-09 are not covered by the 40 that are left."""
    entries = forecast(
        postpaid("0", credit_limit=Decimal(90)),
        [subscription(), subscription("s2", anchor=day("11-17"))],
        terms(),
        at("2020-12-08T00:00"),
        at("2020-12-10T00:00"),
    )
    renewals = [it for it in entries if it.event is not Event.NOTICE_RENEWAL]
    assert [(it.subscription, it.event, it.balance) for it in renewals] == [
        ("s1", Event.RENEWED, -50),
        ("s2", Event.RENEWAL_FAILED, -50),
    ]
