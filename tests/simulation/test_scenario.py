"""Scenario files: what a valid one becomes, and what is a fault."""

import copy
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from core.domain.catalog import SkuKind
from core.domain.commands.base import Command
from core.domain.commands.change_owner import ChangeOwner
from core.domain.commands.extend import Extend
from core.domain.commands.purchase import Pay, Purchase
from core.domain.commands.reactivate import Reactivate
from core.domain.commands.recover import Recover
from core.domain.commands.resubscribe import Resubscribe
from core.domain.commands.resume import Resume
from core.domain.commands.set_account import SetAccount
from core.domain.commands.set_card import SetCard
from core.domain.commands.suspend import Suspend
from core.domain.commands.terminate import Terminate
from core.domain.commands.top_up import TopUp
from core.domain.commands.unsubscribe import Unsubscribe
from core.domain.faults import Faults
from core.domain.policy import GroupRenewal
from core.domain.subscription import Mode
from doors.scenarios import document
from doors.scenarios.scenario import Scenario, ScenarioStep, parse
from tests.simulation.test_examples import EXAMPLES

CATALOG = [
    {
        "sku": "APP",
        "application": "desk",
        "kind": "application",
        "months": 1,
        "prices": {"USD": "10.00"},
        "trial_days": 7,
    },
    {
        "sku": "BIG",
        "application": "desk",
        "kind": "application",
        "months": 1,
        "prices": {"USD": "30.00"},
    },
    {"sku": "BOX", "kind": "hardware", "months": 12, "prices": {"USD": "5.00"}},
    {"sku": "SEAT", "kind": "addon", "months": 1, "prices": {"USD": "2.00"}},
    {
        "sku": "DID",
        "kind": "number",
        "months": 1,
        "prices": {"USD": "1.00"},
        "activation_fee": {"USD": "3.00"},
    },
]
ACCOUNTS = [
    {"id": "sin", "currency": "USD", "timezone": "Asia/Singapore", "credits": "100.00"},
    {"id": "nyc", "currency": "USD", "timezone": "America/New_York"},
]
BUY = {"at": "2024-03-01", "do": "purchase", "id": "s1", "account": "sin", "sku": "APP"}


def written(*steps: Any, **top: Any) -> dict[str, Any]:
    """A small valid file: s1 is bought by sin, then the steps."""
    return copy.deepcopy(
        {
            "catalog": CATALOG,
            "accounts": ACCOUNTS,
            "steps": [BUY, *steps],
            "until": "2024-06-01",
            **top,
        }
    )


def step(do: str, at: str = "2024-03-02", **keys: Any) -> dict[str, Any]:
    return {"at": at, "do": do, **keys}


def buy(**keys: Any) -> dict[str, Any]:
    return {**BUY, "at": "2024-03-02", "id": "s2", **keys}


def account(**keys: Any) -> dict[str, Any]:
    steps = {"steps": keys.pop("steps")} if "steps" in keys else {}
    return written(accounts=[{**ACCOUNTS[0], **keys}], **steps)


def read(values: Any) -> Scenario:
    return parse(json.dumps(values))


def second(*steps: Any, **top: Any) -> ScenarioStep:
    """The step after the purchase."""
    return read(written(*steps, **top)).steps[1]


def faults_of(text: str | bytes) -> list[str]:
    with pytest.raises(Faults) as raised:
        parse(text)
    return [str(fault) for fault in raised.value.faults]


# --- the shared examples --------------------------------------------------------------------------


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.yaml")), ids=lambda file: file.stem)
def test_an_example_parses_or_has_its_fault(file: Path) -> None:
    if file.stem == "fault-unknown-key":
        (fault,) = faults_of(file.read_bytes())
        assert fault.startswith(
            "step 1, colour: unknown key; allowed are at, do, request_id, id, account, sku, "
        )
    else:
        scenario = parse(file.read_bytes())
        assert len(scenario.steps) == len(yaml.safe_load(file.read_text())["steps"])


def test_every_example_but_the_faulty_one_has_its_result_beside_it() -> None:
    results = {file.stem for file in EXAMPLES.glob("*.json")}
    assert results == {file.stem for file in EXAMPLES.glob("*.yaml")} - {"fault-unknown-key"}


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.yaml")), ids=lambda file: file.stem)
def test_an_example_means_the_same_as_json(file: Path) -> None:
    def outcome(text: str) -> Any:
        try:
            return parse(text)
        except Faults as error:
            return [str(fault) for fault in error.faults]

    as_json = json.dumps(yaml.safe_load(file.read_text()), default=lambda value: value.isoformat())
    assert outcome(as_json) == outcome(file.read_text())


# --- what a valid file becomes --------------------------------------------------------------------


