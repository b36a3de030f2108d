"""The methods that save files.

Written by `make client`. Changes by hand are lost.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import date
from typing import Literal

from perennial_client.plain import in_path
from perennial_client.saved_files import MOST_BYTES, Saved, To


class Files(ABC):
    """What can be saved as a file, by its operation."""

    @abstractmethod
    def _save(
        self, path: str, parameters: Mapping[str, object], to: To, most_bytes: int
    ) -> Saved: ...

    def export_account(self, account: str, *, to: To, most_bytes: int = MOST_BYTES) -> Saved:
        """Everything that is stored about an account and its people. The export is in the audit.

        `to`: a path, or an open file that takes bytes.
        `most_bytes`: a larger file is refused.
        """
        return self._save(f"/v1/personal-data/{in_path(account)}", {}, to, most_bytes)

    def show_statement_file(
        self,
        format: Literal["pdf", "html", "csv"],
        *,
        account: str,
        first_day: date,
        last_day: date,
        to: To,
        most_bytes: int = MOST_BYTES,
    ) -> Saved:
        """A statement as a file, with every movement. CSV has any number of them, a document
        5,000.

        `to`: a path, or an open file that takes bytes.
        `most_bytes`: a larger file is refused.
        """
        return self._save(
            f"/v1/statements/{in_path(format)}",
            {"account": account, "from": first_day, "to": last_day},
            to,
            most_bytes,
        )

    def export_transactions(
        self,
        *,
        account: str,
        first_day: date | None = None,
        last_day: date | None = None,
        kind: Literal[
            "opening",
            "activation",
            "renewal",
            "change",
            "refund",
            "top-up",
            "usage",
            "transfer",
            "adjustment",
            "payment",
            "invoice",
        ]
        | None = None,
        subscription: str | None = None,
        to: To,
        most_bytes: int = MOST_BYTES,
    ) -> Saved:
        """The transactions of an account as CSV, the oldest first, any number of them.

        `to`: a path, or an open file that takes bytes.
        `most_bytes`: a larger file is refused.
        """
        return self._save(
            "/v1/transactions/csv",
            {
                "account": account,
                "from": first_day,
                "to": last_day,
                "kind": kind,
                "subscription": subscription,
            },
            to,
            most_bytes,
        )

    def export_terms_effect(self, effect: str, *, to: To, most_bytes: int = MOST_BYTES) -> Saved:
        """Every subscription that was played, as CSV: a line for each event of either future.

        `to`: a path, or an open file that takes bytes.
        `most_bytes`: a larger file is refused.
        """
        return self._save(f"/v1/terms-effects/{in_path(effect)}/csv", {}, to, most_bytes)

    def show_invoice_document(
        self,
        invoice: int,
        format: Literal["html", "pdf", "xml"],
        *,
        to: To,
        most_bytes: int = MOST_BYTES,
    ) -> Saved:
        """An invoice or a credit note as PDF, HTML or XML (EN 16931, UBL 2.1).

        The same invoice is always the same file. `ETag` is its SHA-256.

        `to`: a path, or an open file that takes bytes.
        `most_bytes`: a larger file is refused.
        """
        return self._save(f"/v1/invoices/{in_path(invoice)}/{in_path(format)}", {}, to, most_bytes)

    def show_receipt_document(
        self, receipt: int, format: Literal["pdf", "html"], *, to: To, most_bytes: int = MOST_BYTES
    ) -> Saved:
        """A receipt of money that came in, as PDF or HTML. `ETag` is its SHA-256.

        `to`: a path, or an open file that takes bytes.
        `most_bytes`: a larger file is refused.
        """
        return self._save(f"/v1/receipts/{in_path(receipt)}/{in_path(format)}", {}, to, most_bytes)

    def export_report(
        self,
        report: Literal[
            "money-in", "fees", "refunds", "margin", "deferred", "receivables", "books"
        ],
        *,
        first: date,
        last: date,
        test_clocks: bool = False,
        to: To,
        most_bytes: int = MOST_BYTES,
    ) -> Saved:
        """The same report as CSV.

        `to`: a path, or an open file that takes bytes.
        `most_bytes`: a larger file is refused.
        """
        return self._save(
            f"/v1/reports/{in_path(report)}/csv",
            {"from": first, "to": last, "test_clocks": test_clocks},
            to,
            most_bytes,
        )


class AsyncFiles(ABC):
    """The same with `await`."""

    @abstractmethod
    async def _save(
        self, path: str, parameters: Mapping[str, object], to: To, most_bytes: int
    ) -> Saved: ...

    async def export_account(self, account: str, *, to: To, most_bytes: int = MOST_BYTES) -> Saved:
        """Everything that is stored about an account and its people. The export is in the audit.

        `to`: a path, or an open file that takes bytes.
        `most_bytes`: a larger file is refused.
        """
        return await self._save(f"/v1/personal-data/{in_path(account)}", {}, to, most_bytes)

    async def show_statement_file(
        self,
        format: Literal["pdf", "html", "csv"],
        *,
        account: str,
        first_day: date,
        last_day: date,
        to: To,
        most_bytes: int = MOST_BYTES,
    ) -> Saved:
        """A statement as a file, with every movement. CSV has any number of them, a document
        5,000.

        `to`: a path, or an open file that takes bytes.
        `most_bytes`: a larger file is refused.
        """
        return await self._save(
            f"/v1/statements/{in_path(format)}",
            {"account": account, "from": first_day, "to": last_day},
            to,
            most_bytes,
        )

    async def export_transactions(
        self,
        *,
        account: str,
        first_day: date | None = None,
        last_day: date | None = None,
        kind: Literal[
            "opening",
            "activation",
            "renewal",
            "change",
            "refund",
            "top-up",
            "usage",
            "transfer",
            "adjustment",
            "payment",
            "invoice",
        ]
        | None = None,
        subscription: str | None = None,
        to: To,
        most_bytes: int = MOST_BYTES,
    ) -> Saved:
        """The transactions of an account as CSV, the oldest first, any number of them.

        `to`: a path, or an open file that takes bytes.
        `most_bytes`: a larger file is refused.
        """
        return await self._save(
            "/v1/transactions/csv",
            {
                "account": account,
                "from": first_day,
                "to": last_day,
                "kind": kind,
                "subscription": subscription,
            },
            to,
            most_bytes,
        )

    async def export_terms_effect(
        self, effect: str, *, to: To, most_bytes: int = MOST_BYTES
    ) -> Saved:
        """Every subscription that was played, as CSV: a line for each event of either future.

        `to`: a path, or an open file that takes bytes.
        `most_bytes`: a larger file is refused.
        """
        return await self._save(f"/v1/terms-effects/{in_path(effect)}/csv", {}, to, most_bytes)

    async def show_invoice_document(
        self,
        invoice: int,
        format: Literal["html", "pdf", "xml"],
        *,
        to: To,
        most_bytes: int = MOST_BYTES,
    ) -> Saved:
        """An invoice or a credit note as PDF, HTML or XML (EN 16931, UBL 2.1).

        The same invoice is always the same file. `ETag` is its SHA-256.

        `to`: a path, or an open file that takes bytes.
        `most_bytes`: a larger file is refused.
        """
        return await self._save(
            f"/v1/invoices/{in_path(invoice)}/{in_path(format)}", {}, to, most_bytes
        )

    async def show_receipt_document(
        self, receipt: int, format: Literal["pdf", "html"], *, to: To, most_bytes: int = MOST_BYTES
    ) -> Saved:
        """A receipt of money that came in, as PDF or HTML. `ETag` is its SHA-256.

        `to`: a path, or an open file that takes bytes.
        `most_bytes`: a larger file is refused.
        """
        return await self._save(
            f"/v1/receipts/{in_path(receipt)}/{in_path(format)}", {}, to, most_bytes
        )

    async def export_report(
        self,
        report: Literal[
            "money-in", "fees", "refunds", "margin", "deferred", "receivables", "books"
        ],
        *,
        first: date,
        last: date,
        test_clocks: bool = False,
        to: To,
        most_bytes: int = MOST_BYTES,
    ) -> Saved:
        """The same report as CSV.

        `to`: a path, or an open file that takes bytes.
        `most_bytes`: a larger file is refused.
        """
        return await self._save(
            f"/v1/reports/{in_path(report)}/csv",
            {"from": first, "to": last, "test_clocks": test_clocks},
            to,
            most_bytes,
        )
