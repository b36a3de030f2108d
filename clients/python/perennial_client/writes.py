"""The methods that change something and are no commands.

Written by `make client`. Changes by hand are lost.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, TypeVar

from perennial_client.plain import in_path
from perennial_client.views import (
    Added,
    AdvancedClock,
    ApprovalLine,
    CampaignNow,
    CampaignPreview,
    ChargedBatch,
    ClockLine,
    EndpointLine,
    NewSecret,
    OpenedAccount,
    PolicyInForce,
    Removed,
    SellerOnDocuments,
    SellerWallet,
    SentAgain,
    StartedCampaign,
    TaxRate,
    TermsEffect,
    TestAnswer,
    UndoNow,
    WhatIfAnswer,
)

T = TypeVar("T")


class Writes(ABC):
    """What can be changed and is no command, by its operation."""

    @abstractmethod
    def _write(
        self,
        kind: type[T],
        method: str,
        path: str,
        body: Mapping[str, object] | None,
        idempotency_key: str | None = None,
        if_match: str | None = None,
    ) -> T: ...

    def open_account(
        self,
        *,
        account: str,
        currency: str,
        timezone: str,
        credits: Decimal | None = None,
        credit_limit: Decimal | None = None,
        mode: Literal["prepaid", "postpaid"] | None = None,
        owner: str | None = None,
        billing_email: str | None = None,
        card: str | None = None,
        renew_by_card: bool | None = None,
        auto_top_up: bool | None = None,
        clock: str | None = None,
        idempotency_key: str | None = None,
    ) -> OpenedAccount:
        """Open an account. Its id must be new.

        `account`: The id of the account.
        `currency`: ISO 4217 code.
        `timezone`: IANA name.
        `credits`: What it brings along (rule 11.2).
        `credit_limit`: How far below zero the balance may go (rule 11.1).
        `mode`: How it pays (rule 11.6).
        `owner`: The person who owns the account.
        `billing_email`: The address for bills.
        `card`: The gateway's token of a card.
        `renew_by_card`: Whether renewals may use the card (Rule 5.3).
        `auto_top_up`: Whether it is topped up by card (Rule 11.2).
        `clock`: The test clock that it is attached to, for good.
        `idempotency_key`: its key, as of a command.
        """
        return self._write(
            OpenedAccount,
            "POST",
            "/v1/accounts",
            {
                "account": account,
                "currency": currency,
                "timezone": timezone,
                "credits": credits,
                "credit_limit": credit_limit,
                "mode": mode,
                "owner": owner,
                "billing_email": billing_email,
                "card": card,
                "renew_by_card": renew_by_card,
                "auto_top_up": auto_top_up,
                "clock": clock,
            },
            idempotency_key=idempotency_key,
        )

    def create_clock(
        self, *, clock: str, now: datetime, idempotency_key: str | None = None
    ) -> ClockLine:
        """Make a test clock. Accounts are attached to it when they are opened.

        `clock`: The id of the clock.
        `now`: Where it starts.
        `idempotency_key`: its key, as of a command.
        """
        return self._write(
            ClockLine,
            "POST",
            "/v1/clocks",
            {"clock": clock, "now": now},
            idempotency_key=idempotency_key,
        )

    def advance_clock(self, clock: str, *, to: datetime) -> AdvancedClock:
        """Let time pass on a test clock. Every due step runs at its instant, in order (Rule
        1.7).

        After 10 seconds it stops between two steps, and responds with 202 and `reached:
        false`. The same request again goes on from there. It may be repeated at any time.

        `to`: Where it stops. A clock never goes back.
        """
        return self._write(AdvancedClock, "PATCH", f"/v1/clocks/{in_path(clock)}", {"to": to})

    def what_if(
        self,
        *,
        account: str,
        months: int | None = None,
        steps: Sequence[Mapping[str, Any]] | None = None,
        catalog: Sequence[Mapping[str, Any]] | None = None,
        card_declines: bool | None = None,
        idempotency_key: str | None = None,
    ) -> WhatIfAnswer:
        """What an account does in the coming months if assumptions come true, and if not.

        It is played on a copy. Nothing is changed, and no card is charged.

        `account`: The account, or one of its subscriptions.
        `months`: How many months. Default 3.
        `steps`: What is assumed to happen, in order, each with `at` and `do`
        (docs/what-if.md).
        `catalog`: Prices that are assumed, as entries of the catalogue with `from`.
        `card_declines`: Whether the card that is stored now is declined. Default false.
        `idempotency_key`: its key, as of a command.
        """
        return self._write(
            WhatIfAnswer,
            "POST",
            "/v1/what-ifs",
            {
                "account": account,
                "months": months,
                "steps": steps,
                "catalog": catalog,
                "card_declines": card_declines,
            },
            idempotency_key=idempotency_key,
        )

    def add_catalog_entries(
        self,
        *,
        entries: Sequence[Mapping[str, Any]],
        idempotency_key: str | None = None,
        if_match: str | None = None,
    ) -> Added:
        """Add SKUs, or later versions of SKUs with new prices (Rule 3.5).

        Entries that are there already are not added again. With `If-Match` nothing is added
        when the catalogue has changed since.

        `entries`: SKUs, and later versions of SKUs. Known entries stay.
        `idempotency_key`: its key, as of a command.
        `if_match`: the `etag` of what you have seen.
        """
        return self._write(
            Added,
            "POST",
            "/v1/catalog-entries",
            {"entries": entries},
            idempotency_key=idempotency_key,
            if_match=if_match,
        )

    def set_policy(self, *, policy: Mapping[str, Any], if_match: str) -> PolicyInForce:
        """Put a new version of the terms in force. Running steps keep theirs (Rule 14).

        Settings that are not named have their defaults. The terms in force are no new
        version.

        `policy`: What differs from the defaults (Rule 14).
        `if_match`: the `etag` of what you have seen.
        """
        return self._write(
            PolicyInForce, "PUT", "/v1/policy", {"policy": policy}, if_match=if_match
        )

    def ask_terms_effect(
        self,
        *,
        policy: Mapping[str, Any] | None = None,
        entries: Sequence[Mapping[str, Any]] | None = None,
        accounts: int | None = None,
        months: int | None = None,
        draw: int | None = None,
        clock: str | None = None,
        idempotency_key: str | None = None,
    ) -> TermsEffect:
        """Who would renew differently under another policy, or with other entries of the
        catalogue.

        A sample of accounts is played on copies, and nothing is changed. A policy holds for
        expiry dates that are set from now on. So it shows from the second renewal of a
        subscription on. The newest 20 effects of a seller are kept.

        `policy`: What differs from the defaults (Rule 14).
        `entries`: SKUs, and later versions of SKUs. Known entries stay.
        `accounts`: How many accounts are drawn by chance, at most. Default 50.
        `months`: How many months to look. Default 2.
        `draw`: Another number draws other accounts. Default 1.
        `clock`: Accounts on this test clock. Default: those on none.
        `idempotency_key`: its key, as of a command.
        """
        return self._write(
            TermsEffect,
            "POST",
            "/v1/terms-effects",
            {
                "policy": policy,
                "entries": entries,
                "accounts": accounts,
                "months": months,
                "draw": draw,
                "clock": clock,
            },
            idempotency_key=idempotency_key,
        )

    def start_campaign(
        self,
        *,
        do: Literal[
            "change_plan",
            "extend",
            "reactivate",
            "recover",
            "resubscribe",
            "terminate",
            "unsubscribe",
        ],
        options: Mapping[str, Any] | None = None,
        subscriptions: Sequence[str] | None = None,
        selection: Mapping[str, Any] | None = None,
        rate: int | None = None,
        idempotency_key: str | None = None,
    ) -> StartedCampaign:
        """Start a campaign: one command on the subscriptions that are named, or on those of a
        list.

        The same key and body again is the same campaign. A selection counts as its words:
        asked again, it may select others. A caller who may do the command may start it on
        many. A role with a limit of money starts no campaign that moves money.

        `do`: The command.
        `options`: The fields of the command, but its subscription.
        `subscriptions`: Ids of subscriptions, each once.
        `selection`:
        `rate`: Rows per second, at most. Default 20.
        `idempotency_key`: its key, as of a command.
        """
        return self._write(
            StartedCampaign,
            "POST",
            "/v1/campaigns",
            {
                "do": do,
                "options": options,
                "subscriptions": subscriptions,
                "selection": selection,
                "rate": rate,
            },
            idempotency_key=idempotency_key,
        )

    def preview_campaign(
        self,
        *,
        do: Literal[
            "change_plan",
            "extend",
            "reactivate",
            "recover",
            "resubscribe",
            "terminate",
            "unsubscribe",
        ],
        options: Mapping[str, Any] | None = None,
        subscriptions: Sequence[str] | None = None,
        selection: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> CampaignPreview:
        """What a campaign would do now: how many rows, how many are refused, how much money.

        Nothing is done. A preview has at most 1,000 rows. `starter.py` previews larger ones.

        `do`: The command.
        `options`: The fields of the command, but its subscription.
        `subscriptions`: Ids of subscriptions, each once.
        `selection`:
        `idempotency_key`: its key, as of a command.
        """
        return self._write(
            CampaignPreview,
            "POST",
            "/v1/campaign-previews",
            {"do": do, "options": options, "subscriptions": subscriptions, "selection": selection},
            idempotency_key=idempotency_key,
        )

    def set_campaign_rate(self, campaign: str, *, rate: int) -> CampaignNow:
        """Change how many rows a second a campaign carries out at most.

        `rate`: Rows per second, at most.
        """
        return self._write(
            CampaignNow, "PUT", f"/v1/campaigns/{in_path(campaign)}/rate", {"rate": rate}
        )

    def control_campaign(
        self, campaign: str, control: Literal["pause", "resume", "stop"]
    ) -> CampaignNow:
        """Pause a campaign, resume it, or stop it for good. It may be repeated.

        Rows under way are finished, and what is done stays done.
        """
        return self._write(
            CampaignNow, "PUT", f"/v1/campaigns/{in_path(campaign)}/{in_path(control)}", None
        )

    def add_webhook(
        self,
        *,
        name: str,
        url: str,
        events: Sequence[
            Literal[
                "purchased",
                "trial_started",
                "converted",
                "imported",
                "import_undone",
                "activation_fee",
                "notice_renewal",
                "renewed",
                "renewal_failed",
                "notice_expiring",
                "notice_trial_ending",
                "recovered",
                "extended",
                "expired",
                "reactivated",
                "unsubscribed",
                "resubscribed",
                "terminated",
                "refunded",
                "plan_changed",
                "addon_changed",
                "cycle_changed",
                "number_added",
                "number_removed",
                "number_swapped",
                "changes_withdrawn",
                "number_hold_ending",
                "number_released",
                "given_away",
                "owner_changed",
                "assigned",
                "shared",
                "unshared",
                "number_reserved",
                "number_unreserved",
                "topped_up",
                "usage",
                "transferred",
                "adjusted",
                "paid",
                "card_charged",
                "auto_topped_up",
                "card_declined",
                "invoiced",
                "brought_forward",
                "account_suspended",
                "account_resumed",
                "account_closed",
                "account_reopened",
                "account_closed_for_good",
                "account_erased",
            ]
        ]
        | None = None,
        test_clocks: bool | None = None,
        idempotency_key: str | None = None,
    ) -> NewSecret:
        """Add an endpoint, and get the secret that signs its messages (Rule 12).

        It gets what is committed from now on. The secret can be asked for again with the same
        key only.

        `name`: Its name.
        `url`: Where messages go: https.
        `events`: Only these events. An empty list means all. Default of a new endpoint: all.
        `test_clocks`: Whether it also gets events of accounts on test clocks.
        `idempotency_key`: its key, as of a command.
        """
        return self._write(
            NewSecret,
            "POST",
            "/v1/webhooks",
            {"name": name, "url": url, "events": events, "test_clocks": test_clocks},
            idempotency_key=idempotency_key,
        )

    def change_webhook(
        self,
        name: str,
        *,
        url: str | None = None,
        events: Sequence[
            Literal[
                "purchased",
                "trial_started",
                "converted",
                "imported",
                "import_undone",
                "activation_fee",
                "notice_renewal",
                "renewed",
                "renewal_failed",
                "notice_expiring",
                "notice_trial_ending",
                "recovered",
                "extended",
                "expired",
                "reactivated",
                "unsubscribed",
                "resubscribed",
                "terminated",
                "refunded",
                "plan_changed",
                "addon_changed",
                "cycle_changed",
                "number_added",
                "number_removed",
                "number_swapped",
                "changes_withdrawn",
                "number_hold_ending",
                "number_released",
                "given_away",
                "owner_changed",
                "assigned",
                "shared",
                "unshared",
                "number_reserved",
                "number_unreserved",
                "topped_up",
                "usage",
                "transferred",
                "adjusted",
                "paid",
                "card_charged",
                "auto_topped_up",
                "card_declined",
                "invoiced",
                "brought_forward",
                "account_suspended",
                "account_resumed",
                "account_closed",
                "account_reopened",
                "account_closed_for_good",
                "account_erased",
            ]
        ]
        | None = None,
        test_clocks: bool | None = None,
        on: bool | None = None,
        if_match: str,
    ) -> EndpointLine:
        """Change an endpoint, or switch it on or off. What is not named stays. It needs
        `If-Match`.

        `url`: Where messages go: https.
        `events`: Only these events. An empty list means all. Default of a new endpoint: all.
        `test_clocks`: Whether it also gets events of accounts on test clocks.
        `on`: false switches it off: what waits for it is not sent. true tries it at once.
        `if_match`: the `etag` of what you have seen.
        """
        return self._write(
            EndpointLine,
            "PATCH",
            f"/v1/webhooks/{in_path(name)}",
            {"url": url, "events": events, "test_clocks": test_clocks, "on": on},
            if_match=if_match,
        )

    def remove_webhook(self, name: str) -> Removed:
        """Remove an endpoint. What waits for it is not sent. Its messages can still be read."""
        return self._write(Removed, "DELETE", f"/v1/webhooks/{in_path(name)}", None)

    def rotate_webhook_secret(
        self, *, name: str, keep_old_hours: int | None = None, idempotency_key: str | None = None
    ) -> NewSecret:
        """Give an endpoint another secret. For some hours, messages are signed with both.

        `name`: The name of the endpoint.
        `keep_old_hours`: How long the old secret signs as well. Default 24.
        `idempotency_key`: its key, as of a command.
        """
        return self._write(
            NewSecret,
            "POST",
            "/v1/webhook-secrets",
            {"name": name, "keep_old_hours": keep_old_hours},
            idempotency_key=idempotency_key,
        )

    def test_webhook(self, *, name: str, idempotency_key: str | None = None) -> TestAnswer:
        """Send a signed test message at once, and tell the response. Each request sends one.

        `name`: The name of the endpoint.
        `idempotency_key`: its key, as of a command.
        """
        return self._write(
            TestAnswer, "POST", "/v1/webhook-tests", {"name": name}, idempotency_key=idempotency_key
        )

    def resend_messages(
        self,
        *,
        messages: Sequence[int] | None = None,
        failed_of: str | None = None,
        idempotency_key: str | None = None,
    ) -> SentAgain:
        """Send messages again, with the same ids. A worker sends them within seconds.

        Messages of an endpoint that is off or removed are not sent again, and not counted.

        `messages`: Ids of messages.
        `failed_of`: An endpoint, of which 1000 failed messages go out again.
        `idempotency_key`: its key, as of a command.
        """
        return self._write(
            SentAgain,
            "POST",
            "/v1/message-resends",
            {"messages": messages, "failed_of": failed_of},
            idempotency_key=idempotency_key,
        )

    def charge_usage_batch(
        self, *, rows: Sequence[Mapping[str, Any]], idempotency_key: str | None = None
    ) -> ChargedBatch:
        """Charge usage of many accounts. A row that is refused does not stop the others (Rule
        11.1).

        Row 7 of the key `june-30` has the request id `june-30/7`. The same batch again
        charges nothing twice, and says `repeated`. Rows with the outcome `unknown` are known
        after a repetition.

        `rows`: Usage of any accounts, in the order in which it is charged.
        `idempotency_key`: its key, as of a command.
        """
        return self._write(
            ChargedBatch,
            "POST",
            "/v1/usage-batches",
            {"rows": rows},
            idempotency_key=idempotency_key,
        )

    def undo_imports(
        self, *, which: str, dry_run: bool | None = None, idempotency_key: str | None = None
    ) -> UndoNow:
        """Take an import back, as far as nothing has happened to what came in (docs/import.md).

        `poll` tells how it goes. With `dry_run` it is only looked at what would be taken
        back. The report names the first 20 accounts and numbers that stay, each with the
        reason.

        `which`: The id of an import, as the list of imports has it, or a prefix.
        `dry_run`: Whether it is only looked at what would be taken back. Default false.
        `idempotency_key`: its key, as of a command.
        """
        return self._write(
            UndoNow,
            "POST",
            "/v1/import-undos",
            {"which": which, "dry_run": dry_run},
            idempotency_key=idempotency_key,
        )

    def top_up_seller(
        self, *, currency: str, amount: Decimal, idempotency_key: str | None = None
    ) -> SellerWallet:
        """Put money into the seller's own wallet. Costs are paid from it (Rule 11.5).

        `currency`: ISO 4217 code.
        `amount`: What is put into the wallet (rule 11.5).
        `idempotency_key`: its key, as of a command.
        """
        return self._write(
            SellerWallet,
            "POST",
            "/v1/seller-top-ups",
            {"currency": currency, "amount": amount},
            idempotency_key=idempotency_key,
        )

    def change_seller_profile(
        self,
        *,
        name: str | None = None,
        street: str | None = None,
        postal_code: str | None = None,
        city: str | None = None,
        country: str | None = None,
        tax_number: str | None = None,
        registration: str | None = None,
        email: str | None = None,
        payment: str | None = None,
        if_match: str,
    ) -> SellerOnDocuments:
        """Change what documents show of the seller, from the next invoice on. It needs
        `If-Match`.

        What is not named stays, and so does the logo. An empty text removes a value.

        `name`: The name on documents.
        `street`: Street and number.
        `postal_code`: Postal code.
        `city`: City.
        `country`: ISO 3166 code of two letters, such as DE.
        `tax_number`: The number for taxes, as it is printed.
        `registration`: The number in the register of companies.
        `email`: Where customers ask.
        `payment`: How and by when an amount that is due is paid.
        `if_match`: the `etag` of what you have seen.
        """
        return self._write(
            SellerOnDocuments,
            "PATCH",
            "/v1/seller-profile",
            {
                "name": name,
                "street": street,
                "postal_code": postal_code,
                "city": city,
                "country": country,
                "tax_number": tax_number,
                "registration": registration,
                "email": email,
                "payment": payment,
            },
            if_match=if_match,
        )

    def add_tax_rate(
        self,
        *,
        country: str,
        percent: Decimal,
        since: date,
        name: str | None = None,
        shown: Literal["inclusive", "exclusive"] | None = None,
        idempotency_key: str | None = None,
    ) -> TaxRate:
        """Add a tax that documents show. What is charged stays the same: it holds the tax
        already.

        An invoice that has its number keeps its tax. A customer without a country has the
        seller's.

        `country`: Of the customer: ISO 3166 code, such as DE.
        `percent`: 0 to 100.
        `since`: The first day, by the date of an invoice.
        `name`: What documents call it. Default VAT.
        `shown`: Whether lines are shown with the tax that they hold.
        `idempotency_key`: its key, as of a command.
        """
        return self._write(
            TaxRate,
            "POST",
            "/v1/tax-rates",
            {"country": country, "percent": percent, "since": since, "name": name, "shown": shown},
            idempotency_key=idempotency_key,
        )

    def approve_approval(self, approval: str) -> ApprovalLine:
        """Approve what was asked for, and carry it out once. The caller is a second one.

        Approved again, it goes on where it was interrupted.
        """
        return self._write(ApprovalLine, "POST", f"/v1/approvals/{in_path(approval)}/approve", None)

    def refuse_approval(self, approval: str) -> ApprovalLine:
        """Refuse what was asked for. Nothing is done. The one who has asked withdraws it so."""
        return self._write(ApprovalLine, "POST", f"/v1/approvals/{in_path(approval)}/refuse", None)


class AsyncWrites(ABC):
    """The same with `await`."""

    @abstractmethod
    async def _write(
        self,
        kind: type[T],
        method: str,
        path: str,
        body: Mapping[str, object] | None,
        idempotency_key: str | None = None,
        if_match: str | None = None,
    ) -> T: ...

    async def open_account(
        self,
        *,
        account: str,
        currency: str,
        timezone: str,
        credits: Decimal | None = None,
        credit_limit: Decimal | None = None,
        mode: Literal["prepaid", "postpaid"] | None = None,
        owner: str | None = None,
        billing_email: str | None = None,
        card: str | None = None,
        renew_by_card: bool | None = None,
        auto_top_up: bool | None = None,
        clock: str | None = None,
        idempotency_key: str | None = None,
    ) -> OpenedAccount:
        """Open an account. Its id must be new.

        `account`: The id of the account.
        `currency`: ISO 4217 code.
        `timezone`: IANA name.
        `credits`: What it brings along (rule 11.2).
        `credit_limit`: How far below zero the balance may go (rule 11.1).
        `mode`: How it pays (rule 11.6).
        `owner`: The person who owns the account.
        `billing_email`: The address for bills.
        `card`: The gateway's token of a card.
        `renew_by_card`: Whether renewals may use the card (Rule 5.3).
        `auto_top_up`: Whether it is topped up by card (Rule 11.2).
        `clock`: The test clock that it is attached to, for good.
        `idempotency_key`: its key, as of a command.
        """
        return await self._write(
            OpenedAccount,
            "POST",
            "/v1/accounts",
            {
                "account": account,
                "currency": currency,
                "timezone": timezone,
                "credits": credits,
                "credit_limit": credit_limit,
                "mode": mode,
                "owner": owner,
                "billing_email": billing_email,
                "card": card,
                "renew_by_card": renew_by_card,
                "auto_top_up": auto_top_up,
                "clock": clock,
            },
            idempotency_key=idempotency_key,
        )

    async def create_clock(
        self, *, clock: str, now: datetime, idempotency_key: str | None = None
    ) -> ClockLine:
        """Make a test clock. Accounts are attached to it when they are opened.

        `clock`: The id of the clock.
        `now`: Where it starts.
        `idempotency_key`: its key, as of a command.
        """
        return await self._write(
            ClockLine,
            "POST",
            "/v1/clocks",
            {"clock": clock, "now": now},
            idempotency_key=idempotency_key,
        )

    async def advance_clock(self, clock: str, *, to: datetime) -> AdvancedClock:
        """Let time pass on a test clock. Every due step runs at its instant, in order (Rule
        1.7).

        After 10 seconds it stops between two steps, and responds with 202 and `reached:
        false`. The same request again goes on from there. It may be repeated at any time.

        `to`: Where it stops. A clock never goes back.
        """
        return await self._write(AdvancedClock, "PATCH", f"/v1/clocks/{in_path(clock)}", {"to": to})

    async def what_if(
        self,
        *,
        account: str,
        months: int | None = None,
        steps: Sequence[Mapping[str, Any]] | None = None,
        catalog: Sequence[Mapping[str, Any]] | None = None,
        card_declines: bool | None = None,
        idempotency_key: str | None = None,
    ) -> WhatIfAnswer:
        """What an account does in the coming months if assumptions come true, and if not.

        It is played on a copy. Nothing is changed, and no card is charged.

        `account`: The account, or one of its subscriptions.
        `months`: How many months. Default 3.
        `steps`: What is assumed to happen, in order, each with `at` and `do`
        (docs/what-if.md).
        `catalog`: Prices that are assumed, as entries of the catalogue with `from`.
        `card_declines`: Whether the card that is stored now is declined. Default false.
        `idempotency_key`: its key, as of a command.
        """
        return await self._write(
            WhatIfAnswer,
            "POST",
            "/v1/what-ifs",
            {
                "account": account,
                "months": months,
                "steps": steps,
                "catalog": catalog,
                "card_declines": card_declines,
            },
            idempotency_key=idempotency_key,
        )

    async def add_catalog_entries(
        self,
        *,
        entries: Sequence[Mapping[str, Any]],
        idempotency_key: str | None = None,
        if_match: str | None = None,
    ) -> Added:
        """Add SKUs, or later versions of SKUs with new prices (Rule 3.5).

        Entries that are there already are not added again. With `If-Match` nothing is added
        when the catalogue has changed since.

        `entries`: SKUs, and later versions of SKUs. Known entries stay.
        `idempotency_key`: its key, as of a command.
        `if_match`: the `etag` of what you have seen.
        """
        return await self._write(
            Added,
            "POST",
            "/v1/catalog-entries",
            {"entries": entries},
            idempotency_key=idempotency_key,
            if_match=if_match,
        )

    async def set_policy(self, *, policy: Mapping[str, Any], if_match: str) -> PolicyInForce:
        """Put a new version of the terms in force. Running steps keep theirs (Rule 14).

        Settings that are not named have their defaults. The terms in force are no new
        version.

        `policy`: What differs from the defaults (Rule 14).
        `if_match`: the `etag` of what you have seen.
        """
        return await self._write(
            PolicyInForce, "PUT", "/v1/policy", {"policy": policy}, if_match=if_match
        )

    async def ask_terms_effect(
        self,
        *,
        policy: Mapping[str, Any] | None = None,
        entries: Sequence[Mapping[str, Any]] | None = None,
        accounts: int | None = None,
        months: int | None = None,
        draw: int | None = None,
        clock: str | None = None,
        idempotency_key: str | None = None,
    ) -> TermsEffect:
        """Who would renew differently under another policy, or with other entries of the
        catalogue.

        A sample of accounts is played on copies, and nothing is changed. A policy holds for
        expiry dates that are set from now on. So it shows from the second renewal of a
        subscription on. The newest 20 effects of a seller are kept.

        `policy`: What differs from the defaults (Rule 14).
        `entries`: SKUs, and later versions of SKUs. Known entries stay.
        `accounts`: How many accounts are drawn by chance, at most. Default 50.
        `months`: How many months to look. Default 2.
        `draw`: Another number draws other accounts. Default 1.
        `clock`: Accounts on this test clock. Default: those on none.
        `idempotency_key`: its key, as of a command.
        """
        return await self._write(
            TermsEffect,
            "POST",
            "/v1/terms-effects",
            {
                "policy": policy,
                "entries": entries,
                "accounts": accounts,
                "months": months,
                "draw": draw,
                "clock": clock,
            },
            idempotency_key=idempotency_key,
        )

    async def start_campaign(
        self,
        *,
        do: Literal[
            "change_plan",
            "extend",
            "reactivate",
            "recover",
            "resubscribe",
            "terminate",
            "unsubscribe",
        ],
        options: Mapping[str, Any] | None = None,
        subscriptions: Sequence[str] | None = None,
        selection: Mapping[str, Any] | None = None,
        rate: int | None = None,
        idempotency_key: str | None = None,
    ) -> StartedCampaign:
        """Start a campaign: one command on the subscriptions that are named, or on those of a
        list.

        The same key and body again is the same campaign. A selection counts as its words:
        asked again, it may select others. A caller who may do the command may start it on
        many. A role with a limit of money starts no campaign that moves money.

        `do`: The command.
        `options`: The fields of the command, but its subscription.
        `subscriptions`: Ids of subscriptions, each once.
        `selection`:
        `rate`: Rows per second, at most. Default 20.
        `idempotency_key`: its key, as of a command.
        """
        return await self._write(
            StartedCampaign,
            "POST",
            "/v1/campaigns",
            {
                "do": do,
                "options": options,
                "subscriptions": subscriptions,
                "selection": selection,
                "rate": rate,
            },
            idempotency_key=idempotency_key,
        )

    async def preview_campaign(
        self,
        *,
        do: Literal[
            "change_plan",
            "extend",
            "reactivate",
            "recover",
            "resubscribe",
            "terminate",
            "unsubscribe",
        ],
        options: Mapping[str, Any] | None = None,
        subscriptions: Sequence[str] | None = None,
        selection: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> CampaignPreview:
        """What a campaign would do now: how many rows, how many are refused, how much money.

        Nothing is done. A preview has at most 1,000 rows. `starter.py` previews larger ones.

        `do`: The command.
        `options`: The fields of the command, but its subscription.
        `subscriptions`: Ids of subscriptions, each once.
        `selection`:
        `idempotency_key`: its key, as of a command.
        """
        return await self._write(
            CampaignPreview,
            "POST",
            "/v1/campaign-previews",
            {"do": do, "options": options, "subscriptions": subscriptions, "selection": selection},
            idempotency_key=idempotency_key,
        )

    async def set_campaign_rate(self, campaign: str, *, rate: int) -> CampaignNow:
        """Change how many rows a second a campaign carries out at most.

        `rate`: Rows per second, at most.
        """
        return await self._write(
            CampaignNow, "PUT", f"/v1/campaigns/{in_path(campaign)}/rate", {"rate": rate}
        )

    async def control_campaign(
        self, campaign: str, control: Literal["pause", "resume", "stop"]
    ) -> CampaignNow:
        """Pause a campaign, resume it, or stop it for good. It may be repeated.

        Rows under way are finished, and what is done stays done.
        """
        return await self._write(
            CampaignNow, "PUT", f"/v1/campaigns/{in_path(campaign)}/{in_path(control)}", None
        )

    async def add_webhook(
        self,
        *,
        name: str,
        url: str,
        events: Sequence[
            Literal[
                "purchased",
                "trial_started",
                "converted",
                "imported",
                "import_undone",
                "activation_fee",
                "notice_renewal",
                "renewed",
                "renewal_failed",
                "notice_expiring",
                "notice_trial_ending",
                "recovered",
                "extended",
                "expired",
                "reactivated",
                "unsubscribed",
                "resubscribed",
                "terminated",
                "refunded",
                "plan_changed",
                "addon_changed",
                "cycle_changed",
                "number_added",
                "number_removed",
                "number_swapped",
                "changes_withdrawn",
                "number_hold_ending",
                "number_released",
                "given_away",
                "owner_changed",
                "assigned",
                "shared",
                "unshared",
                "number_reserved",
                "number_unreserved",
                "topped_up",
                "usage",
                "transferred",
                "adjusted",
                "paid",
                "card_charged",
                "auto_topped_up",
                "card_declined",
                "invoiced",
                "brought_forward",
                "account_suspended",
                "account_resumed",
                "account_closed",
                "account_reopened",
                "account_closed_for_good",
                "account_erased",
            ]
        ]
        | None = None,
        test_clocks: bool | None = None,
        idempotency_key: str | None = None,
    ) -> NewSecret:
        """Add an endpoint, and get the secret that signs its messages (Rule 12).

        It gets what is committed from now on. The secret can be asked for again with the same
        key only.

        `name`: Its name.
        `url`: Where messages go: https.
        `events`: Only these events. An empty list means all. Default of a new endpoint: all.
        `test_clocks`: Whether it also gets events of accounts on test clocks.
        `idempotency_key`: its key, as of a command.
        """
        return await self._write(
            NewSecret,
            "POST",
            "/v1/webhooks",
            {"name": name, "url": url, "events": events, "test_clocks": test_clocks},
            idempotency_key=idempotency_key,
        )

    async def change_webhook(
        self,
        name: str,
        *,
        url: str | None = None,
        events: Sequence[
            Literal[
                "purchased",
                "trial_started",
                "converted",
                "imported",
                "import_undone",
                "activation_fee",
                "notice_renewal",
                "renewed",
                "renewal_failed",
                "notice_expiring",
                "notice_trial_ending",
                "recovered",
                "extended",
                "expired",
                "reactivated",
                "unsubscribed",
                "resubscribed",
                "terminated",
                "refunded",
                "plan_changed",
                "addon_changed",
                "cycle_changed",
                "number_added",
                "number_removed",
                "number_swapped",
                "changes_withdrawn",
                "number_hold_ending",
                "number_released",
                "given_away",
                "owner_changed",
                "assigned",
                "shared",
                "unshared",
                "number_reserved",
                "number_unreserved",
                "topped_up",
                "usage",
                "transferred",
                "adjusted",
                "paid",
                "card_charged",
                "auto_topped_up",
                "card_declined",
                "invoiced",
                "brought_forward",
                "account_suspended",
                "account_resumed",
                "account_closed",
                "account_reopened",
                "account_closed_for_good",
                "account_erased",
            ]
        ]
        | None = None,
        test_clocks: bool | None = None,
        on: bool | None = None,
        if_match: str,
    ) -> EndpointLine:
        """Change an endpoint, or switch it on or off. What is not named stays. It needs
        `If-Match`.

        `url`: Where messages go: https.
        `events`: Only these events. An empty list means all. Default of a new endpoint: all.
        `test_clocks`: Whether it also gets events of accounts on test clocks.
        `on`: false switches it off: what waits for it is not sent. true tries it at once.
        `if_match`: the `etag` of what you have seen.
        """
        return await self._write(
            EndpointLine,
            "PATCH",
            f"/v1/webhooks/{in_path(name)}",
            {"url": url, "events": events, "test_clocks": test_clocks, "on": on},
            if_match=if_match,
        )

    async def remove_webhook(self, name: str) -> Removed:
        """Remove an endpoint. What waits for it is not sent. Its messages can still be read."""
        return await self._write(Removed, "DELETE", f"/v1/webhooks/{in_path(name)}", None)

    async def rotate_webhook_secret(
        self, *, name: str, keep_old_hours: int | None = None, idempotency_key: str | None = None
    ) -> NewSecret:
        """Give an endpoint another secret. For some hours, messages are signed with both.

        `name`: The name of the endpoint.
        `keep_old_hours`: How long the old secret signs as well. Default 24.
        `idempotency_key`: its key, as of a command.
        """
        return await self._write(
            NewSecret,
            "POST",
            "/v1/webhook-secrets",
            {"name": name, "keep_old_hours": keep_old_hours},
            idempotency_key=idempotency_key,
        )

    async def test_webhook(self, *, name: str, idempotency_key: str | None = None) -> TestAnswer:
        """Send a signed test message at once, and tell the response. Each request sends one.

        `name`: The name of the endpoint.
        `idempotency_key`: its key, as of a command.
        """
        return await self._write(
            TestAnswer, "POST", "/v1/webhook-tests", {"name": name}, idempotency_key=idempotency_key
        )

    async def resend_messages(
        self,
        *,
        messages: Sequence[int] | None = None,
        failed_of: str | None = None,
        idempotency_key: str | None = None,
    ) -> SentAgain:
        """Send messages again, with the same ids. A worker sends them within seconds.

        Messages of an endpoint that is off or removed are not sent again, and not counted.

        `messages`: Ids of messages.
        `failed_of`: An endpoint, of which 1000 failed messages go out again.
        `idempotency_key`: its key, as of a command.
        """
        return await self._write(
            SentAgain,
            "POST",
            "/v1/message-resends",
            {"messages": messages, "failed_of": failed_of},
            idempotency_key=idempotency_key,
        )

    async def charge_usage_batch(
        self, *, rows: Sequence[Mapping[str, Any]], idempotency_key: str | None = None
    ) -> ChargedBatch:
        """Charge usage of many accounts. A row that is refused does not stop the others (Rule
        11.1).

        Row 7 of the key `june-30` has the request id `june-30/7`. The same batch again
        charges nothing twice, and says `repeated`. Rows with the outcome `unknown` are known
        after a repetition.

        `rows`: Usage of any accounts, in the order in which it is charged.
        `idempotency_key`: its key, as of a command.
        """
        return await self._write(
            ChargedBatch,
            "POST",
            "/v1/usage-batches",
            {"rows": rows},
            idempotency_key=idempotency_key,
        )

    async def undo_imports(
        self, *, which: str, dry_run: bool | None = None, idempotency_key: str | None = None
    ) -> UndoNow:
        """Take an import back, as far as nothing has happened to what came in (docs/import.md).

        `poll` tells how it goes. With `dry_run` it is only looked at what would be taken
        back. The report names the first 20 accounts and numbers that stay, each with the
        reason.

        `which`: The id of an import, as the list of imports has it, or a prefix.
        `dry_run`: Whether it is only looked at what would be taken back. Default false.
        `idempotency_key`: its key, as of a command.
        """
        return await self._write(
            UndoNow,
            "POST",
            "/v1/import-undos",
            {"which": which, "dry_run": dry_run},
            idempotency_key=idempotency_key,
        )

    async def top_up_seller(
        self, *, currency: str, amount: Decimal, idempotency_key: str | None = None
    ) -> SellerWallet:
        """Put money into the seller's own wallet. Costs are paid from it (Rule 11.5).

        `currency`: ISO 4217 code.
        `amount`: What is put into the wallet (rule 11.5).
        `idempotency_key`: its key, as of a command.
        """
        return await self._write(
            SellerWallet,
            "POST",
            "/v1/seller-top-ups",
            {"currency": currency, "amount": amount},
            idempotency_key=idempotency_key,
        )

    async def change_seller_profile(
        self,
        *,
        name: str | None = None,
        street: str | None = None,
        postal_code: str | None = None,
        city: str | None = None,
        country: str | None = None,
        tax_number: str | None = None,
        registration: str | None = None,
        email: str | None = None,
        payment: str | None = None,
        if_match: str,
    ) -> SellerOnDocuments:
        """Change what documents show of the seller, from the next invoice on. It needs
        `If-Match`.

        What is not named stays, and so does the logo. An empty text removes a value.

        `name`: The name on documents.
        `street`: Street and number.
        `postal_code`: Postal code.
        `city`: City.
        `country`: ISO 3166 code of two letters, such as DE.
        `tax_number`: The number for taxes, as it is printed.
        `registration`: The number in the register of companies.
        `email`: Where customers ask.
        `payment`: How and by when an amount that is due is paid.
        `if_match`: the `etag` of what you have seen.
        """
        return await self._write(
            SellerOnDocuments,
            "PATCH",
            "/v1/seller-profile",
            {
                "name": name,
                "street": street,
                "postal_code": postal_code,
                "city": city,
                "country": country,
                "tax_number": tax_number,
                "registration": registration,
                "email": email,
                "payment": payment,
            },
            if_match=if_match,
        )

    async def add_tax_rate(
        self,
        *,
        country: str,
        percent: Decimal,
        since: date,
        name: str | None = None,
        shown: Literal["inclusive", "exclusive"] | None = None,
        idempotency_key: str | None = None,
    ) -> TaxRate:
        """Add a tax that documents show. What is charged stays the same: it holds the tax
        already.

        An invoice that has its number keeps its tax. A customer without a country has the
        seller's.

        `country`: Of the customer: ISO 3166 code, such as DE.
        `percent`: 0 to 100.
        `since`: The first day, by the date of an invoice.
        `name`: What documents call it. Default VAT.
        `shown`: Whether lines are shown with the tax that they hold.
        `idempotency_key`: its key, as of a command.
        """
        return await self._write(
            TaxRate,
            "POST",
            "/v1/tax-rates",
            {"country": country, "percent": percent, "since": since, "name": name, "shown": shown},
            idempotency_key=idempotency_key,
        )

    async def approve_approval(self, approval: str) -> ApprovalLine:
        """Approve what was asked for, and carry it out once. The caller is a second one.

        Approved again, it goes on where it was interrupted.
        """
        return await self._write(
            ApprovalLine, "POST", f"/v1/approvals/{in_path(approval)}/approve", None
        )

    async def refuse_approval(self, approval: str) -> ApprovalLine:
        """Refuse what was asked for. Nothing is done. The one who has asked withdraws it so."""
        return await self._write(
            ApprovalLine, "POST", f"/v1/approvals/{in_path(approval)}/refuse", None
        )
