"""What a command did: in a sentence for a person, and as data for a program."""

from typing import Any

from core.protocol.activity_messages import CommandResult


def sentence(outcome: CommandResult) -> str:
    """What a command did, in the words of its result."""
    again = " (it had been done before; nothing was done again)" if outcome.replayed else ""
    return (outcome.result.sentence() if outcome.result else "") + again


def data(outcome: CommandResult) -> dict[str, Any]:
    """What a command did, as data. A refused command did nothing."""
    return outcome.result.data() if outcome.result else {}
