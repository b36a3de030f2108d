"""The points at which tests kill, all of them."""

from collections.abc import Iterable

from activities import registry
from core.domain.commands import COMMANDS as COMMANDS_BY_NAME
from core.domain.steps import StepKind, SubjectKind

#: The steps of numbers. A test clock takes them in the process of the client.
OF_NUMBERS = tuple(kind.value for kind in StepKind if kind.subject is SubjectKind.NUMBER)
STEPS = tuple(name for name in registry.STEPS if name not in OF_NUMBERS)
#: What a worker carries out. A client runs the others by itself.
COMMANDS = tuple(do for do, command in COMMANDS_BY_NAME.items() if command.through_workflow)
BY_CLIENT = tuple(do for do in COMMANDS_BY_NAME if do not in COMMANDS)
COMMIT = ("before_commit", "after_commit")
PLACES = (*COMMIT, "end")

#: What a worker does.
ACTIVITIES = {place: tuple(f"{name}.{place}" for name in (*STEPS, *COMMANDS)) for place in PLACES}
CHARGE = (
    "charge_call.before_commit",
    "charge_call.after_commit",
    "charge.before_call",
    "charge.after_call",
    "charge.before_look_up",
    "charge.after_look_up",
    *(f"charge.{place}" for place in PLACES),
)


def commits(*names: str) -> tuple[str, ...]:
    """Before and after the commits of these."""
    return tuple(f"{name}.{place}" for name in names for place in COMMIT)


#: What a client does by itself.
CLIENT = (
    *commits(
        "terms",
        "catalog",
        "new_clock",
        "open_account",
        "seller_top_up",
        "seller_profile",
        "tax_rate",
        "keep_document",
        "started",
        "told",
        "clock",
        "notify",
        "number_invoices",
        "import_numbers",
    ),
    *(f"{name}.{place}" for name in (*BY_CLIENT, *OF_NUMBERS) for place in PLACES),
)
#: The process that has found a refusal keeps it: the worker or the client.
REFUSED = commits("refused")
USAGE = commits("charge_usage")
MONTH_END = commits("bill_month")
IMPORT = commits("catalog", "take_over", "started")
MESSAGES = commits("take_messages", "end_messages", "tidy_messages", "message_resend")
ENDPOINTS = commits(
    *("webhook_add", "webhook_rotate", "webhook_on", "webhook_remove", "mail_on", "mail_off")
)
UNDO = commits("open_import", "undo_import", "undo_ended")
RECONCILIATION = commits(
    "reconcile_books", "reconcile_invoices", "reconcile_charge", "reconcile_subscriptions"
)
KEYS = commits("api_key")
STAFF = commits(
    "staff", "staff_attempt", "staff_session", "staff_code", "staff_seen", "staff_sign_out"
)
SECOND_PERSON = commits(
    *("money_limits", "money_taken", "money_settled"),
    *("approval_asked", "approval_decided", "approval_ended"),
)
AUDIT = commits("audit")
REQUESTS = commits("api_request")
BACKGROUND = commits("background_request")
EFFECTS = commits("term_effect")
ALARMS = commits("raise_alarms")
ERASING = commits("erase_page", "erased")
CAMPAIGNS = commits("campaign", "campaign_told", "campaign_rows", "campaign_state")

#: What the scenario of tests/crash/test_kills.py reaches.
OF_THE_SCENARIO = {
    *(point for points in ACTIVITIES.values() for point in points),
    *CHARGE,
    *CLIENT,
    *REFUSED,
}
#: The others have tests of their own.
ALL = {
    *OF_THE_SCENARIO,
    *IMPORT,
    *UNDO,
    *MESSAGES,
    *ENDPOINTS,
    *USAGE,
    *MONTH_END,
    *RECONCILIATION,
    *CAMPAIGNS,
    *KEYS,
    *STAFF,
    *SECOND_PERSON,
    *AUDIT,
    *REQUESTS,
    *BACKGROUND,
    *EFFECTS,
    *ALARMS,
    *ERASING,
}


def again(points: Iterable[str], *counts: int) -> list[str]:
    """The same points when they are reached for the n-th time.

    A retry after a kill counts as the next time.
    """
    return [f"{point}:{count}" for point in points for count in counts]
