"""Homes for embedded stacks. Servers that a test leaves running are stopped."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local import stack
from settings import Settings


@pytest.fixture
def tmp_path(stack_home: Path) -> Path:
    """A directory that PostgreSQL can enter, also under root."""
    return stack_home


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Settings]:
    """Settings of this test's own embedded stack."""
    config = Settings(home=tmp_path / "home")
    yield config
    stack.down(config)
