"""How much one key may ask: so many requests per second, and one request per idempotency key."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from doors.http.problems import Kind, later


class RateLimit:
    """A bucket of requests for each key. It holds two seconds of them, and fills up steadily.

    `per_second`: how many requests a key may send per second, in this process.
    `now`: seconds of a clock that never goes back.
    """

    def __init__(self, per_second: float, now: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._most = max(1.0, 2 * per_second)
        self._now = now
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, key: str) -> None:
        """Count a request of a key. Raises `Problem` 429 when there are too many."""
        now = self._now()
        left, at = self._buckets.get(key, (self._most, now))
        left = min(self._most, left + (now - at) * self._per_second)
        if left < 1:
            wait = math.ceil((1 - left) / self._per_second)
            raise later(
                Kind.TOO_MANY, f"{self._per_second:g} requests per second are allowed", wait
            )
        self._buckets[key] = (left - 1, now)


class InFlight:
    """The requests that this process is carrying out, by seller and idempotency key."""

    def __init__(self) -> None:
        self._keys: set[tuple[str, str]] = set()

    @contextmanager
    def only(self, seller: str, request_id: str) -> Iterator[None]:
        """Carry out a request. Raises `Problem` 409 while the same key is being carried out.

        Another process does not know of it. The ledger runs the command once all the same.
        """
        key = (seller, request_id)
        if key in self._keys:
            raise later(Kind.IN_FLIGHT, f"a request with the key {request_id} is not finished yet")
        self._keys.add(key)
        try:
            yield
        finally:
            self._keys.remove(key)
