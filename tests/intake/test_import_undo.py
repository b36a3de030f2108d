"""Imports onto a day in the future, and imports that are taken back (docs/import.md).

Today is 2024-03-15, unless a test says otherwise: the test clock stands at 20:00Z.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import IntegrityError
from temporalio.client import Client

from activities import undo_import
from activities.reconciliation.reconcile import Reconciliation
from activities.reconciliation.workflow_port import Limits
from activities.registry import Activities
from core.domain import catalog as catalogs
from core.domain import policy
from core.domain.commands.set_account import SetAccount
from core.domain.commands.top_up import TopUp
from core.domain.findings import FindingKind, Part, ReconcileRequest
from core.gateways.simulated_cards import SimulatedCards
from core.ledger import stored_terms
from core.ledger.database import connect
from core.ledger.ledger import Ledger
from core.ledger.tables import Clock
from doors.application import test_clocks
from doors.application.direct_engine import Direct
from doors.application.perennial import Perennial
from doors.intake.customer_import import import_file
from doors.intake.import_report import ImportReport
from doors.intake.import_undo import UndoReport, all_imports, imports_named, undo_imports
from doors.intake.number_import import import_number_file
from settings import Settings
from tests.domain.made import at
from tests.ledger.test_least_privilege import Busy

NOW = at("2024-03-15T20:00")
HEADER = "id,account,currency,timezone,months,price,anchor,credits,auto_renew\n"
#: Tables that are as before when an import was undone.
ALL = (
    "accounts",
    "subscriptions",
    "operations",
    "postings",
    "periods",
    "period_charges",
    "steps",
    "messages",
    "tellings",
    "trials",
    "refusals",
    "invoices",
)


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    ledger = Ledger(connect(database))
    with ledger.engine.begin() as connection:
        connection.execute(insert(Clock).values(id="c", now=NOW))
    yield ledger
    ledger.engine.dispose()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Four customers. Two of them share an account."""
    file = tmp_path / "customers.csv"
    file.write_text(
        HEADER
        + "s1,a1,EUR,UTC,1,30.00,2024-02-10,70.00,yes\n"
        + "s2,both,EUR,UTC,1,30.00,2024-02-20,10.00,yes\n"
        + "s3,both,EUR,UTC,12,300.00,2024-02-25,5.00,yes\n"
        + "s4,a4,EUR,UTC,1,30.00,2024-03-01,0,no\n"
    )
    return file


def take(ledger: Ledger, file: Path, **options: Any) -> ImportReport:
    return asyncio.run(import_file(ledger, file, **{"clock": "c", **options}))


def undo(ledger: Ledger, name: object, **options: Any) -> UndoReport:
    lines = imports_named(ledger, str(name))
    assert lines
    return asyncio.run(undo_imports(ledger, lines, **options))


def rows(ledger: Ledger, query: str) -> list[Any]:
    with ledger.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def contents(ledger: Ledger) -> dict[str, list[Any]]:
    return {table: rows(ledger, f"SELECT * FROM {table} ORDER BY 1, 2") for table in ALL}


def engine(ledger: Ledger) -> Direct:
    return Direct(Activities(ledger, SimulatedCards(ledger.engine)))


def advance(ledger: Ledger, until: str) -> None:
    asyncio.run(test_clocks.advance(ledger, engine(ledger), "c", at(until)))


# a day in the future ------------------------------------------------------------------------------


def test_rule_1_3_rows_are_judged_as_of_the_day_on_which_perennial_takes_over(
    ledger: Ledger, file: Path
) -> None:
    """On 2024-05-01: s1 is paid up to 05-09, s2 to 05-19, s3 to 2025-02-24, s4 to 05-31."""
    take(ledger, file, as_of=date(2024, 5, 1))
    found = rows(ledger, "SELECT id, expiry, months_paid FROM subscriptions ORDER BY id")
    assert found == [
        ("s1", date(2024, 5, 9), 3),
        ("s2", date(2024, 5, 19), 3),
        ("s3", date(2025, 2, 24), 12),
        ("s4", date(2024, 5, 31), 3),
    ]


