"""`staff`: people are added, listed, changed and switched off (docs/staff.md)."""

import base64

import pytest

from core.domain.one_time_codes import code_of, step_at
from core.ledger.clocks import machine_now
from tests.commandline.conftest import call

ANN = ("ann@example.com", "--name", "Ann", "--role", "support")


def test_a_person_is_added_listed_changed_and_switched_off(installation: str) -> None:
    assert "There is no staff" in call("staff", "list").out
    made = call("staff", "add", *ANN, "--generate", "--json").json
    assert len(made["password"]) == 24
    told = call("staff", "list")
    assert "ann@example.com" in told.out
    assert made["password"] not in told.out
    assert call("staff", "role", "ann@example.com", "finance").out.endswith("role finance.\n")
    again = call("staff", "password", "ann@example.com", answer="five horses eat hay\n")
    assert (again.code, "five" in again.out) == (0, False)
    assert "can no longer" in call("staff", "disable", "ANN@example.com").out
    assert "off since" in call("staff", "list").out
    assert call("staff", "enable", "ann@example.com").code == 0
    [line] = call("staff", "list", "--json").json
    assert (line["role"], line["off_at"], line["has_code"]) == ("finance", None, False)
    assert "password" not in line
    assert "There is no session" in call("staff", "sessions", "--email", "ann@example.com").out
    assert "0 sessions ended" in call("staff", "sign-out", "ann@example.com").out


@pytest.mark.parametrize(
    ("arguments", "answer", "words"),
    [
        (ANN, "short\n", "password: has 5 characters; 12 to 200 are allowed"),
        (ANN, "", "pipe it into stdin, or use --generate"),
        (("ann", *ANN[1:]), None, "EMAIL"),
        ((*ANN[:3], "--role", "king"), None, "--role: must be"),
        ((*ANN[:3], "--role", "platform"), None, "for programs with a key"),
        ((ANN[0], "--name", "A <b>", *ANN[3:]), None, "--name"),
        ((*ANN, "--generate", "--no-password"), None, "excludes --generate"),
    ],
)
def test_wrong_input_is_said_with_its_place(
    installation: str, arguments: tuple[str, ...], answer: str | None, words: str
) -> None:
    told = call("staff", "add", *arguments, answer=answer)
    assert told.code == 2
    assert words in told.err
    assert "short" not in told.err


def test_a_person_who_is_not_there_is_said_before_a_password_is_asked_for(
    installation: str,
) -> None:
    assert call("staff", "add", *ANN, "--no-password").code == 0
    assert "OpenID Connect" in call("staff", "list").out
    for arguments, words in (
        (("add", *ANN), "is staff already"),
        (("password", "bob@example.com"), "is not staff of this seller"),
        (("role", "bob@example.com", "viewer"), "is not staff of this seller"),
        (("disable", "bob@example.com"), "is not staff of this seller"),
        (("sign-out", "bob@example.com"), "is not staff of this seller"),
    ):
        told = call("staff", *arguments, answer="x" * 10)
        assert told.code == 2
        assert words in told.err


def test_codes_are_agreed_upon_confirmed_and_taken_away(
    installation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    call("staff", "add", *ANN, "--no-password")
    assert "PERENNIAL_STAFF_KEYS" in call("staff", "totp", "ann@example.com").err
    monkeypatch.setenv("PERENNIAL_STAFF_KEYS", "k" * 40)
    assert call("staff", "totp", "ann@example.com", "--code", "1").code == 2
    made = call("staff", "totp", "ann@example.com", "--json").json
    assert made["uri"].startswith("otpauth://totp/Perennial%20main:ann%40example.com?secret=")
    secret = base64.b32decode(made["secret"])
    code = code_of(secret, step_at(machine_now()))
    assert "code: is wrong" in call("staff", "totp", "ann@example.com", "--code", "x").err
    confirmed = call("staff", "totp", "ann@example.com", "--code", code, "--json").json
    assert len(confirmed["recovery_codes"]) == 10
    assert "has codes already" in call("staff", "totp", "ann@example.com").err
    assert call("staff", "list", "--json").json[0]["has_code"]
    assert call("staff", "totp", "ann@example.com", "--off", "--code", "1").code == 2
    assert call("staff", "totp", "ann@example.com", "--off").code == 0
    assert not call("staff", "list", "--json").json[0]["has_code"]
    assert "only with a code" in call("staff", "require-codes", "yes").out
    assert call("staff", "require-codes", "perhaps").code == 2
