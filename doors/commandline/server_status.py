"""How the PostgreSQL and Temporal servers are, for `stack status`.

The embedded stack knows this for every server. Where it is not installed, configured servers are
checked here by connecting to them.
"""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from core.ledger.database import connect
from doors.application.patience import first_line
from doors.application.safe_text import without_passwords
from doors.commandline import embedded_stack
from doors.commandline.embedded_stack import Part
from settings import Settings, keys_of

_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class ConfiguredServer:
    """A server whose address the settings name. `detail` says why it cannot be reached."""

    name: str
    address: str
    detail: str
    configured: bool = True
    source: str = "configured"
    pid: int | None = None
    data: Path | None = None
    log: Path | None = None

    @property
    def running(self) -> bool:
        """Whether it could be reached."""
        return not self.detail

    @property
    def state(self) -> str:
        """Whether it could be reached, in a word."""
        return "running" if self.running else "unreachable"


def of_all(config: Settings) -> Sequence[Part]:
    """Return how each server is, PostgreSQL first. Raises `Unavailable` without any."""
    stack = embedded_stack.installed()
    if stack is not None:
        return stack.status(config)
    where = embedded_stack.addresses(config)
    return [
        ConfiguredServer("PostgreSQL", where.database_url, _postgres_fault(where.database_url)),
        ConfiguredServer("Temporal", where.temporal_address, _tcp_fault(where.temporal_address)),
    ]


def of_payloads(config: Settings) -> str:
    """Say whether what Temporal keeps is encrypted, and with which key."""
    keys = keys_of(config.payload_keys)
    if not keys:
        return "What Temporal keeps is not encrypted: PERENNIAL_PAYLOAD_KEYS is not set."
    from doors.application.payload_codec import key_id

    older = f"; {', '.join(map(key_id, keys[1:]))} still decrypt" if keys[1:] else ""
    return f"What Temporal keeps is encrypted with the key {key_id(keys[0])}{older}."


def as_data(parts: Sequence[Part]) -> list[dict[str, Any]]:
    """Return the servers as plain data, without passwords."""
    return [
        {
            "name": part.name,
            "source": part.source,
            "state": part.state,
            "address": without_passwords(part.address),
            "pid": part.pid,
            "data": part.data,
            "log": part.log,
            "detail": without_passwords(part.detail),
        }
        for part in parts
    ]


def _postgres_fault(url: str) -> str:
    engine = connect(url, pool_size=1)
    try:
        engine.connect().close()
    except SQLAlchemyError as error:
        return first_line(getattr(error, "orig", None) or error)
    finally:
        engine.dispose()
    return ""


def _tcp_fault(address: str) -> str:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_SECONDS).close()
    except OSError as error:
        return str(error.strerror or error)
    return ""
