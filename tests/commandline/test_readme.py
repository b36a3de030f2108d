"""The README's first look works as it is printed, up to a first renewal."""

import re
import shlex

import pytest
import yaml

from core.domain import catalog, policy
from core.domain.catalog import SkuKind
from settings import PROJECT
from tests.commandline.conftest import Answer, call

README = (PROJECT / "README.md").read_text()
FIRST_LOOK = README.partition("## A first look")[2].partition("\n## ")[0]
COMMANDS = [
    shlex.split(line, comments=True)
    for line in re.findall(r"^    \.venv/bin/python starter\.py (.*)$", FIRST_LOOK, re.MULTILINE)
]
ELSEWHERE = ("simulate", "stack")
"""Commands that need servers of their own. Other tests run them."""
IDS = ("acme", "s1", "spring")


@pytest.mark.usefixtures("workers")
def test_the_first_look_leads_from_an_empty_seller_to_a_first_renewal(
    unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ids are made unique, because tests share a Temporal server."""
    monkeypatch.chdir(PROJECT)
    told: dict[str, Answer] = {}
    for words in COMMANDS:
        if words[0] not in ELSEWHERE:
            own = [unique + word if word in IDS else word for word in words]
            told[" ".join(words[:2])] = answer = call(*own)
            assert answer.code == 0, (words, answer.err)
    assert "paid up to 31 March 2026" in told["purchase acme"].out
    assert "renewed on 24 March 2026 for $50.00" in told["explain s1"].out
    assert "$20.00" in told["transactions acme"].out


def test_the_first_look_names_what_a_newcomer_needs() -> None:
    assert [words[0] for words in COMMANDS] == [
        *("simulate", "stack", "policy", "catalog", "clock", "account"),
        *("top-up", "purchase", "clock", "explain", "transactions"),
    ]


def test_help_names_each_field_of_an_entry_and_each_kind() -> None:
    told = " ".join(call("catalog", "load", "--help").out.split())
    text = (PROJECT / "examples" / "catalog.yaml").read_text()
    for word in (*catalog._KEYS, *SkuKind):
        assert re.search(rf"\b{word}\b", told), word
        assert re.search(rf"^# .*\b{word}\b", text, re.MULTILINE), word


def test_the_example_of_a_policy_says_the_defaults_but_for_its_fee() -> None:
    found = policy.load(yaml.safe_load((PROJECT / "examples" / "policy.yaml").read_text()))
    defaults = policy.Policy()
    assert {
        name
        for name in policy.Policy.__dataclass_fields__
        if getattr(found, name) != getattr(defaults, name)
    } == {"refund_admin_fee"}
