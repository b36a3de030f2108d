"""Values as JSON, and JSON as values.

Amounts are `Decimal`, days are `date`, instants are aware `datetime`. Fields that a newer API adds
are ignored.
"""

import dataclasses
import typing
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from types import MappingProxyType, NoneType, UnionType
from typing import Any, TypeVar, Union, cast
from urllib.parse import quote

from perennial_client.errors import Unreadable

T = TypeVar("T")
Build = Callable[[Any], Any]

NO_PARAMETERS: Mapping[str, object] = MappingProxyType({})
"""The parameters of a query that has none."""


def plain(value: object) -> Any:
    """A value as JSON. Raises TypeError for a float: an amount is a `Decimal`."""
    match value:
        case None | str() | bool() | int():
            return value
        case Decimal():
            return format(value, "f")
        case datetime():
            if value.tzinfo is None:
                raise TypeError(f"{value} has no time zone; an instant needs one")
            return value.isoformat()
        case date():
            return value.isoformat()
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case Sequence():
            return [plain(item) for item in value]
        case _ if dataclasses.is_dataclass(value):
            return fields_of(value)
        case _:
            raise TypeError(f"{value!r} has no form in JSON; amounts are Decimal, days are date")


def fields_of(value: Any) -> dict[str, Any]:
    """The fields of a dataclass as JSON, without those that have their default."""
    found = {}
    for field in dataclasses.fields(value):
        default = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        content = getattr(value, field.name)
        if default is dataclasses.MISSING or content != default:
            found[field.name] = plain(content)
    return found


def query(parameters: Mapping[str, object]) -> dict[str, str]:
    """The parameters of a query, without those that are None."""
    return {
        name: str(value).lower() if isinstance(value, bool) else str(plain(value))
        for name, value in parameters.items()
        if value is not None
    }


def in_path(value: str | int) -> str:
    """An id or a number as a part of a path."""
    quoted = quote(str(value), safe="")
    return quoted.replace(".", "%2E") if quoted in (".", "..") else quoted


def build(kind: Any, value: object) -> Any:
    """A value of a type, from JSON. Raises `Unreadable`."""
    make = _builder(kind)
    try:
        return make(value)
    except (AttributeError, KeyError, TypeError, ValueError, InvalidOperation) as error:
        reason = f"{type(error).__name__}: {error}"[:200]
        raise Unreadable(
            f"The response cannot be read ({reason}). Is this package older than the API?"
        ) from error


@cache
def _builder(kind: Any) -> Build:
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(origin or kind):
        return _of_dataclass(kind)
    if origin in (Union, UnionType):
        return _of_union(arguments)
    if origin is tuple and arguments[-1] is not Ellipsis:
        parts = [_builder(argument) for argument in arguments]
        return lambda value: tuple(make(item) for make, item in zip(parts, value, strict=True))
    if origin is tuple:
        make = _builder(arguments[0])
        return lambda value: tuple(make(item) for item in _list(value))
    if origin is dict:
        make = _builder(arguments[1])
        return lambda value: {name: make(item) for name, item in value.items()}
    raise TypeError(f"{kind} is no type of a response")


def _of_dataclass(kind: Any) -> Build:
    base = typing.get_origin(kind) or kind
    variables = dict(zip(getattr(base, "__parameters__", ()), typing.get_args(kind), strict=False))
    hints = typing.get_type_hints(base)
    builders = {
        field.name: (_builder(_bound(hints[field.name], variables)), field)
        for field in dataclasses.fields(base)
    }

    def make(value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise TypeError(f"{base.__name__} is no JSON object")
        return base(
            **{
                name: build_it(value[name])
                for name, (build_it, _) in builders.items()
                if name in value
            }
        )

    return make


def _bound(hint: Any, variables: Mapping[Any, Any]) -> Any:
    """A type with its type variables replaced."""
    if hint in variables:
        return variables[hint]
    if getattr(hint, "__parameters__", ()):
        return hint[tuple(variables[variable] for variable in hint.__parameters__)]
    return hint


def _of_union(kinds: Sequence[Any]) -> Build:
    """None, one type, or the dataclass that fits best: most fields that there are, none beside."""
    others = [kind for kind in kinds if kind is not NoneType]
    builders = [_builder(kind) for kind in others]
    if len(others) == 1:
        [make] = builders
        return lambda value: None if value is None else make(value)
    named = [{field.name for field in dataclasses.fields(kind)} for kind in others]

    def one_of(value: Any) -> Any:
        if value is None:
            return None
        there = value.keys()
        fits = [(len(names & there), -len(names - there)) for names in named]
        return builders[fits.index(max(fits))](value)

    return one_of


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("no JSON array")
    return value


def _exactly(kind: type) -> Build:
    def check(value: Any) -> Any:
        if type(value) is not kind:
            raise TypeError(f"{str(value)[:50]!r} is no {kind.__name__}")
        return value

    return check


def _decimal(value: Any) -> Decimal:
    if not isinstance(value, str):
        raise TypeError(f"{str(value)[:50]!r} is no amount")
    return Decimal(value)


def _instant(value: Any) -> datetime:
    instant = datetime.fromisoformat(value)
    if instant.tzinfo is None:
        raise ValueError(f"{value[:50]} has no offset")
    return instant


_SIMPLE: dict[Any, Build] = {
    str: _exactly(str),
    bool: _exactly(bool),
    int: _exactly(int),
    Decimal: _decimal,
    datetime: _instant,
    date: date.fromisoformat,
    Any: lambda value: value,
    str | int: lambda value: cast("str | int", value),
}
