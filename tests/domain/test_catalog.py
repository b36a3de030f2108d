"""Rules 3.1 and 3.5: SKUs, their versions, and every fault a catalogue can have."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain import catalog
from core.domain.catalog import PRIMARY, Catalog, SkuKind, load, restore
from core.domain.faults import Faults

PRO = {
    "sku": "PRO-M",
    "application": "phone",
    "kind": "application",
    "months": 1,
    "prices": {"USD": "50.00", "EUR": "45.00"},
    "costs": {"USD": "40.00"},
    "trial_days": 14,
}
BIZ = {
    "sku": "BIZ-M",
    "application": "phone",
    "kind": "application",
    "months": 1,
    "prices": {"USD": "90.00"},
    "refundable": False,
}
SEAT = {"sku": "SEAT", "kind": "addon", "months": 12, "prices": {"USD": "10.12345"}}
DID = {
    "sku": "DID-SG",
    "kind": "number",
    "months": 1,
    "prices": {"USD": "10.00"},
    "activation_fee": {"USD": "5.00"},
}
SCENARIO = [
    PRO,
    BIZ,
    SEAT,
    DID,
    {"sku": "PRO-M", "prices": {"USD": "60.00"}, "from": date(2021, 3, 1)},
]

BEFORE, ON, AFTER = date(2021, 2, 28), date(2021, 3, 1), date(2021, 3, 2)


def faults(entries: object) -> list[str]:
    with pytest.raises(Faults) as error:
        load(entries)
    return [str(fault) for fault in error.value.faults]


def places(entries: object) -> list[str]:
    return [fault.split(": ")[0] for fault in faults(entries)]


def version(since: object, **named: Any) -> dict[str, Any]:
    return {"sku": "PRO-M", "from": since, **named}


# --- what is read ---------------------------------------------------------------------------------


def test_a_catalogue_tells_what_each_sku_is() -> None:
    read = load(SCENARIO)
    assert [sku.sku for sku in read.skus] == ["PRO-M", "BIZ-M", "SEAT", "DID-SG"]
    assert "PRO-M" in read
    assert "PRO" not in read
    assert 7 not in read
    assert [read.kind(sku) for sku in ("PRO-M", "SEAT", "DID-SG")] == [
        SkuKind.APPLICATION,
        SkuKind.ADDON,
        SkuKind.NUMBER,
    ]
    assert [read.months(sku) for sku in ("PRO-M", "SEAT")] == [1, 12]
    assert [read.application(sku) for sku in ("PRO-M", "SEAT")] == ["phone", None]


def test_the_primary_kinds_are_those_that_can_be_bought_alone() -> None:
    assert {kind.value for kind in PRIMARY} == {"application", "service", "hardware"}
    assert {kind.value for kind in set(SkuKind) - PRIMARY} == {"addon", "number"}


def test_what_the_catalogue_does_not_say_is_not_there() -> None:
    read = load(SCENARIO)
    assert read.price("BIZ-M", "EUR", ON) is None
    assert read.cost("BIZ-M", "USD", ON) is None
    assert read.activation_fee("PRO-M", "USD", ON) is None
    assert read.activation_fee("DID-SG", "EUR", ON) is None
    assert read.activation_fee("DID-SG", "USD", ON) == Decimal("5.00")
    assert read.trial_days("PRO-M", ON) == 14
    assert read.trial_days("BIZ-M", ON) is None
    assert read.refundable("PRO-M", ON) is True
    assert read.refundable("BIZ-M", ON) is False


@pytest.mark.parametrize("ask", ["kind", "months", "application"])
def test_an_unknown_sku_is_a_key_error(ask: str) -> None:
    with pytest.raises(KeyError):
        getattr(load(SCENARIO), ask)("NONE")


def test_an_unknown_sku_has_no_price() -> None:
    with pytest.raises(KeyError):
        load([]).price("NONE", "USD", ON)


def test_rule_3_5_a_later_version_replaces_only_the_currencies_it_names() -> None:
    read = load(SCENARIO)
    assert [read.price("PRO-M", "USD", on) for on in (BEFORE, ON, AFTER)] == [
        Decimal(50),
        Decimal(60),
        Decimal(60),
    ]
    assert [read.price("PRO-M", "EUR", on) for on in (BEFORE, ON, AFTER)] == [Decimal(45)] * 3
    assert [read.cost("PRO-M", "USD", on) for on in (BEFORE, ON, AFTER)] == [Decimal(40)] * 3


def test_rule_3_5_a_later_version_adds_a_currency_from_its_day_on() -> None:
    read = load(
        [
            *SCENARIO,
            version(
                "2022-01-01",
                prices={"SGD": "70.00"},
                costs={"SGD": "0"},
                activation_fee={"SGD": "1"},
            ),
        ]
    )
    assert read.price("PRO-M", "SGD", date(2021, 12, 31)) is None
    assert read.price("PRO-M", "SGD", date(2022, 1, 1)) == Decimal(70)
    assert read.cost("PRO-M", "SGD", date(2022, 1, 1)) == Decimal(0)
    assert read.activation_fee("PRO-M", "SGD", date(2022, 1, 1)) == Decimal(1)
    assert read.price("PRO-M", "USD", date(2022, 1, 1)) == Decimal(60)


def test_rule_3_5_what_a_later_version_does_not_name_stays() -> None:
    read = load(
        [
            PRO,
            version("2021-03-01", refundable=False, trial_days=7),
            version("2021-03-02", refundable=True),
        ]
    )
    assert [read.refundable("PRO-M", on) for on in (BEFORE, ON, AFTER)] == [True, False, True]
    assert [read.trial_days("PRO-M", on) for on in (BEFORE, ON, AFTER)] == [14, 7, 7]
    assert [read.price("PRO-M", "USD", on) for on in (BEFORE, ON, AFTER)] == [Decimal(50)] * 3


def test_rule_3_5_versions_come_in_any_order() -> None:
    later = [
        version("2023-01-01", prices={"USD": "3"}),
        version("2021-01-01", prices={"USD": "1"}),
        version("2022-01-01", prices={"USD": "2"}),
    ]
    read = load([PRO, *later])
    assert [read.price("PRO-M", "USD", date(year, 1, 1)) for year in (2020, 2021, 2022, 2023)] == [
        Decimal(50),
        Decimal(1),
        Decimal(2),
        Decimal(3),
    ]


def test_a_sku_with_a_first_day_has_no_price_before_it() -> None:
    read = load([{**PRO, "from": "2021-03-01"}])
    assert read.price("PRO-M", "USD", BEFORE) is None
    assert read.trial_days("PRO-M", BEFORE) is None
    assert read.price("PRO-M", "USD", ON) == Decimal(50)
    assert "PRO-M" in read


def test_a_later_version_may_repeat_what_the_sku_is() -> None:
    assert (
        load(
            [PRO, version("2021-03-01", application="phone", kind="application", months=1)]
        ).months("PRO-M")
        == 1
    )


def test_a_price_may_be_zero_and_carry_five_decimals() -> None:
    read = load([{**PRO, "prices": {"USD": "0", "JPY": "0.12345"}}])
    assert read.price("PRO-M", "USD", ON) == Decimal(0)
    assert read.price("PRO-M", "JPY", ON) == Decimal("0.12345")


def test_an_empty_catalogue_sells_nothing() -> None:
    assert load([]).skus == ()
    assert catalog.entries(load([])) == []


def test_catalogues_are_equal_when_they_sell_the_same() -> None:
    assert load(SCENARIO) == load(tuple(SCENARIO))
    assert load(SCENARIO) != load([PRO])
    assert load([]) != []
    with pytest.raises(TypeError):
        hash(Catalog([]))


def test_a_catalogue_is_stored_as_entries() -> None:
    assert catalog.entries(load(SCENARIO)) == [
        PRO,
        {"sku": "PRO-M", "prices": {"USD": "60.00"}, "from": "2021-03-01"},
        BIZ,
        SEAT,
        DID,
    ]


names = st.sampled_from(["A", "B", "Ü 1"])
amounts = st.dictionaries(
    st.sampled_from(["USD", "JPY", "KWD"]), st.sampled_from(["0", "5.00", "0.00001", "99.5"])
)
named = {
    "prices": amounts,
    "costs": amounts,
    "activation_fee": amounts,
    "trial_days": st.integers(1, 60),
    "refundable": st.booleans(),
}
firsts = st.fixed_dictionaries(
    {"kind": st.sampled_from([kind.value for kind in SkuKind]), "months": st.integers(1, 36)},
    optional={
        **named,
        "application": names,
        "from": st.dates(date(2020, 1, 1), date(2020, 12, 31)),
    },
)
laters = st.lists(
    st.fixed_dictionaries({"from": st.dates(date(2021, 1, 1), date(2021, 1, 31))}, optional=named),
    max_size=4,
    unique_by=lambda it: it["from"],
)


def naive(
    entries: list[dict[str, Any]], sku: str, key: str, on: date, currency: str | None = None
) -> Any:
    """Scan the entries of the SKU that hold on the day. The last that names the key wins."""
    found: Any = None
    own = [entry for entry in entries if entry["sku"] == sku and entry.get("from", date.min) <= on]
    for entry in sorted(own, key=lambda it: it.get("from", date.min)):
        found = entry.get(key, {}).get(currency, found) if currency else entry.get(key, found)
    return found


@settings(deadline=None)
@given(
    st.dictionaries(names, st.tuples(firsts, laters)),
    st.dates(date(2019, 12, 1), date(2021, 2, 28)),
)
def test_rule_3_5_a_catalogue_agrees_with_a_scan_of_its_entries_and_is_read_back(
    skus: dict[str, Any], on: date
) -> None:
    entries = [
        {"sku": name, **entry} for name, (first, later) in skus.items() for entry in (first, *later)
    ]
    read = load(entries)
    document = json.loads(json.dumps(catalog.entries(read)))
    stored = load(document)
    assert restore(document) == stored
    for sku in skus:
        for currency in ("USD", "JPY", "KWD"):
            price = naive(entries, sku, "prices", on, currency)
            assert (
                read.price(sku, currency, on)
                == stored.price(sku, currency, on)
                == (None if price is None else Decimal(price))
            )
        assert (
            read.trial_days(sku, on)
            == stored.trial_days(sku, on)
            == naive(entries, sku, "trial_days", on)
        )
        assert (
            read.refundable(sku, on)
            == stored.refundable(sku, on)
            == (naive(entries, sku, "refundable", on) is not False)
        )


# --- every fault ----------------------------------------------------------------------------------


@pytest.mark.parametrize("entries", [None, {}, "PRO-M", 7, {"sku": "PRO-M"}], ids=repr)
def test_a_catalogue_is_a_list(entries: object) -> None:
    assert places(entries) == ["catalog"]


@pytest.mark.parametrize("entry", [None, [], "PRO-M", 7], ids=repr)
def test_an_entry_is_a_mapping(entry: object) -> None:
    assert places([PRO, entry]) == ["catalog[1]"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"sku": ""},
            "catalog[0].sku: must not be empty",
        ),
        (
            {"sku": 7},
            "catalog[0].sku: must be text, not 7; write it in quotes",
        ),
        (
            {"sku": None},
            "catalog[0].sku: must be text, not None; write it in quotes",
        ),
        (
            {"sku": "A\x00"},
            r"catalog[0].sku: 'A\x00' has control characters or is not UTF-8; "
            "text on one line is allowed",
        ),
        (
            {"sku": "A\u200b"},
            r"catalog[0].sku: 'A\u200b' has characters that cannot be printed; "
            "printable text is allowed",
        ),
        (
            {"sku": "A" * 101},
            "catalog[0].sku: has 101 characters; at most 100 are allowed",
        ),
        (
            {"application": None},
            "catalog[0].application: must be text, not None; write it in quotes",
        ),
        (
            {"kind": "phone"},
            "catalog[0].kind: must be application, service, hardware, addon or number, not 'phone'",
        ),
        (
            {"kind": ["addon"]},
            "catalog[0].kind: must be application, service, hardware, addon or number, "
            "not ['addon']",
        ),
        (
            {"months": 0},
            "catalog[0].months: must be a whole number from 1 to 1200, not 0",
        ),
        (
            {"months": 1201},
            "catalog[0].months: must be a whole number from 1 to 1200, not 1201",
        ),
        (
            {"months": True},
            "catalog[0].months: must be a whole number from 1 to 1200, not True",
        ),
        (
            {"months": 1.0},
            "catalog[0].months: must be a whole number from 1 to 1200, not 1.0",
        ),
        (
            {"months": "1"},
            "catalog[0].months: must be a whole number from 1 to 1200, without quotes, not '1'",
        ),
        (
            {"trial_days": 0},
            "catalog[0].trial_days: must be a whole number from 1 to 36500, not 0",
        ),
        (
            {"trial_days": None},
            "catalog[0].trial_days: must be a whole number from 1 to 36500, not None",
        ),
        (
            {"refundable": "no"},
            "catalog[0].refundable: must be true or false, not 'no'",
        ),
        ({"refundable": 0}, "catalog[0].refundable: must be true or false, not 0"),
        (
            {"from": "2021-02-30"},
            "catalog[0].from: 2021-02-30 is not in the calendar; "
            "allowed are days such as 2021-01-31",
        ),
        (
            {"from": "20210301"},
            "catalog[0].from: must be a date such as 2021-01-31, not '20210301'",
        ),
        (
            {"from": 20210301},
            "catalog[0].from: must be a date such as 2021-01-31, not 20210301",
        ),
        (
            {"from": None},
            "catalog[0].from: must be a date such as 2021-01-31, not None",
        ),
        (
            {"prices": "50.00"},
            "catalog[0].prices: must be a mapping of currency to amount "
            "such as {USD: \"50.00\"}, not '50.00'",
        ),
        (
            {"prices": {"USD": 50}},
            'catalog[0].prices.USD: 50 is not an amount: an amount is text, such as "50.00"',
        ),
        (
            {"prices": {"usd": "50"}},
            "catalog[0].prices.usd: 'usd' is not a currency in use; "
            "allowed are ISO 4217 codes such as USD",
        ),
        (
            {"costs": {"USD": "-1"}},
            "catalog[0].costs.USD: must be zero or more, not '-1'",
        ),
        (
            {"activation_fee": {"USD": "1.000000"}},
            "catalog[0].activation_fee.USD: '1.000000' has 6 decimals; at most 5 are allowed",
        ),
        ({"price": {}}, "catalog[0].price: unknown key; did you mean prices?"),
        ({7: 7}, f"catalog[0].7: unknown key; allowed are {', '.join(catalog._KEYS)}"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_value_that_cannot_be_read_is_a_fault(change: dict[Any, Any], expected: str) -> None:
    assert faults([{**PRO, **change}]) == [expected]


def test_an_instant_is_not_a_date() -> None:
    assert places([{**PRO, "from": datetime(2021, 3, 1, 12, tzinfo=UTC)}]) == ["catalog[0].from"]


@pytest.mark.parametrize("key", ["kind", "months"])
def test_the_first_entry_of_a_sku_names_its_kind_and_months(key: str) -> None:
    first = {name: value for name, value in PRO.items() if name != key}
    assert faults([first, version("2021-03-01", **{key: PRO[key]})]) == [
        f"catalog[0].{key}: is missing; the first entry of PRO-M names it"
    ]


def test_an_entry_without_a_sku_is_a_fault() -> None:
    assert faults([{"kind": "addon", "months": 1}]) == [
        "catalog[0].sku: is missing; every entry names its SKU"
    ]


def test_a_sku_has_one_entry_without_a_first_day() -> None:
    assert faults([PRO, BIZ, PRO]) == [
        "catalog[2].from: is missing; the SKU is in catalog[0] already, "
        "a later version names its first day"
    ]


def test_two_versions_of_a_sku_have_different_first_days() -> None:
    assert faults(
        [PRO, version("2021-03-01"), version(date(2021, 3, 1)), version("2021-03-02")]
    ) == [
        "catalog[2].from: 2021-03-01 is the first day of catalog[1] already; "
        "one version a day is allowed"
    ]
    assert faults([{**PRO, "from": "2021-03-01"}, version("2021-03-01")]) == [
        "catalog[1].from: 2021-03-01 is the first day of catalog[0] already; "
        "one version a day is allowed"
    ]


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("kind", "addon", "'addon' differs from catalog[0]"),
        ("months", 12, "12 differs from catalog[0]; a version cannot change it, allowed is 1"),
        (
            "application",
            "fax",
            "'fax' differs from catalog[0]; a version cannot change it, allowed is 'phone'",
        ),
    ],
)
def test_a_version_does_not_change_what_a_sku_is(key: str, value: object, expected: str) -> None:
    (fault,) = faults([PRO, version("2021-03-01", **{key: value})])
    assert fault.startswith(f"catalog[1].{key}: {expected}")


def test_a_version_does_not_give_an_application_to_a_sku_without() -> None:
    assert faults([SEAT, {"sku": "SEAT", "from": "2021-03-01", "application": "phone"}]) == [
        "catalog[1].application: 'phone' differs from catalog[0]; "
        "a version cannot change it, allowed is none"
    ]


def test_a_value_that_could_not_be_read_is_one_fault_only() -> None:
    broken = {**PRO, "kind": "x", "months": 0, "application": ""}
    again = version("never", kind="application", months=1, application="phone")
    assert places([broken, again, version("never", months=None)]) == [
        "catalog[0].application",
        "catalog[0].kind",
        "catalog[0].months",
        "catalog[1].from",
        "catalog[2].from",
        "catalog[2].months",
    ]


def test_every_fault_is_told_at_once_with_its_place() -> None:
    with pytest.raises(Faults) as error:
        load(
            [
                {"kind": "x", "prices": {"USD": 1}},
                7,
                {"sku": "", "months": 0},
                {"sku": "A"},
                {"sku": "A", "from": 1},
            ],
            place="file.catalog",
        )
    assert [fault.place for fault in error.value.faults] == [
        "file.catalog[0].sku",
        "file.catalog[0].kind",
        "file.catalog[0].prices.USD",
        "file.catalog[1]",
        "file.catalog[2].sku",
        "file.catalog[2].months",
        "file.catalog[4].from",
        "file.catalog[3].kind",
        "file.catalog[3].months",
    ]


# --- what is stored -------------------------------------------------------------------------------


def test_a_stored_catalogue_may_have_keys_and_numbers_of_newer_code() -> None:
    newer = {"sku": "PLUS", "kind": "addon", "months": 2400, "colour": "red", "from": "2021-03-01"}
    read = restore([newer, PRO, {"sku": "PLUS", "from": "2022-01-01", "prices": {"USD": "-0.00"}}])
    assert read.months("PLUS") == 2400
    assert str(read.price("PLUS", "USD", date(2022, 1, 1))) == "0.00"
    assert read.price("PRO-M", "EUR", ON) == Decimal(45)


def test_new_entries_are_checked_against_those_that_are_stored() -> None:
    stored = [{**PRO, "colour": "red"}, BIZ]
    later = version("2021-03-01", prices={"USD": "60.00"})
    assert load([later], stored=stored).price("PRO-M", "USD", ON) == Decimal(60)
    with pytest.raises(Faults) as error:
        load([{**BIZ, "months": 12}, {**later, "colour": "red"}], stored=stored)
    assert str(error.value).splitlines() == [
        "catalog[1].colour: unknown key; allowed are " + ", ".join(catalog._KEYS),
        "catalog[0].months: 12 differs from entry 2 of the stored catalogue; "
        "a version cannot change it, allowed is 1",
        "catalog[0].from: is missing; the SKU is in entry 2 of the stored catalogue already, "
        "a later version names its first day",
    ]


def test_an_entry_that_is_skipped_keeps_its_place() -> None:
    wrong = {**BIZ, "colour": "red"}
    assert load([PRO, BIZ], stored=[PRO], skipped={0}).months("BIZ-M") == BIZ["months"]
    with pytest.raises(Faults) as error:
        load([PRO, wrong], "entries", stored=[PRO], skipped={0})
    assert [fault.place for fault in error.value.faults] == ["entries[1].colour"]


def test_a_kind_that_was_stored_is_the_kind_itself_again() -> None:
    """The import of numbers asks by identity, so text that equals the kind is not enough."""
    stored = [{"sku": "DID", "kind": "number", "months": 1}]
    assert restore(stored).kind("DID") is SkuKind.NUMBER
