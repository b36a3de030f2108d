"""The methods that read.

Written by `make client`. Changes by hand are lost.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import date
from typing import Literal, TypeVar

from perennial_client.pages import AsyncRows, Rows
from perennial_client.plain import NO_PARAMETERS, in_path
from perennial_client.views import (
    AccountLine,
    AccountView,
    ApprovalLine,
    CampaignLine,
    CampaignView,
    CatalogEntryLine,
    CatalogInForce,
    ClockLine,
    EndpointLine,
    Explanation,
    Forecast,
    HistoryLine,
    ImportLine,
    ImportNow,
    InvoiceDetails,
    InvoiceView,
    ListRow,
    MessageLine,
    MessageView,
    NumberLine,
    NumberView,
    PolicyInForce,
    PolicyVersionLine,
    Reasons,
    ReceiptRow,
    ReceiptView,
    Record,
    Report,
    RequestView,
    SellerOnDocuments,
    SellerWallet,
    State,
    Statement,
    SubscriptionView,
    TaxRate,
    TermsEffect,
    TermsEffectRow,
    TransactionLine,
    UndoNow,
)

T = TypeVar("T")


class Reads(ABC):
    """What can be read. A method has the name of its operation in the API."""

    @abstractmethod
    def _read(
        self, kind: type[T], path: str, parameters: Mapping[str, object] = NO_PARAMETERS
    ) -> T: ...

    @abstractmethod
    def _rows(
        self, kind: type[T], path: str, parameters: Mapping[str, object] = NO_PARAMETERS
    ) -> Rows[T]: ...

    def show_subscription(self, subscription: str) -> SubscriptionView:
        """One subscription with its periods, from the database."""
        return self._read(SubscriptionView, f"/v1/subscriptions/{in_path(subscription)}")

    def show_state(self, subscription: str) -> State:
        """The live state of a subscription, told by its workflow.

        When no worker tells it within 500 ms, the database does. `source` says which.
        """
        return self._read(State, f"/v1/states/{in_path(subscription)}")

    def explain(self, subscription: str) -> Explanation:
        """Why a subscription renewed or did not renew, with the rules, and what comes next."""
        return self._read(Explanation, f"/v1/explanations/{in_path(subscription)}")

    def list_history(
        self,
        *,
        account: str | None = None,
        subscription: str | None = None,
        sort: Literal["newest", "oldest"] = "newest",
        after: str | None = None,
        per_page: int = 50,
    ) -> Rows[HistoryLine]:
        """The history of an account or of a subscription, by time. Exactly one is named."""
        return self._rows(
            HistoryLine,
            "/v1/history",
            {
                "account": account,
                "subscription": subscription,
                "sort": sort,
                "after": after,
                "limit": per_page,
            },
        )

    def list_work(
        self,
        which: Literal["active", "failed", "expiring", "expired"],
        *,
        account: str | None = None,
        clock: str | None = None,
        test_clocks: bool = False,
        expiry_from: date | None = None,
        expiry_to: date | None = None,
        after: str | None = None,
        per_page: int = 50,
    ) -> Rows[ListRow]:
        """A work list of support, by account and subscription (Rule 6.3).

        `from` and `to` are expiry dates. `after` is a subscription of the list.
        """
        return self._rows(
            ListRow,
            f"/v1/work-lists/{in_path(which)}",
            {
                "account": account,
                "clock": clock,
                "test_clocks": test_clocks,
                "from": expiry_from,
                "to": expiry_to,
                "after": after,
                "limit": per_page,
            },
        )

    def list_accounts(
        self, *, test_clocks: bool = False, after: str | None = None, per_page: int = 50
    ) -> Rows[AccountLine]:
        """Accounts by id."""
        return self._rows(
            AccountLine,
            "/v1/accounts",
            {"test_clocks": test_clocks, "after": after, "limit": per_page},
        )

    def show_account(self, account: str) -> AccountView:
        """One account and its wallet (Rules 11.1, 11.6).

        `card` is "stored" when there is one. Its token is never told.
        """
        return self._read(AccountView, f"/v1/accounts/{in_path(account)}")

    def list_transactions(
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
        sort: Literal["newest", "oldest"] = "newest",
        after: str | None = None,
        per_page: int = 50,
    ) -> Rows[TransactionLine]:
        """The transactions of an account, by time (Rule 11.7)."""
        return self._rows(
            TransactionLine,
            "/v1/transactions",
            {
                "account": account,
                "from": first_day,
                "to": last_day,
                "kind": kind,
                "subscription": subscription,
                "sort": sort,
                "after": after,
                "limit": per_page,
            },
        )

    def show_statement(self, *, account: str, first_day: date, last_day: date) -> Statement:
        """Opening and closing balance between two local dates, both inclusive (Rule 11.7).

        The transactions of the same dates are the movements between them.
        """
        return self._read(
            Statement, "/v1/statements", {"account": account, "from": first_day, "to": last_day}
        )

    def forecast(self, *, account: str, months: int = 3) -> Forecast:
        """What an account does by itself in the coming months, at today's prices."""
        return self._read(Forecast, "/v1/forecasts", {"account": account, "months": months})

    def list_clocks(self, *, after: str | None = None, per_page: int = 50) -> Rows[ClockLine]:
        """Test clocks by id."""
        return self._rows(ClockLine, "/v1/clocks", {"after": after, "limit": per_page})

    def show_clock(self, clock: str) -> ClockLine:
        """One test clock: its virtual now, and how many accounts are attached."""
        return self._read(ClockLine, f"/v1/clocks/{in_path(clock)}")

    def show_catalog(self) -> CatalogInForce:
        """What is sold, with every version of the prices. `ETag` is the state of the catalogue."""
        return self._read(CatalogInForce, "/v1/catalog")

    def list_catalog_entries(
        self, *, after: str | None = None, per_page: int = 50
    ) -> Rows[CatalogEntryLine]:
        """The entries of the catalogue as they were loaded, in the order of loading."""
        return self._rows(
            CatalogEntryLine, "/v1/catalog-entries", {"after": after, "limit": per_page}
        )

    def show_policy(self) -> PolicyInForce:
        """The terms in force (Rule 14). `ETag` is their version."""
        return self._read(PolicyInForce, "/v1/policy")

    def list_policy_versions(
        self, *, after: str | None = None, per_page: int = 50
    ) -> Rows[PolicyVersionLine]:
        """All versions of the terms, the newest first."""
        return self._rows(
            PolicyVersionLine, "/v1/policy-versions", {"after": after, "limit": per_page}
        )

    def show_policy_version(self, version: int) -> PolicyInForce:
        """One version of the terms, whole."""
        return self._read(PolicyInForce, f"/v1/policy-versions/{in_path(version)}")

    def show_terms_effect(self, effect: str) -> TermsEffect:
        """How far an effect is, or what would differ in total."""
        return self._read(TermsEffect, f"/v1/terms-effects/{in_path(effect)}")

    def list_terms_effect(
        self, effect: str, *, every: bool = False, after: str | None = None, per_page: int = 50
    ) -> Rows[TermsEffectRow]:
        """The subscriptions that would renew differently."""
        return self._rows(
            TermsEffectRow,
            f"/v1/terms-effects/{in_path(effect)}/rows",
            {"all": every, "after": after, "limit": per_page},
        )

    def list_campaigns(
        self,
        *,
        state: Literal["running", "paused", "stopped", "finished"] | None = None,
        after: str | None = None,
        per_page: int = 50,
    ) -> Rows[CampaignLine]:
        """Campaigns, the newest first (docs/campaigns.md)."""
        return self._rows(
            CampaignLine, "/v1/campaigns", {"state": state, "after": after, "limit": per_page}
        )

    def show_campaign(self, campaign: str) -> CampaignView:
        """One campaign with its counts and sums."""
        return self._read(CampaignView, f"/v1/campaigns/{in_path(campaign)}")

    def show_campaign_receipt(
        self, campaign: str, *, after: str | None = None, per_page: int = 50
    ) -> Rows[ReceiptRow]:
        """What became of each row, in the order of the rows. `after` counts rows."""
        return self._rows(
            ReceiptRow,
            f"/v1/campaigns/{in_path(campaign)}/receipt",
            {"after": after, "limit": per_page},
        )

    def list_invoices(
        self,
        *,
        account: str,
        sort: Literal["newest", "oldest"] = "newest",
        after: str | None = None,
        per_page: int = 50,
    ) -> Rows[InvoiceView]:
        """Invoices and credit notes of an account, by time (Rule 11.4)."""
        return self._rows(
            InvoiceView,
            "/v1/invoices",
            {"account": account, "sort": sort, "after": after, "limit": per_page},
        )

    def show_invoice(self, invoice: int) -> InvoiceDetails:
        """What an invoice or a credit note says: its lines, its tax, what was paid and due."""
        return self._read(InvoiceDetails, f"/v1/invoices/{in_path(invoice)}")

    def list_receipts(
        self,
        *,
        account: str,
        sort: Literal["newest", "oldest"] = "newest",
        after: str | None = None,
        per_page: int = 50,
    ) -> Rows[ReceiptView]:
        """Top-ups, card charges and payments of an account, by time."""
        return self._rows(
            ReceiptView,
            "/v1/receipts",
            {"account": account, "sort": sort, "after": after, "limit": per_page},
        )

    def list_webhooks(self) -> Rows[EndpointLine]:
        """The endpoints, how they do, and what waits for them. A seller has ten at most."""
        return self._rows(EndpointLine, "/v1/webhooks")

    def show_webhook(self, name: str) -> EndpointLine:
        """One endpoint. `ETag` changes with its address, its events, its secret and its switch."""
        return self._read(EndpointLine, f"/v1/webhooks/{in_path(name)}")

    def list_messages(
        self,
        *,
        endpoint: str | None = None,
        account: str | None = None,
        state: Literal["pending", "delivered", "failed", "dropped"] | None = None,
        after: str | None = None,
        per_page: int = 50,
    ) -> Rows[MessageLine]:
        """Messages, the newest first. E-mails have the endpoint `e-mail`."""
        return self._rows(
            MessageLine,
            "/v1/messages",
            {
                "endpoint": endpoint,
                "account": account,
                "state": state,
                "after": after,
                "limit": per_page,
            },
        )

    def show_message(self, message: int) -> MessageView:
        """One message with its body as it is sent."""
        return self._read(MessageView, f"/v1/messages/{in_path(message)}")

    def explain_balance(self, account: str) -> Reasons:
        """What the balance of an account is made of, its newest movements, and refused commands."""
        return self._read(Reasons, f"/v1/reasons/balances/{in_path(account)}")

    def explain_renewals(self, subscription: str) -> Reasons:
        """What was unusual about the renewals of a subscription since its purchase."""
        return self._read(Reasons, f"/v1/reasons/renewals/{in_path(subscription)}")

    def explain_invoice(self, invoice: int) -> Reasons:
        """Each line of an invoice with what has charged it (Rule 11.4)."""
        return self._read(Reasons, f"/v1/reasons/invoices/{in_path(invoice)}")

    def explain_fees(self, number: str) -> Reasons:
        """Why each use of a number had an activation fee or none (Rule 10.2)."""
        return self._read(Reasons, f"/v1/reasons/fees/{in_path(number)}")

    def explain_refusals(self, asked: str) -> Reasons:
        """The commands that were refused, by which rule, and what is allowed.

        `asked`: an account, a subscription, or the idempotency key of a refused command.
        """
        return self._read(Reasons, f"/v1/reasons/refusals/{in_path(asked)}")

    def list_imports(self, *, after: str | None = None, per_page: int = 50) -> Rows[ImportLine]:
        """The imports of files, the newest first, and what is left of each. Dry runs are left
        out.
        """
        return self._rows(ImportLine, "/v1/imports", {"after": after, "limit": per_page})

    def show_import(self, request_id: str) -> ImportNow:
        """How an import stands, by its idempotency key."""
        return self._read(ImportNow, f"/v1/imports/{in_path(request_id)}")

    def show_import_undo(self, request_id: str) -> UndoNow:
        """How the undoing of imports stands, by its idempotency key."""
        return self._read(UndoNow, f"/v1/import-undos/{in_path(request_id)}")

    def list_numbers(
        self,
        *,
        state: Literal["free", "reserved", "held", "in_use", "gone"] | None = None,
        account: str | None = None,
        sku: str | None = None,
        test_clocks: bool = False,
        after: str | None = None,
        per_page: int = 50,
    ) -> Rows[NumberLine]:
        """The inventory of numbers (Rules 10.1 to 10.3)."""
        return self._rows(
            NumberLine,
            "/v1/numbers",
            {
                "state": state,
                "account": account,
                "sku": sku,
                "test_clocks": test_clocks,
                "after": after,
                "limit": per_page,
            },
        )

    def show_number(self, number: str) -> NumberView:
        """One number with its history."""
        return self._read(NumberView, f"/v1/numbers/{in_path(number)}")

    def show_report(
        self,
        report: Literal[
            "money-in", "fees", "refunds", "margin", "deferred", "receivables", "books"
        ],
        *,
        first: date,
        last: date,
        test_clocks: bool = False,
    ) -> Report:
        """A report of money. `from` and `to` are the first days of the first and the last month."""
        return self._read(
            Report,
            f"/v1/reports/{in_path(report)}",
            {"from": first, "to": last, "test_clocks": test_clocks},
        )

    def show_request(self, request_id: str) -> RequestView:
        """What became of a request, by its idempotency key (Rule 4.2)."""
        return self._read(RequestView, f"/v1/requests/{in_path(request_id)}")

    def list_seller_wallets(self) -> Rows[SellerWallet]:
        """What the seller's own wallet holds, by currency (Rule 11.5)."""
        return self._rows(SellerWallet, "/v1/seller-wallets")

    def show_seller_profile(self) -> SellerOnDocuments:
        """What documents show of the seller."""
        return self._read(SellerOnDocuments, "/v1/seller-profile")

    def list_tax_rates(self) -> Rows[TaxRate]:
        """The taxes that documents show, at most 1,000. Of two with one country and day, the
        last counts.
        """
        return self._rows(TaxRate, "/v1/tax-rates")

    def list_approvals(
        self,
        *,
        state: Literal["open", "approved", "done", "refused", "failed", "expired"] | None = None,
        after: str | None = None,
        per_page: int = 50,
    ) -> Rows[ApprovalLine]:
        """Commands above the limits of who has asked for them, the newest first."""
        return self._rows(
            ApprovalLine, "/v1/approvals", {"state": state, "after": after, "limit": per_page}
        )

    def show_approval(self, approval: str) -> ApprovalLine:
        """One command that needs a second person, with all its fields."""
        return self._read(ApprovalLine, f"/v1/approvals/{in_path(approval)}")

    def list_audit(
        self,
        *,
        actor: str | None = None,
        subject: str | None = None,
        after: str | None = None,
        per_page: int = 50,
    ) -> Rows[Record]:
        """The records, the newest first. `starter.py audit verify` checks their chains."""
        return self._rows(
            Record,
            "/v1/audit",
            {"actor": actor, "subject": subject, "after": after, "limit": per_page},
        )


