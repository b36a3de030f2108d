"""Every command that changes something is in the audit, or stands here with the reason why not.

docs/decisions/0032 says what a record holds.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from typer.testing import CliRunner

from starter import app
from tests.commandline.conftest import Shop, call
from tests.commandline.test_help import commands

READS = """
account-list account-show approval-list approval-show audit-list audit-verify campaign-list
campaign-receipt campaign-show catalog-effect catalog-show clock-show explain forecast history
import-list import-report invoice-html invoice-list invoice-pdf invoice-preview invoice-show
invoice-xml key-list limit-list list mail-show message-list message-preview message-show
number-list number-show policy-effect policy-show receipt-html receipt-list receipt-pdf report
seller-show seller-taxes show staff-list staff-sessions stack-status statement transactions
webhook-deliveries webhook-list webhook-schema worker-status
"""
NOT_RECORDED = {
    "demo": "it plays on servers of its own, which end with it",
    "migrate": "it changes tables and no rows of a seller, and before it there is no audit",
    "simulate": "it plays in a database of its own, which ends with it",
    "stack-down": "it stops servers",
    "stack-up": "it starts servers",
}
ACTS = {
    "account-export": "export_account",
    "account-new": "open_account",
    "approval-approve": "end_approval",
    "approval-refuse": "end_approval",
    "campaign-pause": "control_campaign",
    "campaign-rate": "set_campaign_rate",
    "campaign-resume": "control_campaign",
    "campaign-stop": "control_campaign",
    "catalog-import": "add_catalog_entries",
    "catalog-load": "add_catalog_entries",
    "clock-advance": "advance_clock",
    "clock-new": "create_clock",
    "import-file": "import_customers",
    "import-undo": "undo_imports",
    "key-create": "create_key",
    "key-revoke": "revoke_key",
    "key-rotate": "rotate_key",
    "limit-remove": "remove_limits",
    "limit-set": "set_limit",
    "mail-off": "switch_mails_off",
    "mail-on": "switch_mails_on",
    "message-resend": "resend_messages",
    "number-import": "import_numbers",
    "policy-load": "set_policy",
    "reconcile": "reconcile",
    "seller-profile": "change_seller_profile",
    "seller-tax": "add_tax_rate",
    "seller-top-up": "top_up_seller",
    "staff-add": "add_staff",
    "staff-disable": "disable_staff",
    "staff-enable": "enable_staff",
    "staff-password": "set_staff_password",
    "staff-require-codes": "require_codes",
    "staff-role": "set_staff_role",
    "staff-sign-out": "end_sessions",
    "staff-totp": "begin_staff_codes",
    "webhook-add": "add_webhook",
    "webhook-on": "change_webhook",
    "webhook-remove": "remove_webhook",
    "webhook-rotate": "rotate_webhook_secret",
    "webhook-test": "test_webhook",
}
"""The commands that are acts and no commands of the rule book, and their acts in the audit."""
ELSEWHERE = {
    "approval-approve": "tests/commandline/test_approvals.py",
    "approval-refuse": "tests/commandline/test_approvals.py",
    "staff-password": "tests/commandline/test_staff.py",
    "staff-totp": "tests/commandline/test_staff.py",
}
"""Acts that need a person at the terminal, or a second one."""


def test_every_command_reads_or_is_an_act_or_is_recorded_by_its_request() -> None:
    """One that asks with a request id goes through `connection.carry_out`, which records it."""
    names = {"-".join(name) for name in commands()}
    asking = {"-".join(name) for name in commands() if "--preview" in _help(name)}
    kinds = (set(READS.split()), set(NOT_RECORDED), set(ACTS), asking)
    assert sum(map(len, kinds)) == len(names), "a command is of one kind"
    assert set().union(*kinds) == names


def _help(name: tuple[str, ...]) -> str:
    return CliRunner().invoke(app, [*name, "--help"]).stdout


@pytest.fixture
def keyed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys for secrets are set, and endpoints of this machine are allowed."""
    monkeypatch.setenv("PERENNIAL_WEBHOOK_KEYS", "k" * 40)
    monkeypatch.setenv("PERENNIAL_WEBHOOK_PRIVATE", "true")