def test_the_parts_of_a_file_are_kept_as_read_and_as_written() -> None:
    scenario = parse("""
        policy: {group_renewal: independent, retry_days: []}
        seller: {credits: {USD: "1000.00"}}
        catalog:
          - {sku: APP, kind: application, months: 1, prices: {USD: "10.00"}}
          - {sku: APP, prices: {USD: "12.00"}, from: 2024-05-01}
        accounts:
          - {id: a, currency: USD, timezone: Asia/Singapore, credits: "7.50", credit_limit: "1.00",
             card: declined, renew_by_card: true, auto_top_up: false, mode: prepaid}
          - {id: b, currency: JPY, timezone: UTC}
        steps: []
        until: 2024-06-01
    """)
    assert scenario.policy.group_renewal is GroupRenewal.INDEPENDENT
    assert scenario.policy_document == {"group_renewal": "independent", "retry_days": []}
    assert scenario.seller_credits == {"USD": Decimal(1000)}
    assert scenario.catalog.kind("APP") is SkuKind.APPLICATION
    assert scenario.catalog.price("APP", "USD", date(2024, 5, 1)) == 12
    assert scenario.catalog_entries[1] == {
        "sku": "APP",
        "prices": {"USD": "12.00"},
        "from": "2024-05-01",
    }
    a, b = scenario.accounts
    assert (a.id, a.currency, a.timezone, a.credits, a.credit_limit, a.card, a.renew_by_card) == (
        "a",
        "USD",
        "Asia/Singapore",
        Decimal("7.5"),
        Decimal(1),
        "declined",
        True,
    )
    assert (b.credits, b.credit_limit, b.card, b.renew_by_card, b.auto_top_up, b.mode) == (
        Decimal(0),
        Decimal(0),
        "none",
        False,
        False,
        "prepaid",
    )
    assert scenario.steps == ()


OF_S1: dict[str, Any] = {"request_id": "step-2", "subscription": "s1", "account_hint": "sin"}
OF_SIN: dict[str, Any] = {"request_id": "step-2", "account": "sin"}


@pytest.mark.parametrize(
    ("keys", "command"),
    [
        (
            buy(),
            Purchase(request_id="step-2", subscription="s2", account="sin", sku="APP"),
        ),
        (
            buy(
                quantity=501,
                multiplier=2,
                addons={"SEAT": 3},
                pay="external_invoice",
                invoice_number="X1",
                legacy=True,
                request_id="r",
            ),
            Purchase(
                request_id="r",
                subscription="s2",
                account="sin",
                sku="APP",
                quantity=501,
                multiplier=2,
                addons={"SEAT": 3},
                pay=Pay.EXTERNAL_INVOICE,
                invoice_number="X1",
                legacy=True,
            ),
        ),
        (step("recover", id="s1"), Recover(**OF_S1)),
        (
            step("recover", id="s1", invoice_number="X1"),
            Recover(**OF_S1, invoice_number="X1"),
        ),
        (step("extend", id="s1", cycles=3), Extend(**OF_S1, cycles=3)),
        (step("extend", id="s1", to="2025-01-31"), Extend(**OF_S1, to=date(2025, 1, 31))),
        (step("reactivate", id="s1"), Reactivate(**OF_S1)),
        (step("unsubscribe", id="s1"), Unsubscribe(**OF_S1)),
        (step("resubscribe", id="s1"), Resubscribe(**OF_S1)),
        (step("terminate", id="s1", reason="moved"), Terminate(**OF_S1, reason="moved")),
        (step("top_up", account="sin", amount="5.00"), TopUp(**OF_SIN, amount=Decimal(5))),
        (step("set_card", account="sin", card="none"), SetCard(**OF_SIN, card=None)),
        (step("set_card", account="sin", card="ok"), SetCard(**OF_SIN, card="sim_ok")),
        (
            step("set_card", account="sin", card="declined"),
            SetCard(**OF_SIN, card="sim_declined"),
        ),
        (
            step("set", account="sin", credit_limit="0"),
            SetAccount(**OF_SIN, credit_limit=Decimal(0)),
        ),
        (
            step("set", account="sin", renew_by_card=True),
            SetAccount(**OF_SIN, renew_by_card=True),
        ),
        (
            step("set", account="sin", auto_top_up=False, mode="prepaid"),
            SetAccount(**OF_SIN, auto_top_up=False, mode=Mode.PREPAID),
        ),
        (step("suspend", account="sin"), Suspend(**OF_SIN)),
        (step("resume", account="sin"), Resume(**OF_SIN)),
    ],
    ids=lambda value: value["do"] if isinstance(value, dict) else "",
)
def test_a_step_becomes_its_command(keys: dict[str, Any], command: Command) -> None:
    assert second(keys) == ScenarioStep(
        number=2,
        at=datetime(2024, 3, 1, 16, tzinfo=UTC),
        zone="Asia/Singapore",
        do=keys["do"],
        command=command,
    )


def test_values_equal_to_the_defaults_of_what_is_not_built_are_fine() -> None:
    defaults = {
        "numbers": [],
        "align": False,
        "discount": "0",
        "discount_cycles": 1,
        "addons": {},
        "pay": "credits",
    }
    assert second(buy(**defaults)).command == second(buy()).command


@pytest.mark.parametrize(
    ("at", "of_sin", "of_nyc"),
    [
        ("2024-03-10", datetime(2024, 3, 9, 16, tzinfo=UTC), datetime(2024, 3, 10, 5, tzinfo=UTC)),
        (
            "2024-03-11",
            datetime(2024, 3, 10, 16, tzinfo=UTC),
            datetime(2024, 3, 11, 4, tzinfo=UTC),
        ),  # summer time in New York
        (
            "2024-03-11T15:30:00+08:00",
            datetime(2024, 3, 11, 7, 30, tzinfo=UTC),
            datetime(2024, 3, 11, 7, 30, tzinfo=UTC),
        ),
        (
            "2024-03-11 07:30:00.5Z",
            datetime(2024, 3, 11, 7, 30, 0, 500000, tzinfo=UTC),
            datetime(2024, 3, 11, 7, 30, 0, 500000, tzinfo=UTC),
        ),
        (
            "2024-03-11T07:30 -0030",
            datetime(2024, 3, 11, 8, tzinfo=UTC),
            datetime(2024, 3, 11, 8, tzinfo=UTC),
        ),
    ],
)
def test_a_date_is_its_first_instant_in_the_zone_of_the_steps_account(
    at: str, of_sin: datetime, of_nyc: datetime
) -> None:
    assert second(step("suspend", at, account="sin")).at == of_sin
    assert second(step("suspend", at, account="nyc")).at == of_nyc


