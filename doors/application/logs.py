"""The logs of processes: structured events on stderr, one JSON object a line or text for people; the SDK's own logs among them.

Events name things by their ids. What looks like a password in a URL is taken out, whoever logs it.
"""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from settings import Settings

_PASSWORD = re.compile(r"(?<=://)([^:/@\s]*):([^@\s]+)@")


def configure(config: Settings) -> None:
    """Set up the logs of this process."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        without_passwords,
    ]
    if config.log_json:
        render: list[Any] = [
            structlog.processors.format_exc_info,
            without_passwords,
            structlog.processors.JSONRenderer(default=str),
        ]
    else:
        render = [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[config.log_level]
        ),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.PositionalArgumentsFormatter(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(config.log_level)


def leave_to_program() -> None:
    """Where the program that uses the client has not set up structlog, hand events to the standard library's logging, whose levels and
    handlers are the program's: a library prints nothing by itself."""
    if not structlog.is_configured():
        structlog.configure(
            processors=[
                structlog.stdlib.filter_by_level,
                without_passwords,
                structlog.processors.KeyValueRenderer(key_order=["event"]),
            ],
            logger_factory=structlog.stdlib.LoggerFactory(),
            wrapper_class=structlog.stdlib.BoundLogger,
        )


def without_passwords(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Take passwords out of the URLs in an event."""
    for key, value in event.items():
        if isinstance(value, str) and "://" in value:
            event[key] = _PASSWORD.sub(r"\1:***@", value)
    return event
