"""The audit: every act of people and programs (docs/staff.md)."""

from core.ledger import audit as stored
from core.ledger.audit import Record
from core.ledger.ledger import Ledger
from doors.http.callers import Calling
from doors.http.pages import Listed, page_of
from doors.http.parameters import USUAL_ROWS, ActorQuery, AfterPosition, Limit, SubjectQuery
from doors.http.routes import Routes

routes = Routes("audit")


@routes.get("/audit", "list_audit", Listed[Record])
async def list_audit(
    caller: Calling,
    actor: ActorQuery = None,
    subject: SubjectQuery = None,
    after: AfterPosition = None,
    limit: Limit = USUAL_ROWS,
) -> Listed[Record]:
    """The records, the newest first. `starter.py audit verify` checks their chains."""

    def read(ledger: Ledger) -> Listed[Record]:
        with ledger.read() as connection:
            rows = stored.records(
                connection, ledger.seller, actor=actor, subject=subject, before=after
            )
            return page_of(rows, limit, lambda row: str(row.id))

    return await caller.read(read)
