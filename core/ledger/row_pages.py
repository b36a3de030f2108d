"""Rows of a query that are read page by page, so that no list is held in memory as a whole."""

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select


def row_pages(
    connection: Connection,
    query: Select[Any],
    follows: Callable[[Any], ColumnElement[bool]],
    most: int,
    last: Any = None,
) -> Iterator[Row[Any]]:
    """The rows of a query, in its order. Each page starts after the last row before it.

    `follows`: whether a row comes after the row that is handed in. `most`: the rows of a page.
    `last`: what has the place after which they start. None: at the beginning.
    """
    while True:
        page = query if last is None else query.where(follows(last))
        rows = connection.execute(page.limit(most)).all()
        yield from rows
        if len(rows) < most:
            return
        last = rows[-1]
