"""The words of lists. They are apart from the queries, so that `--help` starts quickly."""

from enum import StrEnum


class WorkList(StrEnum):
    """The work lists of support (Rule 6.3)."""

    ACTIVE = "active"
    FAILED = "failed"
    EXPIRING = "expiring"
    EXPIRED = "expired"


class MoneyReport(StrEnum):
    """The reports of money (docs/reports.md)."""

    MONEY_IN = "money-in"
    FEES = "fees"
    REFUNDS = "refunds"
    MARGIN = "margin"
    DEFERRED = "deferred"
    RECEIVABLES = "receivables"
    BOOKS = "books"
