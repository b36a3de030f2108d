"""Rule 14: the policy, its defaults, and every fault it can have."""

import dataclasses
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain import policy
from core.domain.faults import Faults
from core.domain.policy import GroupRenewal, Notify, NumberHoldDays, Policy, TrialEnd, load, restore
from core.domain.setting_kinds import (
    Flag,
    Settings,
    Whole,
    kinds_of,
    read_settings,
    restore_settings,
    write_settings,
)


def table_of_rule_14() -> dict[str, object]:
    """The table of docs/rules.md: a key, perhaps with a remark, and its default, in two columns."""
    book = (Path(__file__).parents[2] / "docs" / "rules.md").read_text()
    section = book.split("## 14. ")[1]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    cells = [row[:2] for row in rows] + [row[2:] for row in rows]
    return {
        re.sub(r" \(.*\)", "", key): yaml.safe_load(default.removesuffix(" by currency"))
        for key, default in cells
        if key
    }


DEFAULTS = table_of_rule_14()
PLAIN_NUMBERS = [key for key, value in DEFAULTS.items() if type(value) is int]
SWITCHES = [key for key, value in DEFAULTS.items() if type(value) is bool]
CHOICES = {"group_renewal": GroupRenewal, "trial_end": TrialEnd, "notify": Notify}


def faults(document: object) -> list[str]:
    with pytest.raises(Faults) as error:
        load(document)
    return [str(fault) for fault in error.value.faults]


def places(document: object) -> list[str]:
    return [fault.split(": ")[0] for fault in faults(document)]


# --- what is read ---------------------------------------------------------------------------------


def test_rule_14_keys_and_defaults_are_those_of_its_table() -> None:
    assert policy.document(load({})) == DEFAULTS
    assert list(policy.document(Policy())) == list(DEFAULTS)
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
            key: st.integers(kind.least, min(kind.most, 1000))
            for key, kind in kinds_of(Policy).items()
            if isinstance(kind, Whole)
        },
        **{key: st.booleans() for key in SWITCHES},
        **{
            key: st.sampled_from([choice.value for choice in choices])
            for key, choices in CHOICES.items()
        },
        "renewal_lead_days": st.integers(8, 27),
        "legacy_renewal_lead_days": st.integers(8, 27),
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
    stored = json.loads(json.dumps(policy.document(read)))
    assert load(stored) == read
    assert restore(stored) == read
    assert hash(load(document)) == hash(read)


# --- every fault ----------------------------------------------------------------------------------


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
        "policy.number_hold_days.ported_in: must be a mapping of settings, not 7",
    ]


@pytest.mark.parametrize("value", ["7", 7.0, True, None, [7], {}], ids=repr)
@pytest.mark.parametrize("key", PLAIN_NUMBERS)
def test_rule_14_a_number_is_a_whole_number(key: str, value: object) -> None:
    (fault,) = faults({key: value})
    assert fault.startswith(f"policy.{key}: must be a whole number from ")
    assert fault.endswith(f", not {value!r}")


@pytest.mark.parametrize("key", PLAIN_NUMBERS)
def test_rule_14_a_number_is_not_negative_nor_beyond_all_calendars(key: str) -> None:
    for number in (-1, 10**30):
        (fault,) = faults({key: number})
        assert fault.startswith(f"policy.{key}: must be a whole number from ")


@pytest.mark.parametrize("kind", ["expired", "terminated", "swapped"])
def test_rule_14_a_hold_is_not_negative(kind: str) -> None:
    assert faults({"number_hold_days": {"normal": {kind: -1}}}) == [
        f"policy.number_hold_days.normal.{kind}: must be a whole number from 0 to 1000000, not -1"
    ]


@pytest.mark.parametrize("key", ["renewal_lead_days", "legacy_renewal_lead_days"])
@pytest.mark.parametrize("lead", [0, 28])
def test_rule_14_a_lead_lies_between_1_and_27(key: str, lead: int) -> None:
    assert faults({key: lead}) == [f"policy.{key}: must be a whole number from 1 to 27, not {lead}"]


def test_rule_14_a_late_cycle_never_lies_wholly_in_the_past() -> None:
    # The shortest cycle has 28 days. A renewal 28 days late would be for a cycle that has ended.
    assert load({"late_renewal_days": 27}).late_renewal_days == 27
    assert faults({"late_renewal_days": 28}) == [
        "policy.late_renewal_days: must be a whole number from 0 to 27, not 28"
    ]


@pytest.mark.parametrize("key", ["renewal_notice_days", "expiring_notice_days"])
def test_rule_14_a_notice_is_one_day_at_least(key: str) -> None:
    assert faults({key: 0}) == [f"policy.{key}: must be a whole number from 1 to 1000000, not 0"]


