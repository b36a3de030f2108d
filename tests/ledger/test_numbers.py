"""The inventory in the database (Rules 10.1 to 10.3): a number has one subscription at most."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import chain
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

from core.domain.commands import AnyCommand
from core.domain.commands.change_owner import ChangeOwner
from core.domain.commands.purchase import Purchase
from core.domain.commands.remove_number import RemoveNumber
from core.domain.commands.reserve_number import ReserveNumber
from core.domain.commands.swap_number import SwapNumber
from core.domain.commands.terminate import Terminate
from core.domain.commands.unreserve_number import UnreserveNumber
from core.domain.numbers import Cause, HoldKind, Wanted
from core.domain.refusal import Refused
from core.domain.steps import Subject, SubjectKind, of_number
from core.ledger import numbers, stored_terms
from core.ledger.due_steps import due_at
from core.protocol.activity_messages import Outcome, StepRequest, StepResult
from tests.ledger.conftest import DAY, Shop

AtOnce = Callable[[list[Callable[[], Any]]], list[Any]]
ONE = [Wanted(number="+491", sku="DID")]
MANY = [Wanted(number=f"+49{n:03}", sku="DID") for n in range(500)]


@pytest.fixture(autouse=True)
def two_subscriptions(shop: Shop) -> None:
    """acme has s1 and s2, other has s3."""
    shop.open()
    shop.open("other")
    shop.buy("s1")
    shop.buy("s2")
    shop.buy("s3", "other")


def take(
    shop: Shop,
    subscription: str = "s1",
    wanted: list[Wanted] = ONE,
    account: str = "acme",
    now: datetime = DAY,
) -> list[numbers.Taken]:
    with shop.ledger.work(now, account=account) as work:
        return numbers.take(work, subscription, wanted)


def give_back(
    shop: Shop, cause: Cause, subscription: str = "s1", account: str = "acme", now: datetime = DAY
) -> None:
    with shop.ledger.work(now, account=account) as work:
        numbers.give_back(work, subscription, cause)


def free(shop: Shop, *names: str, sku: str = "DID") -> None:
    """Put free numbers into the inventory."""
    for name in names:
        shop.run(
            "INSERT INTO numbers (seller, number, sku, state, hold, since, version) "
            f"VALUES ('main', '{name}', '{sku}', 'free', 'normal', '2021-01-01', 1)"
        )


def state(shop: Shop, name: str = "+491") -> tuple[Any, ...]:
    return shop.rows(
        f"SELECT state, account, subscription, until::text FROM numbers WHERE number = '{name}'"
    )[0]


def step(shop: Shop, kind: str, now: datetime, name: str = "+491") -> StepResult:
    """Run the step of a number. Other steps that are due are not taken first."""
    version = shop.value(f"SELECT version FROM numbers WHERE number = '{name}'")
    request = StepRequest(subject=of_number("main", name), version=version, now=now, past=None)
    result: StepResult = shop.engine._activities.call(kind, request)
    return result


# one number


def test_a_number_that_the_inventory_does_not_know_is_taken_in(shop: Shop) -> None:
    [taken] = take(shop)
    assert (taken.number.sku, taken.bought_again) == ("DID", False)
    assert state(shop) == ("in_use", "acme", "s1", None)
    assert shop.rows("SELECT version FROM numbers") == [(1,)]
    assert shop.rows("SELECT what, account, subscription, actor FROM number_history") == [
        ("taken", "acme", "s1", "perennial")
    ]


def test_rule_10_2_a_number_in_use_or_held_for_another_account_is_refused(shop: Shop) -> None:
    take(shop)
    for account, subscription in (("acme", "s2"), ("other", "s3")):
        with pytest.raises(Refused, match=re.escape("+491 is in use (rule 10.2)")):
            take(shop, subscription, account=account)
    give_back(shop, Cause.REMOVED)
    with pytest.raises(Refused, match="is held for another account"):
        take(shop, "s3", account="other")
    take(shop, "s2")
    assert state(shop) == ("in_use", "acme", "s2", None)
    assert shop.value("SELECT count(*) FROM steps WHERE subject_kind = 'number'") == 0


def test_a_refused_take_leaves_nothing(shop: Shop) -> None:
    take(shop)
    with pytest.raises(Refused):
        take(shop, "s3", [Wanted(number="+490", sku="DID"), *ONE], "other")
    assert shop.rows("SELECT number FROM numbers") == [("+491",)]


def test_rule_10_1_the_24_hours_are_those_of_the_account_that_gave_it_back(shop: Shop) -> None:
    take(shop)
    give_back(shop, Cause.REMOVED)
    [again] = take(shop, "s2", now=DAY + timedelta(hours=24))
    assert again.bought_again
    give_back(shop, Cause.REMOVED, "s2", now=DAY + timedelta(hours=24))
    [late] = take(shop, "s2", now=DAY + timedelta(hours=49))
    assert not late.bought_again


def test_rule_7_a_reactivation_takes_back_what_is_still_held_for_it(shop: Shop) -> None:
    brought = Wanted(number="+494", sku="DID", hold=HoldKind.BYOI)
    take(shop, wanted=[Wanted(number=f"+49{n}", sku="DID") for n in (1, 2, 3)] + [brought])
    with shop.ledger.work(DAY, account="acme") as work:
        numbers.give_back(work, "s1", Cause.REMOVED, ["+493"])
    give_back(shop, Cause.EXPIRED)
    take(shop, "s2", [Wanted(number="+492", sku="DID")])
    with shop.ledger.work(DAY, account="acme") as work:
        assert numbers.take_back(work, "s1") == {"+491": "DID", "+494": "DID"}
    assert state(shop) == ("in_use", "acme", "s1", None)
    assert state(shop, "+492") == ("in_use", "acme", "s2", None)
    assert state(shop, "+493") == ("held", "acme", "s1", "2021-03-29")
    assert state(shop, "+494") == ("in_use", "acme", "s1", None)


def test_rule_10_2_a_termination_after_an_expiry_starts_no_new_hold(shop: Shop) -> None:
    take(shop, wanted=[*ONE, Wanted(number="+492", sku="DID", hold=HoldKind.BYOI)])
    give_back(shop, Cause.EXPIRED)
    assert state(shop) == ("held", "acme", "s1", "2021-04-25")  # 02-28 + 56
    assert state(shop, "+492") == ("in_use", "acme", "s1", None)
    later = DAY + timedelta(days=28)
    give_back(shop, Cause.TERMINATED, now=later)
    assert state(shop) == ("held", "acme", "s1", "2021-04-25")
    assert state(shop, "+492") == ("gone", None, None, None)
    [again] = take(shop, "s2", now=later + timedelta(hours=1))
    assert again.bought_again


def test_rule_9_numbers_that_the_subscription_has_not_are_refused(shop: Shop) -> None:
    take(shop)
    with shop.ledger.work(DAY, account="acme") as work:
        for subscription, name in (("s2", "+491"), ("s1", "+492")):
            with pytest.raises(Refused, match="is not a number of"):
                numbers.give_back(work, subscription, Cause.REMOVED, [name])


def test_a_number_changes_twice_in_one_transaction(shop: Shop) -> None:
    take(shop)
    with shop.ledger.work(DAY, account="acme") as work:
        numbers.give_back(work, "s1", Cause.SWAPPED, ["+491"])
        numbers.take(work, "s1", ONE)
        assert [it.number for it in numbers.of_subscription(work, "s1")] == ["+491"]
        assert numbers.of_subscription(work, "s2") == []
    assert state(shop) == ("in_use", "acme", "s1", None)
    assert shop.value("SELECT version FROM numbers") == 2


# steps


def test_rule_10_2_a_number_is_released_on_day_n_plus_1_after_a_reminder(shop: Shop) -> None:
    take(shop)
    give_back(shop, Cause.REMOVED)
    reminder, over = datetime(2021, 3, 22, tzinfo=UTC), datetime(2021, 3, 30, tzinfo=UTC)
    assert shop.rows(
        "SELECT account, kind, rank, due, rule FROM steps WHERE subject = 'main/+491'"
    ) == [("acme", "remind", 6, reminder, "10.2")]
    early = reminder - timedelta(seconds=1)
    assert step(shop, "remind", early).outcome is Outcome.STALE
    assert step(shop, "release", reminder).outcome is Outcome.STALE
    done = StepResult(outcome=Outcome.DONE)
    assert step(shop, "remind", reminder) == done
    assert step(shop, "remind", reminder).outcome is Outcome.STALE
    assert shop.rows("SELECT kind, due FROM steps WHERE subject = 'main/+491'") == [
        ("release", over)
    ]
    assert step(shop, "release", over, "+491") == done
    assert state(shop) == ("free", None, None, None)
    assert step(shop, "release", over).outcome is Outcome.STALE
    assert shop.rows(
        "SELECT event, subscription, facts->>'number' FROM history WHERE facts ? 'number'"
    ) == [("number_hold_ending", "s1", "+491"), ("number_released", "s1", "+491")]
    take(shop, "s3", account="other")


def test_rule_13_a_reminder_that_is_too_late_is_left_out(shop: Shop) -> None:
    take(shop)
    give_back(shop, Cause.REMOVED)
    late = datetime(2021, 5, 1, tzinfo=UTC)
    assert step(shop, "remind", late).outcome is Outcome.DONE
    assert step(shop, "release", late).outcome is Outcome.DONE
    events = shop.rows("SELECT event FROM history WHERE facts ? 'number'")
    assert events == [("number_released",)]


def test_rule_10_1_a_number_that_leaves_is_held_from_the_first_day_of_the_cycle(
    shop: Shop,
) -> None:
    take(shop)
    with shop.ledger.work(DAY, account="acme") as work:
        numbers.leave_on(work, "s1", ["+491"], date(2021, 4, 1))
    assert state(shop) == ("in_use", "acme", "s1", "2021-03-31")
    late = datetime(2021, 4, 3, 5, tzinfo=UTC)
    assert step(shop, "leave", late).outcome is Outcome.DONE
    assert state(shop) == ("held", "acme", "s1", "2021-04-29")
    [returned] = shop.rows("SELECT returned_at FROM numbers")
    assert returned == (datetime(2021, 4, 1, tzinfo=UTC),)


def test_a_number_that_was_to_leave_can_stay(shop: Shop) -> None:
    take(shop)
    with shop.ledger.work(DAY, account="acme") as work:
        numbers.leave_on(work, "s1", ["+491"], date(2021, 4, 1))
    with shop.ledger.work(DAY, account="acme") as work:
        numbers.leave_on(work, "s1", ["+491"], None)
    assert state(shop) == ("in_use", "acme", "s1", None)
    assert shop.value("SELECT count(*) FROM steps WHERE subject_kind = 'number'") == 0


def test_a_day_that_has_come_gives_the_number_back_at_once(shop: Shop) -> None:
    take(shop)
    with shop.ledger.work(DAY, account="acme") as work:
        numbers.leave_on(work, "s1", ["+491"], DAY.date())
    assert state(shop) == ("held", "acme", "s1", "2021-03-29")


def test_rule_1_7_releases_come_after_terminations_and_before_notices_by_number(
    shop: Shop,
) -> None:
    take(shop, wanted=[Wanted(number=f"+49{n}", sku="DID") for n in (2, 1)])
    give_back(shop, Cause.SWAPPED)
    due = datetime(2021, 3, 3, tzinfo=UTC)
    shop.put_on_clock()
    shop.run(f"UPDATE steps SET due = '{due}' WHERE subject = 's2'")
    with shop.ledger.read() as connection:
        found = [item.subject for item in due_at(connection, "c", due) if item.kind]
    assert found == [
        Subject(SubjectKind.SUBSCRIPTION, "s2"),
        of_number("main", "+491"),
        of_number("main", "+492"),
    ]


def reserve(shop: Shop, account: str = "acme", now: datetime = DAY) -> str | None:
    refusal = shop.do(ReserveNumber(account=account, number="+491", remark="lobby"), now).refusal
    return None if refusal is None else str(refusal)


def test_rule_10_3_a_reserved_number_can_be_bought_by_its_account_only(shop: Shop) -> None:
    assert reserve(shop) == "+491 is not in the inventory; import it first (rule 10.3)"
    free(shop, "+491")
    assert reserve(shop) is None
    assert state(shop) == ("reserved", "acme", None, "2021-03-29")
    assert reserve(shop, "other") == (
        "+491 is reserved; only a free number can be reserved (rule 10.3)"
    )
    with pytest.raises(Refused, match="is reserved for another account"):
        take(shop, "s3", account="other")
    too_few = pytest.raises(Refused, match="only 0 of 1")
    with too_few, shop.ledger.work(DAY, account="acme") as work:
        numbers.pick(work, "s1", "DID", 1)
    assert take(shop)[0].number.remark is None
    assert shop.value("SELECT count(*) FROM steps WHERE subject_kind = 'number'") == 0


def test_rule_10_3_a_reservation_ends_with_a_reminder_and_a_release(shop: Shop) -> None:
    free(shop, "+491")
    reserve(shop)
    due = shop.value("SELECT due FROM steps WHERE subject_kind = 'number'")
    assert due == datetime(2021, 3, 22, tzinfo=UTC)  # day 21
    for kind, now in (("remind", due), ("release", datetime(2021, 3, 30, tzinfo=UTC))):
        assert step(shop, kind, now).outcome is Outcome.DONE
    assert state(shop) == ("free", None, None, None)
    assert shop.rows("SELECT event, rule, subscription FROM history WHERE facts ? 'number'") == [
        ("number_reserved", "10.3", None),
        ("number_hold_ending", "10.3", None),
        ("number_released", "10.3", None),
    ]


def test_rule_10_3_a_reservation_is_ended_by_its_account(shop: Shop) -> None:
    free(shop, "+491")
    reserve(shop)
    other = shop.do(UnreserveNumber(account="other", number="+491")).refusal
    assert str(other) == "+491 is not reserved for other (rule 10.3)"
    assert shop.do(UnreserveNumber(account="acme", number="+491")).refusal is None
    assert state(shop) == ("free", None, None, None)
    assert shop.value("SELECT count(*) FROM steps WHERE subject_kind = 'number'") == 0


def test_rule_10_3_twenty_reservations_and_purchases_at_once(shop: Shop, at_once: AtOnce) -> None:
    free(shop, "+491")
    asked: list[Callable[[], Any]] = []
    for n in range(10):
        account, subscription = ("acme", "s1") if n % 2 else ("other", "s3")
        asked.append(partial(reserve, shop, account))
        asked.append(partial(take, shop, subscription, account=account))
    results = at_once(asked)
    assert not [one for one in results if isinstance(one, DBAPIError)]
    [(found, account, _, _)] = [state(shop)]
    assert found in ("in_use", "reserved")
    assert account in ("acme", "other")


# many numbers, many transactions


def test_500_numbers_take_a_constant_number_of_statements(shop: Shop) -> None:
    statements: list[str] = []
    event.listen(
        shop.ledger.engine, "before_cursor_execute", lambda *values: statements.append(values[2])
    )
    assert len(take(shop, wanted=MANY)) == 500
    assert len(statements) == 4  # the account, taking in, locking, writing
    statements.clear()
    give_back(shop, Cause.TERMINATED)
    assert len(statements) == 3
    statements.clear()
    with pytest.raises(Refused):
        take(shop, "s3", MANY, "other")
    assert len(statements) == 4


def test_picking_takes_the_lowest_free_numbers_of_a_sku(shop: Shop) -> None:
    free(shop, "+493", "+491", "+492")
    free(shop, "+490", sku="GOLD")
    with shop.ledger.work(DAY, account="acme") as work:
        taken = numbers.take(work, "s1", ONE)
        taken += numbers.pick(work, "s1", "DID", 1)
        assert [it.number.number for it in taken] == ["+491", "+492"]
        with pytest.raises(Refused, match="only 1 of 2 numbers of SKU DID are free"):
            numbers.pick(work, "s1", "DID", 2)
    assert shop.rows("SELECT number FROM numbers WHERE state = 'free' ORDER BY 1") == [
        ("+490",),
        ("+493",),
    ]


@pytest.mark.parametrize("known", [False, True])
def test_rule_10_3_fifty_purchases_at_once_for_one_number(
    shop: Shop, at_once: AtOnce, known: bool
) -> None:
    if known:
        free(shop, "+491")
    for n in range(50):
        shop.open(f"a{n}")
        shop.buy(f"t{n}", f"a{n}")
    results = at_once([lambda n=n: take(shop, f"t{n}", account=f"a{n}") for n in range(50)])
    refused = [result for result in results if isinstance(result, Refused)]
    assert len(refused) == 49
    assert {str(one) for one in refused} == {"+491 is in use (rule 10.2)"}
    assert state(shop)[0] == "in_use"
    assert shop.value("SELECT count(*) FROM number_history") == 1


def test_purchases_at_once_pick_different_numbers(shop: Shop, at_once: AtOnce) -> None:
    free(shop, *(f"+49{n:02}" for n in range(20)))

    def pick(n: int) -> list[str]:
        account, subscription = ("acme", "s1") if n % 2 else ("other", "s3")
        with shop.ledger.work(DAY, account=account) as work:
            return [it.number.number for it in numbers.pick(work, subscription, "DID", 2)]

    results = at_once([lambda n=n: pick(n) for n in range(10)])
    assert sorted(chain.from_iterable(results)) == [f"+49{n:02}" for n in range(20)]


def test_a_purchase_does_not_wait_for_the_numbers_that_another_one_picks(shop: Shop) -> None:
    """The second commits while the first still holds the lock of the lowest free number."""
    free(shop, "+491", "+492")
    with shop.ledger.work(DAY, account="acme") as first:
        [mine] = numbers.pick(first, "s1", "DID", 1)
        with shop.ledger.work(DAY, account="other") as second:
            [theirs] = numbers.pick(second, "s3", "DID", 1)
        assert state(shop, "+492")[:3] == ("in_use", "other", "s3")
    assert (mine.number.number, theirs.number.number) == ("+491", "+492")
    assert state(shop)[:3] == ("in_use", "acme", "s1")


def test_swaps_in_a_ring_never_wait_for_each_other(shop: Shop, at_once: AtOnce) -> None:
    """Each of three accounts gives back its number and wants that of the next one."""
    accounts = [("acme", "s1"), ("other", "s3"), ("third", "s4")]
    shop.open("third")
    shop.buy("s4", "third")
    for n, (account, subscription) in enumerate(accounts):
        take(shop, subscription, [Wanted(number=f"+49{n}", sku="DID")], account)

    def swap(n: int) -> str:
        account, subscription = accounts[n]
        with shop.ledger.work(DAY, account=account) as work:
            numbers.give_back(work, subscription, Cause.SWAPPED, [f"+49{n}"])
            wanted = Wanted(number=f"+49{(n + 1) % 3}", sku="DID")
            numbers.take(work, subscription, [wanted])
        return "swapped"

    for _ in range(5):
        results = at_once([lambda n=n: swap(n) for n in range(3)])
        assert all(isinstance(result, Refused) for result in results)
    assert shop.value("SELECT count(*) FROM numbers WHERE state = 'in_use'") == 3


def test_a_release_and_a_purchase_of_the_same_number_at_once(shop: Shop, at_once: AtOnce) -> None:
    """The account can buy what is held for it, until it is released. Others can from then on."""
    over = datetime(2021, 3, 3, tzinfo=UTC)
    for _ in range(5):
        take(shop)
        give_back(shop, Cause.SWAPPED)
        at_once(
            [
                lambda: step(shop, "release", over),
                lambda: take(shop, "s2"),
                lambda: take(shop, "s3", account="other"),
            ]
        )
        assert state(shop)[0] in ("in_use", "free")
        for subscription, account in (("s2", "acme"), ("s3", "other")):
            give_back(shop, Cause.SWAPPED, subscription, account)
            step(shop, "release", over)


def test_purchases_of_many_numbers_at_once_do_not_end_in_a_deadlock(
    shop: Shop, at_once: AtOnce
) -> None:
    free(shop, *(f"+49{n}" for n in range(0, 20, 2)))  # half is known, half is taken in
    ring = [Wanted(number=f"+49{n}", sku="DID") for n in range(20)]
    wanted = [ring[n:] + ring[:n] for n in range(0, 20, 4)]
    accounts = [("acme", "s1"), ("other", "s3")]
    results = at_once(
        [
            lambda n=n, some=some: take(shop, accounts[n % 2][1], some, accounts[n % 2][0])
            for n, some in enumerate(wanted)
        ]
    )
    assert len([one for one in results if isinstance(one, Refused)]) == 4
    assert shop.value("SELECT count(*) FROM numbers WHERE state = 'in_use'") == 20


def test_changes_of_owner_swaps_and_removals_at_once(shop: Shop, at_once: AtOnce) -> None:
    """Whatever the order, each number in use is in a subscription of its account."""
    with shop.ledger.engine.begin() as connection:
        did = {"sku": "DID", "kind": "number", "months": 1, "prices": {"USD": "1.00"}}
        stored_terms.add_catalog(connection, "main", [did])
    some = tuple(Wanted(number=f"+49{n}", sku="DID") for n in range(4))
    shop.buy("s4", numbers=some)
    asked: list[AnyCommand] = [
        ChangeOwner(subscription="s4", account="other"),
        SwapNumber(subscription="s4", number="+490", to="+495"),
        SwapNumber(subscription="s4", number="+491", to="+495"),
        RemoveNumber(subscription="s4", number="+492"),
        ChangeOwner(subscription="s4", account="acme"),
        Purchase(subscription="s5", account="other", sku="PRO", numbers=some[2:3]),
        Purchase(subscription="s6", account="acme", sku="PRO", numbers=some[2:3]),
        Terminate(subscription="s4", reason="moved"),
    ]
    results = at_once([partial(shop.do, command) for command in asked])
    assert not [one for one in results if isinstance(one, Exception)]
    assert (
        shop.rows(
            "SELECT n.number FROM numbers n JOIN subscriptions s ON s.id = n.subscription "
            "WHERE n.state = 'in_use' AND (s.account <> n.account OR s.status = 'TERMINATED')"
        )
        == []
    )
    assert (
        shop.rows(
            "SELECT t.subject FROM steps t LEFT JOIN numbers n ON t.subject = 'main/' || n.number "
            "WHERE t.subject_kind = 'number' AND (n.account, n.version) IS DISTINCT FROM "
            "(t.account, t.version)"
        )
        == []
    )


# what the database refuses


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE numbers SET subscription = 's2', version = 2",
        "UPDATE numbers SET account = 'other', subscription = 's3', version = 2",
        "UPDATE numbers SET account = 'other', version = 2",
        "UPDATE numbers SET subscription = NULL, version = 2",
        "UPDATE numbers SET state = 'free', version = 2",
        "UPDATE numbers SET state = 'held', version = 2",
        "UPDATE numbers SET state = 'reserved', version = 2",
        "UPDATE numbers SET state = 'lost', version = 2",
        "UPDATE numbers SET hold = 'stolen', version = 2",
        "UPDATE numbers SET cause = 'bored', version = 2",
        "UPDATE numbers SET remark = 'x'",
        "UPDATE numbers SET remark = 'x', version = 3",
        "UPDATE numbers SET number = '+492', version = 2",
        "DELETE FROM numbers",
        "TRUNCATE numbers",
        "UPDATE number_history SET what = 'released'",
        "DELETE FROM number_history",
        "INSERT INTO numbers SELECT seller, number, sku, state, hold, account, 's2', since "
        "FROM numbers",
        "INSERT INTO numbers (seller, number, sku, state, hold, account, subscription, since, "
        "version) VALUES ('main', '+499', 'DID', 'in_use', 'normal', 'other', 's1', now(), 1)",
    ],
)
def test_a_number_is_never_in_two_subscriptions(shop: Shop, change: str) -> None:
    take(shop)
    before = shop.rows("SELECT * FROM numbers")
    with pytest.raises(DBAPIError):
        shop.run(change)
    assert shop.rows("SELECT * FROM numbers") == before


def test_a_subscription_does_not_end_while_a_number_is_in_use(shop: Shop) -> None:
    take(shop)
    with pytest.raises(DBAPIError, match="a number is still in use by it"):
        shop.do(Terminate(subscription="s1", reason="closed"))
    give_back(shop, Cause.TERMINATED)
    assert shop.do(Terminate(subscription="s1", reason="closed")).refusal is None
    with pytest.raises(DBAPIError, match="not by a subscription of its account"):
        take(shop)


def test_rule_9_numbers_go_with_their_subscription_to_another_account(shop: Shop) -> None:
    take(shop, wanted=[Wanted(number=f"+49{n}", sku="DID") for n in (1, 2)])
    with shop.ledger.work(DAY, account="acme") as work:
        numbers.give_back(work, "s1", Cause.SWAPPED, ["+492"])
        numbers.leave_on(work, "s1", ["+491"], date(2021, 4, 1))
    given = shop.do(ChangeOwner(subscription="s1", account="other"))
    assert given.refusal is None
    assert state(shop) == ("in_use", "other", "s1", "2021-03-31")
    assert state(shop, "+492") == ("held", "acme", "s1", "2021-03-02")
    assert shop.rows(
        "SELECT subject, account FROM steps WHERE subject_kind = 'number' ORDER BY 1"
    ) == [("main/+491", "other"), ("main/+492", "acme")]
