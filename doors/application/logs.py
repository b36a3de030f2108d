"""The logs of processes: structured events on stderr, as JSON lines or as text for people.

The logs of Temporal's SDK are among them. Events name things by their ids. Passwords are removed
from every event, and text logs escape control characters (`safe_text`).
"""

import logging
import sys
from collections.abc import Callable, MutableMapping
from typing import Any

import structlog

from doors.application import safe_text
from settings import Settings

Event = MutableMapping[str, Any]

_NOT_TOLD = ("exc_info", "stack_info", "positional_args")
"""What later processors turn into text."""


def configure(config: Settings) -> None:
    """Set up the logs of this process."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        without_passwords,
    ]
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
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                without_passwords,
                *_renderers(config),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(config.log_level)


def leave_to_program() -> None:
    """Hand events to the standard library's logging, unless structlog has been configured.

    A program that uses Perennial as a library decides about levels and handlers itself.
    """
    if not structlog.is_configured():
        structlog.configure(
            processors=[
                structlog.stdlib.filter_by_level,
                without_passwords,
                escaped,
                structlog.processors.KeyValueRenderer(key_order=["event"]),
            ],
            logger_factory=structlog.stdlib.LoggerFactory(),
            wrapper_class=structlog.stdlib.BoundLogger,
        )


def without_passwords(_logger: object, _method: str, event: Event) -> Event:
    """Remove the passwords of URLs from the texts of an event."""
    return _changed(event, safe_text.without_passwords)


def escaped(_logger: object, _method: str, event: Event) -> Event:
    """Escape the control characters in the texts of an event."""
    return _changed(event, safe_text.printable)


def _renderers(config: Settings) -> list[Any]:
    if config.log_json:
        return [structlog.processors.JSONRenderer(default=str)]
    return [
        escaped,
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        ),
    ]


def _changed(event: Event, change: Callable[[str], str]) -> Event:
    for key, value in event.items():
        if not key.startswith("_") and key not in _NOT_TOLD:
            event[key] = _value(value, change)
    return event


def _value(value: object, change: Callable[[str], str]) -> object:
    """A value of an event with all its texts changed. What is no plain data becomes text."""
    match value:
        case None | bool() | int() | float():
            return value
        case dict():
            return {str(_value(k, change)): _value(v, change) for k, v in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_value(item, change) for item in value]
        case _:  # Texts, and what a renderer would turn into text.
            return change(str(value))
