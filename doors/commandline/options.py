"""Arguments and options that several commands share, so that each is described once."""

from dataclasses import dataclass
from typing import Annotated, Any

import typer

AccountId = Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account.")]
SubscriptionId = Annotated[str, typer.Argument(metavar="ID", help="The subscription.")]
ClockId = Annotated[str, typer.Argument(metavar="CLOCK", help="The id of the test clock.")]
Json = Annotated[
    bool, typer.Option("--json", help="Print the result as JSON and nothing else on stdout.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
InvoiceNumber = Annotated[
    str | None,
    typer.Option(
        "--invoice-number",
        metavar="NUMBER",
        help="This external invoice pays. No credits and no card are used (Rule 11.4).",
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
