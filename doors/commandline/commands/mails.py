"""`mail`: e-mails to customers, switched on and off by the seller."""

from typing import Annotated

import typer

from doors.commandline.app import command, group
from doors.commandline.options import Json

group("mail", "E-mails to customers: switch them on and off.")


@command("mail on", "mail on --from billing@example.com --seller ops@example.com")
def mail_on(
    sender: Annotated[
        str, typer.Option("--from", metavar="ADDRESS", help="Whom the e-mails are from.")
    ],
    seller: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Where the seller gets alarms and its own e-mails."),
    ] = None,
    test_clocks: Annotated[
        bool, typer.Option("--test-clocks", help="Also to customers on test clocks.")
    ] = False,
    by: Annotated[
        str, typer.Option("--by", metavar="NAME", help="Who asks, for the record.")
    ] = "command line",
    json: Json = False,
) -> None:
    """Tell customers by e-mail what happens from now on (rule 12). docs/emails.md says of what.

    The seller gets alarms: failed renewals, the work lists of each day, and what is not in order.
    PERENNIAL_MAIL says how they go out. Repeat it to change the addresses.
    """
    from core.domain.mails import TOLD
    from core.ledger import audit, endpoints
    from core.ledger.clocks import machine_now
    from doors.commandline import inputs, mail_run
    from doors.commandline.connection import configured, ledger
    from doors.commandline.output import show

    config = configured()
    sender = inputs.email("--from", sender)
    seller = None if seller is None else inputs.email("--seller", seller)
    mail_run.check_texts(config)
    with ledger(config) as opened, opened.transaction("mail_on") as connection:
        endpoints.set_mail(
            connection,
            opened.seller,
            sender=sender,
            seller_address=seller,
            events=[str(event) for event in TOLD],
            test_clocks=test_clocks,
            now=machine_now(),
            actor=inputs.name("--by", by),
        )
        after = {"alarms": seller is not None, "test_clocks": test_clocks}
        audit.add(connection, opened.seller, "switch_mails_on", after=after)
    waits = " PERENNIAL_MAIL is off, so they wait." if config.mail == "off" else ""
    alarms = f"Alarms go to {seller}." if seller else "You get no alarms; --seller says where to."
    show(
        {"sender": sender, "seller": seller, "transport": config.mail},
        f"Customers get e-mails from {sender}. {alarms}{waits}",
        json=json,
    )


@command("mail off", "mail off")
def mail_off(json: Json = False) -> None:
    """Send no e-mails and no alarms. Those that wait are not sent."""
    from core.ledger import audit, endpoints
    from core.ledger.clocks import machine_now
    from doors.commandline.connection import ledger
    from doors.commandline.output import show

    with ledger() as opened, opened.transaction("mail_off") as connection:
        endpoints.mail_off(connection, opened.seller, machine_now())
        audit.add(connection, opened.seller, "switch_mails_off")
    show({"mail": False}, "Customers get no e-mails, and you get no alarms.", json=json)


@command("mail show", "mail show")
def mail_show(json: Json = False) -> None:
    """Show who e-mails are from, and how they go out. `message list` shows the e-mails."""
    from doors.commandline import mail_run
    from doors.commandline.connection import configured, ledger
    from doors.commandline.output import show

    config = configured()
    with ledger(config) as opened:
        found = mail_run.state(opened, config)
    show(found, mail_run.told(found), json=json)