def test_a_step_with_only_an_id_is_dated_in_the_zone_of_the_first_account_to_buy_it() -> None:
    bought = buy(id="s2", account="nyc")
    again = buy(id="s2", account="sin", at="2024-03-03")
    *_, last = read(written(bought, again, step("unsubscribe", "2024-03-04", id="s2"))).steps
    assert last.at == datetime(2024, 3, 4, 5, tzinfo=UTC)
    assert isinstance(last.command, Unsubscribe)
    assert last.command.account_hint == "nyc"


def test_the_end_is_an_instant_or_a_date_in_each_zone() -> None:
    assert read(written()).until_for("America/New_York") == datetime(2024, 6, 1, 4, tzinfo=UTC)
    assert read(written()).until_for("Asia/Singapore") == datetime(2024, 5, 31, 16, tzinfo=UTC)
    assert read(written(until="2024-06-01T00:00:00+01:00")).until_for("Asia/Singapore") == datetime(
        2024, 5, 31, 23, tzinfo=UTC
    )


def test_an_outage_has_two_instants_and_its_dates_are_read_as_utc() -> None:
    outage = second(step("outage", "2024-03-05", until="2024-03-06T12:00:00+02:00"))
    assert outage == ScenarioStep(
        number=2,
        at=datetime(2024, 3, 5, tzinfo=UTC),
        zone="UTC",
        do="outage",
        outage_until=datetime(2024, 3, 6, 10, tzinfo=UTC),
    )


def test_a_step_at_an_outages_end_and_the_next_outage_at_it_are_allowed() -> None:
    first, then = (
        step("outage", "2024-03-05", until="2024-03-06"),
        step("outage", "2024-03-06", until="2024-03-07"),
    )
    assert (
        len(
            read(written(first, then, step("suspend", "2024-03-07T00:00:00Z", account="sin"))).steps
        )
        == 4
    )


def test_a_step_and_an_outages_end_may_be_the_last_instant() -> None:
    assert second(step("suspend", "2024-06-01", account="nyc"))
    assert second(step("outage", "2024-05-01", until="2024-06-01"))


def test_made_up_request_ids_never_equal_one_of_the_file() -> None:
    steps = read(
        written(
            step("suspend", account="sin", request_id="step-1"),
            step("resume", account="sin", request_id="step-1"),
        )
    ).steps
    assert [s.command.request_id for s in steps if s.command] == ["step-1-", "step-1", "step-1"]


def test_yaml_may_use_anchors_yes_and_no_and_a_bom() -> None:
    text = """\ufeff
        catalog:
          - {sku: APP, kind: application, months: 1, prices: &p {USD: "10.00"}, costs: *p,
             refundable: no}
        accounts: [{id: "no", currency: USD, timezone: UTC, renew_by_card: yes}]
        steps: [{at: 2024-03-01, do: terminate, id: s1, reason: "yes"}]
        until: 2024-06-01
    """
    assert (
        parse(
            text.replace(
                "do: terminate, id: s1, reason:",
                'do: purchase, id: s1, account: "no", sku: APP, request_id:',
            )
        )
        .steps[0]
        .number
        == 1
    )


# --- faults ---------------------------------------------------------------------------------------

OUTAGE = step("outage", "2024-03-05", until="2024-03-10")

