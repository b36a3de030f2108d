"""Who may start a campaign: who may do its command, on each subscription by itself.

A row has no second person. So a role with a limit of money starts no campaign that moves money.
"""

from core.domain.commands import COMMANDS
from core.domain.faults import Fault, Faults
from core.domain.roles import Role
from core.ledger import money_limits
from core.ledger.ledger import Ledger
from doors.access.caller import Caller


async def require_command(caller: Caller, do: str) -> None:
    """Check that a caller may do a command on many.

    Raises `NotAllowed`, and `Faults` when the command moves money and the role has a limit.
    """
    caller.require(do)
    if COMMANDS[do].moves_money and await caller.read(_is_limited, caller.role):
        reason = (
            f"{do} moves money, and the role {caller.role} has a limit of money; do it one by "
            "one, or ask someone whose role has none"
        )
        raise Faults([Fault("do", reason)])


def _is_limited(ledger: Ledger, role: Role) -> bool:
    with ledger.read() as connection:
        return bool(money_limits.limits_of(connection, ledger.seller, role))
