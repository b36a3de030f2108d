"""Test clocks: time that passes when a program says so, until the clock is where it was sent."""

from datetime import datetime

from perennial_client.conversation import Conversation, ask, change, read
from perennial_client.plain import build, in_path
from perennial_client.retries import Retries
from perennial_client.views import AdvancedClock


def advance(clock: str, to: datetime, retries: Retries) -> Conversation[AdvancedClock]:
    """Send the request of an advance until the clock is there. Each one goes on from the last.

    Raises ValueError for an instant without an offset.
    """
    if to.utcoffset() is None:
        raise ValueError(f"{to.isoformat()} has no time zone; give one, such as tzinfo=UTC")
    request = change("PATCH", f"/v1/clocks/{in_path(clock)}", {"to": to}, None)
    while True:
        response = yield from ask(request, retries)
        part: AdvancedClock = build(AdvancedClock, read(response))
        if part.reached:
            return part
