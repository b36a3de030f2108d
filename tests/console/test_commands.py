"""Forms, previews and receipts of commands, and the page of a subscription."""

import re
from decimal import Decimal

import httpx
import pytest

from core.domain.commands import ACCOUNT_COMMANDS, COMMANDS, SUBSCRIPTION_COMMANDS
from core.domain.commands.suspend import Suspend
from core.domain.commands.top_up import TopUp
from core.domain.commands.unsubscribe import Unsubscribe
from core.domain.roles import Role
from core.ledger import api_requests
from core.ledger.api_requests import Asked
from doors.console import subscriptions
from doors.console.command_fields import document_of
from tests.console.conftest import Desk, words_of

_FIELD = re.compile(r'type="hidden" name="request_id" value="([^"]+)"')


def request_of(response: httpx.Response) -> dict[str, str]:
    """The request id of the form on a page."""
    return {"request_id": _FIELD.findall(response.text)[0]}


async def test_a_form_of_every_command_has_the_fields_of_its_description(desk: Desk) -> None:
    s, acme = await desk.shop.buy(), desk.shop.id("acme")
    for do in COMMANDS:
        subject = s if do in SUBSCRIPTION_COMMANDS else acme
        answer = await desk.get(f"/do/{do}/{subject}")
        assert answer.status_code == 200, (do, answer.text)
        if "This is not possible now" not in answer.text:
            assert _FIELD.search(answer.text), do


async def test_commands_on_what_is_not_there_are_refused_and_those_that_end_something_are_last(
    reading: Desk,
) -> None:
    """Rule 9."""
    s = await reading.shop.buy()
    page = await reading.page(f"/subscriptions/{s}")
    offered, refused = page.split("What you can do")[1].split("Not possible now")
    assert offered.index("Unsubscribe") < offered.index("Change owner") < offered.index("Terminate")
    for words in ("Remove number", "Swap number"):
        assert f"{words} It has no number. Rule 9" in refused
    assert "Unshare It is shared with no one. Rule 9" in refused
    assert "Withdraw changes No change is pending. Rule 9" in refused


async def test_a_field_of_which_one_is_needed_is_not_called_optional(reading: Desk) -> None:
    s = await reading.shop.buy()
    page = await reading.page(f"/do/extend/{s}")
    assert "Pay whole cycles in advance, or up to a day." in page
    assert "Fill in exactly one of: Cycles, To. Cycles How many" in page
    assert "Invoice number (optional)" in page


async def test_a_preview_does_nothing_and_the_command_does_what_it_says_once(desk: Desk) -> None:
    """Rule 4.2. A double click and a reload carry a command out once."""
    s = await desk.shop.buy()
    form = request_of(await desk.get(f"/do/extend/{s}")) | {"cycles": "1"}
    preview = await desk.send(f"/preview/extend/{s}", form)
    told = words_of(preview.text)
    assert "paid up to 14 March 2021" in told
    assert "$950.00 $900.00" in told
    assert desk.shop.balance() == "950.00"
    for _ in range(2):
        done = await desk.send(f"/do/extend/{s}", form)
        assert done.status_code == 303
    receipt = words_of((await desk.get(done.headers["location"])).text)
    assert f"{s} is extended: $50.00 paid, paid up to 14 March 2021." in receipt
    assert "admin person <admin@main.example.com>" in receipt
    assert desk.shop.balance() == "900.00"


async def test_a_request_that_is_changed_after_it_was_done_is_refused(desk: Desk) -> None:
    """Rule 4.2. The back button and another value."""
    s = await desk.shop.buy()
    form = request_of(await desk.get(f"/do/extend/{s}")) | {"cycles": "1"}
    await desk.send(f"/do/extend/{s}", form)
    other = await desk.send(f"/do/extend/{s}", form | {"cycles": "2"})
    assert other.status_code == 422
    assert "was used for something else Rule 4.2" in words_of(other.text).replace(". ", " ")
    assert desk.shop.balance() == "900.00"


