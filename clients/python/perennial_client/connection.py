"""What both clients are told of the API: its address, the key, and how patient they are."""

from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import httpx

from perennial_client.retries import Retries

TIMEOUT = 30.0
"""Seconds that a response may take. The API waits 10 seconds for the outcome of a command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """The address of the API, a key of it, and how patient the client is.

    `address`: such as https://perennial.example.com, without /v1.
    `key`: such as pk_…. It is sent with every request, and shown nowhere.
    Raises ValueError for an address or a key that cannot be one.
    """

    address: str
    key: str = field(repr=False)
    timeout: float = TIMEOUT
    retries: Retries = field(default_factory=Retries)

    def __post_init__(self) -> None:
        """Check the address and the key."""
        url = httpx.URL(self.address)
        if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment:
            raise ValueError(
                f"{self.address[:100]!r} is no address of an API; "
                "one is http://127.0.0.1:8400 or https://perennial.example.com"
            )
        if not self.key.isascii() or not self.key.isprintable() or not self.key.strip():
            raise ValueError("the key is empty or has other characters than a key has")

    def options(self) -> dict[str, Any]:
        """The options of the client of httpx. It follows no redirect, so the key stays here."""
        return {
            "base_url": self.address,
            "timeout": self.timeout,
            "headers": {
                "Authorization": f"Bearer {self.key.strip()}",
                "Accept": "application/json",
                "User-Agent": f"perennial-client/{_version()}",
            },
        }


def _version() -> str:
    try:
        return version("perennial-client")
    except PackageNotFoundError:  # It runs from its sources.
        return "0"
