"""Which commands a visitor is offered: those of the role, and which of them are possible now."""

from dataclasses import dataclass

from core.domain.commands import COMMANDS
from core.domain.commands.change_owner import ChangeOwner
from core.domain.commands.close_account import CloseAccount
from core.domain.commands.erase_account import EraseAccount
from core.domain.commands.suspend import Suspend
from core.domain.commands.terminate import Terminate
from core.domain.refusal import Refusal
from doors.access import operations
from doors.access.staff import StaffCaller
from doors.queries.possible_commands import Possible

_CAREFUL = (ChangeOwner, CloseAccount, EraseAccount, Suspend, Terminate)

CAREFUL = frozenset(do for do, command in COMMANDS.items() if command in _CAREFUL)
"""Commands whose button warns: they end something, or stop what happens by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A command that the role of a visitor may do. `refusal`: why it is not possible now."""

    do: str
    refusal: Refusal | None


def offers(visitor: StaffCaller, possible: Possible) -> list[Offer]:
    """The commands that a visitor may do, those that are possible first.

    Of each kind, the commands that end something are the last.
    """
    made = [
        Offer(do=do, refusal=it) for do, it in possible.items() if operations.may(visitor.role, do)
    ]
    return sorted(made, key=lambda it: (it.refusal is not None, it.do in CAREFUL, it.do))
