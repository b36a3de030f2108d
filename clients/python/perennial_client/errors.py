"""What can go wrong. Each error tells what happened and what to do next.

`Problem` and its subclasses are what the API tells (RFC 9457). `NoResponse` and `Unreadable` are
about the way to it. `OutcomeUnknown` is a command that may or may not have been carried out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LONGEST = 300
"""So many characters of a text that is no problem of the API are shown."""


class PerennialError(Exception):
    """The base of all errors of this package."""


class NoResponse(PerennialError):
    """No response came, after all attempts. It was never sent, or may be repeated as it is."""


class Unreadable(PerennialError):
    """A response is not what this version of the package can read."""


class TooLarge(PerennialError):
    """A file has more bytes than the caller takes. `most_bytes`: so many it may have."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__(
            f"The file has more than {most_bytes} bytes. Nothing of it was kept. "
            "Ask for less, or take more by `most_bytes`."
        )
        self.most_bytes = most_bytes


class OutcomeUnknown(PerennialError):
    """A command may or may not have been carried out.

    Send the same command again with `idempotency_key`: it does not run twice. Or look at
    `show_request(idempotency_key)`.
    """

    def __init__(self, idempotency_key: str, reason: str) -> None:
        super().__init__(
            f"The outcome is unknown: {reason}. "
            f"Send it again with the same idempotency key, {idempotency_key}."
        )
        self.idempotency_key = idempotency_key


class NeedsApproval(PerennialError):
    """A command that moves more money than the key may move alone. A second person approves it.

    `approval`: the id of the approval. Nothing was done. `idempotency_key`: of the command.
    """

    def __init__(self, idempotency_key: str, approval: str) -> None:
        super().__init__(f"It waits for a second person, as approval {approval}.")
        self.idempotency_key, self.approval = idempotency_key, approval


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of an input: the field or the parameter, and what is wrong with it."""

    place: str
    reason: str


class Problem(PerennialError):
    """What the API tells instead of a result.

    `kind`: the last part of its type, such as "refused". docs/api.md lists them.
    `status`: the HTTP status.
    `detail`: what happened.
    `rule`: the rule that refuses, such as "4.1". None where no rule is concerned.
    `place`, `allowed`: the field or the parameter, and what is allowed there.
    `next`: what to do next.
    `faults`: all faults of an input.
    `request`: the id of the request, as in the log of the API.
    `retry_after`: seconds after which it may be sent again.
    """

    def __init__(self, status: int, document: Mapping[str, Any], retry_after: float | None) -> None:
        self.kind = str(document.get("type", "")).rpartition(":")[2]
        self.status = status
        self.detail = str(document.get("detail", ""))
        self.rule = _text(document.get("rule"))
        self.place = _text(document.get("place"))
        self.allowed = document.get("allowed")
        self.next = str(document.get("next", ""))
        self.faults = tuple(_faults(document.get("faults")))
        self.request = _text(document.get("instance"))
        self.retry_after = retry_after
        title = str(document.get("title") or f"HTTP {status}")
        rule = f" (rule {self.rule})" if self.rule else ""
        super().__init__(f"{title}: {self.detail}{rule}. {self.next}".strip())


class BadInput(Problem):
    """A field or a parameter is wrong, missing or unknown. `faults` names each."""


class NoKey(Problem):
    """The key is missing, unknown, expired or revoked."""


class NotAllowed(Problem):
    """The role of the key may not do it. `allowed` has the roles that may."""


class NotFound(Problem):
    """There is no such thing. What belongs to other sellers does not exist for the key."""


class KeyUsed(Problem):
    """The idempotency key was used for another command."""


class Changed(Problem):
    """Another caller has changed it since. Read it again, and send the change with its `etag`."""


class InFlight(Problem):
    """A command with the same idempotency key is still being carried out."""


class Refused(Problem):
    """A rule refuses the command. Nothing was done."""


class TooManyRequests(Problem):
    """The key has sent too many requests, for longer than the client is patient."""


class OwnError(Problem):
    """Perennial has an error of its own. A command may have been carried out: send it again with
    the same idempotency key."""


class NotAvailable(Problem):
    """The system is away, for longer than the client is patient."""


_KINDS: Mapping[str, type[Problem]] = {
    "bad-input": BadInput,
    "no-key": NoKey,
    "not-allowed": NotAllowed,
    "not-found": NotFound,
    "idempotency-key-used": KeyUsed,
    "changed-meanwhile": Changed,
    "in-flight": InFlight,
    "refused": Refused,
    "too-many-requests": TooManyRequests,
    "own-error": OwnError,
    "not-available": NotAvailable,
}


def problem_of(status: int, document: object, retry_after: float | None) -> Problem:
    """The problem that a response tells. `document`: its JSON, or the text of another server."""
    if not isinstance(document, Mapping) or "type" not in document:
        said = " ".join(str(document).split())[:LONGEST]
        document = {
            "type": "",
            "title": f"HTTP {status}, from something that is no Perennial API",
            "detail": said or "it says nothing",
            "next": "Check the address of the API, and what stands before it.",
        }
    kind = str(document["type"]).rpartition(":")[2]
    return _KINDS.get(kind, Problem)(status, document, retry_after)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _faults(value: object) -> list[Fault]:
    if not isinstance(value, list):
        return []
    found = [fault for fault in value if isinstance(fault, Mapping)]
    return [Fault(str(fault.get("place")), str(fault.get("reason"))) for fault in found]
