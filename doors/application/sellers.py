"""Who may act on what: a seller acts on its own accounts and their subscriptions only.

This is the one check, for commands, previews and queries of workflows. What is not there at all is
left to the use case, which refuses it in the same words.
"""

from typing import Any

from sqlalchemy import Select, select

from core.domain.commands import AnyCommand
from core.domain.commands.base import SubscriptionCommand
from core.domain.refusal import Refused
from core.domain.rules import Rule
from core.ledger.ledger import Ledger
from core.ledger.tables import AccountRow, SubscriptionRow


def refuse_foreign(ledger: Ledger, command: AnyCommand) -> None:
    """Raise `Refused` 4.1 if the command is about something of another seller."""
    if isinstance(command, SubscriptionCommand):
        refuse_foreign_subscription(ledger, command.subscription)
        return
    query = select(AccountRow.seller).where(AccountRow.id == command.account)
    _refuse_other_seller(ledger, query, f"there is no account {command.account}")


def refuse_foreign_subscription(ledger: Ledger, subscription: str) -> None:
    """Raise `Refused` 4.1 if the subscription belongs to another seller."""
    query = (
        select(AccountRow.seller)
        .join(SubscriptionRow, SubscriptionRow.account == AccountRow.id)
        .where(SubscriptionRow.id == subscription)
    )
    _refuse_other_seller(ledger, query, f"subscription {subscription} was never created")


def _refuse_other_seller(ledger: Ledger, query: Select[Any], missing: str) -> None:
    with ledger.read() as connection:
        seller = connection.execute(query).scalar()
    if seller not in (None, ledger.seller):
        raise Refused(Rule.PURCHASE, missing)
