"""Who may do what: the one table of operations and roles.

Every endpoint and every page names an operation of this table. `Caller.require` checks an access
against it, for programs with a key and for people who have signed in. A command has the operation
of its name, and so has its preview.
"""

from collections.abc import Mapping
from types import MappingProxyType

from core.domain.commands import COMMANDS
from core.domain.roles import Role

_ADMIN = frozenset({Role.ADMIN})
_PLATFORM = frozenset({Role.ADMIN, Role.PLATFORM})
_SUPPORT = frozenset({Role.ADMIN, Role.PLATFORM, Role.SUPPORT})
_PAYMENTS = frozenset({Role.ADMIN, Role.PLATFORM, Role.FINANCE})
_FINANCE = frozenset({Role.ADMIN, Role.FINANCE})
_ALL = frozenset(Role)

READS: Mapping[str, frozenset[Role]] = MappingProxyType(
    {
        "list_accounts": _ALL,
        "list_clocks": _ALL,
        "show_clock": _ALL,
        "show_account": _ALL,
        "show_catalog": _ALL,
        "show_policy": _ALL,
        "show_subscription": _ALL,
        "show_state": _ALL,
        "list_work": _ALL,
        "list_transactions": _ALL,
        "show_statement": _ALL,
        "list_history": _ALL,
        "explain": _ALL,
        "forecast": _ALL,
        "what_if": _ALL,
        "list_numbers": _ALL,
        "show_number": _ALL,
        "list_campaigns": _ALL,
        "show_campaign": _ALL,
        "show_report": _FINANCE,
        "export_report": _FINANCE,
        "show_request": _SUPPORT | _PAYMENTS,
        "list_catalog_entries": _ALL,
        "list_policy_versions": _ALL,
        "show_policy_version": _ALL,
        "list_invoices": _ALL,
        "show_invoice": _ALL,
        "show_invoice_document": _ALL,
        "list_receipts": _ALL,
        "show_receipt_document": _ALL,
        "show_campaign_receipt": _ALL,
        "list_webhooks": _ALL,
        "show_webhook": _ALL,
        "list_messages": _ALL,
        "show_message": _ALL,
        "stream_events": _ALL,
        "list_audit": _FINANCE,
        "list_approvals": _SUPPORT | _PAYMENTS,
        "show_approval": _SUPPORT | _PAYMENTS,
        "list_seller_wallets": _FINANCE,
        "show_seller_profile": _ALL,
        "list_tax_rates": _ALL,
        "show_statement_file": _ALL,
        "export_transactions": _ALL,
        "list_imports": _ALL,
        "show_import": _ALL,
        "show_import_undo": _ALL,
        "explain_balance": _ALL,
        "explain_renewals": _ALL,
        "explain_invoice": _ALL,
        "explain_fees": _ALL,
        "explain_refusals": _ALL,
        "export_account": _ADMIN,
        "ask_terms_effect": _ADMIN,
        "show_terms_effect": _ADMIN,
        "list_terms_effect": _ADMIN,
        "export_terms_effect": _ADMIN,
    }
)
"""The operations that only read."""

_ACTS: Mapping[str, frozenset[Role]] = MappingProxyType(
    {
        "open_account": _PLATFORM,
        "create_clock": _PLATFORM,
        "advance_clock": _PLATFORM,
        "add_catalog_entries": _ADMIN,
        "set_policy": _ADMIN,
        "start_campaign": _SUPPORT,
        "preview_campaign": _SUPPORT,
        "control_campaign": _SUPPORT,
        "set_campaign_rate": _SUPPORT,
        "add_webhook": _ADMIN,
        "change_webhook": _ADMIN,
        "remove_webhook": _ADMIN,
        "rotate_webhook_secret": _ADMIN,
        "test_webhook": _ADMIN,
        "resend_messages": _SUPPORT,
        "charge_usage_batch": _PLATFORM,
        "import_customers": _ADMIN,
        "undo_imports": _ADMIN,
        "top_up_seller": _FINANCE,
        "change_seller_profile": _ADMIN,
        "add_tax_rate": _ADMIN,
        "approve_approval": _FINANCE,
        "refuse_approval": _SUPPORT | _FINANCE,
    }
)
"""The operations that change something and are no commands.

A campaign needs that of its command as well, to be started and to be controlled.
"""

_COMMANDS: Mapping[str, frozenset[Role]] = MappingProxyType(
    {
        "add_number": _SUPPORT,
        "adjust": _FINANCE,
        "assign": _SUPPORT,
        "change_cycle": _SUPPORT,
        "change_owner": _SUPPORT,
        "change_plan": _SUPPORT,
        "close_account": _ADMIN,
        "convert": _SUPPORT,
        "erase_account": _ADMIN,
        "extend": _SUPPORT,
        "pay_invoice": _PAYMENTS,
        "purchase": _PLATFORM,
        "reactivate": _SUPPORT,
        "recover": _SUPPORT,
        "remove_number": _SUPPORT,
        "reopen_account": _ADMIN,
        "reserve_number": _SUPPORT,
        "resubscribe": _SUPPORT,
        "resume": _SUPPORT,
        "set_account": _PAYMENTS,
        "set_addon": _SUPPORT,
        "set_billing": _PAYMENTS,
        "set_card": _PLATFORM,
        "share": _SUPPORT,
        "suspend": _SUPPORT,
        "swap_number": _SUPPORT,
        "terminate": _SUPPORT,
        "top_up": _PAYMENTS,
        "transfer": _PAYMENTS,
        "trial": _PLATFORM,
        "unreserve_number": _SUPPORT,
        "unshare": _SUPPORT,
        "unsubscribe": _SUPPORT,
        "usage": _PLATFORM,
        "withdraw_changes": _SUPPORT,
    }
)
if _COMMANDS.keys() != COMMANDS.keys():
    raise ImportError(f"no roles, or no command: {sorted(_COMMANDS.keys() ^ COMMANDS.keys())}")

OF_CONSOLE: Mapping[str, frozenset[Role]] = MappingProxyType(
    {
        "list_staff": _ADMIN,
        "add_staff": _ADMIN,
        "set_staff_role": _ADMIN,
        "set_staff_password": _ADMIN,
        "disable_staff": _ADMIN,
        "enable_staff": _ADMIN,
        "end_sessions": _ADMIN,
        "list_templates": _FINANCE,
        "list_keys": _ADMIN,
        "create_key": _ADMIN,
        "rotate_key": _ADMIN,
        "revoke_key": _ADMIN,
        "decode_payloads": _ADMIN,
    }
)
"""The operations that people alone do. No key gives access to people, keys and templates."""

ROLES: Mapping[str, frozenset[Role]] = MappingProxyType(
    {**READS, **_ACTS, **_COMMANDS, **OF_CONSOLE}
)
"""For each operation, the roles that may do it."""


def may(role: Role, operation: str) -> bool:
    """Whether a role may do an operation. Raises KeyError for an operation that does not exist."""
    return role in ROLES[operation]
