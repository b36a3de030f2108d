"""What the editors of terms share: putting a draft in force once, and who has changed them before.

A draft names the state that it was made from. It has a request id from the moment it is checked.
So a double click puts it in force once, and two who edit at once do not overwrite each other.
"""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection

from core.domain import inputs
from core.domain.acts import Act
from core.domain.catalog import Catalog
from core.domain.faults import Fault, Faults
from core.ledger import api_requests, audit
from core.ledger.api_requests import Asked
from core.ledger.audit import Record
from core.ledger.ledger import Ledger
from core.ledger.stored_terms import stored_entries
from doors.access.staff import StaffCaller
from doors.application.new_terms import TermsChanged
from doors.queries.snapshot import open_snapshot

REQUEST, SEEN = "request_id", "seen"
"""The fields of a draft that hold its request id, and the state that it was made from."""
_OF_CONSOLE = "console/"


def new_request_id() -> str:
    """The request id of a draft that is shown."""
    return f"{_OF_CONSOLE}{uuid4()}"


def request_id_of(sent: Mapping[str, str]) -> str:
    """The request id of a form. Raises `Faults`."""
    found = sent.get(REQUEST, "")
    if not found.startswith(_OF_CONSOLE) or len(found) > inputs.LONGEST_ID:
        raise Faults([Fault("request", "is missing; load the page again")])
    return found


def seen_of(sent: Mapping[str, str]) -> int:
    """The state that a draft was made from. Raises `Faults`."""
    return inputs.required("version", sent.get(SEEN, ""), inputs.read_whole_text)


async def put_once(
    visitor: StaffCaller,
    do: Act,
    request_id: str,
    values: Mapping[str, Any],
    act: Callable[[Connection, str], dict[str, Any]],
) -> dict[str, Any]:
    """What `act` returns, which runs once for a request id and records itself in the audit.

    `act`: gets the transaction and the seller. Raises `Refused` 4.2 if the request id was used for
    something else, and what `act` raises.
    """
    asked = Asked(request_id=request_id, do=do, values=values, actor=visitor.actor, recorded=True)

    def once(ledger: Ledger) -> dict[str, Any]:
        done = api_requests.once(ledger, asked, lambda connection: act(connection, ledger.seller))
        return done.document

    def run(ledger: Ledger) -> dict[str, Any]:
        try:
            return once(ledger)
        except TermsChanged:  # A concurrent double click may have done it.
            return once(ledger)

    return await visitor.read(run)


def stored_catalog(ledger: Ledger) -> tuple[int, Catalog, list[dict[str, Any]]]:
    """The revision of the catalogue, the catalogue, and its entries as they are stored."""
    with open_snapshot(ledger) as snapshot:
        revision, _ = snapshot.versions_in_force()
        return revision, snapshot.catalog(), stored_entries(snapshot.connection, ledger.seller)


def record_of(ledger: Ledger, subject: str) -> Record | None:
    """Who has put a state of the terms in force, and when. None: the audit does not say."""
    with ledger.read() as connection:
        return next(audit.records(connection, ledger.seller, subject=subject), None)
