"""Staff: attempts that are counted, sessions that end, rows that stay (docs/staff.md)."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from core.domain.faults import Faults
from core.domain.roles import Role
from core.ledger import passwords, sessions, staff
from core.ledger.sessions import How, SessionLine
from core.ledger.staff import StaffLine
from tests.ledger.conftest import Shop

NOW = datetime(2021, 3, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PASSWORD = "five horses eat hay"


def added(
    shop: Shop,
    email: str = "ann@example.com",
    seller: str = "main",
    password: str | None = PASSWORD,
    role: Role = Role.SUPPORT,
) -> StaffLine:
    """A person of the staff."""
    with shop.ledger.engine.begin() as connection:
        return staff.add(
            connection,
            seller,
            email,
            "Ann",
            role,
            password=password,
            now=NOW,
            actor="admin",
        )


def begun(shop: Shop, person: StaffLine, now: datetime = NOW) -> str:
    """The token of a new session."""
    return sessions.start(shop.ledger, person.id, how=How.PASSWORD, address="::1", now=now)


def found(shop: Shop, token: str, now: datetime = NOW) -> SessionLine | None:
    """The session of a token."""
    return sessions.session_of(shop.ledger, token, now)


def test_a_password_is_an_argon2id_hash_of_the_least_cost_of_owasp(shop: Shop) -> None:
    added(shop)
    hash_ = shop.value("SELECT password FROM staff")
    assert hash_.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert passwords.is_right(hash_, PASSWORD)
    assert not passwords.is_right(hash_, PASSWORD + "x")
    assert not passwords.is_right(None, PASSWORD)
    assert not passwords.is_right("$argon2id$no", PASSWORD)


def test_a_person_is_added_once_per_seller(shop: Shop) -> None:
    person = added(shop)
    with pytest.raises(Faults, match="is staff already"):
        added(shop)
    other = added(shop, seller="other", password=None)
    assert (other.has_password, other.id == person.id) == (False, False)
    with shop.ledger.engine.begin() as connection:
        assert [line.actor for line in staff.staff(connection, "main")] == ["Ann <ann@example.com>"]
        with pytest.raises(Faults, match="is not staff of this seller"):
            staff.set_role(connection, "third", "ann@example.com", Role.ADMIN)


def test_staff_is_listed_in_pages(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staff, "_PAGE", 2)
    emails = [added(shop, f"{i}@example.com", password=None).email for i in range(5)]
    with shop.ledger.read() as connection:
        assert [line.email for line in staff.staff(connection, "main")] == emails
        after = staff.staff(connection, "main", after=emails[2])
        assert [line.email for line in after] == emails[3:]


def test_wrong_attempts_lock_with_growing_gaps_until_one_is_right(shop: Shop) -> None:
    person, at = added(shop), NOW
    for _ in range(5):
        assert staff.begin_attempt(shop.ledger, person.email, at) is not None
    assert staff.begin_attempt(shop.ledger, person.email, at + MINUTE / 3) is None
    at += MINUTE / 2
    assert staff.begin_attempt(shop.ledger, person.email, at) is not None
    assert staff.begin_attempt(shop.ledger, person.email, at + MINUTE / 2) is None
    begun(shop, person, at)
    assert shop.rows("SELECT failures, locked_until FROM staff") == [(0, None)]


def test_concurrent_attempts_are_not_more_than_those_that_are_allowed(
    shop: Shop, at_once: Callable[[list[Callable[[], Any]]], list[Any]]
) -> None:
    person = added(shop)
    made = at_once([lambda: staff.begin_attempt(shop.ledger, person.email, NOW)] * 8)
    assert sum(one is not None for one in made) == 5


def test_an_unknown_or_switched_off_person_is_judged_like_a_known_one(shop: Shop) -> None:
    unknown = staff.begin_attempt(shop.ledger, "bob@example.com", NOW)
    assert unknown == staff.Attempt(None, None)
    person = added(shop)
    with shop.ledger.engine.begin() as connection:
        assert staff.switch_off(connection, "main", person.email, NOW).off_at == NOW
    assert staff.begin_attempt(shop.ledger, person.email, NOW) == unknown
    with shop.ledger.engine.begin() as connection:
        assert staff.switch_on(connection, "main", person.email).off_at is None
    attempt = staff.begin_attempt(shop.ledger, person.email, NOW)
    assert attempt is not None
    assert attempt.person is not None


def test_a_session_is_kept_as_a_digest_and_has_the_role_of_now(shop: Shop) -> None:
    person = added(shop)
    token = begun(shop, person)
    _, id_, secret = token.split("_", 2)
    [row] = shop.rows("SELECT id, digest FROM sessions")
    assert row == (id_, hashlib.sha256(secret.encode()).hexdigest())
    with shop.ledger.engine.begin() as connection:
        staff.set_role(connection, "main", person.email, Role.VIEWER)
    session = found(shop, token)
    assert session is not None
    assert (session.seller, session.role, session.actor) == (
        "main",
        Role.VIEWER,
        "Ann <ann@example.com>",
    )
    mixed = f"{token[:16]}{begun(shop, person)[16:]}"
    for shown in ("", "x", mixed, token[:-1], token.upper(), f"ps_{'0' * 12}{token[15:]}"):
        assert found(shop, shown) is None, shown


def test_a_session_ends_when_idle_after_its_time_and_when_it_is_ended(shop: Shop) -> None:
    person = added(shop)
    token, at = begun(shop, person), NOW
    assert found(shop, token, NOW + 30 * MINUTE) is None
    while at < NOW + timedelta(hours=12):
        assert found(shop, token, at) is not None
        at += 29 * MINUTE
    assert found(shop, token, NOW + timedelta(hours=12)) is None
    other = begun(shop, person)
    with shop.ledger.engine.begin() as connection:
        assert sessions.end(connection, "main", other.split("_")[1], NOW)
        assert not sessions.end(connection, "main", other.split("_")[1], NOW)
    assert found(shop, other) is None


def test_that_a_session_is_in_use_is_noted_once_a_minute(shop: Shop) -> None:
    token = begun(shop, added(shop))
    assert found(shop, token, NOW + MINUTE / 2) is not None
    assert shop.value("SELECT seen_at FROM sessions") == NOW
    assert found(shop, token, NOW + 2 * MINUTE) is not None
    assert shop.value("SELECT seen_at FROM sessions") == NOW + 2 * MINUTE


def test_a_page_that_looks_by_itself_keeps_no_session_alive(shop: Shop) -> None:
    token = begun(shop, added(shop))
    late = NOW + 29 * MINUTE
    assert sessions.session_of(shop.ledger, token, late, used=False) is not None
    assert shop.value("SELECT seen_at FROM sessions") == NOW
    assert found(shop, token, NOW + 30 * MINUTE) is None


def test_the_wall_of_a_viewer_hangs_unattended_for_twelve_hours(shop: Shop) -> None:
    token = begun(shop, added(shop, role=Role.VIEWER))
    for look in range(1, 36):
        at = NOW + 20 * look * MINUTE
        assert sessions.session_of(shop.ledger, token, at, used=False) is not None, look
    assert sessions.session_of(shop.ledger, token, NOW + 720 * MINUTE, used=False) is None


@pytest.mark.parametrize("how", ["password", "off"])
def test_a_new_password_and_a_switch_end_all_sessions(shop: Shop, how: str) -> None:
    person = added(shop)
    tokens = [begun(shop, person), begun(shop, person)]
    with shop.ledger.engine.begin() as connection:
        assert len(list(sessions.sessions(connection, "main", NOW))) == 2
        assert list(sessions.sessions(connection, "other", NOW)) == []
        if how == "password":
            staff.set_password(connection, "main", person.email, PASSWORD + "!", NOW)
        else:
            staff.switch_off(connection, "main", person.email, NOW)
        assert list(sessions.sessions(connection, "main", NOW, email=person.email)) == []
    assert [found(shop, token) for token in tokens] == [None, None]


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM sessions",
        "DELETE FROM staff",
        "UPDATE staff SET email = 'bob@example.com'",
        "UPDATE staff SET seller = 'other'",
        "UPDATE staff SET created_by = 'eve'",
        "UPDATE staff SET password = 'plain'",
        "UPDATE staff SET role = 'king'",
        f"UPDATE sessions SET digest = '{'0' * 64}'",
        "UPDATE sessions SET staff = 'x'",
        "UPDATE sessions SET created_at = now()",
        "UPDATE sessions SET ended_at = NULL",
    ],
)
def test_the_database_refuses(shop: Shop, change: str) -> None:
    person = added(shop)
    id_ = begun(shop, person).split("_")[1]
    with shop.ledger.engine.begin() as connection:
        sessions.end(connection, "main", id_, NOW)
    with pytest.raises(IntegrityError):
        shop.run(change)
