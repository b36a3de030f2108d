"""The production server of Temporal with a PostgreSQL of its own, for the time of a block.

Its programs are built once from the Go module proxy, in about two minutes. Its PostgreSQL must have
the extension btree_gin, which the embedded one has not. So the machine's own PostgreSQL is used, as
in the Debian packages `postgresql` and `postgresql-contrib`.
"""

import asyncio
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import psycopg
import yaml
from google.protobuf.duration_pb2 import Duration
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from bench.site import Site
from local import postgres, process, stack, temporal
from settings import PROJECT, Settings

VERSION = "1.32.1"
_MODULE = "go.temporal.io/server"
_PROGRAMS = {"temporal-server": "cmd/server", "temporal-sql-tool": "cmd/tools/sql"}
_PLUGIN = "postgres12_pgx"
_START_SECONDS = 120.0
_RETENTION = Duration(seconds=72 * 3600)
_SCHEMAS = {"temporal": "temporal", "temporal_visibility": "visibility"}
_SERVICES = ("frontend", "matching", "history", "worker")


class Missing(Exception):
    """Something that this machine does not have. The message says what."""


@contextmanager
def production_site(shards: int) -> Iterator[Site]:
    """A server with so many history shards, and an empty ledger. Both are gone after the block.

    Raises `Missing` if the machine has no Go, or no PostgreSQL with btree_gin.
    """
    programs, binaries = _programs(Settings()), _postgres_programs()
    home = Path(tempfile.mkdtemp(prefix="perennial-production-"))
    try:
        with (
            postgres.throwaway() as database_url,
            _postgres(home / "postgres", binaries) as port,
        ):
            _prepare(programs, port)
            with _server(programs, home, port, shards) as address:
                yield Site(stack.Addresses(database_url, address), home / "postgres")
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _programs(config: Settings) -> Path:
    """The directory of the server's programs. They are built if they are not there."""
    place = config.cache / f"temporal-server-{VERSION}"
    if all((place / name).exists() for name in _PROGRAMS):
        return place
    go = shutil.which("go")
    if go is None:
        raise Missing("Go is needed to build the production server of Temporal.")
    place.mkdir(parents=True, exist_ok=True)
    for name, package in _PROGRAMS.items():
        built = place / "build"
        subprocess.run(
            [go, "install", "-ldflags", "-s -w", f"{_MODULE}/{package}@v{VERSION}"],
            env=os.environ | {"GOBIN": str(built), "CGO_ENABLED": "0"},
            check=True,
        )
        (built / Path(package).name).replace(place / name)
    return place


def _postgres_programs() -> Path:
    """The directory of the machine's PostgreSQL programs. The newest version wins."""
    on_path = shutil.which("initdb")
    found = [Path(on_path)] if on_path else []
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    if not found:
        raise Missing("The machine has no PostgreSQL (Debian: postgresql, postgresql-contrib).")
    return found[0].parent


@contextmanager
def _postgres(home: Path, programs: Path) -> Iterator[int]:
    """Run a PostgreSQL that does not wait for the disk. Yields its port on 127.0.0.1."""
    user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
    home.mkdir()
    home.parent.chmod(0o711)
    if user is not None:
        os.chown(home, user, -1)
    [port] = process.free_ports(1)
    subprocess.run(
        [programs / "initdb", "-D", home / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8"],
        user=user,
        cwd="/",
        stdout=subprocess.DEVNULL,
        check=True,
    )
    options = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": home,
        "max_connections": 200,
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "shared_buffers": "256MB",
    }
    command = [str(programs / "postgres"), "-D", str(home / "data")]
    command += [f"--{name}={value}" for name, value in options.items()]
    with process.guarded(command, home / "log", remove=None, end="QUIT", user=user) as guard:
        if not process.wait_until(
            lambda: _accepts(port), lambda: guard.poll() is None, _START_SECONDS
        ):
            raise Missing(f"PostgreSQL did not start: {process.tail(home / 'log')}")
        yield port


