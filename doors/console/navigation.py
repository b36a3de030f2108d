"""The links at the top of every page. A visitor sees those that the role may follow."""

from typing import NamedTuple


class Link(NamedTuple):
    """A link: its text, its path, and the operation of the page that it leads to.

    `within`: how the paths of its group of pages begin.
    """

    text: str
    path: str
    operation: str
    within: str | tuple[str, ...]


LINKS = (
    Link("Accounts", "/accounts", "list_accounts", "/accounts"),
    Link("Work", "/lists/failed", "list_work", ("/list", "/campaign")),
    Link("Wall", "/wall", "list_work", "/wall"),
    Link("Terms", "/terms/policy", "show_policy", ("/terms", "/webhook")),
    Link("Approvals", "/approvals", "list_approvals", "/approvals"),
    Link("Admin", "/admin/audit", "list_audit", "/admin"),
)
