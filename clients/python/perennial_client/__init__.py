"""The HTTP API of Perennial for Python programs. README.md tells how to use it."""

from perennial_client.async_client import AsyncPerennial
from perennial_client.client import Perennial
from perennial_client.command import Command
from perennial_client.conversation import Done
from perennial_client.errors import (
    BadInput,
    Changed,
    Fault,
    InFlight,
    KeyUsed,
    NeedsApproval,
    NoKey,
    NoResponse,
    NotAllowed,
    NotAvailable,
    NotFound,
    OutcomeUnknown,
    OwnError,
    PerennialError,
    Problem,
    Refused,
    TooLarge,
    TooManyRequests,
    Unreadable,
)
from perennial_client.events import Event
from perennial_client.messages import Message
from perennial_client.pages import AsyncRows, Page, Rows
from perennial_client.retries import Retries
from perennial_client.saved_files import Saved

__all__ = [
    "AsyncPerennial",
    "AsyncRows",
    "BadInput",
    "Changed",
    "Command",
    "Done",
    "Event",
    "Fault",
    "InFlight",
    "KeyUsed",
    "Message",
    "NeedsApproval",
    "NoKey",
    "NoResponse",
    "NotAllowed",
    "NotAvailable",
    "NotFound",
    "OutcomeUnknown",
    "OwnError",
    "Page",
    "Perennial",
    "PerennialError",
    "Problem",
    "Refused",
    "Retries",
    "Rows",
    "Saved",
    "TooLarge",
    "TooManyRequests",
    "Unreadable",
]
