"""What is above the limits of a role waits, is shown with its preview, and runs once."""

from decimal import Decimal
from uuid import uuid4

from core.domain.roles import Role
from core.domain.second_person import MoneyLimit
from core.ledger import money_limits
from tests.console.conftest import Desk


async def asked(desk: Desk, amount: str = "30.00", role: Role = Role.FINANCE) -> str:
    """Ask for an adjustment above the limit of the role. Returns the path of the approval."""
    made = MoneyLimit(currency="USD", per_command=Decimal(20), per_day=Decimal(20))
    with desk.shop.perennial.ledger.engine.begin() as connection:
        money_limits.set_limit(connection, "main", role, made)
    form = {"amount": amount, "reason": "goodwill", "request_id": f"console/{uuid4()}"}
    answer = await desk.send(f"/do/adjust/{desk.shop.id('acme')}", form, role)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def test_a_second_person_sees_the_preview_and_approves_once(desk: Desk) -> None:
    path = await asked(desk)
    id_ = path.rpartition("/")[2]
    own = await desk.page(path, Role.FINANCE)
    assert "You have asked for it. A second one with the role admin or finance" in own
    alone = await desk.send(f"/approval-decisions/approve/{id_}", {}, Role.FINANCE)
    assert alone.status_code == 400
    assert "a second one is needed" in alone.text
    assert "Adjust" in await desk.page("/approvals", Role.SUPPORT)
    before = Decimal(desk.shop.balance())
    page = await desk.page(path)
    assert "the limit of a command is $20.00" in page
    assert f"Usable ${before:,.2f} ${before + 30:,.2f}" in page
    assert "Approve Refuse" in page
    for _ in range(2):  # A double click
        done = await desk.send(f"/approval-decisions/approve/{id_}", {})
        assert (done.status_code, done.headers["location"]) == (303, path)
    assert Decimal(desk.shop.balance()) == before + 30
    page = await desk.page(path)
    assert "Decided by admin person" in page
    assert "Approve" not in page.partition("Request")[2]
    assert "Nothing waits for a second person" in await desk.page("/approvals")
    assert id_ in (await desk.get("/approvals?state=done")).text


async def test_it_is_refused_by_another_one_and_withdrawn_by_its_asker(desk: Desk) -> None:
    before = desk.shop.balance()
    path = await asked(desk)
    refusal = f"/approval-decisions/refuse/{path.rpartition('/')[2]}"
    assert (await desk.send(refusal, {}, Role.SUPPORT)).status_code == 403
    assert (await desk.send(refusal, {})).status_code == 303
    assert "refused" in await desk.page(path)
    path = await asked(desk)
    assert "Withdraw" in await desk.page(path, Role.FINANCE)
    refusal = f"/approval-decisions/refuse/{path.rpartition('/')[2]}"
    assert (await desk.send(refusal, {}, Role.FINANCE)).status_code == 303
    assert desk.shop.balance() == before
