"""Steps of the rule book that are not built yet: their shapes, and what is said of them.

A valid file may hold them. It cannot run, and the reader says what is not built yet. The step
of a built command needs no line here: its shape comes from the fields of the command.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from doors.simulation.step_shapes import Check, flag

STEPS: Mapping[str, Mapping[str, Check]] = {}
"""The steps that are not built yet: none."""

KEYS: Mapping[str, Mapping[str, Check]] = {
    "set": {"auto_top_up?": flag},
}
"""Keys of built steps that are not built yet, or allow more than is built."""

_USED: Mapping[str, Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "set": {
        "auto_top_up": (bool, "auto_top_up: true"),
    },
}


def in_words(values: Mapping[str, Any]) -> Iterator[str]:
    """What in a step is not built yet."""
    do = values.get("do")
    if isinstance(do, str):
        if do in STEPS:
            yield do
        yield from (f"{do} with {words}" for words in _used(do, values))


def settings_in_words(values: Mapping[str, Any]) -> Iterator[str]:
    """What in the settings of an account is not built yet."""
    yield from _used("set", values)


def _used(do: str, values: Mapping[str, Any]) -> Iterator[str]:
    for key, (used, words) in _USED.get(do, {}).items():
        if key in values and used(values[key]):
            yield words
