"""The tests kill at every point of the code. Code without a point commits nothing."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from activities import registry
from core.domain.commands import COMMANDS
from core.ledger import failpoints
from settings import PROJECT
from tests.crash import points

#: Packages that change the database, and their parts that need no points. The simulated gateway is
#: an external system. Migrations run before the service. A simulation has a throwaway database.
PACKAGES = ("activities", "core", "doors", "workflows")
LEFT_OUT = ("core/gateways", "core/ledger/migrations", "doors/simulation")
DOORS = ("starter.py", "worker.py")


def sources() -> Iterator[Path]:
    """The modules in which there may be points."""
    yield from (PROJECT / door for door in DOORS)
    for package in PACKAGES:
        yield from (
            path
            for path in sorted((PROJECT / package).rglob("*.py"))
            if path.name != "failpoints.py" and not any(part in str(path) for part in LEFT_OUT)
        )


def named(path: Path) -> Iterator[str]:
    """The points that a module names."""
    for call in ast.walk(ast.parse(path.read_text())):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.args:
            match call.func.attr, call.args[0]:
                case "reach", ast.Constant(value=str(name)):
                    yield name
                case (("transaction" | "inside"), ast.Constant(value=str(name))):
                    yield from points.commits(name)


def test_every_point_of_the_code_is_one_at_which_a_test_kills() -> None:
    found = {point for path in sources() for point in named(path)}
    found |= {
        f"{name}.{place}" for name in (*registry.STEPS, *COMMANDS) for place in points.PLACES
    } | {"charge.end"}
    assert found == points.ALL


def test_every_commit_has_its_points() -> None:
    """Only `Ledger.transaction` begins transactions that change something.

    A snapshot only reads, and a connection that changes its seller commits a setting.
    """
    begin = re.compile(r"\.begin\(|\.commit\(|autocommit|sessionmaker", re.IGNORECASE)
    lines = [
        f"{path.relative_to(PROJECT)}: {line.strip()}"
        for path in sources()
        for line in path.read_text().splitlines()
        if begin.search(line)
    ]
    assert lines == [
        "core/ledger/ledger.py: self._reader = "
        'self.engine.execution_options(isolation_level="AUTOCOMMIT")',
        "core/ledger/ledger.py: with self.engine.begin() as connection:",
        "core/ledger/row_security.py: connection.commit()",
        "doors/http/background.py: return background_requests.begin(ledger, asked, "
        "run, now, about, audited=audited)",
        "doors/http/events.py: streams.begin(caller.seller)",
        "doors/queries/snapshot.py: with reading.begin():",
    ]


def test_a_process_that_was_not_asked_to_fail_passes_every_point() -> None:
    assert failpoints._points is None
    failpoints.reach("renew.before_commit")
    with failpoints.inside("renew"):
        assert failpoints.here() == "unnamed"


def test_points_are_counted_over_all_processes(tmp_path: Path) -> None:
    for _ in range(3):
        failpoints.Failpoints(tmp_path).reach("renew.end")
    assert (tmp_path / "renew.end").stat().st_size == 3
