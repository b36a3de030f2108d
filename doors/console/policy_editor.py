"""The editor of the policy: a form, what it changes, and putting it in force (Rule 14).

A policy of the form is the same object that `starter.py policy load` takes. It goes the same way
(`doors/application/new_terms.py`).
"""

from collections.abc import Mapping
from typing import Any

from core.domain import policy as policies
from core.domain.faults import Fault, Faults
from core.domain.policy import DEFAULT, Policy
from core.ledger.ledger import Ledger
from doors.access.staff import StaffCaller
from doors.application import new_terms
from doors.application.new_terms import TermsChanged, policy_subject
from doors.console.effects import offer
from doors.console.forms import Sent
from doors.console.pages import Page, Pages, see
from doors.console.parameters import SomeVersion
from doors.console.policy_fields import LEAVES, read_policy, sections, texts_of
from doors.console.terms import differences
from doors.console.terms_changes import (
    SEEN,
    new_request_id,
    put_once,
    record_of,
    request_id_of,
    seen_of,
)
from doors.console.visitors import Visiting
from doors.queries.terms_in_force import find_policy, policy_in_force

pages = Pages()


@pages.get("/terms/policy/edit", "set_policy")
async def edit(visitor: Visiting, version: SomeVersion = None) -> Page:
    """The form, filled in with the version in force or an older one."""
    now, policy = await visitor.read(policy_in_force)
    if version is not None:
        policy = await visitor.read(_policy, version)
    return _form(texts_of(policy), seen=now, base=now if version is None else version)


@pages.post("/terms/policy/change", "set_policy")
async def change_values(visitor: Visiting, sent: Sent) -> Page:
    """The form with the values of a draft, to change them."""
    seen = seen_of(sent)
    return _form(_texts(sent), seen=seen, base=seen)


@pages.post("/terms/policy/check", "set_policy")
async def check(visitor: Visiting, sent: Sent) -> Page:
    """What a draft changes. Nothing is done."""
    seen = seen_of(sent)
    try:
        policy = read_policy(sent)
    except Faults as error:
        return _form(_texts(sent), seen=seen, base=seen, faults=error.faults)
    return await _checked(visitor, policy, seen)


@pages.post("/terms/policy/put", "set_policy")
async def put(visitor: Visiting, sent: Sent) -> Any:
    """Put a draft in force, unless the policy has changed since it was checked."""
    seen, policy, request_id = seen_of(sent), read_policy(sent), request_id_of(sent)
    values = {"policy": policies.document(policy), "seen": seen}
    try:
        done = await put_once(
            visitor,
            "set_policy",
            request_id,
            values,
            lambda connection, seller: {
                "version": new_terms.put_policy(
                    connection, seller, policy, seen=seen, request_id=request_id
                )
            },
        )
    except TermsChanged:
        return await _checked(visitor, policy, seen, refused=True)
    return see(f"/terms/policy?put={done['version']}")


def _texts(sent: Mapping[str, str]) -> dict[str, str]:
    return {name: sent.get(name, "") for name in LEAVES}


def _form(
    texts: Mapping[str, str], *, seen: int, base: int, faults: tuple[Fault, ...] = ()
) -> Page:
    parts = sections(texts, faults)
    labels = {field.name: field.label for part in parts for field in part.fields}
    return Page(
        template="policy_edit.html",
        shows={
            "sections": parts,
            "seen": seen,
            "base": base,
            "faults": [(fault, labels.get(fault.place)) for fault in faults],
        },
        status=400 if faults else 200,
        kept=True,
    )


async def _checked(
    visitor: StaffCaller, policy: Policy, seen: int, *, refused: bool = False
) -> Page:
    """A draft beside the version in force. `refused`: it was not put in force."""

    def read(ledger: Ledger) -> dict[str, Any]:
        version, now = policy_in_force(ledger)
        shows = {
            "version": version,
            "changes": differences(now, policy),
            "theirs": [],
            "kept": None,
            "by": None,
        }
        if version != seen:
            base = _policy(ledger, seen)
            kept = _kept(texts_of(base), texts_of(policy), texts_of(now))
            shows |= {
                "theirs": differences(base, now),
                "kept": None if kept == texts_of(policy) else kept,
                "by": record_of(ledger, policy_subject(version)),
            }
        return shows

    found = await visitor.read(read)
    draft = texts_of(policy) | {SEEN: str(found["version"])}
    shows = found | {
        "draft": draft,
        "request_id": new_request_id(),
        "refused": refused,
        "seen": seen,
        "offer": await offer(visitor),
    }
    return Page(
        template="policy_check.html", shows=shows, status=409 if refused else 200, kept=True
    )


def _kept(base: Mapping[str, str], draft: Mapping[str, str], now: Mapping[str, str]) -> Any:
    """The draft with what another person has changed, where the draft itself has not."""
    return {name: now[name] if draft[name] == base[name] else draft[name] for name in draft}


def _policy(ledger: Ledger, version: int) -> Policy:
    return DEFAULT if version == 0 else find_policy(ledger, version)
