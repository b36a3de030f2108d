"""Tables of endpoints and of the messages to them."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import fields

from core.domain.alarms import Alarm
from core.domain.deliveries import DeliveryState
from core.domain.events import Event
from doors.application.dates_and_money import moment
from doors.commandline.lists import List
from doors.commandline.tables import Printed, add_row, pairs, table
from doors.queries.deliveries import EndpointLine, MessageLine, MessageView

_UTC = "UTC"


def endpoints(lines: Sequence[EndpointLine]) -> list[Printed]:
    """Return the endpoints, and how each of them does."""
    if not lines:
        return ["There is no endpoint. `starter.py webhook add` adds one."]
    columns = ("Endpoint", "Address", "Events", "Waiting", "Failed", "How it does")
    made = table("Endpoints", *columns, right=("Waiting", "Failed"))
    for line in lines:
        events = "all" if line.events is None else ", ".join(line.events)
        add_row(
            made,
            line.name,
            line.url,
            f"{events}; test clocks too" if line.test_clocks else events,
            f"{line.waiting:,}",
            f"{line.failed:,}",
            _how(line),
            style="red" if line.off_at or line.failing_since else None,
        )
    return [made]


def _how(line: EndpointLine) -> str:
    if line.off_at is not None:
        return f"off since {moment(line.off_at, _UTC)} UTC: {line.off_why}"
    if line.failing_since is not None:
        return f"fails since {moment(line.failing_since, _UTC)} UTC"
    return "works"


def _words(event: str) -> str:
    return Alarm(event).words if event in set(Alarm) else Event(event).words


def list_of_messages(rows: Iterator[MessageLine]) -> List[MessageLine]:
    """Return the list of messages that commands print, the newest first."""
    return List(
        rows=rows,
        table=messages,
        key=lambda row: str(row.id),
        columns=[field.name for field in fields(MessageLine)],
    )


def messages(lines: Sequence[MessageLine]) -> list[Printed]:
    """Return a page of messages."""
    if not lines:
        return ["There is no such message."]
    columns = ("Id", "Endpoint", "Happened (UTC)", "What", "Subscription", "State", "Attempts")
    made = table("Messages", *columns, "Next or done (UTC)", "Error", right=("Id", "Attempts"))
    for line in lines:
        at = line.next_at or line.done_at
        add_row(
            made,
            str(line.id),
            line.endpoint,
            moment(line.happened_at, _UTC),
            _words(line.event),
            line.subscription or (f"({line.account})" if line.account else ""),
            str(line.state),
            str(line.attempts),
            "" if at is None else moment(at, _UTC),
            line.error or "",
            style="red" if line.state is DeliveryState.FAILED else None,
        )
    return [made]


def message(view: MessageView) -> list[Printed]:
    """Return one message with its body."""
    line = view.line
    found = [
        ("Endpoint", line.endpoint if view.url is None else f"{line.endpoint}, {view.url}"),
        ("State", line.state),
        ("Attempts", f"{line.attempts}"),
        *([("Next attempt", f"{moment(line.next_at, _UTC)} UTC")] if line.next_at else []),
        *([("Done", f"{moment(line.done_at, _UTC)} UTC")] if line.done_at else []),
        *([("Status", str(line.status))] if line.status else []),
        *([("Error", line.error)] if line.error else []),
    ]
    text = json.dumps(view.body, indent=2, ensure_ascii=False)
    return [pairs(f"Message {line.id}", found), text]
