"""How many made-up scenarios are played."""

from hypothesis import settings


def scenarios_in_ci(count: int) -> int:
    """The number for `max_examples`: `count` in CI, and with `HYPOTHESIS_PROFILE=many` 5 times it.

    The profile `many` stands in tests/conftest.py. It plays new scenarios with each
    `--hypothesis-seed`.
    """
    return count * settings().max_examples // 100
