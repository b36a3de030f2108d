"""The parameters of pages: ids in paths, and where a list goes on."""

from datetime import date
from typing import Annotated

from fastapi import Path, Query
from pydantic import BeforeValidator

from core.domain import inputs
from core.domain.inputs import LONGEST_ID

ROWS = 50
"""So many rows of a list are on one page."""

#: A blank parameter of a form that was sent by GET is one that was not given.
BLANK = BeforeValidator(lambda value: None if value in ("", None) else value)


def _id(value: object) -> str | None:
    return None if value is None else inputs.read_id(value)


def _position(value: object) -> object:
    return value if value is None or isinstance(value, int) else inputs.read_position(value)


def _day(value: object) -> object:
    return None if value is None else inputs.read_day(value)


PathId = Annotated[str, Path(min_length=1, max_length=LONGEST_ID), BeforeValidator(inputs.read_id)]
"""An id, the last part of a path. It may have slashes."""
After = Annotated[str | None, Query(max_length=LONGEST_ID), BeforeValidator(_id), BLANK]
"""The key of the last row of the page before."""
AfterPosition = Annotated[int | None, Query(alias="after"), BeforeValidator(_position), BLANK]
"""The position of the last row of the page before."""
SomeVersion = Annotated[int | None, BeforeValidator(_position), BLANK]
"""A version of the policy, or None for a parameter that was left out."""
SomeId = Annotated[str | None, Query(max_length=LONGEST_ID), BeforeValidator(_id), BLANK]
"""An id or a name to look for, or None for a field that was left blank."""
SomeDay = Annotated[date | None, BeforeValidator(_day), BLANK]
"""A local date, or None for a field that was left blank."""
