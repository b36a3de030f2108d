"""Who may do what: the one table of operations and roles.

Every endpoint names an operation of this table, and every access is checked against it in one place
(`doors/http/callers.py`). An endpoint with another operation cannot be made. A command has the
operation of its name, and so has its preview.
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
        "list_numbers": _ALL,
        "show_number": _ALL,
        "list_campaigns": _ALL,
        "show_campaign": _ALL,
        "show_report": _FINANCE,
        "show_request": _SUPPORT | _PAYMENTS,
    }
)
"""The operations that only read."""

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

ROLES: Mapping[str, frozenset[Role]] = MappingProxyType({**READS, **_COMMANDS})
"""For each operation, the roles that may do it."""


def may(role: Role, operation: str) -> bool:
    """Whether a role may do an operation. Raises KeyError for an operation that does not exist."""
    return role in ROLES[operation]
