"""Faults: what is wrong with a policy, a catalogue, a scenario or another input of a person.

A fault says where it is and what is allowed. It is about *input*. A refusal
(`core.domain.refusal`) is about *state*: the input could be read, but a rule forbids it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

MISSING = "is missing"
"""The reason of a fault where nothing stands."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong.

    `place`: a path such as ``policy.retry_days[1]``.
    `reason`: what is wrong and what is allowed.
    """

    place: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


class Faults(ValueError):
    """All faults of an input at once, so that a person can correct them together."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))