async def test_a_request_of_another_door_is_refused_and_the_same_command_is_repeated(
    desk: Desk,
) -> None:
    """Rule 4.2. A request id is one request, by whichever door it comes."""
    perennial, acme = desk.shop.perennial, desk.shop.id("acme")
    form = request_of(await desk.get(f"/do/top_up/{acme}"))
    first = TopUp(account=acme, amount=Decimal("5.00"), request_id=form["request_id"], actor="a")
    assert (await perennial.do(first)).refusal is None
    same = await desk.send(f"/do/top_up/{acme}", form | {"amount": "5.00"})
    assert same.status_code == 303
    other = await desk.send(f"/do/top_up/{acme}", form | {"amount": "6.00"})
    assert other.status_code == 422
    form = request_of(await desk.get(f"/do/top_up/{acme}"))
    asked = Asked(request_id=form["request_id"], do="open_account", values={}, actor="key 1")
    api_requests.once(perennial.ledger, asked, lambda _: {})
    refused = await desk.send(f"/do/top_up/{acme}", form | {"amount": "5.00"})
    assert refused.status_code == 422
    assert "was used for something else Rule 4.2" in words_of(refused.text).replace(". ", " ")
    assert desk.shop.balance() == "1005.00"


async def test_wrong_input_is_told_at_its_field_and_keeps_what_was_typed(reading: Desk) -> None:
    acme = reading.shop.id("acme")
    form = request_of(await reading.get(f"/do/top_up/{acme}"))
    for typed in ("1,50", "-5", "abc", ""):
        answer = await reading.send(f"/preview/top_up/{acme}", form | {"amount": typed})
        assert answer.status_code == 400
        assert 'aria-invalid="true"' in answer.text, typed
        assert f'value="{typed}"' in answer.text
    answer = await reading.send(f"/preview/top_up/{acme}", {"amount": "5.00"})
    assert answer.status_code == 400
    assert "load the page again" in answer.text


async def test_a_refusal_names_its_rule_and_nothing_is_done(reading: Desk) -> None:
    acme = reading.shop.id("acme")
    form = request_of(await reading.get(f"/do/transfer/{acme}"))
    typed = {"to": "no-account", "amount": "5.00"}
    answer = await reading.send(f"/preview/transfer/{acme}", form | typed)
    assert answer.status_code == 422
    assert "It is refused" in answer.text
    assert "Rule 11.9" in answer.text or "Rule 4.1" in answer.text


async def test_a_page_offers_what_the_state_and_the_role_allow(desk: Desk) -> None:
    """Rule 2, Rule 11.8."""
    s, acme = await desk.shop.buy(), desk.shop.id("acme")
    page = (await desk.get(f"/subscriptions/{s}")).text
    assert f'href="/do/extend/{s}"' in page
    assert f'href="/do/reactivate/{s}"' not in page
    assert "Reactivate is not possible while ACTIVE" in words_of(page)
    viewer = await desk.page(f"/subscriptions/{s}", Role.VIEWER)
    assert "Your role may do nothing here now" in viewer
    await desk.shop.perennial.do(Suspend(account=acme, request_id=desk.shop.id("suspend")))
    halted = (await desk.get(f"/subscriptions/{s}")).text
    assert f'href="/do/extend/{s}"' not in halted
    assert f"account {acme} is suspended" in words_of(halted).lower()
    assert f'href="/do/terminate/{s}"' in halted


async def test_a_subscription_tells_what_comes_and_why(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriptions, "QUERY_SECONDS", 300.0)
    s = await desk.shop.buy()
    page = await desk.page(f"/subscriptions/{s}")
    assert "Told by its workflow just now" in page
    assert "Next: renew on 7 Feb 2021, 00:00" in page
    assert "Rule 5.1" in page
    html = (await desk.get(f"/subscriptions/{s}")).text
    assert html.count('class="period paid"') == 1
    assert html.count('class="period coming"') == 2
    assert len(html.encode()) < 150_000


async def test_a_workflow_that_does_not_answer_is_told_and_what_is_committed_is_shown(
    reading: Desk,
) -> None:
    s = await reading.shop.buy()
    page = await reading.page(f"/subscriptions/{s}")
    assert "did not respond within half a second" in page
    assert "Next: renew on 7 Feb 2021, 00:00" in page


async def test_switching_off_is_seen_and_can_be_taken_back(desk: Desk) -> None:
    s = await desk.shop.buy()
    await desk.shop.perennial.do(Unsubscribe(subscription=s, request_id=desk.shop.id("off")))
    page = (await desk.get(f"/subscriptions/{s}")).text
    assert "auto-renewal off" in page
    assert f'href="/do/resubscribe/{s}"' in page
    assert 'class="period coming"' not in page


def test_a_blank_card_removes_it_and_other_blank_fields_are_left_out() -> None:
    assert document_of(ACCOUNT_COMMANDS["set_card"], {"account": "a", "card": " "}) == {
        "account": "a",
        "card": None,
    }
    assert document_of(ACCOUNT_COMMANDS["set_account"], {"account": "a", "mode": ""}) == {
        "account": "a"
    }
