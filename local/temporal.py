"""The embedded Temporal server: where its program comes from, and how it runs.

The program is the Temporal CLI. `temporal server start-dev` is a whole server in one process, with
its state in SQLite. `program()` finds one in this order:

1. the configured program,
2. `temporal` on PATH,
3. a program that was downloaded or built before,
4. a download by the SDK,
5. a build from source with Go. It takes three minutes, once for each user. `temporal_cli/go.mod`
   and `go.sum` pin every version.

`python -m local.temporal` makes sure that there is a program. `make setup` calls it.
"""

import asyncio
import contextlib
import hashlib
import http
import http.client
import importlib.metadata
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from local import process
from local.errors import StackError
from settings import Settings, SettingsError, settings

MODULE = Path(__file__).resolve().parent / "temporal_cli"
"""The Go module that pins the version of the CLI."""

_PACKAGE = "github.com/temporalio/cli/cmd/temporal"
_LINKER = "-s -w"
_START_SECONDS = 60.0
_DOWNLOAD_SECONDS = 120.0
_ATTEMPTS_FOR_PORTS = 3
_GOGC = "400"
"""Garbage collection of the server. It needs less CPU than with 100, and 200 MiB more memory."""

_DYNAMIC_CONFIGURATION = {
    "matching.numTaskqueueReadPartitions": 1,
    "matching.numTaskqueueWritePartitions": 1,
    "history.transferProcessorMaxPollRPS": 1000,
}
"""The same as in deploy/temporal/dynamicconfig.yaml, which says why."""

_OTHER_WAYS = """Any one of these is enough:
  - a Temporal server that runs already: PERENNIAL_TEMPORAL_ADDRESS=host:7233
  - the Temporal CLI: `temporal` on PATH, or its path in PERENNIAL_TEMPORAL_PROGRAM
  - access to the internet, for the Temporal SDK to download it
  - Go 1.26 or later on PATH and access to a Go module proxy, to build it once in three minutes"""

Progress = Callable[[str], None]
"""Called with a few words about what is going on, at most several times a second."""


@dataclass(frozen=True, slots=True)
class Running:
    """A running embedded Temporal server. All ports are on 127.0.0.1."""

    pid: int
    port: int
    ui_port: int
    http_port: int

    @property
    def address(self) -> str:
        """The address for clients: host:port."""
        return f"127.0.0.1:{self.port}"

    @property
    def ui(self) -> str:
        """The address of the web UI."""
        return f"http://127.0.0.1:{self.ui_port}"


# The server ---------------------------------------------------------------------------------------


def up(config: Settings | None = None, progress: Progress | None = None) -> Running:
    """Start the embedded Temporal server of `home` unless it runs. Earlier workflows are kept.

    Raises `StackError` if it cannot start: no program, a configured port in use, no space, or a
    server that ends at once. The message quotes the server's log.
    """
    config = config or settings()
    home = config.home / "temporal"
    with process.explained("while preparing the Temporal server", home):
        process.private_directory(home)
        process.private_files(home)
        running = _found(home)
        if running is not None:
            if not _await_ready(running, config):
                raise StackError(
                    f"The Temporal server of {home} (pid {running.pid}) runs "
                    f"but does not respond on {running.address}.\n"
                    f"{process.tail(home / 'log')}\n"
                    "Run `starter.py stack down`, then `starter.py stack up`. "
                    f"The log is {home / 'log'}."
                )
            return running
        process.require_space(home, process.LEAST_MEGABYTES, "the Temporal server")
        found = program(config, progress)
        for _ in range(_ATTEMPTS_FOR_PORTS):
            started = _start(found, home, config)
            if started is not None:
                return started
    raise StackError(
        f"The Temporal server did not start. Its log ends with:\n{process.tail(home / 'log')}\n"
        f"The log is {home / 'log'}."
    )


def down(config: Settings | None = None) -> bool:
    """Stop the embedded Temporal server, in about three seconds. Its file keeps the workflows.

    Returns False if it did not run.
    """
    config = config or settings()
    home = config.home / "temporal"
    server = process.find(_is_ours(home))
    if server is None:
        return False
    process.stop(server, (signal.SIGTERM, 20.0))
    return True


def status(config: Settings | None = None) -> Running | None:
    """The embedded Temporal server if it runs and responds, else None."""
    config = config or settings()
    running = _found(config.home / "temporal")
    return (
        running
        if running is not None and _answers(running.http_port, config.temporal_namespace)
        else None
    )


