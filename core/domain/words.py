"""Enumerations whose members have words for people, each in one row of one table."""

from enum import StrEnum
from typing import Self


class Worded(StrEnum):
    """A base for enumerations: a member is its value, and has `words` that a person understands.

    A row is ``RENEWED = "renewed", "was renewed"``.
    """

    words: str

    def __new__(cls, value: str, words: str = "") -> Self:
        """A member from its row."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.words = words
        return member
