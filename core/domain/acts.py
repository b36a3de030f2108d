"""The acts that the audit names, but for commands, which have their own names (docs/staff.md).

Every door names an act by the same word. Where it is an operation of `doors/access/operations.py`,
it has the name of that.
"""

from typing import Literal, NewType, get_args

Act = Literal[
    "add_catalog_entries",
    "add_staff",
    "add_tax_rate",
    "add_webhook",
    "advance_clock",
    "begin_staff_codes",
    "change_seller_profile",
    "change_webhook",
    "charge_usage_batch",
    "control_campaign",
    "create_clock",
    "create_key",
    "decide_approval",
    "disable_staff",
    "enable_staff",
    "end_approval",
    "end_sessions",
    "end_staff_codes",
    "export_account",
    "import_customers",
    "import_numbers",
    "open_account",
    "reconcile",
    "remove_limits",
    "remove_webhook",
    "require_codes",
    "resend_messages",
    "revoke_key",
    "rotate_key",
    "rotate_webhook_secret",
    "set_campaign_rate",
    "set_limit",
    "set_policy",
    "set_staff_password",
    "set_staff_role",
    "sign_in",
    "sign_out",
    "start_campaign",
    "switch_mails_off",
    "switch_mails_on",
    "test_webhook",
    "top_up_seller",
    "undo_imports",
]
ACTS = frozenset(get_args(Act))
"""All of them."""
CommandAct = NewType("CommandAct", str)
"""The name of a command, as an act."""
