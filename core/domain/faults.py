"""Faults: what is wrong with something a person wrote (a policy, a catalogue, a scenario), where, and what is allowed.

A fault is about *input*; a refusal (`core.domain.refusal`) is about *state*: the input was understood, a rule says no.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: `place` is a path such as ``policy.retry_days[1]``, `reason` says what is wrong and what is allowed."""

    place: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


class Faults(ValueError):
    """Raised with every fault found at once, so that a file is mended in one go."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))
