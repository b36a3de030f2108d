"""`webhook`: the endpoints of the platform that are told of events."""

from typing import Annotated

import typer

from doors.commandline.app import command, group
from doors.commandline.options import By, Json, Listing, MessageState, Yes

group("webhook", "Endpoints of your platform that are told of events.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of the endpoint.")]


@command(
    "webhook add",
    "webhook add crm https://example.com/perennial",
    "webhook add crm https://example.com/perennial --event renewed --event renewal_failed",
)
def webhook_add(
    name: Name,
    url: Annotated[str, typer.Argument(metavar="URL", help="Where messages are sent: https.")],
    event: Annotated[
        list[str] | None,
        typer.Option("--event", metavar="EVENT", help="Only this event. Can be repeated."),
    ] = None,
    test_clocks: Annotated[
        bool, typer.Option("--test-clocks", help="Also events of accounts on test clocks.")
    ] = False,
    by: By = "command line",
    json: Json = False,
) -> None:
    """Add an endpoint, and show the secret that signs its messages (rule 12).

    It gets what happens from now on. docs/webhooks.md describes the messages.
    """
    from core.domain import endpoints as readers
    from core.domain.inputs import required
    from core.ledger import endpoints
    from core.ledger.clocks import machine_now
    from doors.commandline import inputs, webhook_run
    from doors.commandline.connection import configured, ledger
    from doors.commandline.output import show

    config = configured()
    keys = webhook_run.keys(config)
    name = inputs.name("NAME", name)
    url = required("URL", url, readers.read_url)
    webhook_run.require_https(url, config)
    events = readers.chosen(required("--event", one, readers.read_event) for one in event or [])
    actor, sealed = inputs.name("--by", by), keys.new()
    with ledger(config) as opened, opened.transaction("webhook_add") as connection:
        endpoints.add(
            connection,
            opened.seller,
            name,
            url=url,
            events=events,
            test_clocks=test_clocks,
            sealed=sealed,
            now=machine_now(),
            actor=actor,
        )
        webhook_run.record(opened, connection, "add_webhook", name)
    secret = keys.secret(sealed)
    show(
        {"name": name, "url": url, "events": events, "secret": secret},
        f"Endpoint {name} is added. Its secret is shown this once:\n{secret}",
        json=json,
    )


@command("webhook list", "webhook list")
def webhook_list(listing: Listing) -> None:
    """Show the endpoints, how they do, and what waits for them."""
    from dataclasses import fields

    from doors.commandline import webhook_tables
    from doors.commandline.connection import ledger
    from doors.commandline.lists import List, after_key, show_list
    from doors.queries.deliveries import EndpointLine, list_endpoints

    with ledger() as opened:
        lines = list_endpoints(opened)
    show_list(
        List(
            rows=after_key(lines, lambda row: row.name, listing.after),
            table=webhook_tables.endpoints,
            key=lambda row: row.name,
            columns=[field.name for field in fields(EndpointLine)],
        ),
        listing,
    )


@command("webhook rotate", "webhook rotate crm --keep-old-hours 48")
def webhook_rotate(
    name: Name,
    keep_old_hours: Annotated[
        int, typer.Option(min=0, max=720, help="How long the old secret signs as well.")
    ] = 24,
    json: Json = False,
) -> None:
    """Give an endpoint another secret. For some hours, messages are signed with both."""
    from datetime import timedelta

    from core.ledger import endpoints
    from core.ledger.clocks import machine_now
    from doors.commandline import inputs, webhook_run
    from doors.commandline.connection import configured, ledger
    from doors.commandline.output import show

    config = configured()
    keys = webhook_run.keys(config)
    name, sealed = inputs.name("NAME", name), keys.new()
    with ledger(config) as opened, opened.transaction("webhook_rotate") as connection:
        now, old_for = machine_now(), timedelta(hours=keep_old_hours)
        endpoints.rotate(connection, opened.seller, name, sealed, now, old_for)
        webhook_run.record(opened, connection, "rotate_webhook_secret", name)
    secret = keys.secret(sealed)
    show(
        {"name": name, "secret": secret, "old_secret_until": now + old_for},
        f"Endpoint {name} has another secret. It is shown this once:\n{secret}\n"
        f"The old one signs as well for {keep_old_hours} hours.",
        json=json,
    )


