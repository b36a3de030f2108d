"""Refusals: a rule says no. A refused command changes nothing and charges nothing (Rule 2)."""

from dataclasses import dataclass

from core.domain.rules import Rule


@dataclass(frozen=True, slots=True)
class Refusal:
    """The rule that refuses (its number in docs/rules.md) and the reason, in words for a person."""

    rule: Rule
    reason: str

    def __str__(self) -> str:
        return f"{self.reason} (rule {self.rule})"


class Refused(Exception):
    """Carries a refusal out of a transaction, which rolls back with it."""

    def __init__(self, rule: Rule, reason: str) -> None:
        self.refusal = Refusal(rule, reason)
        super().__init__(str(self.refusal))


def used_for_something_else(request_id: str | None) -> Refused:
    """The refusal of a request id that another request has (Rule 4.2)."""
    return Refused(Rule.REQUEST_ID, f"request id {request_id} was used for something else")