def test_nothing_is_due_before_the_day_on_which_perennial_takes_over(
    ledger: Ledger, file: Path
) -> None:
    """s2 would renew on 05-12 by itself. Its renewal date is past on 05-15, so it is tried then."""
    take(ledger, file, as_of=date(2024, 5, 15))
    assert rows(ledger, "SELECT subject, kind, due FROM steps ORDER BY subject") == [
        ("s1", "renew", at("2024-06-02")),
        ("s2", "attempt", at("2024-05-15")),
        ("s3", "renew", at("2025-02-17")),
        ("s4", "expire", at("2024-06-01")),
    ]
    first = rows(ledger, "SELECT min(due) FROM messages")
    assert first[0][0] > at("2024-05-15")
    before = rows(ledger, "SELECT * FROM operations ORDER BY id")
    advance(ledger, "2024-05-14T23:59")
    assert rows(ledger, "SELECT * FROM operations ORDER BY id") == before
    advance(ledger, "2024-05-15T00:00")
    failed = rows(ledger, "SELECT subscription FROM history WHERE event = 'renewal_failed'")
    assert failed == [("s2",)]


def test_the_day_begins_in_the_zone_of_the_account(ledger: Ledger, tmp_path: Path) -> None:
    file = tmp_path / "zones.csv"
    file.write_text(
        HEADER
        + "s1,a1,EUR,Asia/Tokyo,1,30.00,2024-04-05,0,yes\n"
        + "s2,a2,EUR,America/Los_Angeles,1,30.00,2024-04-05,0,yes\n"
    )
    take(ledger, file, as_of=date(2024, 5, 1))
    assert rows(ledger, "SELECT subject, due FROM steps ORDER BY subject") == [
        ("s1", at("2024-04-30T15:00")),
        ("s2", at("2024-05-01T07:00")),
    ]


def test_a_day_that_has_begun_is_today(ledger: Ledger, file: Path) -> None:
    take(ledger, file, as_of=date(2024, 1, 1), prefix="x-")
    take(ledger, file)
    found = rows(ledger, "SELECT replace(id, 'x-', ''), expiry, planned_at FROM subscriptions")
    assert len(found) == 8
    assert len(set(found)) == 4


# taking back --------------------------------------------------------------------------------------


def test_what_came_in_is_gone_and_the_history_tells_of_both(ledger: Ledger, file: Path) -> None:
    before = contents(ledger)
    report = take(ledger, file)
    assert report.imported == 4
    undone = undo(ledger, report.import_id, actor="ann")
    assert (undone.undone, undone.kept, undone.dry_run) == (4, 0, False)
    assert contents(ledger) == before
    lines = rows(
        ledger,
        "SELECT subscription, account, event, amount, actor FROM history ORDER BY seq OFFSET 4",
    )
    assert lines == [
        ("s1", "a1", "import_undone", Decimal(-70), "ann"),
        ("s2", "both", "import_undone", Decimal(-10), "ann"),
        ("s3", "both", "import_undone", Decimal(-5), "ann"),
        ("s4", "a4", "import_undone", None, "ann"),
    ]
    (line,) = all_imports(ledger)
    assert (line.rows, line.undone, line.file) == (4, 4, "customers.csv")


@pytest.mark.parametrize("dry_run", [False, True])
def test_what_a_concurrent_undoing_takes_back_is_neither_undone_again_nor_kept(
    ledger: Ledger, file: Path, monkeypatch: pytest.MonkeyPatch, dry_run: bool
) -> None:
    """The other one takes everything back after the rows were read, before the lock."""
    before, import_id = contents(ledger), take(ledger, file).import_id
    lines, read = imports_named(ledger, str(import_id)), undo_import.imports.page
    others = list[UndoReport]()

    def page(*arguments: Any, **options: Any) -> Any:
        found = read(*arguments, **options)
        if found and not others:
            monkeypatch.undo()
            with ThreadPoolExecutor() as pool:
                other = pool.submit(lambda: asyncio.run(undo_imports(ledger, lines)))
                others.append(other.result())
        return found

    monkeypatch.setattr(undo_import.imports, "page", page)
    report = asyncio.run(undo_imports(ledger, lines, dry_run=dry_run))
    assert (others[0].undone, others[0].kept) == (4, 0)
    assert (report.undone, report.kept, report.first_kept) == (0, 0, ())
    assert contents(ledger) == before


def test_the_same_ids_can_be_imported_again_with_another_zone_and_are_reconciled(
    ledger: Ledger, file: Path
) -> None:
    first = take(ledger, file)
    reconcile(ledger)
    undo(ledger, first.import_id)
    assert reconcile(ledger) == []
    file.write_text(file.read_text().replace("EUR,UTC", "USD,Asia/Tokyo"))
    again = take(ledger, file)
    assert again.imported == 4
    assert again.import_id != first.import_id
    assert rows(ledger, "SELECT DISTINCT currency, timezone FROM accounts") == [
        ("USD", "Asia/Tokyo")
    ]
    assert reconcile(ledger) == []
    assert rows(ledger, "SELECT balance FROM accounts WHERE id = 'both'") == [(Decimal(15),)]