@command("webhook test", "webhook test crm")
def webhook_test(name: Name, json: Json = False) -> None:
    """Send a signed test message from this machine, and show the response."""
    from doors.commandline import inputs, webhook_run
    from doors.commandline.async_run import run
    from doors.commandline.connection import configured
    from doors.commandline.exit_codes import Code, Ended
    from doors.commandline.output import show

    name = inputs.name("NAME", name)
    answer = run(webhook_run.send_test(configured(), name))
    if answer.error is not None and not json:
        raise Ended(f"Endpoint {name} has not taken the test: {answer.error}.", Code.UNAVAILABLE)
    show(
        {"name": name, "status": answer.status, "error": answer.error},
        f"Endpoint {name} has taken the test, with the status {answer.status}.",
        json=json,
    )
    if answer.error is not None:
        raise typer.Exit(int(Code.UNAVAILABLE))


@command("webhook deliveries", "webhook deliveries crm --state failed")
def webhook_deliveries(
    name: Name,
    listing: Listing,
    state: MessageState = None,
) -> None:
    """Show the messages to an endpoint, the newest first. `message show` shows one whole."""
    from doors.commandline import inputs, webhook_run, webhook_tables
    from doors.commandline.connection import ledger
    from doors.commandline.lists import show_list
    from doors.queries.deliveries import message_rows

    with ledger() as opened:
        rows = message_rows(
            opened,
            endpoint=webhook_run.known(opened, inputs.name("NAME", name)),
            state=webhook_run.state("--state", state),
            after=inputs.optional_position("--after", listing.after),
        )
        show_list(webhook_tables.list_of_messages(rows), listing)


@command("webhook on", "webhook on crm")
def webhook_on(name: Name, json: Json = False) -> None:
    """Let an endpoint get messages again that was switched off, and try it at once.

    What happened while it was off is not sent.
    """
    from core.ledger import endpoints
    from doors.commandline import inputs, webhook_run
    from doors.commandline.connection import ledger
    from doors.commandline.output import show

    name = inputs.name("NAME", name)
    with ledger() as opened, opened.transaction("webhook_on") as connection:
        endpoints.switch_on(connection, opened.seller, name)
        webhook_run.record(opened, connection, "change_webhook", name)
    show({"name": name}, f"Endpoint {name} gets messages.", json=json)


@command("webhook remove", "webhook remove crm --yes")
def webhook_remove(name: Name, yes: Yes = False, json: Json = False) -> None:
    """Remove an endpoint. What waits for it is not sent."""
    from core.ledger import endpoints
    from core.ledger.clocks import machine_now
    from doors.commandline import inputs, webhook_run
    from doors.commandline.connection import ledger
    from doors.commandline.issue_commands import confirm
    from doors.commandline.output import show

    name = inputs.name("NAME", name)
    with ledger() as opened:
        with opened.read() as connection:
            endpoints.find(connection, opened.seller, name)
        if not yes:
            confirm(json=json)
        with opened.transaction("webhook_remove") as connection:
            endpoints.remove(connection, opened.seller, name, machine_now())
            webhook_run.record(opened, connection, "remove_webhook", name)
    show({"name": name}, f"Endpoint {name} is removed.", json=json)


@command("webhook schema", "webhook schema renewed")
def webhook_schema(
    event: Annotated[str, typer.Argument(metavar="EVENT", help="An event, such as renewed.")],
    json: Json = False,
) -> None:
    """Print the JSON schema of the messages of an event. It is JSON with and without --json."""
    from core.domain.endpoints import read_event
    from core.domain.event_payloads import schema
    from core.domain.inputs import required
    from doors.commandline.output import print_json

    print_json(schema(required("EVENT", event, read_event)))