FAULTS: list[tuple[str, dict[str, Any], str]] = [
    # the file
    (
        "unknown key",
        written(colour="red"),
        "colour: unknown key; allowed are policy, seller, catalog",
    ),
    ("no catalog", {"accounts": [], "steps": [], "until": "2024-06-01"}, "catalog: is missing"),
    ("steps no list", written(steps={}), "steps: must be a list"),
    ("no list of accounts", written(accounts=5, steps=[]), "accounts: must be a list"),
    ("invalid policy", written(policy={"retry_days": [4, 2]}), "policy.retry_days"),
    ("policy no mapping", written(policy=None), "policy: "),
    (
        "invalid catalog",
        written(catalog=[*CATALOG, {"sku": "X", "kind": "toy", "months": 1}]),
        "catalog[5].kind: must be application, service, hardware, addon or number, not 'toy'",
    ),
    ("until missing", {k: v for k, v in written().items() if k != "until"}, "until: is missing"),
    ("until no date", written(until="tomorrow"), "until: must be a date such as"),
    ("until without offset", written(until="2024-06-01T00:00:00"), "until: must be a date such as"),
    ("seller's unknown key", written(seller={"credit": {}}), "seller.credit: unknown key"),
    ("seller's currency", written(seller={"credits": {"XXX": "1.00"}}), "XXX"),
    ("seller's amount", written(seller={"credits": {"USD": "-1.00"}}), "must be zero or more"),
    # accounts
    (
        "account no mapping",
        written(accounts=["sin"], steps=[]),
        "account 1: must be a mapping, not 'sin'",
    ),
    (
        "account unknown key",
        account(colour=1),
        "account 1, colour: unknown key; allowed are id, currency",
    ),
    (
        "account no id",
        written(accounts=[{"currency": "USD", "timezone": "UTC"}], steps=[]),
        "account 1, id: is missing",
    ),
    (
        "account twice",
        written(accounts=[*ACCOUNTS, ACCOUNTS[0]]),
        "account 3, id: 'sin' is an earlier account's",
    ),
    (
        "currency",
        account(currency="usd"),
        "account 1, currency: 'usd' is not a currency in use; allowed are ISO 4217 codes",
    ),
    ("currency no text", account(currency=["USD"]), "account 1, currency: "),
    (
        "zone",
        account(timezone="Asia/Atlantis"),
        "account 1, timezone: 'Asia/Atlantis' is not an IANA time zone",
    ),
    ("zone an offset", account(timezone="+08:00"), "account 1, timezone: "),
    ("credits negative", account(credits="-1.00"), "account 1, credits: must be zero or more"),
    (
        "credits a number",
        account(credits=100),
        "account 1, credits: 100 is not an amount: an amount is text",
    ),
    (
        "credit limit NaN",
        account(credit_limit="NaN"),
        "account 1, credit_limit: 'NaN' is not an amount",
    ),
    ("card", account(card="visa"), "account 1, card: must be none, ok or declined, not 'visa'"),
    (
        "switch no bool",
        account(renew_by_card="true"),
        "account 1, renew_by_card: must be true or false, not 'true'",
    ),
    (
        "switch a number",
        account(auto_top_up=1),
        "account 1, auto_top_up: must be true or false, not 1",
    ),
    ("mode", account(mode="paid"), "account 1, mode: must be prepaid or postpaid, not 'paid'"),
    ("id blank", account(steps=[], id=" "), "account 1, id: must not be empty"),
    (
        "id a number",
        account(steps=[], id=7),
        "account 1, id: must be text, not 7; write it in quotes",
    ),
    (
        "id too long",
        account(steps=[], id="x" * 201),
        "account 1, id: has 201 characters; at most 200 are allowed",
    ),
    (
        "id with a line feed",
        account(steps=[], id="a\nb"),
        "account 1, id: 'a\\nb' has control characters",
    ),
    (
        "id half a character",
        account(steps=[], id="\ud800"),
        "account 1, id: '\\ud800' has control characters",
    ),
    # every step
    ("step no mapping", written("suspend"), "step 2: must be a mapping, not 'suspend'"),
    ("no do", written({"at": "2024-03-02"}), "step 2, do: is missing"),
    (
        "unknown do",
        written(step("refund", id="s1")),
        "step 2, do: must be add_number, adjust, change_cycle",
    ),
    (
        "do no text",
        written(step([], id="s1")),  # type: ignore[arg-type]
        "step 2, do: must be add_number",
    ),
    ("no at", written({"do": "suspend", "account": "sin"}), "step 2, at: is missing"),
    (
        "at not in the calendar",
        written(step("suspend", "2024-02-30", account="sin")),
        "step 2, at: 2024-02-30 is not in the calendar",
    ),
    (
        "at without offset",
        written(step("suspend", "2024-03-02T10:00:00", account="sin")),
        "step 2, at: must be a date such as",
    ),
    (
        "at no time of day",
        written(step("suspend", "2024-03-02T25:00:00Z", account="sin")),
        "step 2, at: '2024-03-02T25:00:00Z' is not in the calendar or on the clock",
    ),
    (
        "at before the calendar",
        written(step("suspend", "0001-01-01T00:00:00+14:00", account="sin")),
        "step 2, at: ",
    ),
    (
        "at in another age",
        written(step("suspend", "9999-12-31", account="sin")),
        "the years 1900 to 2999 are allowed",
    ),
    (
        "at a number",
        written(step("suspend", 20240302, account="sin")),
        "step 2, at: must be a date such as",
    ),  # type: ignore[arg-type]
    (
        "request id",
        written(step("suspend", account="sin", request_id=5)),
        "step 2, request_id: must be text",
    ),
    (
        "unknown key of a step",
        written(step("suspend", account="sin", id="s1")),
        "step 2, id: unknown key; allowed are at, do, request_id, account",
    ),
    ("missing key of a step", written(step("suspend")), "step 2, account: is missing"),
    (
        "unknown account",
        written(step("suspend", account="lon")),
        "step 2, account: 'lon' is not an account of this file; allowed are sin, nyc",
    ),
    (
        "id never introduced",
        written(step("recover", id="s9")),
        "step 2, id: no earlier purchase or trial has the id 's9'; allowed are s1",
    ),
    (
        "id introduced later",
        written(step("recover", id="s2"), buy(at="2024-03-03")),
        "step 2, id: no earlier purchase or trial",
    ),
    (
        "null",
        written(step("recover", id="s1", invoice_number=None)),
        "step 2, invoice_number: must be text, not None",
    ),
    # purchase
    (
        "unknown sku",
        written(buy(sku="APQ")),
        "step 2, sku: 'APQ' is not in the catalog; allowed are APP, BIG",
    ),
    (
        "add-on as primary",
        written(buy(sku="SEAT")),
        "step 2, sku: 'SEAT' is of kind addon; "
        "a SKU of kind application, service or hardware is allowed",
    ),
    (
        "quantity zero",
        written(buy(quantity=0)),
        "step 2, quantity: must be a whole number of 1 or more, not 0",
    ),
    (
        "quantity true",
        written(buy(quantity=True)),
        "step 2, quantity: must be a whole number of 1 or more, not True",
    ),
    ("quantity a fraction", written(buy(quantity=1.0)), "step 2, quantity: must be a whole number"),
    ("quantity in quotes", written(buy(quantity="1")), "step 2, quantity: must be a whole number"),
    (
        "quantity beyond all",
        written(buy(quantity=10**23)),
        "step 2, quantity: must be a whole number from 1 to 1000000000, not 1000",
    ),
    ("multiplier", written(buy(multiplier=-1)), "step 2, multiplier: must be a whole number"),
    (
        "addons a list",
        written(buy(addons=["SEAT"])),
        "step 2, addons: must be a mapping of SKU to quantity",
    ),
    (
        "addons unknown",
        written(buy(addons={"CHAIR": 1})),
        "step 2, addons, CHAIR: 'CHAIR' is not in the catalog",
    ),
    (
        "addons of another kind",
        written(buy(addons={"DID": 1})),
        "step 2, addons, DID: 'DID' is of kind number; a SKU of kind addon is allowed",
    ),
    (
        "addons none of one",
        written(buy(addons={"SEAT": 0})),
        "step 2, addons, SEAT: must be a whole number of 1 or more",
    ),
    (
        "a number without a plus sign",
        written(buy(numbers=[{"number": "491", "sku": "DID"}])),
        "step 2, numbers, entry 1, number: '491' is no phone number",
    ),
    (
        "a number of 16 digits",
        written(step("add_number", id="s1", number="+1234567890123456", sku="DID")),
        "step 2, number: '+1234567890123456' is no phone number",
    ),
    ("numbers no list", written(buy(numbers={})), "step 2, numbers: must be a list"),
    (
        "number no mapping",
        written(buy(numbers=["+1"])),
        "step 2, numbers, entry 1: must be a mapping",
    ),
    (
        "number unquoted",
        written(buy(numbers=[{"number": 491, "sku": "DID"}])),
        "step 2, numbers, entry 1, number: must be text",
    ),
    (
        "number of another kind",
        written(buy(numbers=[{"number": "+1", "sku": "APP"}])),
        "step 2, numbers, entry 1, sku: 'APP' is of kind application",
    ),
    (
        "number's hold",
        written(buy(numbers=[{"number": "+1", "sku": "DID", "hold": "long"}])),
        "step 2, numbers, entry 1, hold: must be normal",
    ),
    (
        "number's key",
        written(buy(numbers=[{"number": "+1", "sku": "DID", "when": "now"}])),
        "step 2, numbers, entry 1, when: unknown key",
    ),
    (
        "number twice",
        written(buy(numbers=[{"number": "+1", "sku": "DID"}] * 2)),
        "step 2, numbers, entry 2, number: '+1' stands in this purchase twice",
    ),
    (
        "pay",
        written(buy(pay="cash")),
        "step 2, pay: must be credits, external_invoice or contract, not 'cash'",
    ),
    (
        "no invoice number",
        written(buy(pay="external_invoice")),
        "step 2, invoice_number: is missing; pay: external_invoice needs it",
    ),
    (
        "invoice number for credits",
        written(buy(invoice_number="X1")),
        "step 2, invoice_number: is allowed with pay: external_invoice only",
    ),
    (
        "contract for credits",
        written(buy(contract="milestone")),
        "step 2, contract: is allowed with pay: contract only, not with credits",
    ),
    (
        "contract",
        written(buy(pay="contract", contract="yearly")),
        "step 2, contract: must be as_incurred or milestone",
    ),
    ("align", written(buy(align="no")), "step 2, align: must be true or false"),
    ("legacy", written(buy(legacy=0)), "step 2, legacy: must be true or false"),
    ("discount above", written(buy(discount="100.5")), "step 2, discount: must be 0 to 100"),
    ("discount below", written(buy(discount=-1)), "step 2, discount: must be 0 to 100"),
    ("discount no number", written(buy(discount=True)), "step 2, discount: must be 0 to 100"),
    (
        "discount cycles",
        written(buy(discount=10, discount_cycles=0)),
        "step 2, discount_cycles: must be a whole number of 1 or more",
    ),
    # the other commands
    (
        "trial of an add-on",
        written(step("trial", id="t", account="sin", sku="SEAT")),
        "step 2, sku: 'SEAT' is of kind addon",
    ),
    ("convert", written(step("convert", id="t")), "step 2, id: no earlier purchase or trial"),
    (
        "extend by neither",
        written(step("extend", id="s1")),
        "step 2: has neither of cycles and to; exactly one is needed",
    ),
    (
        "extend by both",
        written(step("extend", id="s1", cycles=1, to="2024-09-01")),
        "step 2: has both of cycles and to",
    ),
    (
        "extend by none",
        written(step("extend", id="s1", cycles=0)),
        "step 2, cycles: must be a whole number of 1 or more",
    ),
    (
        "extend to an instant",
        written(step("extend", id="s1", to="2024-09-01T00:00:00Z")),
        "step 2, to: must be a date such as",
    ),
    (
        "extend to 30 February",
        written(step("extend", id="s1", to="2025-02-30")),
        "step 2, to: 2025-02-30 is not in the calendar",
    ),
    ("terminate without reason", written(step("terminate", id="s1")), "step 2, reason: is missing"),
    (
        "change plan to an add-on",
        written(step("change_plan", id="s1", sku="SEAT")),
        "step 2, sku: 'SEAT' is of kind addon",
    ),
    (
        "change plan when",
        written(step("change_plan", id="s1", sku="BIG", when="later")),
        "step 2, when: must be now or renewal",
    ),
    (
        "set add-on below zero",
        written(step("set_addon", id="s1", sku="SEAT", quantity=-1)),
        "step 2, quantity: must be a whole number of 0 or more",
    ),
    (
        "set add-on of another kind",
        written(step("set_addon", id="s1", sku="APP", quantity=1)),
        "a SKU of kind addon is allowed here",
    ),
    (
        "add number of another kind",
        written(step("add_number", id="s1", number="+1", sku="SEAT")),
        "a SKU of kind number is allowed here",
    ),
    (
        "remove number without it",
        written(step("remove_number", id="s1")),
        "step 2, number: is missing",
    ),
    (
        "swap number without to",
        written(step("swap_number", id="s1", number="+1")),
        "step 2, to: is missing",
    ),
    (
        "change cycle by neither",
        written(step("change_cycle", id="s1")),
        "step 2: has neither of multiplier and months",
    ),
    (
        "change cycle by both",
        written(step("change_cycle", id="s1", multiplier=2, months=2)),
        "step 2: has both of multiplier and months",
    ),
    (
        "change owner to nobody",
        written(step("change_owner", id="s1", account="lon")),
        "step 2, account: 'lon' is not an account",
    ),
    (
        "top up nothing",
        written(step("top_up", account="sin", amount="0.00")),
        "step 2, amount: must be above zero, not '0.00'",
    ),
    (
        "top up a number",
        written(step("top_up", account="sin", amount=5.5)),
        "step 2, amount: 5.5 is not an amount: an amount is text",
    ),
    (
        "top up too finely",
        written(step("top_up", account="sin", amount="1.000001")),
        "step 2, amount: '1.000001' has 6 decimals",
    ),
    ("top up too much", written(step("top_up", account="sin", amount="9" * 40)), "is too large"),
    (
        "card of a step",
        written(step("set_card", account="sin", card=None)),
        "step 2, card: must be none, ok or declined",
    ),
    (
        "set nothing",
        written(step("set", account="sin")),
        "step 2: sets nothing; at least one of credit_limit",
    ),
    (
        "set a negative limit",
        written(step("set", account="sin", credit_limit="-1")),
        "step 2, credit_limit: must be zero or more",
    ),
    (
        "set a switch",
        written(step("set", account="sin", auto_top_up="on")),
        "step 2, auto_top_up: must be true or false",
    ),
    (
        "usage of nothing",
        written(step("usage", account="sin", amount="0", text="calls")),
        "step 2, amount: must be above zero",
    ),
    (
        "usage without text",
        written(step("usage", account="sin", amount="1.00")),
        "step 2, text: is missing",
    ),
    (
        "transfer to nobody",
        written(step("transfer", account="sin", to="lon", amount="1.00")),
        "step 2, to: 'lon' is not an account",
    ),
    (
        "transfer below zero",
        written(step("transfer", account="sin", to="nyc", amount="-1.00")),
        "step 2, amount: must be above zero",
    ),
    (
        "adjust by nothing",
        written(step("adjust", account="sin", amount="0.00", reason="x")),
        "step 2, amount: must be above or below zero",
    ),
    (
        "pay nothing",
        written(step("pay_invoice", account="sin", amount="0")),
        "step 2, amount: must be above zero",
    ),
    # the steps together
    (
        "instants decrease",
        written(step("suspend", "2024-02-29", account="sin")),
        "step 2, at: 2024-02-28T16:00:00Z is before an earlier step at 2024-02-29T16:00:00Z",
    ),
    (
        "instants of one date decrease in UTC",
        written(
            step("suspend", "2024-03-02", account="nyc"),
            step("resume", "2024-03-02", account="sin"),
        ),
        "step 3, at: 2024-03-01T16:00:00Z is before",
    ),
    (
        "a step after the end",
        written(step("suspend", "2024-06-02", account="nyc")),
        "step 2, at: 2024-06-02T04:00:00Z is after the file's until",
    ),
    (
        "an instant after the account's end",
        written(step("suspend", "2024-06-01T00:00:00Z", account="sin")),
        "is after the file's until",
    ),
    (
        "after an instant",
        written(
            step("suspend", "2024-06-01T00:00:01Z", account="sin"), until="2024-06-01T00:00:00Z"
        ),
        "is after the file's until",
    ),
    (
        "an outage after the end",
        written(step("outage", "2024-05-05", until="2024-06-02")),
        "step 2, until: 2024-06-02T00:00:00Z is after",
    ),
    (
        "a step in an outage",
        written(OUTAGE, step("suspend", "2024-03-08", account="sin")),
        "step 3, at: 2024-03-07T16:00:00Z is inside the outage of step 2",
    ),
    (
        "a step as an outage begins",
        written(OUTAGE, step("suspend", "2024-03-05T00:00:00Z", account="sin")),
        "is inside the outage of step 2",
    ),
    (
        "outages overlap",
        written(OUTAGE, step("outage", "2024-03-09", until="2024-03-12")),
        "step 3, at: 2024-03-09T00:00:00Z is inside the outage of step 2",
    ),
    (
        "an outage in an outage",
        written(OUTAGE, step("outage", "2024-03-06", until="2024-03-07")),
        "step 3, at: 2024-03-06T00:00:00Z is inside the outage of step 2",
    ),
    (
        "an outage without length",
        written(step("outage", "2024-03-05", until="2024-03-05")),
        "step 2, until: 2024-03-05T00:00:00Z is not after",
    ),
    ("an outage without end", written(step("outage", "2024-03-05")), "step 2, until: is missing"),
]