@contextlib.contextmanager
def throwaway(
    config: Settings | None = None, progress: Progress | None = None, *, on_disk: bool = False
) -> Iterator[str]:
    """A temporary Temporal server. It yields the address.

    It is gone after the block, also after an exception or when this process is killed. Raises
    `StackError` if it did not start, or has ended by itself.
    `on_disk`: it keeps its data in a file. Default: in memory, where a server with 105,800
    workflows lost its namespace (bench/RESULTS.md).
    """
    config = config or settings()
    found = program(config, progress)
    with contextlib.ExitStack() as stack:
        for _ in range(_ATTEMPTS_FOR_PORTS):
            attempt = stack.enter_context(contextlib.ExitStack())
            with process.uninterrupted():
                home = Path(tempfile.mkdtemp(prefix="perennial-temporal-"))
                attempt.callback(shutil.rmtree, home, ignore_errors=True)
            port, http_port = process.free_ports(2)
            command = [*server_command(found, port, http_port, config), "--headless"]
            if on_disk:
                command += ["--db-filename", str(home / "temporal.db")]
            guard = attempt.enter_context(
                process.guarded(
                    command, home / "log", remove=home, end="KILL", env=server_environment()
                )
            )
            if process.wait_until(_ready(http_port, config), _alive(guard), _START_SECONDS):
                with process.told_if_gone(guard, "The temporary Temporal server", home / "log"):
                    yield f"127.0.0.1:{port}"
                return
            last_words = process.tail(home / "log")
            attempt.close()
    raise StackError(f"A temporary Temporal server did not start ({found}).\n{last_words}")


def _start(found: Path, home: Path, config: Settings) -> Running | None:
    """Start the server. If interrupted, stop it again.

    Returns None if it ended at once. Another program may have taken a port in the meantime.
    """
    port, ui_port, http_port = _choose_ports(home, config)
    command = [
        *server_command(found, port, http_port, config),
        "--ui-port",
        str(ui_port),
        "--db-filename",
        str(home / "temporal.db"),
    ]
    with process.uninterrupted():
        server = process.detached(command, home / "log", env=server_environment())
        running = Running(pid=server.pid, port=port, ui_port=ui_port, http_port=http_port)
        _remember(home, running)
    try:
        if process.wait_until(_ready(http_port, config), _alive(server), _START_SECONDS):
            return running
    except BaseException:
        process.stop_child(server, (signal.SIGTERM, 10.0))
        raise
    process.stop_child(server, (signal.SIGTERM, 10.0))
    return None


def server_command(found: Path, port: int, http_port: int, config: Settings) -> list[str]:
    """The command line of a server with these ports that keeps its data in memory."""
    base = [str(found), "server", "start-dev", "--ip", "127.0.0.1", "--log-level", "warn"]
    ports = ["--port", str(port), "--http-port", str(http_port)]
    tuned = [
        argument
        for name, value in _DYNAMIC_CONFIGURATION.items()
        for argument in ("--dynamic-config-value", f"{name}={value}")
    ]
    return [*base, *ports, *tuned, "--namespace", config.temporal_namespace]


def server_environment() -> dict[str, str]:
    """Our environment, with `GOGC` unless it is set, and without `TEMPORAL_*`.

    `TEMPORAL_*` is meant for clients and would change the CLI.
    """
    ours = {name: value for name, value in os.environ.items() if not name.startswith("TEMPORAL_")}
    return {"GOGC": _GOGC} | ours


def _ready(http_port: int, config: Settings) -> Callable[[], bool]:
    return lambda: _answers(http_port, config.temporal_namespace)


def _alive(server: subprocess.Popen[bytes]) -> Callable[[], bool]:
    return lambda: server.poll() is None


def _await_ready(running: Running, config: Settings) -> bool:
    """Wait for a server that another process has just started."""
    return process.wait_until(
        _ready(running.http_port, config), lambda: psutil.pid_exists(running.pid), 15.0
    )


def _answers(http_port: int, namespace: str) -> bool:
    """Whether the server knows the namespace. From then on it accepts workflows.

    The HTTP interface needs no event loop and no client.
    """
    connection = http.client.HTTPConnection("127.0.0.1", http_port, timeout=2.0)
    try:
        connection.request("GET", f"/api/v1/namespaces/{namespace}")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


# What is known of it ------------------------------------------------------------------------------


def _is_ours(home: Path) -> Callable[[list[str]], bool]:
    database = str(home / "temporal.db")
    return lambda command: "start-dev" in command and database in command


