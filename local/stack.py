"""The stack as a whole: where PostgreSQL and Temporal are, embedded or configured.

The rest of the program calls `addresses()`. A part whose address is configured is used, but never
started or stopped. A part without an address is embedded (`local.postgres`, `local.temporal`).
Only this module knows which part is which.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sqlalchemy.engine import make_url

from local import postgres, process, temporal
from local.errors import StackError
from local.temporal import Progress
from settings import Settings, settings

__all__ = [
    "Addresses",
    "Part",
    "Source",
    "StackError",
    "State",
    "addresses",
    "down",
    "errors",
    "status",
    "throwaway",
    "throwaway_database",
    "up",
]

errors: tuple[type[Exception], ...] = (StackError,)
"""The exceptions of this module that carry a message for a person."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where everything is. `temporal_ui` is None for a configured server: we do not know it."""

    database_url: str
    temporal_address: str
    temporal_ui: str | None = None


class Source(StrEnum):
    """Where a part comes from: we start it, or its address is configured."""

    EMBEDDED = "embedded"
    CONFIGURED = "configured"


class State(StrEnum):
    """Whether a part runs. A configured part that does not respond is UNREACHABLE."""

    RUNNING = "running"
    STOPPED = "stopped"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the stack, as people see it, without passwords.

    `name`: PostgreSQL or Temporal.
    `source`: embedded or configured.
    `state`: whether it runs.
    `address`: where clients connect. Empty if it is stopped.
    `pid`, `data`, `log`: its process, its data and its log, if it is embedded.
    `detail`: the reason why it is unreachable, or the address of the web UI.
    """

    name: str
    source: Source
    state: State
    address: str
    pid: int | None = None
    data: Path | None = None
    log: Path | None = None
    detail: str = ""

    @property
    def configured(self) -> bool:
        """Whether the settings name its address."""
        return self.source is Source.CONFIGURED

    @property
    def running(self) -> bool:
        """Whether it is up and can be reached."""
        return self.state is State.RUNNING


def up(
    config: Settings | None = None, progress: Progress | None = None, *, borrower: str | None = None
) -> Addresses:
    """Start the embedded parts that do not run, and check that the configured parts respond.

    `borrower`: who stops them again by `down` with the same name. A later call by another takes the
    stack over, and it stays. Default: the stack stays.

    A second call changes nothing else. If the call fails or is interrupted half way, it stops what
    it has started. Raises `StackError` with the reason.
    """
    config = config or settings()
    _check_configured(config)
    if config.database_url is not None and config.temporal_address is not None:
        return Addresses(config.database_url, config.temporal_address)
    with contextlib.ExitStack() as undo, _one_at_a_time(config, progress), _explained_interrupt():
        database_url, address, ui = config.database_url, config.temporal_address, None
        embedded = [postgres] if database_url is None else []
        embedded += [temporal] if address is None else []
        stopped = [part for part in embedded if part.status(config) is None]
        for part in stopped:
            undo.callback(part.down, config)
        if database_url is None:
            database_url = postgres.up(config).url
        if address is None:
            server = temporal.up(config, progress)
            address, ui = server.address, server.ui
        if borrower is not None and stopped == embedded:
            process.private_file(_borrowed(config)).write_text(borrower)
        else:
            _borrowed(config).unlink(missing_ok=True)
        undo.pop_all()
    return Addresses(database_url, address, ui)


def down(config: Settings | None = None, *, borrower: str | None = None) -> list[str]:
    """Stop the embedded parts. Their data stays in `home`. Returns the names of those that ran.

    `borrower`: stop only what `up` has started under this name, unless it was taken over since.
    """
    config = config or settings()
    if not config.home.exists():
        return []
    with _one_at_a_time(config, None), process.uninterrupted():
        mark = _borrowed(config)
        if borrower is not None and not (mark.exists() and mark.read_text() == borrower):
            return []
        mark.unlink(missing_ok=True)
        ran = {"Temporal": temporal.down(config), "PostgreSQL": postgres.down(config)}
    return [name for name, stopped in ran.items() if stopped]


def addresses(config: Settings | None = None) -> Addresses:
    """Where everything is now. Configured addresses are returned without a check.

    Raises `StackError` if an embedded part does not run, with the command that starts it.
    """
    config = config or settings()
    database_url, address, ui, stopped = config.database_url, config.temporal_address, None, []
    if database_url is None:
        database = postgres.status(config)
        database_url = database.url if database else ""
        stopped += [] if database else ["PostgreSQL"]
    if address is None:
        server = temporal.status(config)
        address, ui = (server.address, server.ui) if server else ("", None)
        stopped += [] if server else ["Temporal"]
    if stopped:
        raise StackError(
            f"The embedded {' and '.join(stopped)} of {config.home} "
            f"{'is' if len(stopped) == 1 else 'are'} not running.\n"
            "Start with `starter.py stack up`, or name servers of your own "
            "with PERENNIAL_DATABASE_URL and PERENNIAL_TEMPORAL_ADDRESS."
        )
    return Addresses(database_url, address, ui)


def status(config: Settings | None = None) -> list[Part]:
    """The state of each part, PostgreSQL first. A part that is away is reported, not raised."""
    config = config or settings()
    return [_postgres_part(config), _temporal_part(config)]


@contextlib.contextmanager
def throwaway(
    config: Settings | None = None, progress: Progress | None = None, *, on_disk: bool = False
) -> Iterator[Addresses]:
    """A temporary stack: an empty database, and a Temporal server.

    `on_disk`: the Temporal server keeps its data in a file. Default: in memory.
    It ignores configured addresses. It is gone after the block, also after an exception.
    """
    with (
        postgres.throwaway(config) as url,
        temporal.throwaway(config, progress, on_disk=on_disk) as address,
    ):
        yield Addresses(url, address)


@contextlib.contextmanager
def throwaway_database(config: Settings | None = None) -> Iterator[str]:
    """A temporary PostgreSQL alone. Yields the URL of its empty database.

    The settings of the addresses do not matter.
    """
    with postgres.throwaway(config) as url:
        yield url


def _borrowed(config: Settings) -> Path:
    """The file with the name of who stops the stack again. Its readers hold the lock."""
    return config.home / "borrowed"


# Parts --------------------------------------------------------------------------------------------


def _postgres_part(config: Settings) -> Part:
    if config.database_url is not None:
        fault = postgres.unreachable(config.database_url)
        shown = make_url(config.database_url).render_as_string(hide_password=True)
        return Part(
            "PostgreSQL",
            Source.CONFIGURED,
            State.UNREACHABLE if fault else State.RUNNING,
            shown,
            detail=fault or "",
        )
    home, running = config.home / "postgres", postgres.status(config)
    state, address = (State.RUNNING, running.url) if running else (State.STOPPED, "")
    return Part(
        "PostgreSQL",
        Source.EMBEDDED,
        state,
        address,
        running.pid if running else None,
        home / "data",
        home / "log",
        process.little_space(home),
    )


def _temporal_part(config: Settings) -> Part:
    if config.temporal_address is not None:
        fault = _temporal_fault(config.temporal_address)
        return Part(
            "Temporal",
            Source.CONFIGURED,
            State.UNREACHABLE if fault else State.RUNNING,
            config.temporal_address,
            detail=fault or "",
        )
    home, running = config.home / "temporal", temporal.status(config)
    state, address = (State.RUNNING, running.address) if running else (State.STOPPED, "")
    little = process.little_space(home)
    detail = "\n".join(filter(None, (little, f"web UI {running.ui}" if running else "")))
    return Part(
        "Temporal",
        Source.EMBEDDED,
        state,
        address,
        running.pid if running else None,
        home / "temporal.db",
        home / "log",
        detail,
    )


def _temporal_fault(address: str) -> str | None:
    host, _, port = address.rpartition(":")
    return process.answers(host.strip("[]"), int(port))


def _check_configured(config: Settings) -> None:
    if config.database_url is not None and (fault := postgres.unreachable(config.database_url)):
        shown = make_url(config.database_url).render_as_string(hide_password=True)
        raise StackError(
            f"The configured PostgreSQL does not let us in: {shown}\n  {fault}\n"
            "Start it or correct PERENNIAL_DATABASE_URL. Unset it to use the embedded one."
        )
    if config.temporal_address is not None and (fault := _temporal_fault(config.temporal_address)):
        raise StackError(
            f"The configured Temporal server does not respond: {config.temporal_address}\n"
            f"  {fault}\n"
            "Start it or correct PERENNIAL_TEMPORAL_ADDRESS. Unset it to use the embedded one."
        )


@contextlib.contextmanager
def _one_at_a_time(config: Settings, progress: Progress | None) -> Iterator[None]:
    """Concurrent commands that start or stop the same stack run one after the other."""
    with process.explained("while preparing the embedded stack", config.home):
        process.private_directory(config.home)
        with process.locked(
            config.home / "lock",
            lambda holder: (
                progress(f"waiting for {holder}, which starts or stops the stack")
                if progress
                else None
            ),
        ):
            yield


@contextlib.contextmanager
def _explained_interrupt() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        raise StackError(
            "Interrupted. The parts that had been started are stopped again. "
            "Run the command again to go on.",
            exit_code=130,
        ) from None
