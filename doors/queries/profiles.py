"""What documents show of a customer, and what they showed before."""

from core.domain.profiles import CustomerProfile
from core.ledger import profiles
from core.ledger.ledger import Ledger
from core.ledger.profiles import Version
from doors.queries.snapshot import open_snapshot


def customer_on_documents(
    ledger: Ledger, account: str
) -> tuple[CustomerProfile, list[Version[CustomerProfile]]]:
    """The customer's profile in force, and its newest 100 versions. Raises NotFound."""
    with open_snapshot(ledger) as snapshot:
        snapshot.account_row(account)
        now = profiles.customer_profile(snapshot.connection, account)
        return now, profiles.customer_versions(snapshot.connection, account)
