"""Rules 5.2, 5.3, 5.6, 11.1: what is funded together, and from what."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.funding import Source, fund
from core.domain.subscription import Account, Failure
from tests.domain.made import account, day

TODAY = day("12-08")
CARD = {"card": "tok", "renew_by_card": True}


# --- 5.3, 5.6: from what --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wallet", "amount", "source"),
    [
        (account("50"), "50", Source.WALLET),
        (account("49.99"), "50", Failure.NO_CREDITS),
        (
            account("30", **CARD),
            "50",
            Source.CARD,
        ),  # the example: the card pays 50, the whole, usable 80, then 30
        (account("50", **CARD), "50", Source.WALLET),
        (account("0", **CARD), "50", Source.CARD),
        (account("-0.01", **CARD), "50", Failure.NO_CREDITS),  # usable is negative
        (account("30", card="tok"), "50", Failure.NO_CREDITS),  # the switch is off
        (account("30", renew_by_card=True), "50", Failure.NO_CREDITS),  # no card is stored
        (account("0", credit_limit=Decimal(50)), "50", Source.WALLET),
        (account("-1", credit_limit=Decimal(1), **CARD), "50", Source.CARD),
        (account("50", reserved=Decimal(1)), "50", Failure.NO_CREDITS),
        (account("50", liability=Decimal(1)), "50", Failure.NO_CREDITS),
        (account("0"), "0", Source.WALLET),  # S = 0 always succeeds
        (account("-5", **CARD), "0", Source.WALLET),
        (account("500", suspended=True, **CARD), "50", Failure.SUSPENDED),  # 5.6: without the card
        (account("0", suspended=True), "0", Failure.SUSPENDED),
    ],
)
def test_rule_5_3_usable_first_then_the_card_for_the_whole_amount(
    wallet: Account, amount: str, source: Source | Failure
) -> None:
    assert fund(wallet, Decimal(amount), TODAY) is source


def test_rule_5_4_where_no_card_is_allowed_it_is_not_asked() -> None:
    assert fund(account("30", **CARD), Decimal(50), TODAY, card_allowed=False) is Failure.NO_CREDITS
    assert fund(account("50", **CARD), Decimal(50), TODAY, card_allowed=False) is Source.WALLET


def test_rule_11_1_a_limit_counts_until_its_last_day() -> None:
    wallet = account("10", credit_limit=Decimal(100), credit_limit_until=TODAY)
    assert wallet.usable(TODAY) == 110
    assert wallet.usable(day("12-09")) == 10
    assert account("-8.67", credit_limit=Decimal(100)).usable(TODAY) == Decimal("91.33")


@given(
    *[st.decimals(-100, 100, places=2)] * 2,
    st.decimals(0, 100, places=2),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_rule_5_3_what_the_wallet_pays_never_takes_usable_below_zero(
    balance: Decimal, reserved: Decimal, amount: Decimal, card: bool, switch: bool, suspended: bool
) -> None:
    wallet = account(
        card="tok" if card else None,
        renew_by_card=switch,
        suspended=suspended,
        balance=balance,
        reserved=reserved,
    )
    match fund(wallet, amount, TODAY):
        case Source.WALLET:
            assert not suspended
            assert wallet.usable(TODAY) - amount >= min(0, wallet.usable(TODAY))
        case Source.CARD:
            assert card
            assert switch
            assert not suspended
            assert 0 <= wallet.usable(TODAY) < amount
        case failure:
            assert failure is (Failure.SUSPENDED if suspended else Failure.NO_CREDITS)
