"""What a seller sells, and by which terms."""

from core.domain.catalog import Catalog
from core.domain.policy import Policy
from core.ledger.ledger import Ledger
from doors.queries.snapshot import open_snapshot


def catalog_in_force(ledger: Ledger) -> Catalog:
    """The seller's newest catalogue."""
    with open_snapshot(ledger) as snapshot:
        return snapshot.catalog()


def policy_in_force(ledger: Ledger) -> tuple[int, Policy]:
    """The version of the seller's policy in force, and the policy. Version 0 is the defaults."""
    with open_snapshot(ledger) as snapshot:
        _, version = snapshot.versions_in_force()
        return version, snapshot.policy(version)
