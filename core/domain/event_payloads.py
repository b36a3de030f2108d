"""What a program is told of an event: its body, and the JSON schema of it (Rule 12).

A body is thin. It has the ids, what has changed, and amounts as text. It has no name, no e-mail
address and no remark of a person. A program that needs more asks for it.

    {"type": "renewed", "version": 1, "timestamp": "2026-03-08T00:00:00Z", "id": "event-7",
     "data": {"account": "acme", "subscription": "s1", "rule": "5.1",
              "amount": "-50.00", "currency": "USD", "facts": {"expiry": "2026-04-14"}}}

The table `FACTS` says which facts of the history go out with an event. Whether a fact is there
depends on the case. A later version adds facts. A change that a program could trip over is a new
`VERSION`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from core.domain.events import Event
from core.domain.money import plain

VERSION = 1
"""The version of all bodies."""

_TEST = "test"

_PAID = ("expiry", "external_invoice", "brings")
_CHANGED = ("external_invoice", "when")

FACTS: Mapping[Event, tuple[str, ...]] = {
    Event.PURCHASED: _PAID,
    Event.TRIAL_STARTED: ("expiry",),
    Event.CONVERTED: _PAID,
    Event.IMPORTED: ("expiry",),
    Event.IMPORT_UNDONE: (),
    Event.ACTIVATION_FEE: ("number",),
    Event.NOTICE_RENEWAL: ("expiry",),
    Event.RENEWED: _PAID,
    Event.RENEWAL_FAILED: ("reason",),
    Event.NOTICE_EXPIRING: ("expiry",),
    Event.NOTICE_TRIAL_ENDING: ("expiry",),
    Event.RECOVERED: _PAID,
    Event.EXTENDED: _PAID,
    Event.EXPIRED: ("why", "reason"),
    Event.REACTIVATED: _PAID,
    Event.UNSUBSCRIBED: (),
    Event.RESUBSCRIBED: (),
    Event.TERMINATED: ("why",),
    Event.REFUNDED: (),
    Event.PLAN_CHANGED: (*_CHANGED, "sku"),
    Event.ADDON_CHANGED: (*_CHANGED, "sku", "quantity"),
    Event.CYCLE_CHANGED: (*_CHANGED, "months"),
    Event.NUMBER_ADDED: (*_CHANGED, "number", "sku"),
    Event.NUMBER_REMOVED: (*_CHANGED, "number"),
    Event.NUMBER_SWAPPED: (*_CHANGED, "number", "old"),
    Event.CHANGES_WITHDRAWN: ("withdrawn",),
    Event.NUMBER_HOLD_ENDING: ("number", "until"),
    Event.NUMBER_RELEASED: ("number", "why"),
    Event.GIVEN_AWAY: ("to",),
    Event.OWNER_CHANGED: ("before",),
    Event.ASSIGNED: (),
    Event.SHARED: (),
    Event.UNSHARED: (),
    Event.NUMBER_RESERVED: ("number", "until"),
    Event.NUMBER_UNRESERVED: ("number",),
    Event.TOPPED_UP: (),
    Event.USAGE: (),
    Event.TRANSFERRED: ("partner",),
    Event.ADJUSTED: (),
    Event.PAID: (),
    Event.CARD_CHARGED: (),
    Event.AUTO_TOPPED_UP: (),
    Event.CARD_DECLINED: ("reason",),
    Event.INVOICED: (),
    Event.BROUGHT_FORWARD: (),
    Event.ACCOUNT_SUSPENDED: (),
    Event.ACCOUNT_RESUMED: (),
    Event.ACCOUNT_CLOSED: (),
    Event.ACCOUNT_REOPENED: (),
    Event.ACCOUNT_CLOSED_FOR_GOOD: (),
    Event.ACCOUNT_ERASED: (),
}
"""The facts that go out with each event. All are text. An event without a row has none."""

_ABOUT = {
    "expiry": ("The last paid day.", "date"),
    "until": ("The last day of the hold or the reservation.", "date"),
    "external_invoice": ("The external invoice that pays it.", None),
    "brings": ("The changes that the paid cycle brings, in words.", None),
    "when": ("Whether it changes now or at renewal.", None),
    "reason": ("Why it failed.", None),
    "why": ("Why the step ran, in words.", None),
    "number": ("The phone number.", None),
    "old": ("The phone number before.", None),
    "sku": ("The SKU.", None),
    "quantity": ("How many there are now.", None),
    "months": ("The months of a cycle.", None),
    "withdrawn": ("How many pending changes were withdrawn.", None),
    "to": ("The account that has the subscription now.", None),
    "before": ("The account that had the subscription before.", None),
    "partner": ("The other account of the transfer.", None),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """A committed line of the history, as far as programs are told of it.

    `seq`: its number in the history.
    `at`: the instant at which it happened (UTC).
    `amount`: the signed change of the balance, in `currency`. None if nothing changed.
    """

    seq: int
    event: Event
    at: datetime
    account: str
    subscription: str | None
    rule: str
    amount: Decimal | None
    currency: str
    facts: Mapping[str, Any]


def message_id(seq: int) -> str:
    """The id by which a receiver can tell that it has had the message before."""
    return f"event-{seq}"


def body(happened: Happened) -> dict[str, Any]:
    """The body of the message. It is the same at each attempt (Rule 12)."""
    data: dict[str, Any] = {"account": happened.account}
    if happened.subscription is not None:
        data["subscription"] = happened.subscription
    data["rule"] = happened.rule
    if happened.amount is not None:
        data["amount"] = plain(happened.amount, happened.currency)
        data["currency"] = happened.currency
    told = FACTS.get(happened.event, ())
    data["facts"] = {
        name: str(happened.facts[name])
        for name in told
        if happened.facts.get(name) not in (None, "")
    }
    return _body(str(happened.event), message_id(happened.seq), happened.at, data)


def trial_body(id_: str, at: datetime) -> dict[str, Any]:
    """The body of a message that tells of nothing. A person sends it to try an endpoint."""
    return _body(_TEST, id_, at, {"facts": {}})


def _body(type_: str, id_: str, at: datetime, data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": type_,
        "version": VERSION,
        "timestamp": at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "id": id_,
        "data": data,
    }


def schema(event: Event) -> dict[str, Any]:
    """The JSON schema (2020-12) of the bodies of an event."""
    text = {"type": "string", "minLength": 1}
    facts = {name: _fact(name) for name in FACTS.get(event, ())}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"{event}, version {VERSION}",
        "description": f"What Perennial sends when this happened: {event.words}.",
        "type": "object",
        "required": ["type", "version", "timestamp", "id", "data"],
        "properties": {
            "type": {"const": str(event)},
            "version": {"const": VERSION},
            "timestamp": {"type": "string", "format": "date-time"},
            "id": text | {"description": "The same at each attempt and for each endpoint."},
            "data": {
                "type": "object",
                "required": ["account", "rule", "facts"],
                "properties": {
                    "account": text,
                    "subscription": text,
                    "rule": text | {"description": "The rule of docs/rules.md behind it."},
                    "amount": {
                        "type": "string",
                        "pattern": "^-?[0-9]+(\\.[0-9]+)?$",
                        "description": "The change of the account's balance. "
                        "It is left out if nothing changed.",
                    },
                    "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
                    "facts": {"type": "object", "properties": facts},
                },
                "dependentRequired": {"amount": ["currency"]},
            },
        },
    }


def _fact(name: str) -> dict[str, str]:
    about, form = _ABOUT[name]
    return {"type": "string", "description": about} | ({"format": form} if form else {})
