"""Batches of usage: up to 1,000 small charges of many accounts, each charged once."""

from dataclasses import replace
from functools import partial
from typing import Any

from fastapi import Request

from core.domain.commands.usage import Usage
from core.domain.faults import Fault, Faults
from core.domain.usage_batch import MOST_ROWS, ChargedBatch, RowOutcome
from core.ledger import audit
from core.ledger.audit import Outcome
from doors.http.callers import Calling
from doors.http.command_bodies import body_schema, read_command
from doors.http.forms import Form, listed, mapping
from doors.http.parameters import IdempotencyKey
from doors.http.routes import Routes

#: What an idempotency key has beside the number of a row.
_ROOM = len("/1000")

BATCH = Form(
    "UsageBatch",
    {
        "rows": listed(
            "Usage of any accounts, in the order in which it is charged.",
            mapping,
            {**body_schema(Usage), "title": "UsageRow"},
            MOST_ROWS,
            required=True,
        )
    },
    example={"rows": [{"account": "acme", "amount": "0.30000", "text": "SMS to +65"}]},
)

routes = Routes("batches")


@routes.write("POST", "/usage-batches", "charge_usage_batch", ChargedBatch, BATCH)
async def charge_usage_batch(
    caller: Calling, request: Request, key: IdempotencyKey
) -> ChargedBatch:
    """Charge usage of many accounts. A row that is refused does not stop the others (Rule 11.1).

    Row 7 of the key `june-30` has the request id `june-30/7`. The same batch again charges nothing
    twice, and says `repeated`. Rows with the outcome `unknown` are known after a repetition.
    """
    rows = (await BATCH.of(request))["rows"]
    if len(key) + _ROOM > 200:
        raise Faults([Fault("Idempotency-Key", "has at most 195 characters for a batch")])
    usage, faults = list[Usage](), list[Fault]()
    for number, row in enumerate(rows, start=1):
        try:
            usage.append(_usage(row, f"{key}/{number}", caller.actor))
        except Faults as error:
            faults += [replace(one, place=f"rows.{number}.{one.place}") for one in error.faults]
    if faults:
        raise Faults(faults[:100])
    with caller.in_flight.only(caller.seller, key):
        record = partial(audit.record, act="charge_usage_batch", request_id=key)
        await caller.read(record, outcome=Outcome.ASKED, after={"rows": len(usage)})
        charged = await caller.perennial.charge_usage_batch(usage)
        done = {str(outcome): charged.count(outcome) for outcome in RowOutcome}
        await caller.read(record, outcome=Outcome.DONE, after=done)
        return charged


def _usage(row: dict[str, Any], request_id: str, actor: str) -> Usage:
    made = read_command(Usage, row, request_id=request_id, actor=actor)
    assert isinstance(made, Usage)
    return made
