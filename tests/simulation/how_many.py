"""How many made-up scenarios are played."""

from hypothesis import settings


def scenarios_in_ci(count: int) -> int:
    """The number for `max_examples`: `count` in CI, else half of it.

    With `HYPOTHESIS_PROFILE=many` it is five times `count`, and other scenarios with each
    `--hypothesis-seed`. The profiles stand in tests/conftest.py.
    """
    return count * settings().max_examples // 100