@pytest.mark.parametrize(
    ("values", "fault"), [pytest.param(v, f, id=name) for name, v, f in FAULTS]
)
def test_a_fault_is_named_with_its_place_and_what_is_allowed(
    values: dict[str, Any], fault: str
) -> None:
    found = faults_of(json.dumps(values))
    assert len(found) == 1, found
    assert fault in found[0]
    assert "\n" not in found[0]


def test_every_fault_is_found_at_once_and_none_brings_forth_others() -> None:
    values = written(
        buy(sku="SEAT", quantity=0),
        step("recover", id="s2"),
        step("suspend", account="lon"),
        step("suspend", account="par"),
        accounts=[*ACCOUNTS, {"id": "par", "currency": "FRF", "timezone": "Paris"}],
        catalog=[*CATALOG, {"sku": "SEAT", "kind": "addon", "months": 1}],
        policy={"renewal_lead_days": 28},
    )
    places = [fault.split(": ")[0] for fault in faults_of(json.dumps(values))]
    assert places == [
        "policy.renewal_lead_days",
        "catalog[5].from",
        "account 3, currency",
        "account 3, timezone",
        "step 2, sku",
        "step 2, quantity",
        "step 4, account",
    ]


def test_a_purchase_of_501_licences_is_no_fault() -> None:
    assert second(buy(quantity=501)).command


