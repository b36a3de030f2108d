"""The bench of every query, on a ledger that is small enough for a test."""

from bench import scale
from core.ledger.database import connect
from core.ledger.ledger import Ledger
from doors.queries.balance_reasons import balance_of
from doors.queries.list_names import MoneyReport, WorkList
from doors.queries.work_lists import work_list
from local.app_role import as_workers


def test_every_query_runs_on_a_filled_ledger_and_reconciliation_finds_no_fault(
    database: str,
) -> None:
    engine = connect(database)
    scale.fill(engine, scale.Size(subscriptions=200, operations=3000, invoices=1200))
    workers = connect(as_workers(database))
    figures = list(scale.run(workers, engine))
    workers.dispose()
    assert len(figures) > 25
    without = [figure for figure in figures if figure.bar is None]
    assert len(without) == len(MoneyReport)
    ledger = Ledger(engine)
    assert len(work_list(ledger, WorkList.FAILED)) == 5
    assert len(work_list(ledger, WorkList.EXPIRED)) == 4
    assert 0 < len(work_list(ledger, WorkList.EXPIRING)) < 10
    with engine.connect() as connection:
        count = "SELECT count(*) FROM verified_balances WHERE differs"
        assert connection.exec_driver_sql(count).scalar() == 0
        count = "SELECT count(*) FROM invoices WHERE number IS NULL"
        assert connection.exec_driver_sql(count).scalar() == 0
        sums = "SELECT account FROM verified_balances WHERE sums <> '{}'"
        accounts = connection.exec_driver_sql(sums).scalars().all()
        assert len(accounts) > 100
        for account in accounts:
            balance = balance_of(ledger, account)
            assert "Run reconcile" not in balance.answer
        count = """SELECT count(*) FROM subscriptions LEFT JOIN policies
                     ON policies.version = policy_version WHERE policies.version IS NULL"""
        assert connection.exec_driver_sql(count).scalar() == 0
    engine.dispose()
