"""One phone number with its history."""

from typing import Annotated

from fastapi import Path
from pydantic import BeforeValidator

from core.domain import inputs
from doors.console.pages import Page, Pages
from doors.console.visitors import Visiting
from doors.queries.numbers import find_number

pages = Pages()

PathNumber = Annotated[str, Path(max_length=20), BeforeValidator(inputs.read_number)]


@pages.get("/numbers/{number}", "show_number")
async def number(visitor: Visiting, number: PathNumber) -> Page:
    """Whose number it is, what comes next, and what has happened to it."""
    return Page(template="number.html", shows={"it": await visitor.read(find_number, number)})
