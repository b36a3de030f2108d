"""`key create`, `key rotate`, `key revoke`: the keys of the HTTP API (docs/api.md)."""

from typing import Any

import pytest

from tests.commandline.conftest import call


def listed() -> list[Any]:
    """The keys, oldest first."""
    rows: list[Any] = call("key", "list", "--json").json
    return rows


def test_a_key_is_shown_once_replaced_and_revoked(installation: str) -> None:
    made = call("key", "create", "shop", "--role", "platform", "--only", "extend", "--json").json
    assert made["key"].startswith(f"pk_{made['id']}_")
    told = call("key", "rotate", made["id"], "--overlap-hours", "0", "--by", "ann")
    assert (told.code, told.err) == (0, "")
    assert f"Key {made['id']} (shop) works until " in told.out
    assert "It is shown this once." in told.out
    old, new = listed()
    assert (old["id"], old["rotated_to"]) == (made["id"], new["id"])
    assert f"pk_{new['id']}_" in told.out
    assert [new[name] for name in ("name", "role", "scopes")] == ["shop", "platform", ["extend"]]
    revoked = call("key", "revoke", new["id"])
    assert (revoked.code, revoked.out) == (0, f"Key {new['id']} (shop) is revoked.\n")
    for id_ in (old["id"], new["id"]):
        again = call("key", "rotate", id_)
        assert (again.code, len(listed())) == (2, 2)
        assert f"{id_} cannot be used any longer; create a new key" in again.err


def test_a_key_that_was_rotated_names_the_one_to_rotate(installation: str) -> None:
    first = call("key", "create", "shop", "--role", "viewer", "--json").json["id"]
    second = call("key", "rotate", first, "--json").json["id"]
    again = call("key", "rotate", first)
    assert again.code == 2
    assert f"{first} was rotated to {second}; rotate that one" in again.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("key", "rotate", "0f3a9c1d2b4e"), "0f3a9c1d2b4e"),
        (("key", "rotate"), "Missing argument 'KEY'"),
        (("key", "rotate", "x" * 10_000), "KEY"),
        (("key", "rotate", "0f3a9c1d2b4e", "--overlap-hours", "-1"), "greater than or equal to 0"),
        (("key", "rotate", "0f3a9c1d2b4e", "--overlap-hours", "721"), "less than or equal to 720"),
        (("key", "revoke", "0f3a9c1d2b4e"), "0f3a9c1d2b4e"),
        (("key", "create", "shop", "--role", "king"), "--role"),
        (("key", "create", "shop", "--role", "viewer", "--only", "fly"), "--only"),
        (("key", "create", "shop", "--role", "viewer", "--expires", "2020-01-01"), "is past"),
    ],
)
def test_wrong_input_is_told_and_makes_no_key(
    installation: str, arguments: tuple[str, ...], words: str
) -> None:
    told = call(*arguments)
    assert (told.code, words in told.err) == (2, True), told.err
    assert listed() == []
