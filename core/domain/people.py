"""The people of a subscription: to whom it is assigned, and with whom it is shared (Rule 9).

They are named by their e-mail addresses. Two addresses that differ in the case of letters only are
one. Rule 9 allows a change only if it changes something.
"""

from dataclasses import dataclass, replace

from core.domain.inputs import Wrong, read_email
from core.domain.refusal import Refused
from core.domain.rules import Rule

MOST_MEMBERS = 100
"""A subscription is shared with so many members at most."""


@dataclass(frozen=True, slots=True)
class People:
    """`assigned_to`: None is the account's owner. `members`: in the order in which they came."""

    assigned_to: str | None = None
    members: tuple[str, ...] = ()


def assign(people: People, to: str | None) -> People:
    """The people, with the subscription assigned to an address, or to the owner for None."""
    address = None if to is None else _address(to)
    if _same(people.assigned_to, address):
        raise Refused(Rule.CHANGES, f"it is assigned to {address or 'the owner'} already")
    return replace(people, assigned_to=address)


def share(people: People, member: str) -> People:
    """The people with one more member."""
    address = _address(member)
    if any(_same(known, address) for known in people.members):
        raise Refused(Rule.CHANGES, f"it is shared with {address} already")
    if len(people.members) == MOST_MEMBERS:
        raise Refused(
            Rule.CHANGES, f"it is shared with {MOST_MEMBERS} members, and no more are allowed"
        )
    return replace(people, members=(*people.members, address))


def unshare(people: People, member: str) -> People:
    """The people without a member."""
    address = _address(member)
    rest = tuple(known for known in people.members if not _same(known, address))
    if len(rest) == len(people.members):
        raise Refused(Rule.CHANGES, f"it is not shared with {address}")
    return replace(people, members=rest)


def _address(written: str) -> str:
    try:
        return read_email(written)
    except Wrong as wrong:
        raise Refused(Rule.CHANGES, f"an assignee or a member {wrong}") from None


def _same(one: str | None, other: str | None) -> bool:
    return one == other or (
        None not in (one, other) and str(one).casefold() == str(other).casefold()
    )
