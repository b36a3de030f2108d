"""Steps of the rule book that are not built yet: their shapes, and what is said of them.

A valid file may hold them. It cannot run, and the reader says what is not built yet. The step
of a built command needs no line here: its shape comes from the fields of the command.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from core.domain.catalog import SkuKind
from doors.simulation.step_shapes import (
    IDENTIFIER,
    NUMBER,
    Check,
    flag,
    introduced,
    numbers,
    one_of,
    sku_of,
)

_hold, _when = NUMBER["hold?"], one_of("now", "renewal")
_number = sku_of(SkuKind.NUMBER)

# fmt: off
STEPS: Mapping[str, Mapping[str, Check]] = {
    "add_number": {
        "id": introduced, "number": IDENTIFIER, "sku": _number, "hold?": _hold, "when?": _when,
    },
    "remove_number": {"id": introduced, "number": IDENTIFIER, "when?": _when},
    "swap_number": {"id": introduced, "number": IDENTIFIER, "to": IDENTIFIER, "sku?": _number},
}
"""The steps that are not built yet."""

KEYS: Mapping[str, Mapping[str, Check]] = {
    "purchase": {
        "numbers?": numbers,
    },
    "set": {"auto_top_up?": flag},
}
"""Keys of built steps that are not built yet, or allow more than is built."""
# fmt: on

_USED: Mapping[str, Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "purchase": {
        "numbers": (bool, "numbers"),
    },
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
