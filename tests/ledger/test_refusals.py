"""Every refusal of a command is kept, with who asked for what and when, and can be explained."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import event

from activities.usage_batch import charge_usage
from core.domain.commands.extend import Extend
from core.domain.commands.recover import Recover
from core.domain.commands.top_up import TopUp
from core.domain.commands.transfer import Transfer
from core.domain.commands.usage import Usage
from core.ledger import refusals
from core.ledger.ledger import Ledger
from doors.application.previews import preview
from doors.queries.balance_reasons import balance_of
from doors.queries.explanations import explain_subscription
from doors.queries.refusals import refusals_about
from doors.queries.snapshot import NotFound
from tests.ledger.conftest import DAY, Shop

KEPT = (
    'SELECT account, subject_kind, subject, "do", request_id, rule, sentence, actor FROM refusals'
)


def recover(id_: str = "s1", **values: Any) -> Recover:
    return Recover(subscription=id_, **{"request_id": "r-1", "actor": "ann"} | values)


def test_rule_2_a_refusal_is_kept_with_who_asked_for_what_and_which_rule_refused(
    shop: Shop,
) -> None:
    shop.open()
    shop.buy()
    assert shop.do(recover()).refusal
    assert shop.rows(KEPT) == [
        (
            *("acme", "subscription", "s1", "recover", "r-1", "6.1"),
            *("recover is not possible while ACTIVE", "ann"),
        )
    ]
    assert shop.value("SELECT at FROM refusals") == DAY


def test_rule_11_1_a_refusal_of_an_account_names_the_account(shop: Shop) -> None:
    shop.open("acme", "10.00")
    shop.open("other")
    shop.do(Transfer(account="acme", to="other", amount=Decimal("10.01")))
    [(account, kind, subject, *_)] = shop.rows(KEPT)
    assert (account, kind, subject) == ("acme", "account", "acme")


def test_rule_4_1_a_purchase_that_was_refused_is_of_the_account_that_wanted_it(shop: Shop) -> None:
    shop.open("acme", "10.00")
    shop.buy("s9")
    shop.open("rich")
    shop.buy("s1", account="rich")
    shop.buy("s1")
    shop.do(recover("nowhere"))
    shop.do(recover("nowhere", request_id="r-2", account_hint="rich"))
    shop.do(TopUp(account="nobody", amount=Decimal(1)))
    assert [row[:4] for row in shop.rows(f"{KEPT} ORDER BY id")] == [
        ("acme", "subscription", "s9", "purchase"),
        ("acme", "subscription", "s1", "purchase"),
        ("", "subscription", "nowhere", "recover"),
        ("rich", "subscription", "nowhere", "recover"),
        ("", "account", "nobody", "top_up"),
    ]


def test_rule_4_2_the_same_request_of_the_same_instant_is_kept_once(shop: Shop) -> None:
    """An activity that is repeated after a crash asks again for the same instant."""
    shop.open()
    shop.buy()
    shop.do(recover())
    shop.do(recover())
    shop.do(recover(), DAY + timedelta(hours=1))
    assert shop.value("SELECT count(*) FROM refusals") == 2


def test_rule_2_what_is_done_runs_no_statement_for_refusals(shop: Shop) -> None:
    shop.open()
    statements: list[str] = []

    @event.listens_for(shop.ledger.engine, "before_cursor_execute")
    def heard(_: Any, __: Any, statement: str, *___: Any) -> None:
        statements.append(statement)

    shop.buy()
    shop.do(Extend(subscription="s1", cycles=1))
    shop.do(TopUp(account="acme", amount=Decimal(5)))
    assert statements
    assert not [it for it in statements if "refusals" in it]


def test_rule_2_a_preview_keeps_no_refusal(shop: Shop) -> None:
    shop.open()
    shop.buy()
    assert preview(shop.ledger, recover()).refusal
    assert shop.rows(KEPT) == []


def test_the_newest_refusals_of_an_account_are_kept(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of another account stay."""
    monkeypatch.setattr(refusals, "KEPT", 3)
    shop.open()
    shop.open("other")
    shop.buy()
    shop.buy("o1", account="other")
    shop.do(recover("o1"))
    for number in range(5):
        shop.do(recover(request_id=f"r-{number}"))
    shop.do(recover("nowhere"))
    found = shop.rows("SELECT account, request_id FROM refusals ORDER BY id")
    assert found == [
        ("other", "r-1"),
        ("acme", "r-2"),
        ("acme", "r-3"),
        ("acme", "r-4"),
        ("", "r-1"),
    ]


