"""Whose rows a finding of reconciliation is about."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Text, cast, select

from core.domain.findings import Finding, FindingKind, Part
from core.domain.steps import SubjectKind
from core.ledger.bulk_write import one_of, one_of_ids
from core.ledger.tables import (
    AccountRow,
    CampaignRow,
    CardCharge,
    Operation,
    Seller,
    StepRow,
    SubscriptionRow,
)


def _of_account(subject: Any, account: Any) -> Any:
    return select(subject.label("subject"), AccountRow.seller).join(
        AccountRow, AccountRow.id == account
    )


_ACCOUNTS: Any = select(AccountRow.id.label("subject"), AccountRow.seller)
_SELLERS: Any = select(Seller.id.label("subject"), Seller.id.label("seller"))
_OPERATIONS = _of_account(cast(Operation.id, Text), Operation.account)
#: The column of the subjects that the findings of a part have, and the query for their sellers.
_OF_PART: Mapping[Part, tuple[Any, Any]] = MappingProxyType(
    {
        Part.BOOKS: (AccountRow.id, _ACCOUNTS),
        Part.INVOICES: (Seller.id, _SELLERS),
        Part.CHARGES: (CardCharge.key, _of_account(CardCharge.key, CardCharge.account)),
        Part.SUBSCRIPTIONS: (
            SubscriptionRow.id,
            _of_account(SubscriptionRow.id, SubscriptionRow.account),
        ),
        Part.ACCOUNTS: (AccountRow.id, _ACCOUNTS),
        Part.NUMBERS: (
            StepRow.subject,
            _of_account(StepRow.subject, StepRow.account).where(
                StepRow.subject_kind == SubjectKind.NUMBER
            ),
        ),
        Part.SELLER_WALLETS: (Seller.id, _SELLERS),
        Part.CAMPAIGNS: (
            CampaignRow.id,
            select(CampaignRow.id.label("subject"), CampaignRow.seller),
        ),
    }
)


def sellers_of(connection: Connection, part: Part, findings: Sequence[Finding]) -> dict[str, str]:
    """The seller of the rows that findings of a part are about, by subject.

    What is about the installation itself, such as workers that do not answer, is not in it.
    """
    of_operations = [it.subject for it in findings if it.kind is FindingKind.UNBALANCED]
    of_rows = [it.subject for it in findings if it.kind is not FindingKind.UNBALANCED]
    subject, query = _OF_PART[part]
    found = _read(connection, query.where(one_of(subject, of_rows))) if of_rows else {}
    if of_operations:
        ids = [int(id_) for id_ in of_operations]
        found |= _read(connection, _OPERATIONS.where(one_of_ids(Operation.id, ids)))
    return found


def _read(connection: Connection, query: Any) -> dict[str, str]:
    return {row.subject: row.seller for row in connection.execute(query)}