class AsyncReads(ABC):
    """The same with `await` and `async for`."""

    @abstractmethod
    async def _read(
        self, kind: type[T], path: str, parameters: Mapping[str, object] = NO_PARAMETERS
    ) -> T: ...

    @abstractmethod
    def _rows(
        self, kind: type[T], path: str, parameters: Mapping[str, object] = NO_PARAMETERS
    ) -> AsyncRows[T]: ...

    async def show_subscription(self, subscription: str) -> SubscriptionView:
        """One subscription with its periods, from the database."""
        return await self._read(SubscriptionView, f"/v1/subscriptions/{in_path(subscription)}")

    async def show_state(self, subscription: str) -> State:
        """The live state of a subscription, told by its workflow.

        When no worker tells it within 500 ms, the database does. `source` says which.
        """
        return await self._read(State, f"/v1/states/{in_path(subscription)}")

    async def explain(self, subscription: str) -> Explanation:
        """Why a subscription renewed or did not renew, with the rules, and what comes next."""
        return await self._read(Explanation, f"/v1/explanations/{in_path(subscription)}")

    def list_history(
        self,
        *,
        account: str | None = None,
        subscription: str | None = None,
        sort: Literal["newest", "oldest"] = "newest",
        after: str | None = None,
        per_page: int = 50,
    ) -> AsyncRows[HistoryLine]:
        """The history of an account or of a subscription, by time. Exactly one is named."""
        return self._rows(
            HistoryLine,
            "/v1/history",
            {
                "account": account,
                "subscription": subscription,
                "sort": sort,
                "after": after,
                "limit": per_page,
            },
        )

    def list_work(
        self,
        which: Literal["active", "failed", "expiring", "expired"],
        *,
        account: str | None = None,
        clock: str | None = None,
        test_clocks: bool = False,
        expiry_from: date | None = None,
        expiry_to: date | None = None,
        after: str | None = None,
        per_page: int = 50,
    ) -> AsyncRows[ListRow]:
        """A work list of support, by account and subscription (Rule 6.3).

        `from` and `to` are expiry dates. `after` is a subscription of the list.
        """
        return self._rows(
            ListRow,
            f"/v1/work-lists/{in_path(which)}",
            {
                "account": account,
                "clock": clock,
                "test_clocks": test_clocks,
                "from": expiry_from,
                "to": expiry_to,
                "after": after,
                "limit": per_page,
            },
        )

    def list_accounts(
        self, *, test_clocks: bool = False, after: str | None = None, per_page: int = 50
    ) -> AsyncRows[AccountLine]:
        """Accounts by id."""
        return self._rows(
            AccountLine,
            "/v1/accounts",
            {"test_clocks": test_clocks, "after": after, "limit": per_page},
        )

    async def show_account(self, account: str) -> AccountView:
        """One account and its wallet (Rules 11.1, 11.6).

        `card` is "stored" when there is one. Its token is never told.
        """
        return await self._read(AccountView, f"/v1/accounts/{in_path(account)}")

    def list_transactions(
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
        sort: Literal["newest", "oldest"] = "newest",
        after: str | None = None,
        per_page: int = 50,
    ) -> AsyncRows[TransactionLine]:
        """The transactions of an account, by time (Rule 11.7)."""
        return self._rows(
            TransactionLine,
            "/v1/transactions",
            {
                "account": account,
                "from": first_day,
                "to": last_day,
                "kind": kind,
                "subscription": subscription,
                "sort": sort,
                "after": after,
                "limit": per_page,
            },
        )

    async def show_statement(self, *, account: str, first_day: date, last_day: date) -> Statement:
        """Opening and closing balance between two local dates, both inclusive (Rule 11.7).

        The transactions of the same dates are the movements between them.
        """
        return await self._read(
            Statement, "/v1/statements", {"account": account, "from": first_day, "to": last_day}
        )

    async def forecast(self, *, account: str, months: int = 3) -> Forecast:
        """What an account does by itself in the coming months, at today's prices."""
        return await self._read(Forecast, "/v1/forecasts", {"account": account, "months": months})

    def list_clocks(self, *, after: str | None = None, per_page: int = 50) -> AsyncRows[ClockLine]:
        """Test clocks by id."""
        return self._rows(ClockLine, "/v1/clocks", {"after": after, "limit": per_page})

    async def show_clock(self, clock: str) -> ClockLine:
        """One test clock: its virtual now, and how many accounts are attached."""
        return await self._read(ClockLine, f"/v1/clocks/{in_path(clock)}")

    async def show_catalog(self) -> CatalogInForce:
        """What is sold, with every version of the prices. `ETag` is the state of the catalogue."""
        return await self._read(CatalogInForce, "/v1/catalog")

    def list_catalog_entries(
        self, *, after: str | None = None, per_page: int = 50
    ) -> AsyncRows[CatalogEntryLine]:
        """The entries of the catalogue as they were loaded, in the order of loading."""
        return self._rows(
            CatalogEntryLine, "/v1/catalog-entries", {"after": after, "limit": per_page}
        )

    async def show_policy(self) -> PolicyInForce:
        """The terms in force (Rule 14). `ETag` is their version."""
        return await self._read(PolicyInForce, "/v1/policy")

    def list_policy_versions(
        self, *, after: str | None = None, per_page: int = 50
    ) -> AsyncRows[PolicyVersionLine]:
        """All versions of the terms, the newest first."""
        return self._rows(
            PolicyVersionLine, "/v1/policy-versions", {"after": after, "limit": per_page}
        )

    async def show_policy_version(self, version: int) -> PolicyInForce:
        """One version of the terms, whole."""
        return await self._read(PolicyInForce, f"/v1/policy-versions/{in_path(version)}")

    async def show_terms_effect(self, effect: str) -> TermsEffect:
        """How far an effect is, or what would differ in total."""
        return await self._read(TermsEffect, f"/v1/terms-effects/{in_path(effect)}")

    def list_terms_effect(
        self, effect: str, *, every: bool = False, after: str | None = None, per_page: int = 50
    ) -> AsyncRows[TermsEffectRow]:
        """The subscriptions that would renew differently."""
        return self._rows(
            TermsEffectRow,
            f"/v1/terms-effects/{in_path(effect)}/rows",
            {"all": every, "after": after, "limit": per_page},
        )

    def list_campaigns(
        self,
        *,
        state: Literal["running", "paused", "stopped", "finished"] | None = None,
        after: str | None = None,
        per_page: int = 50,
    ) -> AsyncRows[CampaignLine]:
        """Campaigns, the newest first (docs/campaigns.md)."""
        return self._rows(
            CampaignLine, "/v1/campaigns", {"state": state, "after": after, "limit": per_page}
        )

    async def show_campaign(self, campaign: str) -> CampaignView:
        """One campaign with its counts and sums."""
        return await self._read(CampaignView, f"/v1/campaigns/{in_path(campaign)}")

    def show_campaign_receipt(
        self, campaign: str, *, after: str | None = None, per_page: int = 50
    ) -> AsyncRows[ReceiptRow]:
        """What became of each row, in the order of the rows. `after` counts rows."""
        return self._rows(
            ReceiptRow,
            f"/v1/campaigns/{in_path(campaign)}/receipt",
            {"after": after, "limit": per_page},
        )

    def list_invoices(
        self,
        *,
        account: str,
        sort: Literal["newest", "oldest"] = "newest",
        after: str | None = None,
        per_page: int = 50,
    ) -> AsyncRows[InvoiceView]:
        """Invoices and credit notes of an account, by time (Rule 11.4)."""
        return self._rows(
            InvoiceView,
            "/v1/invoices",
            {"account": account, "sort": sort, "after": after, "limit": per_page},
        )

    async def show_invoice(self, invoice: int) -> InvoiceDetails:
        """What an invoice or a credit note says: its lines, its tax, what was paid and due."""
        return await self._read(InvoiceDetails, f"/v1/invoices/{in_path(invoice)}")

    def list_receipts(
        self,
        *,
        account: str,
        sort: Literal["newest", "oldest"] = "newest",
        after: str | None = None,
        per_page: int = 50,
    ) -> AsyncRows[ReceiptView]:
        """Top-ups, card charges and payments of an account, by time."""
        return self._rows(
            ReceiptView,
            "/v1/receipts",
            {"account": account, "sort": sort, "after": after, "limit": per_page},
        )

    def list_webhooks(self) -> AsyncRows[EndpointLine]:
        """The endpoints, how they do, and what waits for them. A seller has ten at most."""
        return self._rows(EndpointLine, "/v1/webhooks")

    async def show_webhook(self, name: str) -> EndpointLine:
        """One endpoint. `ETag` changes with its address, its events, its secret and its switch."""
        return await self._read(EndpointLine, f"/v1/webhooks/{in_path(name)}")

    def list_messages(
        self,
        *,
        endpoint: str | None = None,
        account: str | None = None,
        state: Literal["pending", "delivered", "failed", "dropped"] | None = None,
        after: str | None = None,
        per_page: int = 50,
    ) -> AsyncRows[MessageLine]:
        """Messages, the newest first. E-mails have the endpoint `e-mail`."""
        return self._rows(
            MessageLine,
            "/v1/messages",
            {
                "endpoint": endpoint,
                "account": account,
                "state": state,
                "after": after,
                "limit": per_page,
            },
        )

    async def show_message(self, message: int) -> MessageView:
        """One message with its body as it is sent."""
        return await self._read(MessageView, f"/v1/messages/{in_path(message)}")

    async def explain_balance(self, account: str) -> Reasons:
        """What the balance of an account is made of, its newest movements, and refused commands."""
        return await self._read(Reasons, f"/v1/reasons/balances/{in_path(account)}")

    async def explain_renewals(self, subscription: str) -> Reasons:
        """What was unusual about the renewals of a subscription since its purchase."""
        return await self._read(Reasons, f"/v1/reasons/renewals/{in_path(subscription)}")

    async def explain_invoice(self, invoice: int) -> Reasons:
        """Each line of an invoice with what has charged it (Rule 11.4)."""
        return await self._read(Reasons, f"/v1/reasons/invoices/{in_path(invoice)}")

    async def explain_fees(self, number: str) -> Reasons:
        """Why each use of a number had an activation fee or none (Rule 10.2)."""
        return await self._read(Reasons, f"/v1/reasons/fees/{in_path(number)}")

    async def explain_refusals(self, asked: str) -> Reasons:
        """The commands that were refused, by which rule, and what is allowed.

        `asked`: an account, a subscription, or the idempotency key of a refused command.
        """
        return await self._read(Reasons, f"/v1/reasons/refusals/{in_path(asked)}")

    def list_imports(
        self, *, after: str | None = None, per_page: int = 50
    ) -> AsyncRows[ImportLine]:
        """The imports of files, the newest first, and what is left of each. Dry runs are left
        out.
        """
        return self._rows(ImportLine, "/v1/imports", {"after": after, "limit": per_page})

    async def show_import(self, request_id: str) -> ImportNow:
        """How an import stands, by its idempotency key."""
        return await self._read(ImportNow, f"/v1/imports/{in_path(request_id)}")

    async def show_import_undo(self, request_id: str) -> UndoNow:
        """How the undoing of imports stands, by its idempotency key."""
        return await self._read(UndoNow, f"/v1/import-undos/{in_path(request_id)}")

    def list_numbers(
        self,
        *,
        state: Literal["free", "reserved", "held", "in_use", "gone"] | None = None,
        account: str | None = None,
        sku: str | None = None,
        test_clocks: bool = False,
        after: str | None = None,
        per_page: int = 50,
    ) -> AsyncRows[NumberLine]:
        """The inventory of numbers (Rules 10.1 to 10.3)."""
        return self._rows(
            NumberLine,
            "/v1/numbers",
            {
                "state": state,
                "account": account,
                "sku": sku,
                "test_clocks": test_clocks,
                "after": after,
                "limit": per_page,
            },
        )

    async def show_number(self, number: str) -> NumberView:
        """One number with its history."""
        return await self._read(NumberView, f"/v1/numbers/{in_path(number)}")

    async def show_report(
        self,
        report: Literal[
            "money-in", "fees", "refunds", "margin", "deferred", "receivables", "books"
        ],
        *,
        first: date,
        last: date,
        test_clocks: bool = False,
    ) -> Report:
        """A report of money. `from` and `to` are the first days of the first and the last month."""
        return await self._read(
            Report,
            f"/v1/reports/{in_path(report)}",
            {"from": first, "to": last, "test_clocks": test_clocks},
        )

    async def show_request(self, request_id: str) -> RequestView:
        """What became of a request, by its idempotency key (Rule 4.2)."""
        return await self._read(RequestView, f"/v1/requests/{in_path(request_id)}")

    def list_seller_wallets(self) -> AsyncRows[SellerWallet]:
        """What the seller's own wallet holds, by currency (Rule 11.5)."""
        return self._rows(SellerWallet, "/v1/seller-wallets")

    async def show_seller_profile(self) -> SellerOnDocuments:
        """What documents show of the seller."""
        return await self._read(SellerOnDocuments, "/v1/seller-profile")

    def list_tax_rates(self) -> AsyncRows[TaxRate]:
        """The taxes that documents show, at most 1,000. Of two with one country and day, the
        last counts.
        """
        return self._rows(TaxRate, "/v1/tax-rates")

    def list_approvals(
        self,
        *,
        state: Literal["open", "approved", "done", "refused", "failed", "expired"] | None = None,
        after: str | None = None,
        per_page: int = 50,
    ) -> AsyncRows[ApprovalLine]:
        """Commands above the limits of who has asked for them, the newest first."""
        return self._rows(
            ApprovalLine, "/v1/approvals", {"state": state, "after": after, "limit": per_page}
        )

    async def show_approval(self, approval: str) -> ApprovalLine:
        """One command that needs a second person, with all its fields."""
        return await self._read(ApprovalLine, f"/v1/approvals/{in_path(approval)}")

    def list_audit(
        self,
        *,
        actor: str | None = None,
        subject: str | None = None,
        after: str | None = None,
        per_page: int = 50,
    ) -> AsyncRows[Record]:
        """The records, the newest first. `starter.py audit verify` checks their chains."""
        return self._rows(
            Record,
            "/v1/audit",
            {"actor": actor, "subject": subject, "after": after, "limit": per_page},
        )
