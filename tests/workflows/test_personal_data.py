"""The relay erases an account whose process has died, and the runs of its workflows."""

from decimal import Decimal
from typing import Any

import pytest

from activities.number_invoices import number_invoices
from core.domain.commands.adjust import Adjust
from core.domain.commands.assign import Assign
from core.domain.commands.close_account import CloseAccount
from core.domain.commands.erase_account import EraseAccount
from core.domain.commands.terminate import Terminate
from core.protocol.workflow_messages import account_workflow, subscription_workflow
from doors.service.relay import Relay
from tests.workflows.shop import Shop

USER = "zebulon@quux.example"
HELD = "SELECT count(*) FROM history WHERE strpos(facts::text, 'quux') > 0"


async def test_the_relay_erases_the_rows_and_the_runs(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    perennial, ledger = shop.perennial, shop.perennial.ledger
    service, deleted = perennial.temporal.workflow_service, list[str]()
    delete = service.delete_workflow_execution

    async def noted(request: Any) -> Any:
        deleted.append(request.workflow_execution.workflow_id)
        return await delete(request)

    monkeypatch.setattr(service, "delete_workflow_execution", noted)

    def held() -> int:
        with ledger.engine.connect() as connection:
            return int(connection.exec_driver_sql(HELD).scalar_one())

    account = await shop.account()
    s = await shop.buy()
    assert (await perennial.do(Assign(subscription=s, assignee=USER))).refusal is None
    assert (await perennial.do(Terminate(subscription=s, reason="gone"))).refusal is None
    back = Adjust(account=account, amount=-Decimal(shop.balance()), reason="paid out")
    assert (await perennial.do(back)).refusal is None
    number_invoices(ledger)
    assert (await perennial.do(CloseAccount(account=account))).refusal is None
    assert (await perennial.do(EraseAccount(account=account))).refusal is None
    assert held() == 1
    done = await Relay(perennial).erase()
    assert (done.erased, done.failed) == (1, 0)
    assert held() == 0
    assert {account_workflow(account), subscription_workflow(s)} == set(deleted)
    assert (await Relay(perennial).erase()).erased == 0
    await perennial.finish_erasing(account)
