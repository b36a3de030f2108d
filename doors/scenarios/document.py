"""The text of a YAML or JSON file, read as plain values.

Owns what may be in a file at all: mappings with text keys, lists, text, whole numbers, floats, true
and false, null. What a value means is read later by `core.domain.inputs`.

On purpose this accepts less than YAML does. Days and instants stay text, so ``2020-11-16`` is
checked where it is used. Numbers that two readers of YAML read differently (``010``, ``1_000``,
``12:30``) are faults, and so are tags and keys that stand twice. What aliases expand to is bounded.
Every fault of a text is a `Fault` with its place.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml

from core.domain.fault_places import key_in_words, shown
from core.domain.faults import Fault, Faults
from core.domain.inputs import Wrong, read_utf8

LARGEST = 10_000_000
"""Bytes of a file."""
DEEPEST = 50
"""How many mappings and lists may be inside one another."""
MOST_VALUES = 1_000_000
"""Values of a file after aliases are replaced."""
MOST_DIGITS = 1_000
"""Digits of a whole number."""

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = {
    spelt: value
    for word, value in {
        "true": True,
        "yes": True,
        "on": True,
        "false": False,
        "no": False,
        "off": False,
    }.items()
    for spelt in (word, word.title(), word.upper())
}
_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(
    r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
_TWO_WAYS = re.compile(
    r"[-+]?(0b[01_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*"
    r"|[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?|[0-9][0-9_]*\.[0-9_]*)"
)


@dataclass(slots=True)
class _Pairs:
    """A mapping as it was written. A key may stand twice and may be of any type."""

    pairs: list[tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class _TwoWays:
    """An unquoted scalar that two readers of YAML read differently."""

    text: str


@dataclass(slots=True)
class _Open:
    """A mapping or list that has not ended yet.

    `items`: the items of a list, or the keys and values of a mapping in turn.
    """

    mapping: bool
    anchor: str | None
    items: list[Any] = field(default_factory=list)

    def close(self) -> Any:
        if not self.mapping:
            return self.items
        return _Pairs(list(zip(self.items[::2], self.items[1::2], strict=True)))


def place(path: tuple[str | int, ...]) -> str:
    """The place of a path, as a person reads it.

    Steps and accounts are counted from one: ``step 3, numbers, entry 1, sku``. Other places are
    written as in the faults of policies and catalogues: ``policy.retry_days[1]``.
    """
    match path:
        case ("steps" | "accounts" as kind, int(index), *rest):
            inside = (
                f"entry {part + 1}" if isinstance(part, int) else key_in_words(part)
                for part in rest
            )
            return ", ".join([f"{kind[:-1]} {index + 1}", *inside])
    dotted = "".join(
        f"[{part}]" if isinstance(part, int) else f".{key_in_words(part)}" for part in path
    )
    return dotted.lstrip(".") or "file"


def read(text: str | bytes) -> tuple[Any, list[Fault]]:
    """The values of a YAML or JSON text, and its faults: keys that stand twice, unclear numbers.

    Raises `Faults` if the text cannot be read at all: it is too large, not in UTF-8, neither YAML
    nor JSON, or nested too deep.
    """
    plain = _decode(text)
    try:
        tree = _read_json(plain)
    except ValueError:
        tree = _read_yaml(plain)
    faults: list[Fault] = []
    return _Plain(faults).value(tree, (), 0), faults


def _unreadable(reason: str, where: str = "file") -> NoReturn:
    raise Faults([Fault(where, reason)])


def _decode(text: str | bytes) -> str:
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    try:
        return read_utf8(raw, LARGEST)
    except Wrong as error:
        _unreadable(str(error))


def _read_json(text: str) -> Any:
    def never(constant: str) -> NoReturn:
        raise ValueError(constant)

    def whole(digits: str) -> Any:
        return int(digits) if len(digits) <= MOST_DIGITS else _TwoWays(digits)

    try:
        return json.loads(text, object_pairs_hook=_Pairs, parse_int=whole, parse_constant=never)
    except RecursionError:
        _unreadable(f"is nested too deep; at most {DEEPEST} levels are allowed")


def _read_yaml(text: str) -> Any:
    try:
        return _build(yaml.parse(text, Loader=_Loader))
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}" if error.problem_mark else "file"
        _unreadable(f"is neither YAML nor JSON: {_one_line(error.problem or error.context)}", line)
    except yaml.YAMLError as error:
        _unreadable(f"is neither YAML nor JSON: {_one_line(error)}")


def _one_line(text: object) -> str:
    return " ".join(str(text).split())[:200]


def _build(events: Iterator[yaml.Event]) -> Any:
    """The tree of the events, without recursion.

    An alias stands for a value that has ended before it. So a value cannot contain itself.
    """
    root = _Open(mapping=False, anchor=None)
    stack, anchors = [root], dict[str, Any]()

    def put(value: Any, anchor: str | None) -> None:
        if anchor is not None:
            anchors[anchor] = value
        stack[-1].items.append(value)

    for event in events:
        match event:
            case yaml.ScalarEvent():
                put(_scalar(event), event.anchor)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                _no_tag(event)
                stack.append(_Open(isinstance(event, yaml.MappingStartEvent), event.anchor))
                if len(stack) > DEEPEST + 1:
                    _unreadable(
                        f"is nested too deep; at most {DEEPEST} levels are allowed", _line(event)
                    )
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                ended = stack.pop()
                put(ended.close(), ended.anchor)
            case yaml.DocumentStartEvent() if root.items:
                _unreadable("is the start of a second document; one is allowed", _line(event))
            case yaml.AliasEvent():
                if event.anchor not in anchors:
                    name = key_in_words(event.anchor)
                    _unreadable(f"*{name} stands for nothing that was written before", _line(event))
                put(anchors[event.anchor], None)
    return root.items[0] if root.items else None


def _line(event: yaml.Event) -> str:
    return f"line {event.start_mark.line + 1}" if event.start_mark else "file"


def _no_tag(event: Any) -> None:
    if event.tag is not None:
        _unreadable(
            f"the tag {key_in_words(event.tag)} is not allowed; write the value without a tag",
            _line(event),
        )


def _scalar(event: yaml.ScalarEvent) -> Any:
    _no_tag(event)
    text = event.value
    if not event.implicit[0]:  # quoted, or a block
        return text
    if _NULL.fullmatch(text):
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _WHOLE.fullmatch(text) and len(text) <= MOST_DIGITS:
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text.replace(".", "", 1) if text[-1].isalpha() else text)
    return _TwoWays(text) if _TWO_WAYS.fullmatch(text) else text


class _Plain:
    """Turns the tree into dicts and lists within the bounds.

    A key that stands twice or is not text is a fault.
    """

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        self.left = MOST_VALUES

    def value(self, tree: Any, path: tuple[str | int, ...], depth: int) -> Any:
        self.left -= 1
        if self.left < 0:
            _unreadable(f"has more than {MOST_VALUES} values, aliases written out")
        if depth > DEEPEST:
            _unreadable(f"is nested too deep; at most {DEEPEST} levels are allowed")
        match tree:
            case _Pairs():
                return self.mapping(tree, path, depth)
            case list():
                return [
                    self.value(item, (*path, index), depth + 1) for index, item in enumerate(tree)
                ]
            case _TwoWays():
                reason = "is not a plain number; write digits alone, or text in quotes"
                self.faults.append(Fault(place(path), f"{shown(tree.text)} {reason}"))
                return tree.text
        return tree

    def mapping(self, tree: _Pairs, path: tuple[str | int, ...], depth: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        repeated: set[str] = set()
        for key, item in tree.pairs:
            if not isinstance(key, str):
                self.faults.append(
                    Fault(place(path), f"a key must be text, not {_named(key)}; write it in quotes")
                )
            elif key in repeated:
                continue
            elif key in values:
                repeated.add(key)
                self.faults.append(Fault(place((*path, key)), "stands twice; once is allowed"))
            else:
                values[key] = self.value(item, (*path, key), depth + 1)
        return values


def _named(key: Any) -> str:
    return (
        "a mapping or list"
        if isinstance(key, _Pairs | list)
        else shown(key.text if isinstance(key, _TwoWays) else key)
    )
