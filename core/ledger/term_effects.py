"""Effects of new terms that people have asked for: how far each is, and what was found.

A process works an effect out, and tells how far it is. So any process can show it. One that has not
told for a while was interrupted. The newest of a seller are kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from core.domain.faults import Fault, Faults
from core.ledger import sellers
from core.ledger.ledger import Ledger
from core.ledger.tables import TermEffect

KEPT = 20
"""So many of a seller are kept, the newest ones."""
AT_ONCE = 3
"""So many of a seller are worked out or wait at once."""
SILENT = timedelta(seconds=90)
"""A process that has not told for so long was interrupted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectLine:
    """An effect that was asked for. Instants are in UTC.

    `kind`: of which terms. `draft`: the new terms, as the editor has them.
    `done`, `total`: how far it is, in accounts. `found`: the effect as JSON, when it is there.
    `error`: why there is none.
    `interrupted`: it is not there, and no process works on it.
    """

    id: str
    kind: str
    draft: Mapping[str, Any]
    asked_at: datetime
    asked_by: str
    done: int
    total: int
    found: Mapping[str, Any] | None
    error: str | None
    interrupted: bool


def ask(
    ledger: Ledger, id_: str, kind: str, draft: Mapping[str, Any], *, by: str, now: datetime
) -> bool:
    """Ask for an effect. Returns whether it was asked for now, and not before.

    `now`: the machine's instant (UTC). The oldest ones make room.

    Raises `Faults` when too many of the seller are under way.
    """
    mine = TermEffect.seller == ledger.seller
    with ledger.transaction("term_effect") as connection:
        sellers.ensure(connection, ledger.seller)
        new = (
            insert(TermEffect)
            .values(
                id=id_,
                seller=ledger.seller,
                kind=kind,
                draft=dict(draft),
                asked_at=now,
                asked_by=by,
                told_at=now,
            )
            .on_conflict_do_nothing()
            .returning(TermEffect.id)
        )
        if connection.execute(new).first() is None:
            return False
        running = select(func.count()).where(
            mine, TermEffect.ended_at.is_(None), TermEffect.told_at > now - SILENT
        )
        if connection.execute(running).scalar_one() > AT_ONCE:
            reason = f"{AT_ONCE} are being worked out; wait until one of them is there"
            raise Faults([Fault("effect", reason)])
        newest = (
            select(TermEffect.id)
            .where(mine)
            .order_by(TermEffect.asked_at.desc(), TermEffect.id.desc())
            .limit(KEPT)
        )
        connection.execute(delete(TermEffect).where(mine, TermEffect.id.not_in(newest)))
        return True


def tell(ledger: Ledger, id_: str, done: int, total: int, now: datetime) -> None:
    """Tell how far an effect is, in accounts."""
    _update(ledger, id_, told_at=now, done=done, total=total)


def end(
    ledger: Ledger,
    id_: str,
    now: datetime,
    *,
    found: Mapping[str, Any] | None = None,
    error: str | None = None,
) -> None:
    """Keep an effect, or why there is none."""
    kept = None if found is None else dict(found)
    _update(ledger, id_, told_at=now, ended_at=now, found=kept, error=error)


def _update(ledger: Ledger, id_: str, **values: Any) -> None:
    mine = (TermEffect.id == id_, TermEffect.seller == ledger.seller)
    with ledger.transaction("term_effect") as connection:
        connection.execute(update(TermEffect).where(*mine).values(**values))


def find(ledger: Ledger, id_: str, now: datetime) -> EffectLine | None:
    """An effect of the seller. None: there is none with this id, or it was not kept."""
    query = select(TermEffect.__table__).where(
        TermEffect.id == id_, TermEffect.seller == ledger.seller
    )
    with ledger.read() as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return EffectLine(
        id=row.id,
        kind=row.kind,
        draft=row.draft,
        asked_at=row.asked_at,
        asked_by=row.asked_by,
        done=row.done,
        total=row.total,
        found=row.found,
        error=row.error,
        interrupted=row.ended_at is None and row.told_at < now - SILENT,
    )
