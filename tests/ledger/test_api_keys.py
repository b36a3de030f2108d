"""The keys of the HTTP API: shown once, kept as a digest, revoked and rotated (docs/api.md)."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from core.domain.faults import Faults
from core.domain.roles import Role
from core.ledger import api_keys
from tests.ledger.conftest import Shop

NOW = datetime(2021, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def made(shop: Shop, seller: str = "main", expires_at: datetime | None = None) -> str:
    """A new key."""
    with shop.ledger.engine.begin() as connection:
        return api_keys.create(
            connection,
            seller,
            "shop",
            Role.PLATFORM,
            now=NOW,
            actor="ann",
            expires_at=expires_at,
        )


def works(shop: Shop, key: str, now: datetime = NOW) -> bool:
    """Whether a key can be used at an instant."""
    return api_keys.authenticate(shop.ledger, key, now) is not None


def test_a_key_is_kept_as_a_digest(shop: Shop) -> None:
    key = made(shop)
    _, id_, secret = key.split("_", 2)
    [row] = shop.rows("SELECT id, digest FROM api_keys")
    assert row == (id_, hashlib.sha256(secret.encode()).hexdigest())
    found = api_keys.authenticate(shop.ledger, key, NOW)
    assert found is not None
    assert (found.seller, found.role, found.name) == ("main", Role.PLATFORM, "shop")


def test_a_key_with_another_secret_or_id_is_none(shop: Shop) -> None:
    key, other = made(shop), made(shop)
    mixed = f"{key[:16]}{other[16:]}"
    for shown in ("", "x", mixed, key[:-1], key + "A", key.upper(), f"pk_{'0' * 12}{key[15:]}"):
        assert not works(shop, shown), shown


def test_a_key_expires_and_its_use_is_noted_once_a_minute(shop: Shop) -> None:
    key = made(shop, expires_at=NOW + HOUR)
    assert works(shop, key)
    assert works(shop, key, NOW + timedelta(seconds=30))
    assert shop.value("SELECT used_at FROM api_keys") == NOW
    assert works(shop, key, NOW + timedelta(minutes=2))
    assert shop.value("SELECT used_at FROM api_keys") == NOW + timedelta(minutes=2)
    assert not works(shop, key, NOW + HOUR)


def test_a_revoked_key_is_refused_for_good(shop: Shop) -> None:
    key = made(shop)
    id_ = api_keys.id_of(key)
    with shop.ledger.engine.begin() as connection:
        assert not api_keys.revoke(connection, "main", id_, NOW).active
        assert api_keys.revoke(connection, "main", id_, NOW + HOUR).revoked_at == NOW
    assert not works(shop, key)


def test_a_key_is_rotated_once_with_an_overlap(shop: Shop) -> None:
    key = made(shop)
    with shop.ledger.engine.begin() as connection:
        new, old = api_keys.rotate(
            connection, "main", api_keys.id_of(key), now=NOW, overlap=HOUR, actor="ann"
        )
    assert (old.expires_at, old.rotated_to) == (NOW + HOUR, api_keys.id_of(new))
    assert works(shop, key)
    assert works(shop, new)
    assert not works(shop, key, NOW + HOUR)
    assert works(shop, new, NOW + HOUR)
    for now in (NOW, NOW + HOUR):
        with shop.ledger.engine.begin() as connection, pytest.raises(Faults, match="key: "):
            api_keys.rotate(
                connection, "main", api_keys.id_of(key), now=now, overlap=HOUR, actor="ann"
            )


def test_a_key_of_another_seller_is_not_there(shop: Shop) -> None:
    id_ = api_keys.id_of(made(shop, "other"))
    with shop.ledger.engine.begin() as connection:
        with pytest.raises(Faults, match="is no key of this seller"):
            api_keys.revoke(connection, "main", id_, NOW)
        assert list(api_keys.keys(connection, "main", NOW)) == []
        assert [line.id for line in api_keys.keys(connection, "other", NOW)] == [id_]


def test_keys_are_listed_in_pages(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_keys, "_PAGE", 2)
    ids = sorted(api_keys.id_of(made(shop)) for _ in range(5))
    with shop.ledger.read() as connection:
        assert [line.id for line in api_keys.keys(connection, "main", NOW)] == ids
        after = api_keys.keys(connection, "main", NOW, after=ids[2])
        assert [line.id for line in after] == ids[3:]


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM api_keys",
        "UPDATE api_keys SET role = 'admin'",
        "UPDATE api_keys SET seller = 'other'",
        f"UPDATE api_keys SET digest = '{'0' * 64}'",
        "UPDATE api_keys SET revoked_at = NULL",
        "UPDATE api_keys SET expires_at = '2022-01-01'",
        "UPDATE api_keys SET expires_at = NULL",
    ],
)
def test_the_database_refuses_what_would_make_a_key_another_one(shop: Shop, change: str) -> None:
    made(shop, expires_at=NOW + HOUR)
    made(shop, "other")
    shop.run("UPDATE api_keys SET revoked_at = '2021-03-01'")
    with pytest.raises(IntegrityError):
        shop.run(change)
