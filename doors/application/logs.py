"""The logs of processes: structured events on stderr, as JSON lines or as text for people.

The logs of Temporal's SDK are among them. Events name things by their ids. Passwords are removed
from every event, and text logs escape control characters (`safe_text`).
"""

import logging
import re
import sys
import time
from collections.abc import Callable, MutableMapping
from typing import Any

import structlog
from temporalio.runtime import LogForwardingConfig, LoggingConfig, TelemetryFilter

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
    sdk = logging.getLogger("temporalio.worker")
    # It tells the end of each worker, which our event `draining` does.
    sdk.setLevel(max(root.level, logging.WARNING))


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


def temporal_core() -> LoggingConfig:
    """How the core of Temporal's SDK logs in a process of workers: as one more of our loggers.

    The core complains about every poll that Temporal does not respond to. These lines become one
    event, at most once a minute.
    """
    logger = logging.getLogger("temporalio.core")
    if not any(isinstance(each, TemporalIsAway) for each in logger.filters):
        logger.addFilter(TemporalIsAway())
    return LoggingConfig(
        filter=TelemetryFilter(core_level="WARN", other_level="ERROR"),
        forwarding=LogForwardingConfig(
            logger, append_target_to_name=False, prepend_target_on_message=False
        ),
    )


class TemporalIsAway(logging.Filter):
    """Turns the core's complaints about a server that is away into one rare event.

    `now`: the seconds of a clock. Default: the machine's monotonic clock.
    """

    _TARGET = "temporalio_client::retry"
    _REASON = re.compile(r'code: (\w+), message: "([^"]*)"')
    _SECONDS = 60.0

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._now = now
        self._next = -float("inf")

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is logged as it is."""
        line = getattr(record, "temporal_log", None)
        if line is None or line.target != self._TARGET:
            return True
        if self._now() >= self._next:
            self._next = self._now() + self._SECONDS
            found = self._REASON.search(str(line.fields.get("error", "")))
            structlog.get_logger(__name__).warning(
                "temporal_does_not_respond",
                error=": ".join(found.groups()) if found else record.getMessage(),
                effect="nothing renews until it responds, then the work goes on by itself",
                check="starter.py stack status",
                again_in_seconds=int(self._SECONDS),
            )
        return False


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