def reconcile(ledger: Ledger) -> list[Any]:
    """What reconciliation finds, except that no workflow was started."""
    found: list[Any] = []
    work = Reconciliation(ledger, SimulatedCards(ledger.engine), Busy(), Limits())
    for full in (False, True):
        for part in Part:
            after: str | None = ""
            while after is not None:
                request = ReconcileRequest(part=part, now=NOW, after=after, full=full)
                result = asyncio.run(work.reconcile(request))
                found += [it for it in result.findings if it.kind is not FindingKind.NOT_STARTED]
                after = result.after
    return found


def test_the_same_file_unchanged_is_a_new_import_after_it_was_undone(
    ledger: Ledger, file: Path
) -> None:
    first = take(ledger, file)
    undo(ledger, first.import_id)
    again = take(ledger, file)
    assert (again.imported, again.import_id != first.import_id) == (4, True)
    assert undo(ledger, first.import_id).undone == 0
    assert len(contents(ledger)["subscriptions"]) == 4


def test_a_file_that_is_imported_in_two_parts_is_one_import(ledger: Ledger, file: Path) -> None:
    first = take(ledger, file, limit=2)
    second = take(ledger, file)
    assert (first.imported, second.imported, second.there) == (2, 2, 2)
    assert first.import_id == second.import_id
    assert undo(ledger, first.import_id).undone == 4


def test_an_account_to_which_something_has_happened_stays_as_a_whole(
    ledger: Ledger, file: Path, tmp_path: Path
) -> None:
    """s2 renews on 2024-03-15 with the wallet of its account. s3 shares this account."""
    report = take(ledger, file)
    top_up = TopUp(account="both", amount=Decimal("50.00"))
    assert asyncio.run(engine(ledger).command(top_up, NOW)).refusal is None
    kept = tmp_path / "kept.csv"
    undone = undo(ledger, report.import_id, kept=kept)
    assert (undone.undone, undone.kept) == (2, 1)
    assert kept.read_text().splitlines()[1].startswith("both,")
    assert rows(ledger, "SELECT id FROM subscriptions ORDER BY id") == [("s2",), ("s3",)]
    assert reconcile(ledger) == []


@pytest.mark.parametrize(
    ("happens", "why"),
    [
        ("renewal", "renewal failed on 2024-03-15"),
        ("settings", "its settings were changed"),
        ("other", "its subscription t1 did not come in with this import"),
    ],
)
def test_what_has_happened_is_said(
    ledger: Ledger, file: Path, tmp_path: Path, happens: str, why: str
) -> None:
    file.write_text(HEADER + "s1,a1,EUR,UTC,1,30.00,2024-02-20,0,yes\n")
    report = take(ledger, file)
    match happens:
        case "renewal":
            advance(ledger, "2024-03-15T20:00")
        case "settings":
            again = "s1,a1,EUR,UTC,1,30.00,2024-03-01,0,yes"
            undo(ledger, report.import_id)
            file.write_text(f"{HEADER}{again}\n")
            report = take(ledger, file)
            asyncio.run(engine(ledger).command(SetAccount(account="a1", renew_by_card=True), NOW))
        case _:
            other = tmp_path / "other.csv"
            other.write_text(HEADER + "t1,a1,EUR,UTC,1,30.00,2024-03-01,0,yes\n")
            take(ledger, other)
    undone = undo(ledger, report.import_id, dry_run=True)
    assert undone.undone == 0
    assert undone.first_kept[0].subject == "a1"
    assert undone.first_kept[0].why.startswith(why)
    assert undo(ledger, report.import_id).undone == 0
    assert len(rows(ledger, "SELECT 1 FROM subscriptions WHERE id = 's1'")) == 1


def test_a_prefix_takes_back_all_its_imports_also_those_that_share_an_account(
    ledger: Ledger, file: Path, tmp_path: Path
) -> None:
    take(ledger, file, prefix="try-")
    other = tmp_path / "other.csv"
    other.write_text(HEADER + "t1,both,EUR,UTC,1,30.00,2024-03-01,0,yes\n")
    take(ledger, other, prefix="try-")
    take(ledger, other, prefix="real-")
    undone = undo(ledger, "try-")
    assert (undone.undone, undone.kept) == (5, 0)
    assert rows(ledger, "SELECT id FROM subscriptions") == [("real-t1",)]


