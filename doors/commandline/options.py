"""Arguments and options that several commands share, so that each is described once."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Protocol

import typer

from doors.queries.list_names import WorkList

AccountId = Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account.")]
SubscriptionId = Annotated[str, typer.Argument(metavar="ID", help="The subscription.")]
OneOrMany = Annotated[
    str | None, typer.Argument(metavar="[ID]", help="The subscription. None with --file or a list.")
]
ClockId = Annotated[str, typer.Argument(metavar="CLOCK", help="The id of the test clock.")]
Json = Annotated[
    bool, typer.Option("--json", help="Print the result as JSON and nothing else on stdout.")
]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="Who asks, for the record.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check everything and write nothing.")]
FaultFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="CSV for the faulty rows, with reasons. Default: FILE-faults.csv here.",
    ),
]
MessageState = Annotated[
    str | None, typer.Option(metavar="STATE", help="Only pending, delivered, failed or dropped.")
]
NameOnDocuments = Annotated[str | None, typer.Option(metavar="TEXT", help="The name.")]
Street = Annotated[str | None, typer.Option(metavar="TEXT", help="Street and house.")]
PostalCode = Annotated[str | None, typer.Option(metavar="TEXT", help="Postal code.")]
City = Annotated[str | None, typer.Option(metavar="TEXT", help="The city.")]
Country = Annotated[str | None, typer.Option(metavar="CODE", help="ISO 3166 code, such as DE.")]
TaxNumber = Annotated[str | None, typer.Option(metavar="TEXT", help="Tax number.")]
ProfileHistory = Annotated[bool, typer.Option("--history", help="Show the newest 100 versions.")]
TestClocks = Annotated[
    bool, typer.Option("--test-clocks", help="Accounts on test clocks too. They are marked.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
InvoiceNumber = Annotated[
    str | None,
    typer.Option(
        "--invoice-number",
        metavar="NUMBER",
        help="This external invoice pays. No credits and no card are used (rule 11.4).",
    ),
]
ByCard = Annotated[
    bool | None,
    typer.Option("--renew-by-card/--no-renew-by-card", help="Whether renewals may use the card."),
]


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks for a change, and how the outcome is printed.

    A command that changes something has a parameter `request: Request`. The application turns it
    into the options of `shared_options`.

    `id`: idempotency key (Rule 4.2).
    `actor`: who asks, for the history.
    `json`: whether the outcome is printed as JSON.
    `preview`: whether it is only shown what would be done.
    """

    id: str
    actor: str
    json: bool
    preview: bool = False

    def key_of(self, part: str) -> str:
        """Return the idempotency key of one of several commands that this request stands for.

        A key that would be too long is replaced by a UUID, which is the same for the same request.
        """
        from uuid import NAMESPACE_OID, uuid5

        from core.domain.inputs import LONGEST_ID

        key = f"{self.id}/{part}"
        return key if len(key) <= LONGEST_ID else str(uuid5(NAMESPACE_OID, key))

    @classmethod
    def from_options(cls, values: dict[str, Any]) -> "Request":
        """Take the shared options out of the values of a command line. Raises `Faults`."""
        from uuid import uuid4

        from doors.commandline import inputs

        given = values.pop("request_id")
        return cls(
            id=f"cli-{uuid4()}" if given is None else inputs.name("--request-id", given),
            actor=inputs.name("--by", values.pop("by")),
            json=values.pop("json"),
            preview=values.pop("preview"),
        )


def shared_options(
    *,
    request_id: Annotated[
        str | None,
        typer.Option(
            "--request-id",
            metavar="ID",
            help="Idempotency key. A command repeated with the same key runs only once. "
            "Default: a new key.",
        ),
    ] = None,
    by: Annotated[
        str, typer.Option("--by", metavar="NAME", help="Who asks, for the history.")
    ] = "command line",
    json: Json = False,
    preview: Annotated[
        bool, typer.Option("--preview", help="Show what it would do, and do nothing.")
    ] = False,
) -> None:
    """Describe the options that stand for a `Request`. Only the signature is used."""


@dataclass(frozen=True, slots=True)
class Many:
    """Which subscriptions a command is about beside one: those of a file, or all of a list.

    A command that may be a campaign has a parameter `many: Many`. The application turns it into the
    options of `many_options`.

    `file`: CSV file of ids. `all_of`: a work list. `failure`, `account`, `clock`: only those of it.
    `rate`: rows per second. `watch`: whether to wait and show the progress. `yes`: do not ask.
    """

    file: Path | None
    all_of: WorkList | None
    failure: str | None
    account: str | None
    clock: str | None
    rate: int
    watch: bool
    yes: bool

    @property
    def wanted(self) -> bool:
        """Whether a campaign is asked for."""
        return self.file is not None or self.all_of is not None

    @classmethod
    def from_options(cls, values: dict[str, Any]) -> "Many":
        """Take the options out of the values of a command line. Raises `Faults`."""
        from doors.commandline import inputs

        lists = [which for which in WorkList if values.pop(f"all_{which}")]
        if len(lists) > 1:
            inputs.wrong(f"--all-{lists[1]}", f"name one list only, here it is --all-{lists[0]}")
        names = ("file", "failure", "account", "clock", "rate", "watch", "yes")
        return cls(all_of=next(iter(lists), None), **{name: values.pop(name) for name in names})


