"""The parameters of paths, queries and headers. `core/domain/inputs.py` reads them all."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Any

from fastapi import Depends, Header, Path, Query
from pydantic import BeforeValidator

from core.domain import inputs
from core.domain.faults import Fault, Faults
from core.domain.inputs import LARGEST_WHOLE, LONGEST_ID, Wrong
from core.domain.transactions import TransactionKind
from doors.queries.transactions import Wanted

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
PathNumber = Annotated[PathId, BeforeValidator(inputs.read_number)]
"""A phone number in a path."""
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
EndpointQuery = Annotated[
    str | None,
    Query(description="Only to this endpoint.", **_ID),
    BeforeValidator(inputs.read_id),
]
SkuQuery = Annotated[
    str | None, Query(description="Only this SKU.", **_ID), BeforeValidator(inputs.read_id)
]
ActorQuery = Annotated[
    str | None,
    Query(description="Only of this one, as the records name it.", **_ID),
    BeforeValidator(inputs.read_id),
]
SubjectQuery = Annotated[
    str | None,
    Query(description="Only about this: a subscription, an account, a key, a person.", **_ID),
    BeforeValidator(inputs.read_id),
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


def in_order(first: date | None, last: date | None) -> None:
    """Raise `Faults` unless the first day is the last one or an earlier one."""
    if first is not None and last is not None and first > last:
        raise Faults([Fault("from", "is after `to`; the same day or an earlier one is allowed")])


async def _transactions(  # FastAPI would run it in a thread otherwise.
    account: OfAccount,
    first_day: SomeFirstDay = None,
    last_day: SomeLastDay = None,
    kind: TransactionKind | None = None,
    subscription: SubscriptionQuery = None,
) -> Wanted:
    in_order(first_day, last_day)
    return Wanted(
        account=account,
        first_day=first_day,
        last_day=last_day,
        kind=kind,
        subscription=subscription,
    )


OfTransactions = Annotated[Wanted, Depends(_transactions)]
"""Which transactions of an account are asked for, by five parameters."""


class Order(StrEnum):
    """The order of a list by time."""

    NEWEST = "newest"
    OLDEST = "oldest"

    @property
    def newest_first(self) -> bool:
        """Whether the newest stands first."""
        return self is Order.NEWEST


Sort = Annotated[Order, Query(description="What stands first.")]
"""The order of a list that an index carries both ways. `after` follows it."""
LARGEST_NUMBER = 10**15
"""The largest number of an invoice, a receipt or a message that is looked for."""


class ReceiptFormat(StrEnum):
    """The formats of receipts."""

    PDF = "pdf"
    HTML = "html"


def _number(about: str, most: int = LARGEST_NUMBER) -> Any:
    def digits(value: object) -> int:
        allowed = f"a number from 1 to {most}"
        number = inputs.read_position(value, allowed)
        if not 1 <= number <= most:
            inputs.wrong(f"must be {allowed}, not {number}")
        return number

    return Annotated[int, Path(description=about, ge=1, le=most), BeforeValidator(digits)]


InvoiceNumber = _number("The number of the invoice, without leading zeros.")
ReceiptNumber = _number("The number that the list of receipts shows.")
MessageId = _number("The id of the message.")
Version = _number("The version.", LARGEST_WHOLE)
IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        description="Your key of this request. Repeated with the same key, it runs only once.",
        **_ID,
    ),
    BeforeValidator(_key),
]