def test_batches_are_small_and_an_account_larger_than_a_batch_goes_as_a_whole(
    ledger: Ledger, tmp_path: Path
) -> None:
    file = tmp_path / "large.csv"
    lines = [
        f"s{n:02},{'big' if n > 4 else n},EUR,UTC,1,30.00,2024-03-01,1,yes\n" for n in range(25)
    ]
    file.write_text(HEADER + "".join(lines))
    report = take(ledger, file)
    looked = undo(ledger, report.import_id, batch=3, dry_run=True)
    assert (looked.undone, looked.kept) == (25, 0)
    told: list[tuple[int, int]] = []
    undone = undo(ledger, report.import_id, batch=3, progress=lambda *done: told.append(done))
    assert undone.undone == 25
    assert told[-1][1] == 25
    assert contents(ledger)["subscriptions"] == []


class Ender:
    """Ends workflows. It can be away."""

    def __init__(self, *, away: int = 0) -> None:
        self.ended: list[str] = []
        self.away = away

    async def end_all(self, subscriptions: Sequence[str], reason: str) -> None:
        """Note which. Raise at first, as often as it is away."""
        assert reason
        if self.away:
            self.away -= 1
            raise ConnectionError("away")
        self.ended += subscriptions


def test_an_undoing_that_was_killed_ends_the_workflows_that_are_left_over(
    ledger: Ledger, file: Path
) -> None:
    report = take(ledger, file)
    ender = Ender(away=0)
    ender.away = 1
    with pytest.raises(ConnectionError):
        undo(ledger, report.import_id, ender=ender, batch=2)
    assert ender.ended == []
    # Its workflow may still run, so this id does not come in again yet.
    refused = take(ledger, file)
    assert refused.imported < 4
    assert "has not ended" in refused.faults[0].reason
    undo(ledger, report.import_id, ender=ender, batch=2)
    assert sorted(ender.ended) == ["s1", "s2", "s3", "s4"]
    assert take(ledger, file).faulty == 0


class Workflows:
    """Temporal, as far as starts and ends go. `before_start` happens once, before the first."""

    def __init__(self, before_start: Callable[[], object]) -> None:
        self.running: set[str] = set()
        self._before = [before_start]

    async def start_workflow(self, _kind: str, _start: object, **options: Any) -> None:
        """Start a workflow."""
        while self._before:
            await asyncio.to_thread(self._before.pop())
        self.running.add(options["id"])

    def get_workflow_handle(self, id_: str) -> Any:
        """The handle of a workflow, which can be terminated."""

        async def terminate(reason: str) -> None:
            assert reason
            self.running.discard(id_)

        return SimpleNamespace(terminate=terminate)


@pytest.mark.parametrize("undone", [True, False])
def test_the_relay_leaves_no_workflow_when_an_import_is_undone_meanwhile(
    ledger: Ledger, file: Path, undone: bool
) -> None:
    """The relay has read what has no workflow. Before it starts the first one, all is taken back.

    The undoing ends workflows when nothing runs yet. So the relay ends what it starts afterwards.
    """
    report = take(ledger, file)
    ender = Ender()

    def meanwhile() -> None:
        if undone:
            undo(ledger, report.import_id, ender=ender)

    workflows = Workflows(meanwhile)
    relay = Perennial(ledger, cast("Client", workflows), Settings())
    assert asyncio.run(relay.start_missing()) == 4
    assert len(ender.ended) == (4 if undone else 0)
    assert len(workflows.running) == (0 if undone else 4)


