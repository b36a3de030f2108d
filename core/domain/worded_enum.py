"""Enumerations whose members have words for people, each in one row of one table."""

from enum import StrEnum
from typing import Self, TypeVar

Member = TypeVar("Member", bound=StrEnum)


def member_of(enum: type[Member], value: str, **columns: object) -> Member:
    """A member of an enumeration from its row: the value, and an attribute for each column."""
    member = str.__new__(enum, value)
    member._value_ = value
    for name, column in columns.items():
        setattr(member, name, column)
    return member


class Worded(StrEnum):
    """A base for enumerations: a member is its value, and has `words` that a person understands.

    A row is ``RENEWED = "renewed", "was renewed"``.
    """

    words: str

    def __new__(cls, value: str, words: str = "") -> Self:
        """A member from its row."""
        return member_of(cls, value, words=words)
