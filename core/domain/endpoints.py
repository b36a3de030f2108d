"""What a seller may say about an endpoint of webhooks: its address and its events (Rule 12)."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import SplitResult, urlsplit

from core.domain.events import Event
from core.domain.fault_places import shown
from core.domain.inputs import LONGEST_TEXT, read_id, wrong

MOST_ENDPOINTS = 10
"""The most endpoints of a seller that are not removed."""


class EndpointKind(StrEnum):
    """What an endpoint is: a webhook, e-mails to customers, or alarms of the seller."""

    WEBHOOK = "webhook"
    MAIL = "mail"
    ALARMS = "alarms"


@dataclass(frozen=True, slots=True)
class Sealed:
    """What the database knows of a secret: the fingerprint of its key, and its salt."""

    key: str
    salt: str


def read_url(value: object) -> str:
    """The address of an endpoint: https, or http where the settings allow it when it is called.

    It names a host, and no user, password or fragment.
    """
    url = read_id(value, LONGEST_TEXT)
    parts = _parts(url)
    if parts is None or parts.scheme not in {"https", "http"} or not parts.hostname:
        wrong(f"{shown(url)} is no address; write it as https://example.com/perennial")
    if parts.username is not None or parts.password is not None or parts.fragment:
        wrong(f"{shown(url)} has a user, a password or a fragment; an address without is allowed")
    if not url.isascii() or " " in url:
        wrong(f"{shown(url)} has characters other than ASCII; percent-encode them")
    return url


def _parts(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        return parts if parts.port != 0 else None
    except ValueError:
        return None


def read_event(value: object) -> Event:
    """An event that an endpoint may get."""
    known = sorted(event.value for event in Event)
    if value not in known:
        wrong(f"{shown(value)} is no event; allowed are {', '.join(known)}")
    return Event(str(value))


def chosen(events: Iterable[Event]) -> list[str] | None:
    """The events that an endpoint gets, each once, in the order of the table. None means all."""
    wanted = set(events)
    return [event.value for event in Event if event in wanted] or None
