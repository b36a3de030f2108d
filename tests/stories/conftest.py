"""Each story is played in its own database."""

from collections.abc import Callable

import pytest

from tests.stories.story import Story, tell


@pytest.fixture
def story(database: str) -> Callable[[str], Story]:
    """Plays a story. A test may play only one."""
    return lambda text: tell(text, database)