@pytest.mark.parametrize("place", ["before", "after"])
def test_an_undoing_that_is_killed_at_a_commit_and_run_again_takes_all_back(
    ledger: Ledger, file: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = take(ledger, file)
    before = contents(ledger)
    assert len(before["subscriptions"]) == 4
    reached = 0

    def reach(name: str) -> None:
        nonlocal reached
        if name == f"undo_import.{place}_commit":
            reached += 1
            if reached == 2:
                raise KeyboardInterrupt

    monkeypatch.setattr("core.ledger.failpoints.reach", reach)
    with pytest.raises(KeyboardInterrupt):
        undo(ledger, report.import_id, batch=1)
    undo(ledger, report.import_id, batch=1)
    assert all(not found for found in contents(ledger).values())
    events = rows(ledger, "SELECT subscription FROM history WHERE event = 'import_undone'")
    assert sorted(events) == [("s1",), ("s2",), ("s3",), ("s4",)]


# guards -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM subscriptions",
        "DELETE FROM accounts",
        "DELETE FROM operations",
        "DELETE FROM postings",
        "DELETE FROM periods",
        "DELETE FROM messages",
        "DELETE FROM imports",
        "DELETE FROM imported",
        "TRUNCATE postings",
        "UPDATE imported SET subject = 'x'",
        "SELECT undo_import('{}', '{a1}', now()); DELETE FROM subscriptions",
    ],
)
def test_rule_11_3_no_other_way_deletes(ledger: Ledger, file: Path, statement: str) -> None:
    take(ledger, file)
    with pytest.raises(IntegrityError), ledger.engine.begin() as connection:
        connection.execute(text(statement))


def test_rule_11_3_the_database_itself_refuses_to_undo_what_something_has_happened_to(
    ledger: Ledger, file: Path
) -> None:
    report = take(ledger, file)
    asyncio.run(engine(ledger).command(TopUp(account="a1", amount=Decimal(5)), NOW))
    undo_it = text("SELECT undo_import(:ids, '{a1}', now())")
    with (
        pytest.raises(IntegrityError, match="has more than its import"),
        ledger.engine.begin() as connection,
    ):
        connection.execute(undo_it, {"ids": [report.import_id]})


# numbers ------------------------------------------------------------------------------------------


def test_rule_10_3_numbers_of_an_import_leave_the_inventory_and_can_come_again(
    ledger: Ledger, tmp_path: Path
) -> None:
    with ledger.transaction("catalog") as connection:
        stored_terms.add_policy(connection, "main", policy.DEFAULT)
        entry = {"sku": "DID", "kind": "number", "months": 1, "prices": {"EUR": "1.00"}}
        stored_terms.add_catalog(connection, "main", catalogs.entries(catalogs.load([entry])))
    file = tmp_path / "numbers.csv"
    file.write_text("number,sku\n+6561234567,DID\n+6561234568,DID\n+6561234569,DID\n")
    report = import_number_file(ledger, file, actor="ann")
    with ledger.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO number_history (seller, number, at, what, actor) "
                "VALUES ('main', '+6561234568', now(), 'released', 'x')"
            )
        )
    looked = undo(ledger, report.import_id, dry_run=True)
    assert (looked.undone, looked.kept) == (2, 1)
    undone = undo(ledger, report.import_id, batch=2)
    assert (undone.undone, undone.kept) == (2, 1)
    assert undone.first_kept[0].subject == "+6561234568"
    states = dict(rows(ledger, "SELECT number, state FROM numbers"))
    assert states == {"+6561234567": "gone", "+6561234568": "free", "+6561234569": "gone"}
    again = import_number_file(ledger, file, actor="ann")
    assert (again.imported, again.there) == (2, 1)


def test_whatever_came_in_can_be_taken_back(ledger: Ledger, tmp_path: Path) -> None:
    """Trials, failed, expired and terminated ones, with debts and limits, come in by one import."""
    before = contents(ledger)
    file = tmp_path / "states.csv"
    file.write_text(
        "id,currency,timezone,months,price,status,paid_until,trial_until,"
        "credits,debt,credit_limit\n"
        "s1,EUR,UTC,1,30.00,active,2024-03-30,,5.00,,\n"
        "s2,EUR,UTC,1,30.00,past_due,2024-03-17,,,,\n"
        "s3,EUR,UTC,1,30.00,expired,2024-03-10,,,,\n"
        "s4,EUR,UTC,1,30.00,terminated,2024-01-10,,,,\n"
        "s5,EUR,UTC,1,30.00,trial,,2024-03-20,,,\n"
        "s6,EUR,UTC,1,30.00,unsubscribed,2024-03-25,,,7.00,10.00\n"
        "s7,EUR,UTC,1,30.00,active,2024-03-12,,,,\n"
    )
    report = take(ledger, file)
    assert (report.imported, report.faulty) == (7, 0), report.faults
    undone = undo(ledger, report.import_id)
    assert (undone.undone, undone.kept) == (7, 0), undone.first_kept
    assert contents(ledger) == before
    assert take(ledger, file).imported == 7