GOOD = """
catalog: []
accounts: []
steps: []
until: 2024-06-01
"""


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "",
            "file: must be a mapping with the keys policy, seller, catalog, accounts, steps, until",
        ),
        ("[]", "file: must be a mapping"),
        ("5", "file: must be a mapping"),
        (b"\x00\x01\x02", "file: is neither YAML nor JSON"),
        (b"\xff\xfe\x89PNG", "file: is not UTF-8 text"),
        ("a: \ud800", "file: is not UTF-8 text"),
        ("{", "is neither YAML nor JSON"),
        ("a: b: c", "line 1: is neither YAML nor JSON"),
        ("'" * 999, "is neither YAML nor JSON"),
        ("[" * 100_000, "nested too deep"),
        ("[" * 100_000 + "]" * 100_000, "nested too deep"),
        ('{"a":' * 60 + "1" + "}" * 60, "nested too deep"),
        ("- " * 100_000, "nested too deep"),
        ("#" * 10_000_001, "file: has more than 10000000 bytes; smaller files are allowed"),
        (GOOD + "---\n" + GOOD, "line 6: is the start of a second document; one is allowed"),
        (GOOD + "until: 2024-06-02\n" * 2, "until: stands twice; once is allowed"),
        (
            '{"catalog": [], "accounts": [], "steps": [], '
            '"until": "2024-06-01", "until": "2024-06-01"}',
            "until: stands twice",
        ),
        (GOOD + "7: seven", "file: a key must be text, not 7; write it in quotes"),
        (GOOD + "[a]: b", "file: a key must be text, not a mapping or list"),
        (GOOD + "policy: {retry_days: [010]}", "policy.retry_days[0]: '010' is not a plain number"),
        (
            GOOD + "policy: {renewal_lead_days: 1_0}",
            "policy.renewal_lead_days: '1_0' is not a plain number",
        ),
        (
            GOOD + "policy: {renewal_lead_days: 0x7}",
            "policy.renewal_lead_days: '0x7' is not a plain number",
        ),
        (GOOD + f"policy: {{renewal_lead_days: {'9' * 5000}}}", "policy.renewal_lead_days: '99"),
        (
            json.dumps({"policy": {"renewal_lead_days": "N"}}).replace('"N"', "9" * 5000),
            "policy.renewal_lead_days: '99",
        ),
        (
            GOOD + "policy: {renewal_lead_days: .nan}",
            "policy.renewal_lead_days: must be a whole number from 1 to 27, not nan",
        ),
        (
            GOOD + "policy: {renewal_lead_days: -.inf}",
            "policy.renewal_lead_days: must be a whole number from 1 to 27, not -inf",
        ),
        (
            GOOD + "policy: !!python/object/apply:os.system [ls]",
            "line 6: the tag tag:yaml.org,2002:python/object/apply:os.system is not allowed",
        ),
        (GOOD + "policy: !!timestamp 2024-01-01", "line 6: the tag"),
        (GOOD + "policy: *p", "line 6: *p stands for nothing that was written before"),
        (GOOD + "policy: &p [*p]", "line 6: *p stands for nothing that was written before"),
        (
            "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
            + "".join(f"a{i + 1}: &a{i + 1} [{', '.join([f'*a{i}'] * 10)}]\n" for i in range(9)),
            "file: has more than 1000000 values, aliases written out",
        ),
        (
            "a0: &a0 [x]\n" + "".join(f"a{i + 1}: &a{i + 1} [*a{i}]\n" for i in range(60)),
            "nested too deep",
        ),
        ('{"\\ud800\\n": 1}', "'\\ud800\\n': unknown key"),
    ],
    ids=range(33),
)
def test_what_is_hardly_a_file_is_a_fault_and_never_a_trace(text: str | bytes, fault: str) -> None:
    found = faults_of(text)
    assert any(fault in line for line in found), found
    assert not any("\n" in line for line in found)


