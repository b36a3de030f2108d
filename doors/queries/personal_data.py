"""Everything that is stored about an account and its people, as one JSON file.

The file is written while the tables are read, page by page, so none is held in memory:

    {"account": "acme", "exported_at": "2026-11-27T20:00:00+00:00",
     "accounts": [{…}],
     "subscriptions": [{…}, {…}], …}

Every table of `core.ledger.personal_data.COVERED` is in it, and those that say what happened to the
person's data. A card's token is masked. A document is in base64.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, or_, select, tuple_

from core.domain.documents import DocumentKind
from core.domain.event_payloads import body
from core.ledger import audit
from core.ledger.clocks import machine_now
from core.ledger.deliveries import happened_from
from core.ledger.double_entry import Purpose
from core.ledger.invoice_facts import IS_RECEIVED
from core.ledger.ledger import Ledger
from core.ledger.row_pages import row_pages
from core.ledger.tables import (
    AccountRow,
    ApiRequest,
    Approval,
    Audit,
    CardCharge,
    CustomerProfileRow,
    Delivery,
    DocumentRow,
    Endpoint,
    Erasure,
    History,
    Invoice,
    Message,
    MonthlyAmount,
    NumberHistory,
    NumberRow,
    Operation,
    RefusalRow,
    SubscriptionRow,
    TrialRow,
)
from doors.queries.snapshot import NotFound

_PAGE = 200
_FEW = 10
"""Rows of a page of documents, which are large."""
_LEFT_OUT = frozenset({"fingerprint", "workflow_started", "logo"})
"""Columns that tell nothing of a person."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the file: its rows, in the order of keys that are unique in it.

    `names`: what the keys are called in a row. Default: as their columns.
    """

    name: str
    rows: Select[Any]
    keys: tuple[Any, ...]
    names: tuple[str, ...] = ()
    page: int = _PAGE

    def follows(self, last: Any) -> ColumnElement[bool]:
        """Whether a row comes after the last one of a page."""
        names = self.names or [key.key for key in self.keys]
        return tuple_(*self.keys) > tuple_(*(getattr(last, name) for name in names))


def personal_data(ledger: Ledger, account: str) -> Iterator[str]:
    """The file, piece by piece. Raises NotFound before the first piece."""
    with ledger.read() as connection:
        mine = AccountRow.id == account, AccountRow.seller == ledger.seller
        if connection.execute(select(AccountRow.id).where(*mine)).first() is None:
            raise NotFound(f"there is no account {account}")
    return _pieces(ledger, account)


def exported(ledger: Ledger, account: str) -> Iterator[str]:
    """The file for who has asked for it. The audit has that. Raises NotFound."""
    pieces = personal_data(ledger, account)
    audit.record(ledger, "export_account", subject=account)
    return pieces


def _pieces(ledger: Ledger, account: str) -> Iterator[str]:
    now = machine_now().isoformat(timespec="seconds")
    yield f'{{"account": {_json(account)}, "exported_at": {_json(now)}'
    with ledger.read() as connection:
        for part in _parts(ledger.seller, account):
            yield f",\n{_json(part.name)}: ["
            for number, row in enumerate(_rows(connection, part)):
                yield f"{',' if number else ''}\n  {_json(row)}"
            yield "]"
    yield "}\n"


def _rows(connection: Connection, part: _Part) -> Iterator[Mapping[str, Any]]:
    query = part.rows.order_by(*part.keys)
    for row in row_pages(connection, query, part.follows, min(part.page, _PAGE)):
        yield _plain(part.name, row)


def _plain(name: str, row: Row[Any]) -> dict[str, Any]:
    values = {key: value for key, value in row._mapping.items() if key not in _LEFT_OUT}
    if values.get("card"):
        values["card"] = masked(values["card"])
    if name == "deliveries":
        values = {key: values[key] for key in (*_OF_DELIVERY, "endpoint_name")}
        told: Any = SimpleNamespace(**{**row._mapping, "event": row.what})
        values["payload"] = body(happened_from(told))
    return values


def masked(card: str) -> str:
    """The token of a card but its last four characters, and not even those of a short one."""
    return f"…{card[-4:]}" if len(card) >= 12 else "…"


def _json(value: Any) -> str:
    return json.dumps(value, default=_written, ensure_ascii=False)


def _written(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} has no form in JSON")


_OF_DELIVERY = tuple(column.name for column in Delivery.__table__.columns)


def _parts(seller: str, account: str) -> Iterator[_Part]:
    """The parts of the file, each by an index of its table."""

    def of(
        table: Any, *keys: Any, where: Any = None, only: Any = None, name: str | None = None
    ) -> _Part:
        """Rows of a table by keys that are unique within the account."""
        query = select(table.__table__).where(table.account == account if where is None else where)
        if only is not None:
            query = query.where(only)
        return _Part(name or table.__tablename__, query, keys)

    yield of(AccountRow, AccountRow.id, where=AccountRow.id == account)
    yield of(Erasure, Erasure.account)
    yield of(CustomerProfileRow, CustomerProfileRow.version)
    yield of(SubscriptionRow, SubscriptionRow.id)
    yield of(NumberRow, NumberRow.number)
    yield of(NumberHistory, NumberHistory.seq)
    yield of(TrialRow, TrialRow.tried)
    yield of(History, History.seq)
    yield of(Operation, Operation.id, only=Operation.purpose != Purpose.NEXT_CYCLE.value)
    yield of(CardCharge, CardCharge.key)
    yield of(Invoice, Invoice.seq)
    yield _monthly_amounts(account)
    yield of(
        MonthlyAmount,
        MonthlyAmount.operation,
        MonthlyAmount.line,
        only=MonthlyAmount.invoice.is_(None),
        name="amounts_that_wait",
    )
    yield _documents(account)
    yield _receipts(account)
    yield of(
        RefusalRow,
        RefusalRow.id,
        where=(RefusalRow.seller == seller) & (RefusalRow.account == account),
    )
    yield _of_subscriptions(
        account,
        Message,
        Message.subscription == SubscriptionRow.id,
        (SubscriptionRow.id, Message.expiry, Message.kind),
    )
    yield _deliveries(seller, account)
    named = select(SubscriptionRow.id).where(
        SubscriptionRow.account == account,
        SubscriptionRow.id == Approval.values["subscription"].astext,
    )
    yield of(
        Approval,
        Approval.id,
        where=Approval.seller == seller,
        only=or_(Approval.values["account"].astext == account, named.exists()),
    )
    opened = (ApiRequest.do == "open_account") & (ApiRequest.document["account"].astext == account)
    yield of(ApiRequest, ApiRequest.request_id, where=opened, only=ApiRequest.seller == seller)
    yield of(Audit, Audit.id, where=(Audit.seller == seller) & (Audit.subject == account))
    yield _of_subscriptions(
        account,
        Audit,
        (Audit.seller == seller) & (Audit.subject == SubscriptionRow.id),
        (SubscriptionRow.id, Audit.id),
        name="audit_of_subscriptions",
    )


def _of_subscriptions(
    account: str, table: Any, joins: Any, keys: tuple[Any, ...], name: str | None = None
) -> _Part:
    """Rows of a table that belong to the subscriptions of the account."""
    labels = tuple(f"key_{number}" for number, _ in enumerate(keys))
    query = (
        select(
            table.__table__, *(key.label(label) for key, label in zip(keys, labels, strict=True))
        )
        .join_from(SubscriptionRow, table, joins)
        .where(SubscriptionRow.account == account)
    )
    return _Part(name or table.__tablename__, query, keys, labels)


def _monthly_amounts(account: str) -> _Part:
    query = (
        select(MonthlyAmount.__table__)
        .join_from(Invoice, MonthlyAmount, MonthlyAmount.invoice == Invoice.id)
        .where(Invoice.account == account)
    )
    keys = MonthlyAmount.invoice, MonthlyAmount.operation, MonthlyAmount.line
    return _Part("monthly_amounts", query, keys)


def _documents(account: str) -> _Part:
    query = (
        select(DocumentRow.__table__, Invoice.number)
        .join_from(Invoice, DocumentRow, DocumentRow.reference == Invoice.id)
        .where(Invoice.account == account, DocumentRow.kind == DocumentKind.INVOICE.value)
    )
    keys = DocumentRow.reference, DocumentRow.format
    return _Part("documents", query, keys, page=_FEW)


def _receipts(account: str) -> _Part:
    query = (
        select(DocumentRow.__table__)
        .join_from(Operation, DocumentRow, DocumentRow.reference == Operation.id)
        .where(
            Operation.account == account,
            IS_RECEIVED,
            DocumentRow.kind == DocumentKind.RECEIPT.value,
        )
    )
    keys = DocumentRow.reference, DocumentRow.format
    return _Part("receipts", query, keys, page=_FEW)


def _deliveries(seller: str, account: str) -> _Part:
    """Messages that were sent or are to be sent, with what a webhook says or an e-mail tells of."""
    columns = [
        Delivery.__table__,
        Endpoint.name.label("endpoint_name"),
        *(
            getattr(History, name)
            for name in ("seq", "at", "subscription", "rule", "amount", "facts")
        ),
        History.event.label("what"),
        AccountRow.currency,
    ]
    query = (
        select(*columns)
        .join_from(Delivery, Endpoint, Endpoint.id == Delivery.endpoint)
        .join(History, History.seq == Delivery.event)
        .join(AccountRow, AccountRow.id == Delivery.account)
        .where(Delivery.account == account, Endpoint.seller == seller)
    )
    keys = Delivery.event, Delivery.id
    return _Part("deliveries", query, keys)
