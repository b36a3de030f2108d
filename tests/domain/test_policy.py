"""Rule 14: the policy, its defaults, and every fault it can have."""

import dataclasses
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain import policy
from core.domain.faults import Faults
from core.domain.policy import GroupRenewal, Notify, NumberHoldDays, Policy, TrialEnd, load

DEFAULTS = {
    "renewal_lead_days": 7,
    "legacy_renewal_lead_days": 8,
    "renewal_notice_days": 7,
    "expiring_notice_days": 3,
    "retry_days": [2, 4, 6],
    "reactivation_days": 28,
    "number_hold_days": {
        "normal": {"expired": 56, "terminated": 28, "swapped": 1},
        "ported_in": {"expired": 84, "terminated": 56, "swapped": 28},
    },
    "rebuy_grace_hours": 24,
    "reservation_days": 28,
    "auto_top_up_daily_cap": {},
    "late_renewal_days": 7,
    "refund_window_days": 14,
    "refund_allowed": True,
    "refund_admin_fee": {},
    "group_renewal": "together",
    "retry_on_top_up": True,
    "trial_end": "expire",
    "max_licences": 500,
    "seller_wallet": False,
    "min_cycle_months": 1,
    "notify": "customer",
    "account_closing_days": 30,
}
PLAIN_NUMBERS = [key for key, value in DEFAULTS.items() if type(value) is int]
SWITCHES = [key for key, value in DEFAULTS.items() if type(value) is bool]
CHOICES = {"group_renewal": GroupRenewal, "trial_end": TrialEnd, "notify": Notify}


def faults(document: object) -> list[str]:
    with pytest.raises(Faults) as error:
        load(document)
    return [str(fault) for fault in error.value.faults]


def places(document: object) -> list[str]:
    return [fault.split(": ")[0] for fault in faults(document)]


# --- what is read ------------------------------------------------------------------------------------------------------------


def test_rule_14_the_defaults_are_those_of_the_rule_book() -> None:
    assert policy.document(load({})) == DEFAULTS
    assert load({}) == Policy() == policy.DEFAULT


def test_rule_14_a_policy_names_only_what_differs() -> None:
    read = load(
        {"group_renewal": "independent", "retry_days": [], "refund_admin_fee": {"USD": "2.50"}}
    )
    assert read == Policy(
        group_renewal=GroupRenewal.INDEPENDENT,
        retry_days=(),
        refund_admin_fee={"USD": Decimal("2.50")},
    )


def test_rule_14_a_single_hold_can_be_named() -> None:
    read = load({"number_hold_days": {"ported_in": {"swapped": 7}}})
    assert read.number_hold_days == NumberHoldDays(
        ported_in=dataclasses.replace(NumberHoldDays().ported_in, swapped=7)
    )


def test_rule_1_5_a_legacy_subscription_renews_a_day_earlier() -> None:
    assert Policy().lead(legacy=False) == 7
    assert Policy().lead(legacy=True) == 8


@pytest.mark.parametrize(
    "document",
    [
        {"renewal_lead_days": 1, "legacy_renewal_lead_days": 1, "retry_days": [1]},
        {"renewal_lead_days": 27, "legacy_renewal_lead_days": 27, "retry_days": [1, 27]},
        {"retry_days": [7]},  # on E itself
        {"renewal_notice_days": 1, "expiring_notice_days": 1},
        {
            "reactivation_days": 0,
            "refund_window_days": 0,
            "late_renewal_days": 0,
            "rebuy_grace_hours": 0,
            "account_closing_days": 0,
        },
        {"auto_top_up_daily_cap": {"JPY": "0"}},
        {"notify": "customer_cc_seller", "trial_end": "convert", "seller_wallet": True},
    ],
    ids=str,
)
def test_rule_14_the_edges_of_what_is_allowed_are_allowed(document: dict[str, Any]) -> None:
    stored = policy.document(load(document))
    assert {key: stored[key] for key in document} == document


documents = st.fixed_dictionaries(
    {},
    optional={
        **{
            key: st.integers(0, 1000)
            for key in PLAIN_NUMBERS
            if "lead" not in key and "notice" not in key
        },
        **{key: st.booleans() for key in SWITCHES},
        **{
            key: st.sampled_from([choice.value for choice in choices])
            for key, choices in CHOICES.items()
        },
        "renewal_lead_days": st.integers(8, 27),
        "retry_days": st.sets(st.integers(1, 7), max_size=7).map(sorted),
        "number_hold_days": st.fixed_dictionaries(
            {}, optional={"normal": st.just({"swapped": 3}), "ported_in": st.just({})}
        ),
        "refund_admin_fee": st.dictionaries(
            st.sampled_from(["USD", "KWD"]), st.sampled_from(["0", "2.50", "0.00001"])
        ),
    },
)


