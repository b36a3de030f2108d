"""The commands that people and programs give, as data. Each has a file that is named by its `do`.

A file holds the whole description of its command: its fields with their types and limits, its row
of the table of states, and whether a suspended account may still do it. It also holds the result
with the sentence that tells a person what was done. The file of the same name in
activities/commands/ holds what the command does.

Amounts are `Decimal` in the account's currency. Days are local dates of the account (Rule 1.1).

This module finds the files, and registers each command and each result by `do`. `AnyCommand` and
the other unions are what JSON is read as: `do` says which one it is.
"""

import pkgutil
from functools import lru_cache
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, Union

from pydantic import Discriminator, TypeAdapter

from core.domain.commands.base import AccountCommand, Command, Result, SubscriptionCommand

T = TypeVar("T")

_SHARED = ("base", "changes", "fields")


def _only(module: ModuleType, base: type[T], do: str) -> type[T]:
    """The one subclass of `base` that a file defines. Its `do` is the name of the file."""
    found = [
        item
        for item in vars(module).values()
        if isinstance(item, type) and issubclass(item, base) and item.__module__ == module.__name__
    ]
    dos = [item.__dataclass_fields__["do"].default for item in found]  # type: ignore[attr-defined]
    if dos != [do]:
        raise ImportError(f"{module.__name__} must define one {base.__name__} whose do is {do!r}")
    return found[0]


_FILES = {
    file.name: import_module(f"{__name__}.{file.name}")
    for file in pkgutil.iter_modules(__path__)
    if file.name not in _SHARED
}

COMMANDS: dict[str, type[Command]] = {
    do: _only(module, Command, do) for do, module in _FILES.items()
}
"""Every command by its `do`."""
SUBSCRIPTION_COMMANDS: dict[str, type[SubscriptionCommand]] = {
    do: command for do, command in COMMANDS.items() if issubclass(command, SubscriptionCommand)
}
"""The commands on one subscription."""
ACCOUNT_COMMANDS: dict[str, type[AccountCommand]] = {
    do: command for do, command in COMMANDS.items() if issubclass(command, AccountCommand)
}
"""The commands on one account, and the purchase."""
RESULTS: dict[str, type[Result]] = {do: _only(module, Result, do) for do, module in _FILES.items()}
"""The result of each command by its `do`."""

if TYPE_CHECKING:
    AnyCommand = SubscriptionCommand | AccountCommand
    AnySubscriptionCommand = SubscriptionCommand
    AnyAccountCommand = AccountCommand
    AnyResult = Result
else:

    def _one_of(types: dict[str, type]) -> Any:
        return Annotated[Union[tuple(types.values())], Discriminator("do")]  # noqa: UP007

    AnyCommand = _one_of(COMMANDS)
    AnySubscriptionCommand = _one_of(SUBSCRIPTION_COMMANDS)
    AnyAccountCommand = _one_of(ACCOUNT_COMMANDS)
    AnyResult = _one_of(RESULTS)


def stored(result: Result) -> dict[str, Any]:
    """A result as JSON for the ledger. Amounts and days are text."""
    document: dict[str, Any] = _results().dump_python(result, mode="json", exclude_none=True)
    return document


def restored(document: dict[str, Any]) -> Result:
    """The result that was stored as this JSON. Its `do` says which type it has."""
    return _results().validate_python(document)


@lru_cache(maxsize=1)
def _results() -> "TypeAdapter[Result]":
    return TypeAdapter(AnyResult)
