"""Set billing: the name, address, tax number and language on a customer's documents (Rule 11.4)."""

from dataclasses import replace
from typing import Any

from activities.account_settings import change_settings
from core.domain.commands.set_billing import SetBilling, SetBillingResult
from core.domain.inputs import Wrong
from core.domain.profiles import read_country
from core.domain.refusal import Refused
from core.ledger.profiles import add_customer_profile, customer_profile
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import CommandResult


def set_billing(work: Work, command: SetBilling) -> CommandResult:
    """Add a version of the customer's profile. Invoices keep the version of their number."""
    before = customer_profile(work.connection, work.account.id)
    values: dict[str, Any] = {
        name: getattr(command, name)
        for name in command.at_least_one
        if getattr(command, name) is not None
    }
    if values.get("country"):
        try:
            values["country"] = read_country(values["country"])
        except Wrong as wrong:
            raise Refused(command.rule, f"the country {wrong}") from None
    after = replace(before, **values)
    if after != before:
        add_customer_profile(
            work.connection, work.account.id, after, at=work.now, actor=command.actor
        )
    return change_settings(work, command, SetBillingResult(account=work.account.id), {})
