"""What is read.

Words of enumerations are text: a later API may have more of them.
Written by `make client`. Changes by hand are lost.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar

R = TypeVar("R")
Day = date


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLine:
    """One account of the list. The fields are as in `AccountView`.

    `failed`: whether a subscription of the account has failed to renew.
    """

    account: str
    owner: str | None = None
    billing_email: str | None = None
    mode: str
    balance: Decimal
    currency: str
    timezone: str
    failed: bool
    suspended: bool
    closed_on: date | None = None
    clock: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """An account and its wallet (Rules 11.1, 11.6).

    `waiting`: what is deducted already and stands on the next monthly invoice (Rule 11.4).
    `erased_on`: the day on which its personal data was erased, None before.
    `subscriptions` counts its subscriptions by status, `failed` those whose renewal failed.
    """

    account: str
    owner: str | None = None
    billing_email: str | None = None
    currency: str
    timezone: str
    clock: str | None = None
    now: datetime
    mode: str
    balance: Decimal
    unbilled: Decimal
    receivable: Decimal
    overpayment: Decimal
    usable: Decimal
    reserved: Decimal
    liability: Decimal
    credit_limit: Decimal
    credit_limit_until: date | None = None
    card: str | None = None
    renew_by_card: bool
    auto_top_up: bool
    suspended: bool
    closed_on: date | None = None
    closed_for_good: bool
    erased_on: date | None = None
    waiting: Decimal
    subscriptions: dict[str, int]
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """How many entries are new in the catalogue. `revision`: how many entries there are now.

    `etag`: what it is now, for a change of it (`if_match`). None: it came in a list.
    """

    new: int
    revision: int
    etag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvancedClock:
    """How far a test clock has come.

    `now`, `to`: its virtual now, and where it was asked to stop (UTC).
    `reached`: whether everything due up to `to` is done. If not, the same request goes on.
    """

    clock: str
    now: datetime
    to: datetime
    reached: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalLine:
    """A command that needs or needed a second person. Instants are in UTC.

    `decided_by`: who has approved or refused it. `outcome`: what it did, or which rule
    refused it.
    """

    id: str
    do: str
    values: dict[str, Any]
    request_id: str
    asked_by: str
    role: str
    amount: Decimal
    currency: str
    why: str
    asked_at: datetime
    expires_at: datetime
    state: str
    decided_by: str | None = None
    decided_at: datetime | None = None
    outcome: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceAfter:
    """The money of an account right after a batch (Rule 11.1)."""

    account: str
    currency: str
    balance: Decimal
    usable: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignLine:
    """A line of the list of campaigns.

    `settled`: the rows that have an outcome. `selection`: what it is about, in words.
    """

    campaign: str
    do: str
    selection: str
    state: str
    rows: int
    settled: int
    rate: int
    actor: str
    started_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignNow:
    """A campaign after a control."""

    campaign: str
    state: str
    rate: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedRows:
    """How many rows a rule refuses, with the first of them and its reason."""

    rule: str
    count: int
    subscription: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """Sums in one currency. `paid` and `given_back` by the rows, `card`: charged to cards."""

    currency: str
    paid: Decimal
    given_back: Decimal
    card: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignPreview:
    """What a campaign would do now.

    `rows`: how many there are.
    `done`: how many would be done.
    `refused`: the rules that would refuse some, the most frequent first.
    `failing`: rows whose outcome cannot be told, because the rehearsal raises an error.
    `money`: by currency.
    `large`: accounts with more than `PART` rows. Their sums may be too high.
    """

    do: str
    rows: int
    done: int
    refused: tuple[RefusedRows, ...]
    failing: tuple[tuple[str, str], ...]
    money: tuple[Money, ...]
    large: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedBy:
    """How many rows a rule has refused, and the first of their reasons."""

    rule: str
    rows: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """What the rows have paid and given back in a currency."""

    currency: str
    paid: Decimal
    given_back: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignView:
    """A campaign, with its rows counted by outcome.

    `options`: those of its command. `waiting`: rows without an outcome.
    """

    line: CampaignLine
    options: dict[str, Any]
    done: int
    refused: int
    repeated: int
    unknown: int
    waiting: int
    refused_by: tuple[RefusedBy, ...]
    sums: tuple[Sum, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogEntryLine:
    """An entry of the catalogue as it was loaded. `position`: its place in the order of loading."""

    position: int
    entry: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogInForce:
    """What is sold: the entries of the catalogue as they were loaded, with all their versions.

    `etag`: what it is now, for a change of it (`if_match`). None: it came in a list.
    """

    entries: tuple[dict[str, Any], ...]
    etag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargedRow:
    """A row of a batch and what became of it.

    `rule`: the rule that refuses it, None unless it is refused.
    `reason`: why it is refused or unknown, in words. None otherwise.
    """

    request_id: str
    account: str
    amount: Decimal
    outcome: str
    rule: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargedBatch:
    """What became of a batch.

    `rows`: one for each row of the batch, in the order of the batch.
    `balances`: one for each account of the batch that exists, by id.
    """

    rows: tuple[ChargedRow, ...]
    balances: tuple[BalanceAfter, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockLine:
    """A test clock: its id, its virtual now (UTC), and how many accounts are attached."""

    clock: str
    now: datetime
    accounts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """A change of one item that a later cycle brings (Rule 9).

    `item`, `name`: what changes. `name` is the add-on's SKU or the number, else empty.
    `sku`: the new plan, or the SKU of the number. None for a number that is removed.
    `amount`: the base months of the new plan, the new multiplier, or the quantity of the
    add-on. Of a number it is 1 when its activation fee is charged with that cycle (Rule
    10.1).
    `since`: the first day of the cycle that was paid with it. None while it is pending.
    """

    item: str
    name: str
    sku: str | None = None
    amount: int
    since: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Sums in one currency: what renewals take within the months, without and under new terms."""

    currency: str
    without: Decimal
    under: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class NotPlayed:
    """An account that could not be played, and why."""

    account: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectTotals:
    """An effect in total.

    `sample`: how the sample was drawn, in words. `played`: how many accounts.
    `subscriptions`: how many were played. `differing`: how many of them renew differently: on
    other dates (`dates`), for other fees (`fees`), with another outcome (`outcomes`).
    `failed_without`, `failed_under`: attempts to renew that fail, as it is and under the new
    terms.
    `sums`: what renewals take, by currency. `not_played`: accounts that could not be played.
    """

    sample: str
    played: int
    subscriptions: int
    differing: int
    dates: int
    fees: int
    outcomes: int
    failed_without: int
    failed_under: int
    sums: tuple[Sums, ...]
    not_played: tuple[NotPlayed, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointLine:
    """An endpoint and how it does. Instants are in UTC.

    `events`: the events that it gets, None for all.
    `waiting`, `failed`: messages, counted up to 10,000.
    `old_secret_until`: until when the secret before signs as well.

    `etag`: what it is now, for a change of it (`if_match`). None: it came in a list.
    """

    name: str
    url: str
    events: tuple[str, ...] | None = None
    test_clocks: bool
    added_at: datetime
    added_by: str
    waiting: int
    failed: int
    failing_since: datetime | None = None
    paused_until: datetime | None = None
    off_at: datetime | None = None
    off_why: str | None = None
    old_secret_until: datetime | None = None
    etag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event to come.

    `at`, `date`: its instant (UTC) and the account's local date.
    `event`: what happens.
    `subscription`: the id of the subscription, None for an event of the account itself.
    `amount`: the signed change of the balance, None where nothing changes it.
    `balance`: the balance after the event.
    `rule`, `why`: the rule behind it, and the reason in words.
    `reason`: why a renewal or the conversion of a trial failed, default None.
    `number`: the number that it is about, default None.
    """

    at: datetime
    date: Day
    event: str
    subscription: str | None = None
    amount: Decimal | None = None
    balance: Decimal
    rule: str
    why: str
    reason: str | None = None
    number: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryLine:
    """One line of history. `amount` is the signed change of the balance."""

    seq: int
    at: datetime
    date: Day
    account: str
    subscription: str | None = None
    event: str
    amount: Decimal | None = None
    currency: str
    timezone: str
    rule: str
    actor: str
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The next step of a subject: its kind, the instant it is due (UTC), its rule, and why."""

    kind: str
    due: datetime
    rule: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedNotice:
    """A notice and the instant it is due (UTC). Whether it is true is checked then (`untrue`)."""

    kind: str
    due: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A sentence with its rule and its rows.

    `at`: when it happened (UTC), None for what holds now.
    `text`: the sentence, without the rule.
    `rows`: the rows of the database behind it, such as ``operation 1204`` or ``history 77``.
    """

    at: datetime | None = None
    text: str
    rule: str
    rows: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a subscription renewed or did not renew.

    `answer` says it in words with its rules. `because` is the history that led to it.
    `coming` are the steps and notices ahead. `refused` are the newest commands that a rule
    has refused, and
    `refused_left_out` counts the others.
    """

    subscription: str
    status: str
    answer: str
    because: tuple[HistoryLine, ...]
    fee: Decimal | None = None
    usable: Decimal
    mode: str
    currency: str
    timezone: str
    now: datetime
    next_step: Step | None = None
    coming: tuple[Step | PlannedNotice, ...]
    refused: tuple[Reason, ...]
    refused_left_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What an account will do by itself. `left_out`: how many later entries are not told."""

    account: str
    currency: str
    entries: tuple[Entry, ...]
    left_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportLine:
    """An import as a list shows it.

    `id`: by which it is named.
    `kind`, `file`, `prefix`, `clock`, `as_of`, `actor`: as in `ImportFacts`.
    `at`: when it began (UTC).
    `rows`: how many subscriptions or numbers came in with it. `undone`: how many were taken
    back.
    """

    id: int
    kind: str
    file: str
    prefix: str
    clock: str | None = None
    as_of: date | None = None
    actor: str
    at: datetime
    rows: int
    undone: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportNow:
    """How an import stands.

    `rows_done`, `rows`: how many rows of how many are done. None unless they are counted.
    `report`: what became of the rows, as `starter.py import --json` tells it.
    `faults`: what is wrong with the file, each with its place and a reason.
    `next`: what to do, if it was interrupted.
    """

    request_id: str
    state: str
    rows_done: int | None = None
    rows: int | None = None
    report: dict[str, Any] | None = None
    faults: tuple[dict[str, Any], ...] | None = None
    next: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceDetails:
    """What the document of an invoice or a credit note says, as data.

    `lines`: text, amount as charged, and the tax that it holds. `tax`: name and percent.
    `paid`, `how`: what was paid when it was issued, and by what. `credits`: see
    `InvoiceFacts`.
    """

    number: str
    credit_note: bool
    date: Day
    account: str
    customer: str
    language: str
    currency: str
    period: tuple[Day, Day] | None = None
    lines: tuple[tuple[str, Decimal, Decimal], ...]
    tax: tuple[str, Decimal] | None = None
    total: Decimal
    taxes: Decimal
    paid: Decimal
    how: str
    due: Decimal
    credits: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceView:
    """An invoice or credit note. `number` is None until it is numbered (Rule 11.4).

    `position`: its place among the invoices, in the order of issue.
    `due`: what was still to be paid when it was issued.
    """

    position: int
    number: str | None = None
    kind: str
    date: Day
    account: str
    currency: str
    total: Decimal
    due: Decimal
    lines: tuple[tuple[str, Decimal], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRow:
    """A line of a work list, with the address to write to (Rule 6.3).

    `reason` is why a renewal, or the conversion of a trial, failed. `balance` is the
    account's.
    `clock` is the account's test clock, or None.
    """

    account: str
    owner: str | None = None
    billing_email: str | None = None
    subscription: str
    sku: str
    quantity: int
    trial: bool
    status: str
    auto_renew: bool
    expiry: date
    renewal_date: date | None = None
    failed_on: date | None = None
    reason: str | None = None
    balance: Decimal
    currency: str
    clock: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageLine:
    """A message to an endpoint. Instants are in UTC.

    `event`: what happened or the kind of the alarm, `happened_at` when.
    `account`: None for an alarm about the whole business.
    `next_at`: the next attempt, None when it is over.
    `status`, `error`: the HTTP status of the last attempt, and what went wrong.
    """

    id: int
    endpoint: str
    event: str
    account: str | None = None
    subscription: str | None = None
    happened_at: datetime
    state: str
    attempts: int
    next_at: datetime | None = None
    done_at: datetime | None = None
    status: int | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageView:
    """A message with its body, as it is sent.

    `url`: where a webhook goes. None for an e-mail, whose body is what it tells of. That of
    an alarm is its facts.
    """

    line: MessageLine
    url: str | None = None
    body: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One event of a subscription: the local date, and the change of the balance, if any."""

    date: Day
    event: str
    amount: Decimal | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSecret:
    """The secret of an endpoint, which signs its messages. It is told by this response only.

    `old_secret_until`: until when (UTC) the secret before signs as well. None for a new
    endpoint.
    """

    name: str
    secret: str
    old_secret_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberHistoryLine:
    """What happened to a number, when (UTC), for which account, and who asked.

    `seq`: its place among all lines of all numbers.
    """

    seq: int
    at: datetime
    what: str
    account: str | None = None
    subscription: str | None = None
    until: date | None = None
    cause: str | None = None
    remark: str | None = None
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberLine:
    """One number of a list. The fields are as in `core.domain.numbers.Number`.

    `clock` is the test clock of its account, or None.
    """

    number: str
    sku: str
    state: str
    hold: str
    account: str | None = None
    subscription: str | None = None
    since: date
    until: date | None = None
    cause: str | None = None
    remark: str | None = None
    clock: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberView:
    """A number for a person.

    `line`: what it is now.
    `returned_at`, `returned_by`: when (UTC) and by which account it was given back last.
    `timezone`: the zone of its account. UTC when it has none.
    `next_step`: what it does next by itself, or None.
    `history`: its newest lines, oldest first.
    """

    line: NumberLine
    returned_at: datetime | None = None
    returned_by: str | None = None
    timezone: str
    next_step: Step | None = None
    history: tuple[NumberHistoryLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedAccount:
    """The id of an account that was opened."""

    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """How an account stands at the end of a forecast.

    `balance`: Rule 11.1. `events`: how often each event happens until then.
    """

    balance: Decimal
    events: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What happens to one subject on one day, in each of two forecasts.

    `at`, `date`: the earlier instant (UTC) of the two, and the account's local date.
    `subscription`: the id, None for the account itself.
    `without`, `assumed`: the events of the two forecasts. One of them may be None.
    `same`: both forecasts have the same event at the same instant, with the same amount.
    """

    at: datetime
    date: Day
    subscription: str | None = None
    without: Entry | None = None
    assumed: Entry | None = None
    same: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodView:
    """One paid cycle, or the days of a trial: what was paid for it and what was given back."""

    start: date
    expiry: date
    paid: Decimal
    refunded: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyInForce:
    """The terms in force (Rule 14). Version 0 is the defaults.

    `etag`: what it is now, for a change of it (`if_match`). None: it came in a list.
    """

    version: int
    policy: dict[str, Any]
    etag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVersionLine:
    """A version of the policy. `in_force`: whether it is the one in force."""

    version: int
    in_force: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Positions:
    """A range of transactions: after the position `low`, up to the position `high`.

    `opening`: the opening with credits is among them.
    """

    low: int
    high: int
    opening: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The rule that refuses (its number in docs/rules.md) and the reason, in words for a person."""

    rule: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewStanding:
    """How an account and a subscription stand, before or after the command.

    `usable`: Rule 11.1. `trial`: it is a trial. `expiry`: the last paid day, or that of the
    trial.
    `renewal_date`: None when it does not renew.
    `fee`: what the next cycle costs at today's prices, with pending changes. None when it has
    ended or has no price. The fields of a subscription are None for a command on an account.
    """

    usable: Decimal
    status: str | None = None
    trial: bool
    sku: str | None = None
    expiry: date | None = None
    renewal_date: date | None = None
    fee: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewedEvent:
    """One event: what would happen, in which account, to which subscription, by which rule.

    `amount`: the signed change of the balance, None where there is none.
    `facts`: more to tell, as in the history, but for the key of a charge that is yet to be
    made.
    """

    event: str
    account: str
    subscription: str | None = None
    amount: Decimal | None = None
    rule: str
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewedInvoice:
    """An invoice or credit note that would be issued, with its lines of text and amount."""

    account: str
    kind: str
    lines: tuple[tuple[str, Decimal], ...]
    total: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview(Generic[R]):
    """What a command would do, or the rule that refuses it.

    `do`: the command.
    `replayed`: its request was carried out before, and nothing would be done.
    `result`: what the command would answer.
    `account`, `currency`, `timezone`: of the account that it is about. None when there is
    none.
    `before`, `after`: how things stand without and with the command. None when it is refused.
    `events`, `invoices`: in their order, at most 100 of each. `left_out` counts the others.
    `card`: what would be charged to the stored card, None when nothing is.
    """

    do: str
    refusal: Refusal | None = None
    replayed: bool
    result: R | None = None
    account: str | None = None
    currency: str | None = None
    timezone: str | None = None
    before: PreviewStanding | None = None
    after: PreviewStanding | None = None
    events: tuple[PreviewedEvent, ...]
    invoices: tuple[PreviewedInvoice, ...]
    left_out: int
    card: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasons:
    """Why something is as it is.

    `about`: what is explained. `answer`: the explanation in a sentence.
    `timezone`: the zone in which the reasons are dated.
    `reasons`: at most `MOST_REASONS`. `left_out` counts the others.
    `refused`: the newest commands that a rule has refused. `refused_left_out` counts the
    others.
    """

    about: str
    answer: str
    timezone: str
    reasons: tuple[Reason, ...]
    left_out: int
    refused: tuple[Reason, ...]
    refused_left_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptRow:
    """What became of a row.

    `row`: its number, from 1. `line`: its line in a file.
    `outcome` is None while the row waits, and for good when the campaign was stopped before
    it.
    `amount`: what was paid, negative for what was given back. `sentence`: what was done, or
    why not. `request_id`: that of the row's command, as the ledger has it.
    """

    row: int
    line: int
    subscription: str
    outcome: str | None = None
    amount: Decimal | None = None
    currency: str | None = None
    rule: str | None = None
    sentence: str | None = None
    at: datetime | None = None
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptView:
    """Money that came in. `receipt` is the number by which its document is asked for."""

    receipt: int
    at: datetime
    account: str
    currency: str
    amount: Decimal
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record. `at` is in UTC.

    `actor`: who, as in the history. `by`: with which key or session. `address`: from where.
    `act`: the operation. `subject`: on what. `before`, `after`: how it stood without and with
    the act. Where that is not known, `after` is what was asked for.
    """

    id: int
    chain: int
    position: int
    at: datetime
    actor: str
    by: str
    address: str
    request_id: str | None = None
    act: str
    subject: str | None = None
    outcome: str
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedAssumption:
    """An assumed command that would be refused, and by which rule.

    `number`: its place among the assumptions, from 1.
    """

    number: int
    do: str
    at: datetime
    refusal: Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """What was removed."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    """A row of a report.

    `month`: the first day of the month (UTC).
    `on_test_clock`: whether it is about accounts on test clocks.
    `values`: the columns of the report, in the order of `COLUMNS`. Amounts are in the
    currency, and may have 5 decimals.
    """

    month: date
    currency: str
    on_test_clock: bool
    values: dict[str, str | int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report of money, a row for each month, currency and text column (docs/reports.md)."""

    report: str
    rows: tuple[ReportRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestView:
    """What became of a request. The others are None while it is open.

    `do`: the command, or another operation of the API.
    `sentence`: what a command did, for a person. `result`: the same for a program.
    """

    request_id: str
    state: str
    do: str | None = None
    sentence: str | None = None
    result: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SellerOnDocuments:
    """What documents show of the seller. An empty text is not shown.

    `version`: 0 while nothing was set. `logo`: whether there is a picture.

    `etag`: what it is now, for a change of it (`if_match`). None: it came in a list.
    """

    version: int
    name: str
    street: str
    postal_code: str
    city: str
    country: str
    tax_number: str
    registration: str
    email: str
    payment: str
    logo: bool
    etag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SellerWallet:
    """What the seller's own wallet holds in one currency (Rule 11.5)."""

    currency: str
    balance: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class SentAgain:
    """How many messages go out again. `more`: the endpoint has further failed ones."""

    sent_again: int
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One thing bought by an account.

    `id`, `account`: its id, and the id of the account that pays for it.
    `sku`, `quantity`, `multiplier`, `addons`, `numbers`: what it holds now (Rule 3.1).
    `addons` are quantities by SKU, `numbers` the SKU of each number.
    `coming`: the changes that later cycles bring, oldest first (Rule 9).
    `legacy`: it renews a day earlier (Rule 1.5), default False.
    `align`: its first automatic renewal moves *E* to a month end (Rule 5.5), default False.
    `discount`, `discount_cycles`: percent off the fee lines of its first cycles (Rule 3.6).
    `trial`: it is a trial that was not converted (Rule 4.3), default False.
    `contract`: the kind of contract that it was bought under (Rule 8.3), default None.
    `status`, `auto_renew`, `renewal_failed`: Rule 2.
    `failure`: why the last renewal, or the end of a trial, was not funded. Default None.
    `anchor`, `months_paid`: *A* and *M* of Rule 1.3.
    `cycle_months`: the months of a cycle as it is now.
    `expiry`: *E*, the last paid day, or the last day of the trial.
    `cycles_paid`: how many cycles were paid in any way.
    `planned_at`: the instant at which the steps of this *E* were planned. That is when *E*
    was set or when auto-renewal was switched on. After an import onto a day to come, it is
    that day. Nothing is due before it.
    `attempted_at`: the last failed or missed attempt to charge a cycle since then, default
    None.
    `expired_on`: the local date on which it was marked EXPIRED: day 1 of the days of Rule 7.
    `terminated_on`: the local date on which it was TERMINATED.
    `policy_version`: the policy that was in force when *E* was set (Rule 14).
    `version`: grows by one with every change.
    """

    id: str
    account: str
    sku: str
    quantity: int
    multiplier: int
    addons: dict[str, int]
    numbers: dict[str, str]
    coming: tuple[Coming, ...]
    legacy: bool
    align: bool
    discount: Decimal
    discount_cycles: int
    trial: bool
    contract: str | None = None
    status: str
    auto_renew: bool
    renewal_failed: bool
    failure: str | None = None
    anchor: date
    months_paid: int
    cycle_months: int
    expiry: date
    cycles_paid: int
    planned_at: datetime
    attempted_at: datetime | None = None
    expired_on: date | None = None
    terminated_on: date | None = None
    policy_version: int
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A subscription as committed, with the time zone of its account.

    `next_step`: what it does next by itself. None when it is TERMINATED.
    """

    subscription: Subscription
    timezone: str
    next_step: Step | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What an account has at one moment. The last three are None while it is prepaid."""

    balance: Decimal
    unbilled: Decimal | None = None
    receivable: Decimal | None = None
    overpayment: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedCampaign:
    """A campaign that was started. `campaign`: its id, by which its progress is asked for."""

    campaign: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The state of a subscription, who has told it, and when (UTC)."""

    source: str
    as_of: datetime
    state: Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A statement between two local dates of the account, both inclusive.

    `opening`, `closing`: what it had before the first, and after the last movement.
    `mode`: how the account pays today. `clock`: its test clock, or None.
    `complete`: the last day is over, so the statement does not change.

    `positions`: where its movements stand among the transactions of the account. `movements`
    reads them. Opening balance plus their sum is the closing balance. Transactions that are
    written later are not among them.
    """

    account: str
    owner: str | None = None
    currency: str
    timezone: str
    clock: str | None = None
    mode: str
    first_day: date
    last_day: date
    complete: bool
    opening: Standing
    closing: Standing
    positions: Positions


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionView:
    """A subscription for a person.

    `assigned_to` is the e-mail address of its assignee. None is the account's owner.
    `members` are the addresses of those it is shared with. `numbers` are the SKUs of its
    numbers. `coming` are the changes that later cycles bring. `fee` is what the next cycle
    costs at today's prices. It is None where a price is missing or when the subscription is
    TERMINATED. `discount` is percent, as text. `now` is the instant by which it lives.
    `periods` are its paid cycles and the days of its trial. The other fields are as in
    `Subscription` and `Account`.
    """

    subscription: str
    account: str
    owner: str | None = None
    billing_email: str | None = None
    assigned_to: str | None = None
    members: tuple[str, ...]
    sku: str
    quantity: int
    multiplier: int
    addons: dict[str, int]
    numbers: dict[str, str]
    coming: tuple[Coming, ...]
    legacy: bool
    align: bool
    discount: str
    discount_cycles: int
    contract: str | None = None
    trial: bool
    status: str
    auto_renew: bool
    renewal_failed: bool
    failure: str | None = None
    anchor: date
    cycle_months: int
    expiry: date
    renewal_date: date | None = None
    expired_on: date | None = None
    terminated_on: date | None = None
    cycles_paid: int
    policy_version: int
    fee: Decimal | None = None
    currency: str
    timezone: str
    suspended: bool
    clock: str | None = None
    now: datetime
    next_step: Step | None = None
    periods: tuple[PeriodView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxRate:
    """The tax of a seller on what is sold to a country.

    `country`: ISO 3166 code of two letters.
    `since`: the first day, by the date of a document. A later one replaces it.
    `percent`: 0 to 100. Zero is a tax of zero percent, which a document names.
    `name`: what documents call it, such as VAT.
    """

    country: str
    since: date
    percent: Decimal
    name: str
    shown: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsEffect:
    """The effect of new terms, by its idempotency key.

    `accounts_done`, `accounts`: how many accounts of how many are played.
    `found`: the effect in total. Its rows are a list of their own. `next`: what to do without
    it.
    """

    effect: str
    state: str
    asked_at: datetime
    asked_by: str
    accounts_done: int
    accounts: int
    found: EffectTotals | None = None
    next: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsEffectRow:
    """A subscription as it renews today (`without`), and under the new terms (`under`).

    `row`: its place. `differs`: whether it renews differently, by `dates`, `fees`,
    `outcomes`.
    """

    row: int
    account: str
    currency: str
    subscription: str
    without: tuple[Moment, ...]
    under: tuple[Moment, ...]
    differs: bool
    dates: bool
    fees: bool
    outcomes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TestAnswer:
    """What came of a test message. `error` is None when the endpoint has taken it."""

    name: str
    status: int | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionLine:
    """One transaction of an account.

    `position`: its place among the transactions of the account. Positions rise with time.
    `at`, `date`: when, in UTC, and the local date of the account.
    `event`: what happened. None is the opening with credits.
    `amount`: the signed change of the balance. Zero: an external invoice has paid, the fee
    was zero, or only what is unbilled has changed.
    `purpose`: what the operation was for. `admin_fee`: what a refund has kept, or None.
    `invoice`: the number of the invoice on which it stands. None: it is not numbered yet, or
    there is none. `external_invoice`: the number of the invoice of another system that has
    paid.
    `balance`: the account's balance after it.
    `unbilled`, `receivable`, `overpayment`: of a postpaid account after it (Rule 11.6). None:
    the account was prepaid.
    `facts`: more to tell, as in the history.
    """

    position: int
    at: datetime
    date: Day
    account: str
    subscription: str | None = None
    kind: str
    event: str | None = None
    amount: Decimal
    currency: str
    timezone: str
    balance: Decimal
    unbilled: Decimal | None = None
    receivable: Decimal | None = None
    overpayment: Decimal | None = None
    rule: str
    actor: str
    operation: int
    purpose: str
    admin_fee: Decimal | None = None
    invoice: str | None = None
    external_invoice: str | None = None
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoNow:
    """How the undoing of imports stands.

    `rows_done`, `rows`: how many rows of how many were looked at. None unless they are
    counted.
    `report`: what was taken back and what stays, as `starter.py import undo --json` tells it.
    `next`: what to do, if it was interrupted.
    """

    request_id: str
    state: str
    rows_done: int | None = None
    rows: int | None = None
    report: dict[str, Any] | None = None
    next: str | None = None


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
    differ: tuple[Pair, ...]
    left_out: int
    same: int
    refused: tuple[RefusedAssumption, ...]
