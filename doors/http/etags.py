"""ETags: a resource that two may edit has one, and a change names the one that it is based on."""

import hashlib
import json
from typing import Annotated, Any

from fastapi import Header

from core.domain.inputs import LONGEST_ID
from doors.http.problems import Kind, Problem

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=LONGEST_ID,
        description="The `ETag` of what you have seen. Without it nothing is changed.",
    ),
]


def etag_of(values: Any) -> str:
    """The ETag of a resource. `values`: what it depends on, as JSON."""
    text = json.dumps(values, sort_keys=True, default=str)
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:16]}"'


def require(if_match: str | None) -> str:
    """The ETag that a change is based on. Raises `Problem` 428 where there is none."""
    if if_match is None:
        raise Problem(Kind.NO_PRECONDITION, "the change names no ETag", place="If-Match")
    return if_match


def require_same(if_match: str, now: str, *, as_asked: bool = False) -> None:
    """Raise `Problem` 412 unless the resource still is what the caller has seen.

    `now`: its present ETag. The caller holds the lock of the resource.
    `as_asked`: whether it is already as the change makes it. Then there is no conflict, because a
    caller that got no response sends its change again, and has seen what was before (RFC 9110).
    """
    seen = [one.strip().removeprefix("W/") for one in if_match.split(",")]
    if not as_asked and now not in seen and "*" not in seen:
        raise Problem(
            Kind.CHANGED,
            "it has changed since you have seen it",
            place="If-Match",
            allowed=now,
        )
