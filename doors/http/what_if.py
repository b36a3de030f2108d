"""What if: assumptions about an account, and both of its futures side by side (docs/what-if.md)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from fastapi import Request

from core.domain.faults import Fault, Faults
from core.domain.forecast_difference import Pair
from core.ledger.ledger import Ledger
from doors.application.what_if import MOST_STEPS, Outlook, RefusedAssumption, WhatIf, what_if
from doors.http.callers import Calling
from doors.http.forms import Form, flag, id_, listed, mapping, whole
from doors.http.parameters import MOST_MONTHS, IdempotencyKey
from doors.http.routes import Routes
from doors.queries.forecasts import known_of
from doors.scenarios import assumptions

MOST_PLAYED = 600
"""So many subscriptions times months are played while a caller waits."""
MOST_PAIRS = 1000
"""So many events that differ are told. The others are counted."""
_USUAL_MONTHS = 3

ASK = Form(
    "WhatIfQuestion",
    {
        "account": id_("The account, or one of its subscriptions.", required=True),
        "months": whole(f"How many months. Default {_USUAL_MONTHS}.", 1, MOST_MONTHS),
        "steps": listed(
            "What is assumed to happen, in order, each with `at` and `do` (docs/what-if.md).",
            mapping,
            {"type": "object"},
            MOST_STEPS,
        ),
        "catalog": listed(
            "Prices that are assumed, as entries of the catalogue with `from`.",
            mapping,
            {"type": "object"},
            assumptions.MOST_ENTRIES,
        ),
        "card_declines": flag("Whether the card that is stored now is declined. Default false."),
    },
    example={
        "account": "acme",
        "catalog": [{"sku": "PRO", "prices": {"USD": "60.00"}, "from": "2021-03-01"}],
    },
    at_least_one=("steps", "catalog"),
)

routes = Routes("accounts")


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIfAnswer:
    """The forecast of an account without assumptions and with them.

    `now`, `until`: the instants (UTC) between which it looks. `balance`: what it is now.
    `without`, `assumed`: how the account stands at the end.
    `differ`: the events that differ, side by side. `left_out`: how many more there are.
    `same`: how many events are the same in both.
    `refused`: the assumed commands that would be refused.
    """

    account: str
    currency: str
    timezone: str
    now: datetime
    until: datetime
    balance: Decimal
    without: Outlook
    assumed: Outlook
    differ: list[Pair]
    left_out: int
    same: int
    refused: list[RefusedAssumption]


@routes.write("POST", "/what-ifs", "what_if", WhatIfAnswer, ASK)
async def ask_what_if(caller: Calling, request: Request, key: IdempotencyKey) -> WhatIfAnswer:
    """What an account does in the coming months if assumptions come true, and if not.

    It is played on a copy. Nothing is changed, and no card is charged.
    """
    values = await ASK.of(request)
    document: dict[str, Any] = {
        name: values[name] for name in ("catalog", "steps") if name in values
    }
    found = await caller.read(
        played,
        values["account"],
        document,
        values.get("months", _USUAL_MONTHS),
        card_charges=not values.get("card_declines", False),
    )
    differ = [pair for pair in found.pairs if not pair.same]
    return WhatIfAnswer(
        account=found.account,
        currency=found.currency,
        timezone=found.timezone,
        now=found.now,
        until=found.until,
        balance=found.balance,
        without=found.without,
        assumed=found.assumed,
        differ=differ[:MOST_PAIRS],
        left_out=max(0, len(differ) - MOST_PAIRS),
        same=len(found.pairs) - len(differ),
        refused=found.refused,
    )


def played(
    ledger: Ledger,
    asked: str,
    document: Mapping[str, Any],
    months: int,
    *,
    card_charges: bool = True,
) -> WhatIf:
    """Read assumptions, and play them on a copy of an account.

    `asked`: the account, or one of its subscriptions. `document`: as in a file (docs/what-if.md).

    Raises NotFound. Raises `Faults` for wrong assumptions, and for more than `MOST_PLAYED`.
    """
    known = known_of(ledger, asked, months)
    if len(known.subscriptions) * months > MOST_PLAYED:
        reason = (
            f"the account has {len(known.subscriptions):,} subscriptions, which is too many for "
            f"{months} months here; choose fewer, or run `starter.py forecast "
            f"{known.account} --assume FILE`"
        )
        raise Faults([Fault("months", reason)])
    assumed = assumptions.read(
        json.dumps(document).encode(),
        account=known.account,
        zone=known.zone,
        until=known.until,
        subscriptions=known.subscriptions,
        catalog=known.catalog,
    )
    return what_if(ledger, known.account, assumed, months, card_charges=card_charges)