def test_many_refusals_of_an_account_at_once_are_all_kept(
    shop: Shop, at_once: Callable[[list[Callable[[], Any]]], list[Any]]
) -> None:
    shop.open()
    shop.buy()
    asked = [recover(request_id=f"r-{number}") for number in range(20)]
    results = at_once([lambda one=one: shop.do(one) for one in asked])
    assert all(result.refusal for result in results)
    assert shop.value("SELECT count(*) FROM refusals") == 20


def test_rule_11_1_refused_rows_of_a_batch_of_usage_are_kept(shop: Shop) -> None:
    """1,000 rows are charged in one transaction, and 999 of them are refused."""
    shop.open("acme", "10.00")
    rows = [
        Usage(account="acme", amount=Decimal("10.00"), text="calls", request_id=f"u-{number}")
        for number in range(1000)
    ]
    charge_usage(shop.ledger, DAY, {"acme": rows})
    found = shop.rows("SELECT request_id FROM refusals ORDER BY id")
    assert [row[0] for row in found] == [f"u-{number}" for number in range(900, 1000)]


def test_a_seller_sees_its_own_refusals_only(shop: Shop) -> None:
    """Another seller's account is unknown to it, and so are that seller's refusals."""
    shop.open()
    shop.buy()
    shop.do(recover())
    shop.run("INSERT INTO sellers (id) VALUES ('rival')")
    rival = Ledger(shop.ledger.engine, "rival")
    refusals.note(rival, recover(), shop.do(recover()).refusal, DAY)  # type: ignore[arg-type]
    assert shop.rows("SELECT seller, account FROM refusals ORDER BY id") == [
        ("main", "acme"),
        ("rival", ""),
    ]
    assert len(explain_subscription(shop.ledger, "s1").refused) == 1
    shop.run("DELETE FROM refusals WHERE seller = 'rival'")
    with pytest.raises(NotFound):
        refusals_about(rival, "s1")


def test_a_long_sentence_is_kept_up_to_a_bound(shop: Shop) -> None:
    shop.open()
    shop.buy()
    refusal = shop.do(recover()).refusal
    assert refusal
    long = replace(refusal, reason="x" * 5000)
    refusals.note(shop.ledger, recover(request_id="r-9"), long, DAY)
    kept = shop.value("SELECT sentence FROM refusals WHERE request_id = 'r-9'")
    assert kept == f"{'x' * 999}…"


def test_rule_2_explain_tells_what_was_refused_and_what_is_allowed(shop: Shop) -> None:
    shop.open("acme", "50.00")
    shop.buy()
    shop.do(recover())
    text = (
        "ann asked for recover of s1 (request r-1). Refused: recover is not possible while ACTIVE. "
        "recover is possible while ACTIVE, failed. It needs usable credits that cover the fee, or "
        "a card that may be charged for it."
    )
    [of_subscription] = explain_subscription(shop.ledger, "s1").refused
    assert (of_subscription.text, of_subscription.rule, of_subscription.at) == (text, "6.1", DAY)
    assert of_subscription.rows[0].startswith("refusal ")
    assert balance_of(shop.ledger, "acme").refused == [of_subscription]
    for asked in ("s1", "acme", "r-1"):
        assert refusals_about(shop.ledger, asked).reasons == [of_subscription]
    assert refusals_about(shop.ledger, "s1").answer == "1 command was refused."


def test_rule_4_1_explain_tells_of_a_purchase_that_was_refused(shop: Shop) -> None:
    """The subscription was never created."""
    shop.open("acme", "49.99")
    shop.buy("s9")
    found = refusals_about(shop.ledger, "s9")
    assert "usable 49.99 USD does not cover 50.00" in found.reasons[0].text
    with pytest.raises(NotFound, match="no refused request s8"):
        refusals_about(shop.ledger, "s8")


def test_explain_shows_the_newest_refusals_and_counts_the_others(shop: Shop) -> None:
    shop.open()
    shop.buy()
    for number in range(8):
        shop.do(recover(request_id=f"r-{number}"))
    found = explain_subscription(shop.ledger, "s1")
    assert (len(found.refused), found.refused_left_out) == (5, 3)
    assert "request r-7" in found.refused[0].text
    assert refusals_about(shop.ledger, "s1").answer == "8 commands were refused."
