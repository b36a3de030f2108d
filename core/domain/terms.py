"""A seller's terms: the catalogue, and the versions of the policy (Rules 3.5, 14)."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.domain.catalog import Catalog
from core.domain.policy import Policy
from core.domain.subscription import Subscription


@dataclass(frozen=True, slots=True)
class Terms:
    """The catalogue, the policies by version, and the version in force.

    The policies are at least those that the subscriptions at hand follow.
    """

    catalog: Catalog
    policies: Mapping[int, Policy]
    policy_version: int

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self.policies[self.policy_version]

    def policy_of(self, subscription: Subscription) -> Policy:
        """The policy that was in force when the subscription's *E* was set (Rule 14)."""
        return self.policies[subscription.policy_version]