def test_dates_are_read_as_text_whatever_the_language() -> None:
    values, found = document.read(
        "a: 2020-12-11T15:30:00+08:00\nb: 2020-12-11\nc: [1.50, 7, -3, true, ~, '8', null]"
    )
    assert (values, found) == (
        {
            "a": "2020-12-11T15:30:00+08:00",
            "b": "2020-12-11",
            "c": [1.5, 7, -3, True, None, "8", None],
        },
        [],
    )


def test_a_file_with_a_fault_has_its_faults() -> None:
    values = written(
        step("change_owner", id="s1", account="nyc"),
        step("recover", id="s9"),
        policy={"seller_wallet": True},
    )
    assert [fault.split(":")[0] for fault in faults_of(json.dumps(values))] == ["step 3, id"]


def test_a_trial_introduces_a_subscription_and_a_change_of_owner_moves_it() -> None:
    steps = [
        step("trial", id="t", account="sin", sku="APP"),
        step("change_owner", "2024-03-03", id="t", account="nyc"),
        step(
            "unsubscribe", "2024-03-03", id="t"
        ),  # the same date in New York again: does not decrease
    ]
    *_, last = read(written(*steps)).steps
    assert isinstance(last.command, Unsubscribe)
    assert last.command.account_hint == "nyc"


