"""What request ids were used for. An id is one request, by whichever door it comes (Rule 4.2)."""

from typing import Any, Final

from sqlalchemy import (
    Connection,
    Select,
    Text,
    any_,
    bindparam,
    cast,
    literal,
    null,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from core.domain.acts import Act
from core.ledger.tables import (
    ApiRequest,
    BackgroundRequest,
    CampaignRow,
    Operation,
    SellerCredit,
)

TOP_UP: Final[Act] = "top_up_seller"
"""The fingerprint of a top-up of the seller. `seller_wallets.top_up` compares the amounts."""
_NO_RESULT = cast(null(), JSONB)


def _used_by(table: Any, fingerprint: Any, result: Any) -> Select[Any]:
    return select(table.request_id, fingerprint.label("fingerprint"), result.label("result")).where(
        table.seller == bindparam("of"),
        table.request_id == any_(bindparam("ids", type_=ARRAY(Text))),
    )


#: What request ids (`ids`) of a seller (`of`) were used for. The statement is made once.
_USED = union_all(
    _used_by(Operation, Operation.fingerprint, Operation.result),
    _used_by(ApiRequest, ApiRequest.fingerprint, _NO_RESULT),
    _used_by(BackgroundRequest, BackgroundRequest.fingerprint, _NO_RESULT),
    _used_by(CampaignRow, CampaignRow.fingerprint, _NO_RESULT),
    _used_by(SellerCredit, literal(TOP_UP), _NO_RESULT),
)


def used_by_any(
    connection: Connection, seller: str, request_ids: list[str]
) -> dict[str, tuple[str, dict[str, Any]]]:
    """What these request ids were used for, by id: a fingerprint, and what a command returned.

    A request is a command, a request that is none, one that goes on after its response, a campaign,
    or a top-up of the seller. Only a command has the fingerprint of a command. So a command that
    finds another fingerprint is refused (Rule 4.2). All is read with one statement.
    """
    found = connection.execute(_USED, {"of": seller, "ids": request_ids})
    # Where two came at the same instant, the command repeats what it has done.
    rows = sorted(found, key=lambda row: row.result is not None)
    return {row.request_id: (row.fingerprint, row.result or {}) for row in rows}