@settings(deadline=None)
@given(documents)
def test_rule_14_a_stored_policy_is_read_back(document: dict[str, Any]) -> None:
    read = load(document)
    assert load(json.loads(json.dumps(policy.document(read)))) == read
    assert hash(load(document)) == hash(read)


# --- every fault ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "document", [None, [], "renewal_lead_days: 3", 7, True, [("retry_days", [])]], ids=repr
)
def test_rule_14_a_policy_is_a_mapping(document: object) -> None:
    assert places(document) == ["policy"]


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("retry_dayz", "unknown key; did you mean retry_days?"),
        ("Notify", "unknown key; did you mean notify?"),
        ("x", f"unknown key; allowed are {', '.join(DEFAULTS)}"),
        ("", f"unknown key; allowed are {', '.join(DEFAULTS)}"),
        (7, f"unknown key; allowed are {', '.join(DEFAULTS)}"),
    ],
)
def test_rule_14_an_unknown_key_is_a_fault(key: object, reason: str) -> None:
    with pytest.raises(Faults) as error:
        load({key: 1})
    (fault,) = error.value.faults
    assert fault.place == f"policy.{key}"
    assert fault.reason == reason


def test_rule_14_an_unknown_key_of_a_hold_is_a_fault() -> None:
    assert faults({"number_hold_days": {"byoi": {}, "normal": {"expird": 1}, "ported_in": 7}}) == [
        "policy.number_hold_days.byoi: unknown key; allowed are normal, ported_in",
        "policy.number_hold_days.normal.expird: unknown key; did you mean expired?",
        "policy.number_hold_days.ported_in: 7 is not a mapping of settings",
    ]


@pytest.mark.parametrize("value", ["7", 7.0, True, None, [7], {}], ids=repr)
@pytest.mark.parametrize("key", PLAIN_NUMBERS)
def test_rule_14_a_number_is_a_whole_number(key: str, value: object) -> None:
    (fault,) = faults({key: value})
    assert fault.startswith(f"policy.{key}: {value!r} is not a whole number; allowed are ")


@pytest.mark.parametrize("key", PLAIN_NUMBERS)
def test_rule_14_a_number_is_not_negative_nor_beyond_all_calendars(key: str) -> None:
    assert "is out of range; allowed are " in faults({key: -1})[0]
    assert "is out of range; allowed are " in faults({key: 10**30})[0]
    assert len(faults({key: -1})) == len(faults({key: 10**30})) == 1


@pytest.mark.parametrize("kind", ["expired", "terminated", "swapped"])
def test_rule_14_a_hold_is_not_negative(kind: str) -> None:
    assert faults({"number_hold_days": {"normal": {kind: -1}}}) == [
        f"policy.number_hold_days.normal.{kind}: -1 is out of range; allowed are 0 to 1000000"
    ]


@pytest.mark.parametrize("key", ["renewal_lead_days", "legacy_renewal_lead_days"])
@pytest.mark.parametrize("lead", [0, 28])
def test_rule_14_a_lead_lies_between_1_and_27(key: str, lead: int) -> None:
    assert faults({key: lead}) == [f"policy.{key}: {lead} is out of range; allowed are 1 to 27"]


@pytest.mark.parametrize("key", ["renewal_notice_days", "expiring_notice_days"])
def test_rule_14_a_notice_is_one_day_at_least(key: str) -> None:
    assert faults({key: 0}) == [f"policy.{key}: 0 is out of range; allowed are 1 to 1000000"]


@pytest.mark.parametrize("key", SWITCHES)
@pytest.mark.parametrize("value", ["true", 1, 0, None], ids=repr)
def test_rule_14_a_switch_is_true_or_false(key: str, value: object) -> None:
    assert faults({key: value}) == [
        f"policy.{key}: {value!r} is not allowed; allowed are true and false"
    ]


