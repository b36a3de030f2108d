"""The stream of events: what happens, in the order of the history, and none left out.

`Stream` knows what is asked for, what was told, and when to come back. It has no network. A stream
that ends or breaks is opened again after the last number that was seen.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import httpx

from perennial_client.conversation import error_of, passes, retry_after_of
from perennial_client.errors import Unreadable
from perennial_client.messages import Message, message_of
from perennial_client.plain import query
from perennial_client.retries import Retries

PATH = "/v1/events"
TIMEOUT = 45.0
"""Seconds without a line after which a stream counts as broken. The API sends one every 15 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event. `number`: its place in the history. Keep it to go on after it."""

    number: int
    message: Message


class Stream:
    """One reader's place in the stream. `after`: the number after which it begins."""

    def __init__(
        self, account: str | None, test_clocks: bool, after: int | None, retries: Retries
    ) -> None:
        self.query = query({"account": account, "test_clocks": test_clocks or None})
        self._after = None if after is None else str(after)
        self._id = self._after  # Of the event that is coming in. It counts when the event is whole.
        self._retries = retries
        self._attempts, self._began = 0, retries.now()
        self._data: list[str] = []

    def headers(self) -> dict[str, str]:
        """The headers of the next request."""
        place = {} if self._after is None else {"Last-Event-ID": self._after}
        return {"Accept": "text/event-stream", **place}

    def feed(self, line: str) -> Iterator[Event]:
        """A line of the stream. Yields the event that it completes. Raises `Unreadable`."""
        self._attempts, self._began = 0, self._retries.now()
        name, _, value = line.partition(":")
        match name:
            case "id":
                self._id = value.strip()
            case "data":
                self._data.append(value.removeprefix(" "))
            case "" if not line:
                self._after = self._id
                if self._data:
                    text, self._data = "\n".join(self._data), []
                    yield self._event(text)

    def pause(self, told: httpx.Response | httpx.RequestError | None) -> float:
        """Seconds until the stream is opened again. None of `told`: it has just ended.

        Raises the error of a response that does not pass, and the last one when all attempts fail.
        """
        self._data.clear()
        self._id = self._after
        self._attempts += 1
        error = None if told is None else error_of(told)
        if error is not None and told is not None and not passes(told, error):
            raise error
        gap = self._retries.gap(self._attempts, self._began, retry_after_of(told))
        if gap is None:
            raise error or Unreadable("The stream of events ends again and again, and is empty.")
        return gap

    def _event(self, text: str) -> Event:
        try:
            return Event(number=int(self._after or ""), message=message_of(json.loads(text)))
        except (KeyError, TypeError, ValueError) as error:
            raise Unreadable("An event of the stream cannot be read.") from error
