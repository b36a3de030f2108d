"""People sign in, and are callers like programs with a key (docs/staff.md)."""

import time
from contextlib import suppress
from datetime import timedelta
from itertools import product

import pytest
from pydantic import SecretStr

from core.domain.commands.extend import Extend
from core.domain.endpoints import Sealed
from core.domain.faults import Faults
from core.domain.one_time_codes import code_of, step_at
from core.domain.roles import Role
from core.ledger import sessions, staff, staff_codes, staff_rules
from core.ledger.clocks import machine_now
from doors.access import operations
from doors.access.caller import NotAllowed
from doors.access.code_secrets import code_secret, code_secrets
from doors.access.sellers import Sellers
from doors.access.staff import REFUSED, CodeNeeded, SignInRefused, StaffSignIn
from settings import Settings
from tests.http.conftest import Api

PASSWORD = "five horses eat hay"


def add(api: Api, email: str, role: Role = Role.SUPPORT, seller: str = "main") -> None:
    """Add a person."""
    with api.shop.perennial.ledger.engine.begin() as connection:
        staff.add(
            connection,
            seller,
            email,
            "Ann",
            role,
            password=PASSWORD,
            now=machine_now(),
            actor="test",
        )


@pytest.fixture
def people(reading: Api) -> StaffSignIn:
    """Sign-in at the shop. What is refused takes no time."""
    return StaffSignIn(Sellers(reading.shop.perennial), least_seconds=0)


async def test_a_person_signs_in_acts_and_signs_out(api: Api) -> None:
    people = StaffSignIn(Sellers(api.shop.perennial))
    add(api, "ann@example.com")
    token = await people.sign_in("ANN@example.com", PASSWORD, address="203.0.113.7")
    caller = await people.session_of(token)
    assert caller is not None
    assert (caller.seller, caller.session.address) == ("main", "203.0.113.7")
    s = await api.shop.buy()
    caller.require("extend")
    done = await caller.perennial.do(Extend(subscription=s, cycles=1, actor=caller.actor))
    assert done.refusal is None
    lines = (await api.get("/v1/history", subscription=s)).json()["data"]
    assert "Ann <ann@example.com>" in {line["actor"] for line in lines}
    with pytest.raises(NotAllowed, match="support may not adjust") as refused:
        caller.require("adjust")
    assert refused.value.allowed == ["admin", "finance"]
    await people.sign_out(token)
    await people.sign_out(token)
    assert await people.session_of(token) is None


@pytest.mark.waits
async def test_a_sign_in_that_is_refused_has_one_text_and_one_time(reading: Api) -> None:
    """Unknown, wrong, locked, switched off, unreadable: nothing tells them apart."""
    add(reading, "ann@example.com")
    add(reading, "off@example.com")
    add(reading, "locked@example.com")
    add(reading, "else@example.com", seller="other")
    ledger = reading.shop.perennial.ledger
    with ledger.engine.begin() as connection:
        staff.switch_off(connection, "main", "off@example.com", machine_now())
    for _ in range(5):
        staff.begin_attempt(ledger, "locked@example.com", machine_now())
    people = StaffSignIn(Sellers(reading.shop.perennial), least_seconds=0.4)
    for email, password in (
        ("ann@example.com", PASSWORD + "x"),
        ("ann@example.com", ""),
        ("ann@example.com", "x" * 100_000),
        ("bob@example.com", PASSWORD),
        ("off@example.com", PASSWORD),
        ("locked@example.com", PASSWORD),
        ("else@example.com", PASSWORD),
        ("no address", PASSWORD),
        ("a\0\ud800@example.com", "\0\ud800" * 10),
    ):
        began = time.monotonic()
        with pytest.raises(SignInRefused) as refused:
            await people.sign_in(email, password, address="")
        assert 0.4 <= time.monotonic() - began < 60, email
        assert str(refused.value) == REFUSED


async def test_each_sign_in_makes_a_new_session(reading: Api, people: StaffSignIn) -> None:
    """A token that was planted before the sign-in is worth nothing after it."""
    add(reading, "ann@example.com")
    planted = f"ps_{'0' * 12}_{'A' * 43}"
    assert await people.session_of(planted) is None
    made = {await people.sign_in("ann@example.com", PASSWORD, address="") for _ in range(2)}
    assert len(made) == 2
    assert await people.session_of(planted) is None