@pytest.mark.parametrize("key", CHOICES)
@pytest.mark.parametrize("value", ["TOGETHER", "", None, 1, [], {}], ids=repr)
def test_rule_14_a_choice_is_one_of_those_there_are(key: str, value: object) -> None:
    allowed = ", ".join(choice.value for choice in CHOICES[key])
    assert faults({key: value}) == [
        f"policy.{key}: {value!r} is not allowed; allowed are {allowed}"
    ]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ([2, 2], ["policy.retry_days[1]: 2 does not rise; allowed is more than 2"]),
        (
            [4, 2, 3],
            [
                "policy.retry_days[1]: 2 does not rise; allowed is more than 4",
                "policy.retry_days[2]: 3 does not rise; allowed is more than 4",
            ],
        ),
        ([8], ["policy.retry_days[0]: 8 exceeds the smaller lead; allowed are at most 7 days"]),
        (
            [0],
            [
                "policy.retry_days[0]: 0 is not allowed; allowed are whole days from 1 to the smaller lead"
            ],
        ),
        (
            [-1],
            [
                "policy.retry_days[0]: -1 is not allowed; allowed are whole days from 1 to the smaller lead"
            ],
        ),
        (
            ["2"],
            [
                "policy.retry_days[0]: '2' is not allowed; allowed are whole days from 1 to the smaller lead"
            ],
        ),
        (
            [True],
            [
                "policy.retry_days[0]: True is not allowed; allowed are whole days from 1 to the smaller lead"
            ],
        ),
        (
            [1.5],
            [
                "policy.retry_days[0]: 1.5 is not allowed; allowed are whole days from 1 to the smaller lead"
            ],
        ),
        (2, ["policy.retry_days: 2 is not a list of days, such as [2, 4, 6]"]),
        ("246", ["policy.retry_days: '246' is not a list of days, such as [2, 4, 6]"]),
        (None, ["policy.retry_days: None is not a list of days, such as [2, 4, 6]"]),
        ({2: 4}, ["policy.retry_days: {2: 4} is not a list of days, such as [2, 4, 6]"]),
    ],
    ids=str,
)
def test_rule_14_retry_days_rise_within_the_lead(days: object, expected: list[str]) -> None:
    assert faults({"retry_days": days}) == expected


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"renewal_lead_days": 5}, ["policy.retry_days[2]"]),  # the default 6 > 5
        (
            {"renewal_lead_days": 10, "retry_days": [9]},
            ["policy.retry_days[0]"],
        ),  # legacy 8 is smaller
        (
            {"renewal_lead_days": 27, "legacy_renewal_lead_days": 3, "retry_days": [3, 4]},
            ["policy.retry_days[1]"],
        ),
        (
            {"renewal_lead_days": 0, "retry_days": [9]},
            ["policy.renewal_lead_days", "policy.retry_days[0]"],
        ),  # beside legacy 8
        (
            {"renewal_lead_days": 0, "legacy_renewal_lead_days": 0, "retry_days": [9]},
            ["policy.renewal_lead_days", "policy.legacy_renewal_lead_days"],
        ),
    ],
    ids=str,
)
def test_rule_14_retry_days_do_not_exceed_the_smaller_lead(
    document: dict[str, Any], expected: list[str]
) -> None:
    assert places(document) == expected


@pytest.mark.parametrize("key", ["refund_admin_fee", "auto_top_up_daily_cap"])
def test_rule_14_amounts_by_currency_are_text_and_not_negative(key: str) -> None:
    assert places({key: {"USD": 5, "EUR": "-0.01", "XXX": "1", "KWD": "1.5"}}) == [
        f"policy.{key}.{code}" for code in ("USD", "EUR", "XXX")
    ]
    assert places({key: "5.00"}) == [f"policy.{key}"]


def test_rule_14_every_fault_is_told_at_once_with_its_place() -> None:
    with pytest.raises(Faults) as error:
        load(
            {
                "notify": "all",
                "retry_days": [3, 1],
                "max_licences": -5,
                "refund_allowed": "no",
                "lead": 3,
            },
            place="scenario.policy",
        )
    assert str(error.value).splitlines() == [
        "scenario.policy.notify: 'all' is not allowed; allowed are customer, seller, customer_cc_seller",
        "scenario.policy.retry_days[1]: 1 does not rise; allowed is more than 3",
        "scenario.policy.max_licences: -5 is out of range; allowed are 0 to 1000000",
        "scenario.policy.refund_allowed: 'no' is not allowed; allowed are true and false",
        str(error.value.faults[4]),
    ]
    assert error.value.faults[4].place == "scenario.policy.lead"
