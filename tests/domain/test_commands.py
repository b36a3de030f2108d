"""Rule 4.2: the fingerprint of a command. Refusals and faults as a person sees them."""

import dataclasses
from datetime import date
from decimal import Decimal

import pytest

from core.domain.commands.base import Command
from core.domain.commands.extend import Extend
from core.domain.commands.purchase import Pay, Purchase
from core.domain.commands.recover import Recover
from core.domain.commands.terminate import Terminate
from core.domain.commands.top_up import TopUp
from core.domain.faults import Fault, Faults
from core.domain.refusal import Refusal, Refused
from core.domain.subscription import Contract

PURCHASE = Purchase(subscription="s1", account="acme", sku="PRO-M")


def test_rule_4_2_defaults_are_filled_in_before_commands_are_compared() -> None:
    assert (
        PURCHASE.fingerprint()
        == Purchase(
            subscription="s1", account="acme", sku="PRO-M", quantity=1, multiplier=1, addons={}
        ).fingerprint()
    )


@pytest.mark.parametrize(
    "other",
    [
        dataclasses.replace(PURCHASE, subscription="s2"),
        dataclasses.replace(PURCHASE, account="other"),
        dataclasses.replace(PURCHASE, sku="BIZ-M"),
        dataclasses.replace(PURCHASE, quantity=2),
        dataclasses.replace(PURCHASE, multiplier=2),
        dataclasses.replace(PURCHASE, addons={"SEAT": 1}),
        dataclasses.replace(PURCHASE, legacy=True),
    ],
    ids=repr,
)
def test_rule_4_2_any_other_value_is_another_command(other: Purchase) -> None:
    assert other.fingerprint() != PURCHASE.fingerprint()


def test_rule_4_2_who_asks_and_under_which_request_id_is_no_value_of_the_command() -> None:
    assert (
        dataclasses.replace(PURCHASE, request_id="r1", actor="support").fingerprint()
        == PURCHASE.fingerprint()
    )
    assert (
        Recover(subscription="s1", account_hint="acme").fingerprint()
        == Recover(subscription="s1").fingerprint()
    )


def test_rule_4_2_commands_of_different_kinds_differ() -> None:
    assert (
        Recover(subscription="s1").fingerprint()
        != Terminate(subscription="s1", reason="").fingerprint()
    )


def test_rule_4_2_an_amount_is_compared_by_value_and_a_day_by_its_date() -> None:
    assert (
        TopUp(account="acme", amount=Decimal("50.00")).fingerprint()
        == TopUp(account="acme", amount=Decimal("5E+1")).fingerprint()
    )
    assert (
        TopUp(account="acme", amount=Decimal(50)).fingerprint()
        != TopUp(account="acme", amount=Decimal("50.01")).fingerprint()
    )
    assert (
        Extend(subscription="s1", to=date(2021, 1, 31)).fingerprint()
        != Extend(subscription="s1", to=date(2021, 2, 28)).fingerprint()
    )


def test_addons_are_compared_whatever_their_order() -> None:
    one, other = (
        dataclasses.replace(PURCHASE, addons={"A": 1, "B": 2}),
        dataclasses.replace(PURCHASE, addons={"B": 2, "A": 1}),
    )
    assert one.fingerprint() == other.fingerprint()


def test_a_value_without_a_canonical_form_is_a_defect() -> None:
    command: Command = TopUp(account="acme", amount=Decimal(1))
    object.__setattr__(command, "amount", {1, 2})
    with pytest.raises(TypeError, match="set has no canonical form"):
        command.fingerprint()


def test_a_refusal_tells_its_rule() -> None:
    assert str(Refusal("6.1", "nothing has failed")) == "nothing has failed (rule 6.1)"
    assert Refused("6.1", "nothing has failed").refusal == Refusal("6.1", "nothing has failed")
    assert str(Refused("6.1", "nothing has failed")) == "nothing has failed (rule 6.1)"


def test_faults_are_told_one_a_line() -> None:
    faults = Faults([Fault("policy.notify", "a"), Fault("policy.retry_days[1]", "b")])
    assert str(faults) == "policy.notify: a\npolicy.retry_days[1]: b"
    assert faults.faults == (Fault("policy.notify", "a"), Fault("policy.retry_days[1]", "b"))


def test_rule_4_2_a_contract_whose_kind_is_not_named_is_as_incurred() -> None:
    values = {"subscription": "s1", "account": "acme", "sku": "PRO-M", "pay": Pay.CONTRACT}
    unnamed = Purchase(**values)  # type: ignore[arg-type]
    assert unnamed.contract_kind is Contract.AS_INCURRED
    named = dataclasses.replace(unnamed, contract=Contract.AS_INCURRED)
    assert named.fingerprint() == unnamed.fingerprint()
    other = dataclasses.replace(unnamed, contract=Contract.MILESTONE)
    assert other.fingerprint() != unnamed.fingerprint()
    assert PURCHASE.contract_kind is None
