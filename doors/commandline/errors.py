"""Every failure ends the program with one clear message and an exit code.

A message says what happened, where, and what to do next. It has no stack trace, except
with `PERENNIAL_LOG_LEVEL=DEBUG`. Control characters are escaped and passwords are removed here.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import typer
from sqlalchemy.exc import (
    DBAPIError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
    SQLAlchemyError,
)
from temporalio.client import RPCTimeoutOrCancelledError
from temporalio.service import RPCError, RPCStatusCode

from core.domain.documents import NoSuchDocument, NotOffered
from core.domain.faults import Fault, Faults
from core.domain.refusal import Refused
from core.domain.rules import Rule
from doors.application.patience import NotAvailable, OutcomeUnknown, first_line
from doors.application.safe_text import printable, without_passwords
from doors.application.test_clocks import Unfinished
from doors.commandline import embedded_stack
from doors.commandline.exit_codes import Code, Ended, Unavailable
from doors.queries.snapshot import NotFound
from settings import SettingsError

_LOOK = "Check it with `starter.py stack status`."


@contextmanager
def end_with_exit_code() -> Iterator[None]:
    """Print the message of any error on stderr and exit with its code."""
    try:
        with explained():
            yield
    except Ended as ended:
        typer.echo(message_of(ended), err=True)
        raise typer.Exit(int(ended.code)) from None


@contextmanager
def named_as_written(names: Mapping[str, str]) -> Iterator[None]:
    """Give a fault of a field the name that a person writes, such as ``--cycles`` for ``cycles``.

    `names`: the options and arguments by the names of the fields.
    """
    try:
        yield
    except Faults as found:
        raise Faults(
            Fault(names.get(fault.place, fault.place), fault.reason) for fault in found.faults
        ) from None


def message_of(ended: Ended) -> str:
    """Return the message of an error as a person may see it."""
    return printable(without_passwords(str(ended)))


@contextmanager
def explained() -> Iterator[None]:
    """Turn everything that can go wrong into `Ended`, with a message and an exit code."""
    try:
        yield
    except Ended:
        raise
    except BrokenPipeError:  # The reader has seen enough, such as `head`.
        raise typer.Exit from None
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise Ended("Interrupted.", Code.INTERRUPTED) from None
    except Exception as error:
        raise _explanation(error) from None


def _explanation(error: Exception) -> Ended:
    return (
        _input_error(error)
        or _stack_error(error)
        or _patience_error(error)
        or _database_error(error)
        or _temporal_error(error)
        or _own_error(error)
    )


def _input_error(error: Exception) -> Ended | None:
    match error:
        case Refused():
            return Ended(f"Refused: {error.refusal}", Code.REFUSED)
        case NotFound():
            return Ended(f"Refused: {error} (rule {Rule.PURCHASE})", Code.REFUSED)
        case NotOffered() | NoSuchDocument():
            return Ended(f"Refused: {error}", Code.REFUSED)
        case Faults():
            return Ended(str(error), Code.BAD_INPUT)
        case SettingsError():
            return Ended(
                f"The settings cannot be used:\n{error}\n.env.example describes each setting.",
                Code.BAD_INPUT,
            )
        case _:  # The error is not about input.
            return None


def _stack_error(error: Exception) -> Ended | None:
    told = embedded_stack.message_of(error)
    if told is None:
        return None
    message, interrupted = told
    return Ended(message, Code.INTERRUPTED if interrupted else Code.UNAVAILABLE)


def _patience_error(error: Exception) -> Ended | None:
    match error:
        case OutcomeUnknown():
            return Unavailable(
                f"The outcome of request {error.request_id} is unknown: {error.reason}\n{_LOOK}\n"
                "Repeat it with the same request id: it does not run twice."
            )
        case NotAvailable():
            return Unavailable(f"The system is not available: {error.reason}\n{_LOOK}")
        case Unfinished():
            return Unavailable(f"The clock was {error}\nAdvance it again to retry these accounts.")
        case _:  # No server was away for long.
            return None


def _database_error(error: Exception) -> Ended | None:
    if isinstance(error, ProgrammingError) and "UndefinedTable" in type(error.orig).__name__:
        return Unavailable(
            "The database does not have the tables of this version of Perennial yet.\n"
            "Create them with `starter.py migrate`."
        )
    if isinstance(error, OperationalError) and (told := _refused_by_server(error)):
        return told
    if isinstance(error, OperationalError | InterfaceError) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    ):
        return Unavailable(f"PostgreSQL does not respond: {first_line(error)}\n{_LOOK}")
    return None


def _refused_by_server(error: OperationalError) -> Ended | None:
    """The message for an error of a PostgreSQL that runs and responds."""
    reason = first_line(error)
    match getattr(error.orig, "sqlstate", None):
        case "53100" | "58030":
            return Unavailable(
                f"PostgreSQL cannot write to its disk: {reason}\n"
                "What was not committed is undone. Free some space, check that the servers run "
                "with `starter.py stack status`, then repeat the command."
            )
        case "55P03" | "40P01":
            return Unavailable(
                f"Another transaction is in the way: {reason}\n"
                "What was not committed is undone. Repeat the command."
            )
        case _:  # Any other error, or one of the connection, which has no code.
            return None


def _temporal_error(error: Exception) -> Ended | None:
    if isinstance(error, RPCError) and error.status is RPCStatusCode.NOT_FOUND:
        return Unavailable(
            f"Temporal does not have this workflow: {error.message}\n"
            "`starter.py reconcile` finds missing workflows and starts them again."
        )
    if isinstance(error, RPCError | RPCTimeoutOrCancelledError | TimeoutError):
        reason = first_line(error) or "no response in time"
        return Unavailable(f"Temporal does not respond: {reason}\n{_LOOK}")
    return None


def _own_error(error: Exception) -> Ended:
    if isinstance(error, SQLAlchemyError):
        error = getattr(error, "orig", None) or error
    return Ended(
        f"Perennial has an error of its own: {type(error).__name__}: {first_line(error)}\n"
        "Please report it. PERENNIAL_LOG_LEVEL=DEBUG shows where it happened.",
        Code.UNAVAILABLE,
    )
