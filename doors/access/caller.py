"""Who acts, and the one check of what they may do."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Concatenate, ParamSpec, TypeVar
from uuid import uuid4

from core.domain.commands import AnyCommand
from core.domain.roles import Role
from core.ledger.acting import LONGEST_ADDRESS, Acting
from core.ledger.ledger import Ledger
from core.protocol.activity_messages import CommandResult
from doors.access import operations
from doors.access.recorded import recorded
from doors.access.second_person import carry_out
from doors.application.perennial import Perennial

P = ParamSpec("P")
R = TypeVar("R")


class NotAllowed(Exception):
    """The caller may not do the operation. `allowed`: the roles that may, or the key's scopes."""

    def __init__(self, who: str, operation: str, allowed: Iterable[str]) -> None:
        super().__init__(f"{who} may not {operation}")
        self.allowed = sorted(allowed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A program with a key, or a person of the staff who has signed in.

    `role`: what the caller may do is the table of `doors/access/operations.py`.
    `who`: the id of the key or of the person, such as "key/0f3a9c1d2b4e".
    `by`, `address`: the key or the session, and where the request comes from, for the audit.
    `actor`: the caller, for the history, such as "shop (key 0f3a9c1d2b4e)".
    `scopes`: the operations that its key is narrowed to. None: all of its role.
    `perennial`: the connection within the seller of the caller. No other one is in reach.
    """

    role: Role
    who: str
    actor: str
    by: str
    address: str
    perennial: Perennial
    scopes: frozenset[str] | None = None

    @property
    def seller(self) -> str:
        """The seller within which the caller acts."""
        return self.perennial.ledger.seller

    @property
    def acting(self) -> Acting:
        """The caller, for the audit."""
        return Acting(self.actor, self.by, self.address[:LONGEST_ADDRESS])

    def require(self, operation: str) -> None:
        """Check that the caller may do an operation.

        Raises `NotAllowed`, and KeyError for an operation that does not exist.
        """
        if not operations.may(self.role, operation):
            roles = operations.ROLES[operation]
            raise NotAllowed(f"the role {self.role}", operation, roles)
        if self.scopes is not None and operation not in self.scopes:
            raise NotAllowed("this key", operation, self.scopes)

    async def do(self, command: AnyCommand) -> CommandResult:
        """Carry out a command whose operation the caller may do. A refusal is a result.

        Raises `SecondPersonNeeded` when it moves more money than the role may move by itself, and
        `OutcomeUnknown` as `Perennial.do`.
        """
        perennial = self.perennial
        request_id = command.request_id or f"client/{uuid4()}"
        asked = replace(command, request_id=request_id)

        async def run() -> CommandResult:
            if not asked.moves_money:
                return await perennial.do(asked)
            return await carry_out(perennial, asked, role=self.role, who=self.who)

        return await recorded(perennial, asked, self.acting, run)

    async def read(
        self, query: Callable[Concatenate[Ledger, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """What a query of `doors.queries` returns, within the seller."""
        return await self.perennial.read(query, *args, **kwargs)
