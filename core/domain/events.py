"""The events of the history: what can happen to a subscription or an account, in words.

The table `Event` is the one place where an event is named. The ledger keeps the value, a scenario's
timeline shows it, and the command line says `words`.
"""

from enum import StrEnum

from core.domain.worded_enum import member_of


class Event(StrEnum):
    """One event: its value, its words, and two marks.

    `pays_cycle`: it pays a cycle of a subscription, so the history tells up to which day.
    `bad_news`: people want to notice it. Lists print it in red.
    """

    words: str
    pays_cycle: bool
    bad_news: bool

    def __new__(
        cls, value: str, words: str = "", pays_cycle: bool = False, bad_news: bool = False
    ) -> "Event":
        """An event from a row of the table below."""
        return member_of(cls, value, words=words, pays_cycle=pays_cycle, bad_news=bad_news)

    PURCHASED = "purchased", "bought", True
    TRIAL_STARTED = "trial_started", "trial started"
    CONVERTED = "converted", "converted from a trial", True
    IMPORTED = "imported", "taken over from another system", True
    IMPORT_UNDONE = "import_undone", "import undone", False, True
    ACTIVATION_FEE = "activation_fee", "activation fee charged"
    NOTICE_RENEWAL = "notice_renewal", "told: renews soon"
    RENEWED = "renewed", "renewed", True
    RENEWAL_FAILED = "renewal_failed", "renewal failed", False, True
    NOTICE_EXPIRING = "notice_expiring", "told: expires soon"
    NOTICE_TRIAL_ENDING = "notice_trial_ending", "told: the trial ends soon"
    RECOVERED = "recovered", "recovered", True
    EXTENDED = "extended", "extended", True
    EXPIRED = "expired", "expired", False, True
    REACTIVATED = "reactivated", "reactivated", True
    UNSUBSCRIBED = "unsubscribed", "auto-renewal switched off"
    RESUBSCRIBED = "resubscribed", "auto-renewal switched on"
    TERMINATED = "terminated", "terminated", False, True
    REFUNDED = "refunded", "refunded"
    PLAN_CHANGED = "plan_changed", "plan changed"
    ADDON_CHANGED = "addon_changed", "add-on changed"
    CYCLE_CHANGED = "cycle_changed", "cycle changed"
    NUMBER_ADDED = "number_added", "number added"
    NUMBER_REMOVED = "number_removed", "number removed"
    NUMBER_SWAPPED = "number_swapped", "number swapped"
    CHANGES_WITHDRAWN = "changes_withdrawn", "pending changes withdrawn"
    NUMBER_HOLD_ENDING = "number_hold_ending", "told: the hold of a number ends soon"
    NUMBER_RELEASED = "number_released", "number released"
    GIVEN_AWAY = "given_away", "given to another account"
    OWNER_CHANGED = "owner_changed", "given by another account"
    ASSIGNED = "assigned", "assigned"
    SHARED = "shared", "shared with a member"
    UNSHARED = "unshared", "no longer shared with a member"
    NUMBER_RESERVED = "number_reserved", "number reserved"
    NUMBER_UNRESERVED = "number_unreserved", "number no longer reserved"
    TOPPED_UP = "topped_up", "topped up"
    USAGE = "usage", "used"
    TRANSFERRED = "transferred", "transferred"
    ADJUSTED = "adjusted", "adjusted"
    PAID = "paid", "paid"
    CARD_CHARGED = "card_charged", "card charged"
    AUTO_TOPPED_UP = "auto_topped_up", "topped up by card"
    CARD_DECLINED = "card_declined", "card declined", False, True
    INVOICED = "invoiced", "monthly invoice made"
    BROUGHT_FORWARD = "brought_forward", "debt brought forward to the next invoice"
    ACCOUNT_SUSPENDED = "account_suspended", "account suspended"
    ACCOUNT_RESUMED = "account_resumed", "account resumed"
    ACCOUNT_CLOSED = "account_closed", "account closed"
    ACCOUNT_REOPENED = "account_reopened", "account opened again"
    ACCOUNT_CLOSED_FOR_GOOD = "account_closed_for_good", "account closed for good"
    ACCOUNT_ERASED = "account_erased", "personal data of the account erased"
