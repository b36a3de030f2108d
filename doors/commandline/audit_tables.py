"""Tables of the audit, and the heads of an earlier day."""

import json
from collections.abc import Sequence
from pathlib import Path

from core.domain.counted import counted
from core.domain.faults import Fault, Faults
from core.domain.inputs import Wrong, read_id, read_whole
from core.ledger.audit import CHAINS, Head, Record, Verified
from doors.commandline import inputs, tables
from doors.commandline.tables import Printed


def records(found: Sequence[Record]) -> list[Printed]:
    """Records, the newest first. Instants are in UTC."""
    if not found:
        return ["There is no record."]
    columns = ("ID", "At", "Who", "From", "Act", "On", "Outcome")
    made = tables.table("Audit (UTC)", *columns)
    for line in found:
        at = f"{line.at:%Y-%m-%d %H:%M:%S}"
        cells = (str(line.id), at, line.actor, line.address, line.act, line.subject or "")
        tables.add_row(made, *cells, line.outcome)
    return [made]


def verified(found: Verified) -> list[Printed]:
    """What was found."""
    if not found.findings:
        records, chains = counted(found.records, "record"), counted(len(found.heads), "chain")
        return [f"{records} in {chains}: all as they were written."]
    made = tables.table("Broken places", "Chain", "Position", "What")
    for line in found.findings:
        tables.add_row(made, str(line.chain), str(line.position), line.what)
    return [made]


def known_heads(place: str, path: Path) -> list[Head]:
    """The heads of a file that `audit verify --json` has printed. Raises `Faults`."""
    content = inputs.content(place, path)
    try:
        document = json.loads(content)
        return [
            Head(
                chain=read_whole(head["chain"], 0, CHAINS - 1),
                position=read_whole(head["position"], 1, 2**62),
                hash=read_id(head["hash"]),
            )
            for head in document["heads"]
        ]
    except (ValueError, KeyError, TypeError, RecursionError, Wrong):
        reason = f"{path} is not what `audit verify --json` prints"
        raise Faults([Fault(place, reason)]) from None
