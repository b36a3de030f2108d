"""The parameters of paths, queries and headers. `core/domain/inputs.py` reads them all."""

from datetime import date
from typing import Annotated

from fastapi import Header, Path, Query
from pydantic import BeforeValidator

from core.domain import inputs
from core.domain.inputs import LONGEST_ID, Wrong

MOST_ROWS = 200
"""So many rows are on one page at most."""
USUAL_ROWS = 50
"""So many rows are on one page by default."""
MOST_MONTHS = 24
"""So many months a forecast covers at most."""

_ID = {"min_length": 1, "max_length": LONGEST_ID}


def _wholes(least: int, most: int) -> BeforeValidator:
    return BeforeValidator(lambda value: inputs.read_whole_text(value, least, most))


def _position(value: object) -> object:
    return value if value is None or isinstance(value, int) else inputs.read_position(value)


def _key(value: object) -> str:
    text = inputs.read_id(value)
    if not text.isascii():
        raise Wrong("must be ASCII; a UUID is a good key")
    return text


PathId = Annotated[
    str, Path(description="The id, percent-encoded.", **_ID), BeforeValidator(inputs.read_id)
]
AccountQuery = Annotated[
    str | None,
    Query(description="Only this account.", **_ID),
    BeforeValidator(inputs.read_id),
]
OfAccount = Annotated[
    str, Query(description="The account.", alias="account", **_ID), BeforeValidator(inputs.read_id)
]
SubscriptionQuery = Annotated[
    str | None,
    Query(description="Only this subscription.", **_ID),
    BeforeValidator(inputs.read_id),
]
SkuQuery = Annotated[
    str | None, Query(description="Only this SKU.", **_ID), BeforeValidator(inputs.read_id)
]
ClockQuery = Annotated[
    str | None,
    Query(description="Only accounts on this test clock.", **_ID),
    BeforeValidator(inputs.read_id),
]
TestClocks = Annotated[
    bool,
    Query(description="Whether accounts on test clocks are listed, too."),
    BeforeValidator(inputs.read_flag_text),
]
After = Annotated[
    str | None,
    Query(description="The `next` of the page before.", **_ID),
    BeforeValidator(inputs.read_id),
]
AfterPosition = Annotated[
    int | None,
    Query(description="The `next` of the page before.", alias="after", ge=0, lt=10**18),
    BeforeValidator(_position),
]
Limit = Annotated[
    int,
    Query(description="How many rows at most.", ge=1, le=MOST_ROWS),
    _wholes(1, MOST_ROWS),
]
Months = Annotated[
    int, Query(description="How many months.", ge=1, le=MOST_MONTHS), _wholes(1, MOST_MONTHS)
]
Day = Annotated[date, BeforeValidator(inputs.read_day)]
FirstDay = Annotated[Day, Query(alias="from", description="The first local date.")]
LastDay = Annotated[Day, Query(alias="to", description="The last local date.")]
SomeFirstDay = Annotated[Day | None, Query(alias="from", description="The first local date.")]
SomeLastDay = Annotated[Day | None, Query(alias="to", description="The last local date.")]
IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        description="Your key of this request. Repeated with the same key, it runs only once.",
        **_ID,
    ),
    BeforeValidator(_key),
]