def _accepts(port: int) -> bool:
    try:
        psycopg.connect(host="127.0.0.1", port=port, user="postgres", connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _prepare(programs: Path, port: int) -> None:
    """Create the two databases of the server with their schemas."""
    for database, schema in _SCHEMAS.items():
        tool = [str(programs / "temporal-sql-tool"), "--plugin", _PLUGIN]
        tool += ["--endpoint", "127.0.0.1", "--port", str(port), "--user", "postgres"]
        tool += ["--password", "none", "--database", database]
        for step in (
            ["create-database"],
            ["setup-schema", "--version", "0.0"],
            ["update-schema", "--schema-name", f"postgresql/v12/{schema}"],
        ):
            done = subprocess.run([*tool, *step], capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise Missing(f"temporal-sql-tool {step[0]}: {(done.stdout + done.stderr)[-500:]}")


@contextmanager
def _server(programs: Path, home: Path, port: int, shards: int) -> Iterator[str]:
    """Run the server, all services in one process. Yields its address with its namespace made."""
    ports = _low_ports(2 * len(_SERVICES))
    file = home / "server.yaml"
    file.write_text(yaml.safe_dump(_configuration(port, shards, ports)))
    command = [str(programs / "temporal-server"), "--config-file", str(file)]
    command += ["--allow-no-auth", "start"]
    environment = temporal.server_environment()
    log = home / "log"
    with process.guarded(command, log, remove=None, end="KILL", env=environment) as guard:
        address = f"127.0.0.1:{ports[0]}"
        if not process.wait_until(
            lambda: process.answers("127.0.0.1", ports[0]) is None,
            lambda: guard.poll() is None,
            _START_SECONDS,
        ):
            raise Missing(f"the production server did not start: {process.tail(log)}")
        yield address


def _low_ports(count: int) -> list[int]:
    """Free ports below 32,768. The server stores them in a column of two bytes."""
    first = 20_000 + os.getpid() % 10_000
    return list(islice(filter(process.port_is_free, range(first, 2**15)), count))


async def make_namespace(address: str) -> None:
    """Make the namespace `default`, and wait until workflows can be started in it."""
    deadline = time.monotonic() + _START_SECONDS
    request = RegisterNamespaceRequest(
        namespace="default", workflow_execution_retention_period=_RETENTION
    )
    made = False
    while True:
        try:
            client = await Client.connect(address)
            if not made:
                await client.workflow_service.register_namespace(request)
                made = True
            handle = await client.start_workflow("Probe", id="probe", task_queue="unserved")
            await handle.terminate()
            return
        except (RPCError, RuntimeError) as error:
            made = made or "already" in str(error)
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.5)


def _configuration(port: int, shards: int, ports: list[int]) -> dict[str, object]:
    def store(database: str, connections: int) -> dict[str, object]:
        return {
            "sql": {
                "pluginName": _PLUGIN,
                "databaseName": database,
                "connectAddr": f"127.0.0.1:{port}",
                "connectProtocol": "tcp",
                "user": "postgres",
                "password": "none",
                "maxConns": connections,
                "maxIdleConns": connections,
                "maxConnLifetime": "1h",
            }
        }

    rpc = {
        service: {
            "rpc": {
                "grpcPort": ports[2 * number],
                "membershipPort": ports[2 * number + 1],
                "bindOnLocalHost": True,
            }
        }
        for number, service in enumerate(_SERVICES)
    }
    cluster = {
        "enabled": True,
        "initialFailoverVersion": 1,
        "rpcName": "frontend",
        "rpcAddress": f"localhost:{ports[0]}",
    }
    return {
        "log": {"stdout": True, "level": "warn"},
        "persistence": {
            "defaultStore": "default",
            "visibilityStore": "visibility",
            "numHistoryShards": shards,
            "datastores": {
                "default": store("temporal", 20),
                "visibility": store("temporal_visibility", 10),
            },
        },
        "global": {"membership": {"maxJoinDuration": "30s", "broadcastAddress": "127.0.0.1"}},
        "services": rpc,
        "clusterMetadata": {
            "enableGlobalNamespace": False,
            "failoverVersionIncrement": 10,
            "masterClusterName": "active",
            "currentClusterName": "active",
            "clusterInformation": {"active": cluster},
        },
        "dcRedirectionPolicy": {"policy": "noop"},
        "dynamicConfigClient": {
            "filepath": str(PROJECT / "deploy" / "temporal" / "dynamicconfig.yaml"),
            "pollInterval": "60s",
        },
    }