def test_acts_are_recorded_with_who_acts_and_from_where(
    shop: Shop, keyed: None, database: str, tmp_path: Path
) -> None:
    """The shop has loaded a catalogue, and made a clock and an account, by the command line."""
    asked = {"catalog-load", "clock-new", "account-new"}
    for words in _walk(shop, database, tmp_path):
        before = _acts()
        told = call(*words)
        assert told.code in (0, 3), (words, told.err)
        name = "-".join(words[:2]) if "-".join(words[:2]) in ACTS else words[0]
        new = _acts()[: len(_acts()) - len(before)]
        assert ACTS[name] in [act for act, _ in new], words
        assert "@" in new[0][1]
        asked.add(name)
    assert {act for act, _ in _acts()} >= {"create_clock", "open_account", "add_catalog_entries"}
    assert asked == set(ACTS) - set(ELSEWHERE)
    actors = {
        it["act"]: it["actor"] for it in call("audit", "list", "--json", "--limit", "500").json
    }
    assert (actors["add_webhook"], actors["import_numbers"]) == ("ann", "ann")
    assert actors["set_policy"] == "command line"


def _acts() -> list[tuple[str, str]]:
    """The records, the newest first: the act, and from where."""
    listed = call("audit", "list", "--json", "--limit", "500").json
    return [(record["act"], record["address"]) for record in listed]


def _walk(shop: Shop, database: str, folder: Path) -> Iterator[tuple[str, ...]]:
    """Each act once, in an order in which each is possible."""

    def file(name: str, content: str) -> str:
        (folder / name).write_text(content)
        return str(folder / name)

    yield "account", "export", shop.acme, "--to", str(folder / "acme.json")
    yield "policy", "load", file("policy.yaml", "policy: {reservation_days: 21}")
    yield (
        "catalog",
        "import",
        file("prices.csv", "sku,kind,months,currency,price\nFAX,addon,1,USD,3\n"),
    )
    yield "clock", "advance", shop.clock, "--to", "2021-01-16"
    numbers = file("numbers.csv", "number,sku\n+6561234567,DID\n")
    yield "number", "import", numbers, "--by", "ann"
    customers = file(
        "customers.csv",
        "id,account,currency,timezone,months,price,anchor,credits\n"
        f"{shop.s2},{shop.acme}-2,USD,UTC,1,5.00,2021-01-01,20.00\n",
    )
    yield "import", "file", customers, "--clock", shop.clock
    yield "import", "undo", str(call("import", "list", "--json").json[0]["id"]), "--yes"
    yield "webhook", "add", "crm", "http://127.0.0.1:9/", "--test-clocks", "--by", "ann"
    yield "webhook", "rotate", "crm"
    yield "webhook", "test", "crm"
    yield "webhook", "on", "crm"
    yield "mail", "on", "--from", "billing@example.com", "--seller", "ops@example.com"
    shop.buy()
    yield "message", "resend", str(call("message", "list", "--json").json[0]["id"])
    yield "mail", "off"
    yield "webhook", "remove", "crm", "--yes"
    yield "seller", "profile", "--name", "Northwind"
    yield "seller", "tax", "DE", "19", "--since", "2026-01-01"
    yield "seller", "top-up", "USD", "100.00", "--request-id", "bank-1"
    made = call("key", "create", "first", "--role", "viewer", "--json").json
    yield "key", "create", "shop", "--role", "platform"
    yield "key", "rotate", made["id"]
    yield "key", "revoke", made["id"]
    yield "limit", "set", "support", "USD", "--per-command", "10.00", "--per-day", "100.00"
    yield "limit", "remove", "support"
    ann = ("--name", "Ann", "--role", "admin", "--no-password")
    yield "staff", "add", "ann@example.com", *ann
    yield "staff", "role", "ann@example.com", "support"
    yield "staff", "require-codes", "yes"
    yield "staff", "sign-out", "ann@example.com"
    yield "staff", "disable", "ann@example.com"
    yield "staff", "enable", "ann@example.com"
    ids = file("ids.csv", f"{shop.s1}\n")
    call("extend", "--file", ids, "--cycles", "1", "--yes", "--no-watch", "--rate", "1")
    campaign = call("campaign", "list", "--json").json[0]["campaign"]
    assert "start_campaign" in [act for act, _ in _acts()]
    call("campaign", "show", campaign, "--watch")
    yield "campaign", "rate", campaign, "2"
    yield "campaign", "resume", campaign
    engine = create_engine(database)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE campaigns SET state = 'paused'")
    engine.dispose()
    yield "campaign", "pause", campaign
    yield "campaign", "stop", campaign
    yield ("reconcile",)