def _found(home: Path) -> Running | None:
    """The running server of this home. Without a recorded id, all processes are searched."""
    last = _remembered(home)
    server = process.find(_is_ours(home), last.pid) if last else None
    if server is None:
        server = process.find(_is_ours(home))
    if server is None:
        return None
    with contextlib.suppress(psutil.Error, ValueError, IndexError):
        command = server.cmdline()
        port, ui_port, http_port = (
            int(command[command.index(name) + 1]) for name in ("--port", "--ui-port", "--http-port")
        )
        return Running(pid=server.pid, port=port, ui_port=ui_port, http_port=http_port)
    return None


def _remember(home: Path, running: Running) -> None:
    path = home / "server.json"
    fresh = path.with_suffix(".new")
    process.private_file(fresh).write_text(json.dumps(asdict(running)))
    fresh.replace(path)


def _remembered(home: Path) -> Running | None:
    """What the last start has recorded. It is only a hint. An unreadable file counts as None."""
    try:
        known = json.loads((home / "server.json").read_text())
        return Running(
            **{name: int(known[name]) for name in ("pid", "port", "ui_port", "http_port")}
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _choose_ports(home: Path, config: Settings) -> tuple[int, int, int]:
    """The configured ports, else those of the last start if they are free, else any free ones."""
    last = _remembered(home)
    fresh = process.free_ports(3)
    port = _port(
        "PERENNIAL_TEMPORAL_PORT", config.temporal_port, last.port if last else None, fresh[0]
    )
    ui_port = _port(
        "PERENNIAL_TEMPORAL_UI_PORT",
        config.temporal_ui_port,
        last.ui_port if last else None,
        fresh[1],
    )
    return port, ui_port, fresh[2]


def _port(setting: str, configured: int | None, last: int | None, fresh: int) -> int:
    if configured is not None:
        if not process.port_is_free(configured):
            raise StackError(
                f"Port {configured} of 127.0.0.1 is taken{process.listener(configured)}. "
                f"The Temporal server needs it ({setting}).\n"
                f"Stop the program that listens there, or change {setting}. "
                "Unset it to let a free port be chosen."
            )
        return configured
    return last if last is not None and process.port_is_free(last) else fresh


# The program --------------------------------------------------------------------------------------


def program(config: Settings | None = None, progress: Progress | None = None) -> Path:
    """The path of a `temporal` program. It is found, downloaded or built.

    The first call may take minutes and reports to `progress`. Raises `StackError` if there is no
    way. The message names all ways.
    """
    config = config or settings()
    if config.temporal_program is not None:
        return _configured(config.temporal_program)
    on_path = shutil.which("temporal")
    if on_path is not None:
        return Path(on_path)
    store = config.cache / "temporal"
    cached = _cached(store)
    if cached is not None:
        return cached
    progress = progress or _Lines()
    with process.explained("while preparing the Temporal server's program", store):
        store.mkdir(parents=True, exist_ok=True)
        with process.locked(
            store / "lock",
            lambda holder: progress(f"waiting for {holder}, which prepares the Temporal server"),
        ):
            return _cached(store) or _download(store, progress) or _build(store, progress)


def _configured(path: Path) -> Path:
    if not os.access(path, os.X_OK) or path.is_dir():
        raise StackError(
            f"PERENNIAL_TEMPORAL_PROGRAM names {path}, "
            f"which {'is not a program' if path.exists() else 'does not exist'}.\n"
            "Correct the path, or unset it to let one be found, downloaded or built."
        )
    return path


def _cached(store: Path) -> Path | None:
    return _only_program(_download_place(store)) or _only_program(_build_place(store))


def _only_program(place: Path) -> Path | None:
    """The finished executable in a directory of the cache. Unfinished files have a suffix."""
    for path in sorted(place.glob("temporal*")):
        if (
            path.is_file()
            and os.access(path, os.X_OK)
            and path.suffix not in {".downloading", ".new"}
        ):
            return path
    return None


def _download_place(store: Path) -> Path:
    return store / f"sdk-{importlib.metadata.version('temporalio')}"


def _build_place(store: Path) -> Path:
    """The directory of a build. Its name is a hash of everything that goes into the program."""
    content = hashlib.sha256()
    for part in (
        (MODULE / "go.mod").read_bytes(),
        (MODULE / "go.sum").read_bytes(),
        _LINKER.encode(),
        platform.platform(terse=True).encode(),
    ):
        content.update(hashlib.sha256(part).digest())
    return store / f"go-{platform.system().lower()}-{platform.machine()}-{content.hexdigest()[:16]}"


def _download(store: Path, progress: Progress) -> Path | None:
    """Let the SDK download the program. Returns None without access to the internet."""
    progress("looking for a download of the Temporal server")
    place = _download_place(store)
    place.mkdir(parents=True, exist_ok=True)
    # The caller may be inside an event loop, so the download has a thread of its own.
    with ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(asyncio.run, _try_download(place)).result()
    return _only_program(place)


async def _try_download(place: Path) -> None:
    # This import takes half a second and is needed only once on a machine.
    from temporalio.testing import WorkflowEnvironment

    with contextlib.suppress(RuntimeError, OSError, TimeoutError):
        environment = await asyncio.wait_for(
            WorkflowEnvironment.start_local(download_dest_dir=str(place)), _DOWNLOAD_SECONDS
        )
        await environment.shutdown()


def _build(store: Path, progress: Progress) -> Path:
    go = shutil.which("go")
    if go is None:
        raise StackError(
            "There is no Temporal server to start: no `temporal` program on PATH, "
            "no download possible from here, and no Go to build one.\n" + _OTHER_WAYS
        )
    place = _build_place(store)
    place.mkdir(parents=True, exist_ok=True)
    process.require_space(place, 500, "the Temporal server's program")
    begun = time.monotonic()
    fetched = 0

    def report(detail: str) -> None:
        minutes, seconds = divmod(int(time.monotonic() - begun), 60)
        task = "building the Temporal server (once, about three minutes)"
        progress(f"{task}: {detail}, {minutes}:{seconds:02d}")

    def said(line: str, packages: int, compiled: int) -> None:
        nonlocal fetched
        if line.startswith("go: downloading"):
            fetched += 1
            report(f"{fetched} modules fetched")
        elif packages:
            report(f"package {compiled} of {packages}")

    needed = _go(
        [go, "list", "-mod=readonly", "-deps", "-f", "{{.ImportPath}}", _PACKAGE],
        lambda line, _: said(line, 0, 0),
    )
    packages = len(needed.splitlines())
    fresh, finished = place / "temporal.new", place / "temporal"
    arguments = ["-mod=readonly", "-buildvcs=false", "-v", "-ldflags", _LINKER, "-o", str(fresh)]
    _go([go, "build", *arguments, _PACKAGE], lambda line, count: said(line, packages, count))
    fresh.replace(finished)
    progress(f"built the Temporal server in {time.monotonic() - begun:.0f} s: {finished}")
    return finished


def _go(command: Sequence[str], said: Callable[[str, int], None]) -> str:
    """Run Go in the module and return its output.

    `said` gets each line of its error output, and the number of lines so far. If Go fails, raises
    `StackError` with the last of these lines.
    """
    environment = os.environ | {"CGO_ENABLED": "0", "GOWORK": "off"}
    words: list[str] = []
    with tempfile.TemporaryFile("w+") as output:
        go = subprocess.Popen(
            command,
            cwd=MODULE,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            for line in go.stderr or ():
                words.append(line.rstrip())
                said(line, len(words))
            go.wait()
        finally:
            if go.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(go.pid, signal.SIGKILL)
                go.wait()
        if go.returncode == 0:
            output.seek(0)
            return output.read()
    last = "\n".join(f"    {line[:300]}" for line in words[-8:])
    space = (
        "\nGo's caches need about 4 GB. GOCACHE and GOMODCACHE move them."
        if any("no space left" in line for line in words)
        else ""
    )
    raise StackError(f"Go could not build the Temporal server:\n{last}{space}\n{_OTHER_WAYS}")


class _Lines:
    """Progress on standard error.

    On a terminal it rewrites one line. Elsewhere it prints a line every ten seconds.
    """

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._last = 0.0
        self._subject = ""

    def __call__(self, text: str) -> None:
        now = time.monotonic()
        subject = text.split(":")[0]
        pause = 0.1 if self._terminal else 10.0
        if now - self._last < pause and subject == self._subject:
            return
        self._last, self._subject = now, subject
        print(
            f"\r\033[K{text}" if self._terminal else text,
            end="" if self._terminal else "\n",
            file=sys.stderr,
            flush=True,
        )

    def close(self) -> None:
        """End the line on a terminal."""
        if self._terminal and self._last:
            print(file=sys.stderr)


def main() -> int:
    """Make sure that there is a Temporal server to start, and print where. Returns the status."""
    try:
        config = settings()
        if config.temporal_address is not None:
            print(f"Temporal server: {config.temporal_address} (configured)")
            return 0
        progress = _Lines()
        try:
            found = program(config, progress)
        finally:
            progress.close()
        print(f"Temporal server: {found}")
    except (StackError, SettingsError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted. Nothing is left half done. Run it again to go on.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
