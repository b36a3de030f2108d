"""Homes for embedded stacks; whatever a test leaves running in one is stopped."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local import stack
from settings import Settings


@pytest.fixture
def tmp_path(stack_home: Path) -> Path:
    """Where PostgreSQL may go even as root."""
    return stack_home


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Settings]:
    """Settings of an embedded stack of this test's own."""
    config = Settings(home=tmp_path / "home")
    yield config
    stack.down(config)
