"""The names of acts in the audit."""

from core.domain.acts import ACTS
from core.domain.commands import COMMANDS


def test_an_act_is_named_like_an_operation_and_never_like_a_command() -> None:
    assert all(act.isidentifier() and act == act.lower() for act in ACTS)
    assert ACTS.isdisjoint(COMMANDS)