async def test_a_person_of_another_seller_acts_there(reading: Api, people: StaffSignIn) -> None:
    add(reading, "ann@example.com", seller="other")
    token = await people.sign_in("ann@example.com", PASSWORD, address="", seller="other")
    caller = await people.session_of(token)
    assert caller is not None
    assert caller.seller == "other"
    assert caller.perennial is not reading.shop.perennial


async def test_the_table_of_roles_holds_for_sessions(reading: Api, people: StaffSignIn) -> None:
    """The table is walked completely: every operation with every role."""
    callers = {}
    for role in Role:
        add(reading, f"{role}@example.com", role)
        token = await people.sign_in(f"{role}@example.com", PASSWORD, address="")
        callers[role] = await people.session_of(token)
    for role, operation in product(Role, operations.ROLES):
        caller = callers[role]
        assert caller is not None
        if operations.may(role, operation):
            caller.require(operation)
        else:
            with pytest.raises(NotAllowed):
                caller.require(operation)


async def test_sessions_that_are_idle_are_not_listed(reading: Api, people: StaffSignIn) -> None:
    add(reading, "ann@example.com")
    await people.sign_in("ann@example.com", PASSWORD, address="x" * 1000)
    with reading.shop.perennial.ledger.read() as connection:
        now = machine_now()
        [line] = sessions.sessions(connection, "main", now)
        assert line.address == "x" * 100
        assert list(sessions.sessions(connection, "main", now + timedelta(hours=1))) == []


async def test_a_person_with_codes_needs_one_each_once(
    reading: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The app's code, its repetition, a recovery code and its repetition."""
    add(reading, "ann@example.com", Role.FINANCE)
    perennial = reading.shop.perennial
    config = perennial.config.model_copy(update={"staff_keys": SecretStr("k" * 40)})
    monkeypatch.setattr(perennial, "_config", config)
    people = StaffSignIn(Sellers(perennial), least_seconds=0)
    keys, now = code_secrets(config), machine_now()
    with perennial.ledger.engine.begin() as connection:
        staff_rules.require_codes(connection, "main", True)
    with pytest.raises(CodeNeeded, match="staff totp"):
        await people.sign_in("ann@example.com", PASSWORD, address="")
    with perennial.ledger.engine.begin() as connection:
        sealed = keys.new()
        staff_codes.prepare(connection, "main", "ann@example.com", sealed)
        secret = code_secret(keys, sealed)
        first = code_of(secret, step_at(now))
        with pytest.raises(Faults, match="code: is wrong"):
            staff_codes.confirm(connection, "main", "ann@example.com", secret, "x", now)
        recovery = staff_codes.confirm(connection, "main", "ann@example.com", secret, first, now)
    later = code_of(secret, step_at(now) + 1)
    for code, right in (
        ("", False),
        (first, False),
        (later, True),
        (later, False),
        (recovery[3].upper(), True),
        (recovery[3], False),
    ):
        with suppress(SignInRefused):
            await people.sign_in("ann@example.com", PASSWORD, code, address="")
            assert right, code
            continue
        assert not right, code
    monkeypatch.setattr(people, "_keys", code_secrets(Settings()))
    assert await people.sign_in("ann@example.com", PASSWORD, recovery[0], address="")


def test_a_secret_is_prepared_before_it_is_confirmed(reading: Api) -> None:
    add(reading, "ann@example.com")
    with reading.shop.perennial.ledger.engine.begin() as connection:
        with pytest.raises(Faults, match="waits for its first code"):
            staff_codes.sealed_of(connection, "main", "ann@example.com")
        staff_codes.prepare(connection, "main", "ann@example.com", Sealed("a", "b"))
        assert staff_codes.sealed_of(connection, "main", "ann@example.com") == Sealed("a", "b")
        staff_codes.remove(connection, "main", "ann@example.com")
        with pytest.raises(Faults, match="is not staff of this seller"):
            staff_codes.remove(connection, "other", "ann@example.com")
