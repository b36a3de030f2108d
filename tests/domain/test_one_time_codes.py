"""Codes of an authenticator app (RFC 6238), and recovery codes."""

from datetime import UTC, datetime, timedelta

import pytest

from core.domain import one_time_codes as codes

SECRET = b"12345678901234567890"
AT_59 = datetime(1970, 1, 1, 0, 0, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "eight_digits"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_the_codes_are_those_of_the_rfc(seconds: int, eight_digits: str) -> None:
    """RFC 6238, appendix B, SHA-1. Six digits are the last six of its eight."""
    step = codes.step_at(datetime.fromtimestamp(seconds, UTC))
    assert codes.code_of(SECRET, step) == eight_digits[2:]


def test_a_code_is_right_for_three_steps_and_once() -> None:
    half = timedelta(seconds=30)
    assert codes.step_of(SECRET, "287082", AT_59, None) == 1
    assert codes.step_of(SECRET, "287082", AT_59 + half, None) == 1
    assert codes.step_of(SECRET, "287082", AT_59 + 2 * half, None) is None
    assert codes.step_of(SECRET, "287082", AT_59, 0) == 1
    assert codes.step_of(SECRET, "287082", AT_59, 1) is None
    for wrong in ("", "28708", "2870820", "287083", "\ud800", "²87082"):
        assert codes.step_of(SECRET, wrong, AT_59, None) is None


def test_an_app_reads_the_secret_from_an_address() -> None:
    assert codes.text_of(SECRET) == "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert codes.address_of(SECRET, "ann@example.com", "Perennial main") == (
        "otpauth://totp/Perennial%20main:ann%40example.com"
        "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Perennial%20main"
    )


def test_a_recovery_code_is_read_as_people_type_it() -> None:
    code = codes.recovery_code(b"abcdefghij")
    assert code == "mfrg-gzdf-mztw-q2lk"
    assert codes.recovery_digest(" MFRGGZDF mztwq2lk") == codes.recovery_digest(code)
    assert codes.recovery_digest("mfrg") != codes.recovery_digest(code)
    assert codes.recovery_digest("\ud800") == codes.recovery_digest("")