@pytest.mark.parametrize("key", SWITCHES)
@pytest.mark.parametrize("value", ["true", 1, 0, None], ids=repr)
def test_rule_14_a_switch_is_true_or_false(key: str, value: object) -> None:
    assert faults({key: value}) == [f"policy.{key}: must be true or false, not {value!r}"]


@pytest.mark.parametrize("key", CHOICES)
@pytest.mark.parametrize("value", ["TOGETHER", "", None, 1, [], {}], ids=repr)
def test_rule_14_a_choice_is_one_of_those_there_are(key: str, value: object) -> None:
    allowed = {
        "group_renewal": "together or independent",
        "trial_end": "expire or convert",
        "notify": "customer, seller or customer_cc_seller",
    }
    assert faults({key: value}) == [f"policy.{key}: must be {allowed[key]}, not {value!r}"]


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
        ([8], ["policy.retry_days[0]: 8 exceeds the smaller lead; at most 7 days are allowed"]),
        (
            [0],
            ["policy.retry_days[0]: must be a whole number of 1 or more, not 0"],
        ),
        (
            [-1],
            ["policy.retry_days[0]: must be a whole number of 1 or more, not -1"],
        ),
        (
            ["2"],
            ["policy.retry_days[0]: must be a whole number of 1 or more, without quotes, not '2'"],
        ),
        (
            [True],
            ["policy.retry_days[0]: must be a whole number of 1 or more, not True"],
        ),
        (
            [1.5],
            ["policy.retry_days[0]: must be a whole number of 1 or more, not 1.5"],
        ),
        (2, ["policy.retry_days: must be a list of days such as [2, 4, 6], not 2"]),
        ("246", ["policy.retry_days: must be a list of days such as [2, 4, 6], not '246'"]),
        (None, ["policy.retry_days: must be a list of days such as [2, 4, 6], not None"]),
        ({2: 4}, ["policy.retry_days: must be a list of days such as [2, 4, 6], not {2: 4}"]),
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
        "scenario.policy.notify: must be customer, seller or customer_cc_seller, not 'all'",
        "scenario.policy.retry_days[1]: 1 does not rise; allowed is more than 3",
        "scenario.policy.max_licences: must be a whole number from 0 to 1000000, not -5",
        "scenario.policy.refund_allowed: must be true or false, not 'no'",
        str(error.value.faults[4]),
    ]
    assert error.value.faults[4].place == "scenario.policy.lead"


# --- what is stored -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class OldTerms(Settings):
    """The terms of one release."""

    lead: Annotated[int, Whole(1, 27)] = 7
    notices: Annotated[bool, Flag()] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTerms(Settings):
    """The terms of the next release: a wider bound, another default, and one more key."""

    lead: Annotated[int, Whole(1, 60)] = 10
    notices: Annotated[bool, Flag()] = True
    grace_days: Annotated[int, Whole()] = 3


def stored(settings: Settings) -> Mapping[str, Any]:
    """The settings as the database returns them."""
    document: dict[str, Any] = json.loads(json.dumps(write_settings(settings)))
    return document


def test_rule_14_two_versions_of_the_code_share_stored_policies() -> None:
    new = read_settings({"lead": 40, "grace_days": 5}, NewTerms(), "policy", [])
    seen_by_old = restore_settings(stored(new), OldTerms())
    assert (seen_by_old.lead, seen_by_old.notices) == (40, True)  # beyond the bound of old code
    assert restore_settings(stored(seen_by_old), NewTerms()) == new

    old = OldTerms(lead=6)
    seen_by_new = restore_settings(stored(old), NewTerms())
    assert (seen_by_new.lead, seen_by_new.grace_days) == (6, 3)


def test_rule_14_a_stored_policy_keeps_the_keys_of_newer_code() -> None:
    document = policy.document(Policy()) | {
        "late_renewal_days": 99,
        "loyalty": {"months": [12, 24]},
    }
    document["number_hold_days"]["byoi"] = {"expired": 7}
    document["number_hold_days"]["normal"]["lent"] = 3
    read = restore(document)
    assert read.late_renewal_days == 99
    assert policy.document(read) == document
    assert read != Policy(late_renewal_days=99)
    assert hash(read) == hash(restore(document))


def test_rule_14_a_person_cannot_write_keys_of_newer_code() -> None:
    assert places({"newer": {"loyalty": 1}}) == ["policy.newer"]
    assert restore({"newer": 1}).newer == {"newer": 1}


def test_rule_14_what_is_restored_may_name_only_what_differs() -> None:
    assert restore({}) == Policy()
    assert restore({"notify": "seller", "refund_admin_fee": {"USD": "2.50"}}) == Policy(
        notify=Notify.SELLER, refund_admin_fee={"USD": Decimal("2.50")}
    )


def test_rule_14_a_choice_that_only_newer_code_knows_cannot_be_restored() -> None:
    with pytest.raises(ValueError, match="'reseller' is not a valid Notify"):
        restore({"notify": "reseller"})
