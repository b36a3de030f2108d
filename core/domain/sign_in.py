"""Signing in: who can be staff, which passwords are allowed, how long a person waits after wrong
ones, and when a session ends.

A person has four attempts. After the fifth wrong one in a row the next attempt has to wait 30
seconds, after the sixth one minute, after the seventh two, and so on up to an hour.
"""

import unicodedata
from datetime import datetime, timedelta

from core.domain.fault_places import shown
from core.domain.inputs import read_email, read_id, wrong

LONGEST_NAME = 60
"""Characters of the name of a person of the staff."""
LONGEST_EMAIL = 120
"""Characters of the address of a person of the staff. With the name it fits into an actor."""
PASSWORD_LENGTH = (12, 200)
"""Characters of a password."""
DIFFERENT = 5
"""So many different characters a password has at least."""
FREE_ATTEMPTS = 4
"""So many wrong attempts in a row have no gap."""
FIRST_GAP, LONGEST_GAP = timedelta(seconds=30), timedelta(hours=1)
IDLE = timedelta(minutes=30)
"""A session ends when nothing was asked for so long."""
LASTS = timedelta(hours=12)
"""A session ends so long after the sign-in, whatever was asked."""


def read_staff_name(value: object) -> str:
    """The name of a person. The history shows it before the address, so it has no < and no >."""
    name = read_id(value, LONGEST_NAME)
    if "<" in name or ">" in name:
        wrong(f"{shown(name)} has < or >; a name without them is allowed")
    return name.strip()


def read_staff_email(value: object) -> str:
    """The address with which a person signs in, in small letters."""
    email = read_email(value).lower()
    if len(email) > LONGEST_EMAIL:
        wrong(f"has {len(email)} characters; at most {LONGEST_EMAIL} are allowed")
    return email


def read_password(value: object) -> str:
    """A password, normalised (NFKC). The message of `Wrong` does not repeat it."""
    least, most = PASSWORD_LENGTH
    if not isinstance(value, str):
        wrong("must be text")
    password = unicodedata.normalize("NFKC", value)
    if not least <= len(password) <= most:
        wrong(f"has {len(password)} characters; {least} to {most} are allowed")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in password):
        wrong("has control characters; text on one line is allowed")
    if len(set(password)) < DIFFERENT:
        wrong(f"repeats few characters; at least {DIFFERENT} different ones are allowed")
    return password


def locked_until(failures: int, now: datetime) -> datetime | None:
    """Until when no attempt is judged, after so many wrong ones in a row. None: it is judged.

    The instant is exclusive. It has the time zone of `now`.
    """
    if failures <= FREE_ATTEMPTS:
        return None
    doublings = min(failures - FREE_ATTEMPTS - 1, 20)
    gap: timedelta = min(FIRST_GAP * (1 << doublings), LONGEST_GAP)
    return now + gap


def session_ends(created_at: datetime, seen_at: datetime) -> datetime:
    """The first instant at which a session can no longer be used."""
    return min(created_at + LASTS, seen_at + IDLE)


def actor_of(name: str, email: str) -> str:
    """A person of the staff, for the history."""
    return f"{name} <{email}>"