def test_the_date_of_a_change_of_owner_is_read_in_the_zone_of_the_account_that_it_names() -> None:
    _, changed, after = read(
        written(
            step("change_owner", "2024-03-04", id="s1", account="nyc"),
            step("unsubscribe", "2024-03-05", id="s1"),
        )
    ).steps
    assert changed.at == datetime(2024, 3, 4, 5, tzinfo=UTC)
    assert changed.zone == "Asia/Singapore"  # A refusal is one of the old owner.
    assert isinstance(changed.command, ChangeOwner)
    assert (changed.command.account, changed.command.account_hint) == ("nyc", "sin")
    assert after.at == datetime(2024, 3, 5, 5, tzinfo=UTC)


# --- any input at all -----------------------------------------------------------------------------

WORDS = st.sampled_from(
    [
        "s1",
        "sin",
        "APP",
        "SEAT",
        "DID",
        "USD",
        "2024-03-02",
        "2024-05-01T00:00:00Z",
        "5.00",
        "0",
        "-1",
        "purchase",
        "outage",
        "none",
        "x" * 300,
        "",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | WORDS
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(WORDS | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)
EXAMPLE_VALUES = [
    json.loads(json.dumps(yaml.safe_load(f.read_text()), default=lambda v: v.isoformat()))
    for f in sorted(EXAMPLES.glob("*.yaml"))
]


def parses_or_faults(text: str | bytes) -> None:
    lines: list[str] | None = None
    try:
        parse(text)
    except Faults as error:
        lines = [str(fault) for fault in error.faults]
    assert lines != []
    assert not any("\n" in line for line in lines or ())


@given(VALUES)
def test_any_document_parses_or_faults(values: Any) -> None:
    parses_or_faults(json.dumps(values))
    parses_or_faults(yaml.safe_dump(values, allow_unicode=True))


@example({"policy": {"a\nb": None}})
@given(
    st.dictionaries(
        st.sampled_from(["policy", "seller", "catalog", "accounts", "steps", "until"]), VALUES
    )
)
def test_any_values_in_their_places_parse_or_fault(values: Any) -> None:
    parses_or_faults(json.dumps(values))


@given(st.binary(max_size=60) | st.text(alphabet=st.characters(), max_size=60))
def test_any_bytes_and_text_parse_or_fault(text: str | bytes) -> None:
    parses_or_faults(text)


def places_in(values: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a document."""
    inner = (
        list(values.items())
        if isinstance(values, dict)
        else list(enumerate(values))
        if isinstance(values, list)
        else []
    )
    return [(values, key) for key, _ in inner] + [
        found for _, value in inner for found in places_in(value)
    ]


def put(new: Any) -> Callable[[Any, Any], None]:
    return lambda container, key: container.__setitem__(key, new)


def drop(container: Any, key: Any) -> None:
    del container[key]


def twice(container: Any, key: Any) -> None:
    if isinstance(container, list):
        container.append(container[key])
    else:
        container[f"{key}?"] = container[key]


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_any_change_of_an_example_parses_or_faults(data: st.DataObject) -> None:
    values = copy.deepcopy(data.draw(st.sampled_from(EXAMPLE_VALUES)))
    for _ in range(data.draw(st.integers(1, 3))):
        if places := places_in(values):
            container, key = data.draw(st.sampled_from(places))
            data.draw(VALUES.map(put) | st.sampled_from([drop, twice]))(container, key)
    parses_or_faults(json.dumps(values))


@settings(max_examples=200)
@given(st.sampled_from(sorted(EXAMPLES.glob("*.yaml"))), st.data())
def test_any_change_of_an_examples_bytes_parses_or_faults(file: Path, data: st.DataObject) -> None:
    raw = bytearray(file.read_bytes())
    start = data.draw(st.integers(0, len(raw)))
    raw[start : start + data.draw(st.integers(0, 9))] = data.draw(
        st.binary(max_size=9)
        | st.sampled_from([b"*a", b"&a ", b"!!int ", b"---\n", b"? ", b"{", b"- "])
    )
    parses_or_faults(bytes(raw))
