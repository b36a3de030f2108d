"""A story is told in a database of its own."""

from collections.abc import Callable

import pytest

from tests.stories.story import Story, tell


@pytest.fixture
def story(database: str) -> Callable[[str], Story]:
    """Plays a story, once a test."""
    return lambda text: tell(text, database)
