"""What all commands share."""

from typing import Any, ClassVar, Generic, TypeVar

R = TypeVar("R")


class Command(Generic[R]):
    """A command. `R` is the type of its result. `perennial_client.commands` has each of them."""

    __slots__ = ()

    do: ClassVar[str]
    """Its name in the API."""
    returns: ClassVar[type[Any]]
    """The type of its result."""
