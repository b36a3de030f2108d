"""Home: where a visitor starts. The box to find something is on every page."""

from doors.console.pages import Page, Pages
from doors.console.visitors import HOME, Visiting

pages = Pages()


@pages.get(HOME, "list_accounts")
async def home(visitor: Visiting) -> Page:
    """The first page: what can be found, and by which keys."""
    return Page(template="home.html")