def many_options(
    *,
    file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A campaign: on each subscription of this CSV file (docs/campaigns.md).",
        ),
    ] = None,
    failure: Annotated[
        str | None,
        typer.Option(metavar="REASON", help="With --all-failed: only those that failed for it."),
    ] = None,
    account: Annotated[
        str | None, typer.Option(metavar="ACCOUNT", help="With a list: only this account.")
    ] = None,
    clock: Annotated[
        str | None,
        typer.Option(
            metavar="CLOCK", help="With a list: accounts on this test clock. Default: real ones."
        ),
    ] = None,
    rate: Annotated[
        int, typer.Option(metavar="N", help="The most rows per second of a campaign, 1 to 500.")
    ] = 20,
    watch: Annotated[
        bool, typer.Option("--watch/--no-watch", help="Whether to show a campaign until its end.")
    ] = True,
    yes: Yes = False,
) -> None:
    """Describe the options that stand for a `Many`. Only the signature is used.

    Each work list is a further option, such as --all-failed.
    """


def _of_list(which: WorkList) -> inspect.Parameter:
    """The option of a work list."""
    told = typer.Option(f"--all-{which}", help=f"A campaign: on all of `starter.py list {which}`.")
    return inspect.Parameter(
        f"all_{which}",
        inspect.Parameter.KEYWORD_ONLY,
        default=False,
        annotation=Annotated[bool, told],
    )


def _with_lists(described: inspect.Signature) -> inspect.Signature:
    """The options, and those of the work lists after the first one."""
    first, *others = described.parameters.values()
    return described.replace(parameters=[first, *map(_of_list, WorkList), *others])


many_options.__signature__ = _with_lists(  # type: ignore[attr-defined]
    inspect.signature(many_options, eval_str=True)
)


class Bundle(Protocol):
    """A class whose values are made from several options."""

    @classmethod
    def from_options(cls, values: dict[str, Any]) -> Any:
        """Take the options out of the values of a command line."""


@dataclass(frozen=True, slots=True)
class Listing:
    """How much of a list is printed, and in which form.

    A command that prints a list has a parameter `listing: Listing`. The application turns it into
    the options of `list_options`. `doors.commandline.lists` prints the list.

    `limit`: the most rows that are printed. None: all.
    `after`: the key of the last row of the page before, as a person wrote it.
    `csv`: the file for all rows as CSV, or `-` for stdout. None: no CSV.
    `bom`: whether the CSV begins with a byte order mark.
    `json`: whether the rows are printed as JSON.
    """

    limit: int | None
    after: str | None
    csv: str | None
    bom: bool
    json: bool

    @classmethod
    def from_options(cls, values: dict[str, Any]) -> "Listing":
        """Take the options of lists out of the values of a command line. Raises `Faults`."""
        from doors.commandline import inputs

        limit, everything = values.pop("limit"), values.pop("everything")
        made = cls(
            limit=None if everything else limit,
            after=values.pop("after"),
            csv=values.pop("csv"),
            bom=values.pop("bom"),
            json=values.pop("json"),
        )
        if made.csv is not None and made.json:
            inputs.wrong("--csv", "and --json exclude each other; name one of them")
        if made.bom and made.csv is None:
            inputs.wrong("--bom", "belongs to a CSV file; name --csv too")
        return made


def list_options(
    *,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=100_000, help="The most rows of a page.")
    ] = 200,
    everything: Annotated[bool, typer.Option("--all", help="Print all rows.")] = False,
    after: Annotated[
        str | None,
        typer.Option("--after", metavar="KEY", help="The next page: after what this page names."),
    ] = None,
    csv: Annotated[
        str | None,
        typer.Option("--csv", metavar="FILE", help="Write all rows as CSV; - is stdout."),
    ] = None,
    bom: Annotated[
        bool,
        typer.Option("--bom", help="Begin the CSV with a byte order mark, for a spreadsheet."),
    ] = False,
    json: Json = False,
) -> None:
    """Describe the options that stand for a `Listing`. Only the signature is used."""


BUNDLES: Mapping[Any, tuple[type[Bundle], Callable[..., None]]] = {
    Request: (Request, shared_options),
    Many: (Many, many_options),
    Listing: (Listing, list_options),
}
"""The types of parameters that stand for several options, each with the options."""
