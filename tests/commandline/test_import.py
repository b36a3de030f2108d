"""`import`: looking ahead, taking over, the report, and taking back."""

from pathlib import Path

import pytest

from tests.commandline.conftest import call as run

HEADER = "id,account,currency,timezone,months,price,anchor,credits\n"


@pytest.fixture
def file(tmp_path: Path, workers: None, unique: str) -> tuple[Path, str]:
    """A file of two customers, and the beginning of their ids."""
    start = f"{unique}i"
    file = tmp_path / f"{start}.csv"
    file.write_text(
        HEADER
        + f"{start}-1,{start}-a,USD,UTC,12,100.00,2020-02-10,5.00\n"
        + f"{start}-2,{start}-b,USD,UTC,12,100.00,2020-02-11,0\n"
    )
    return file, start


def test_an_import_is_looked_at_made_reported_and_taken_back(
    file: tuple[Path, str], tmp_path: Path
) -> None:
    path, start = file
    looked = run("import", str(path), "--dry-run", "--report", str(tmp_path / "will.csv"), "--json")
    assert looked.json["outlook"]["expected"]
    told = run("import", "--prefix", "try-", str(path))
    assert "takes it back while nothing has happened" in told.out
    lines = run("import", "list", "--json").json
    (line,) = [line for line in lines if line["file"] == path.name]
    assert (line["rows"], line["undone"], line["prefix"]) == (2, 0, "try-")
    number = str(line["id"])
    table = tmp_path / "is.csv"
    assert f"try-{start}-1" in run("import", "report", number, "--csv", str(table)).out
    will = (tmp_path / "will.csv").read_text().splitlines()
    there = table.read_text().replace("try-", "").splitlines()
    assert [cells.removesuffix(",,") for cells in will[1:]] == there[1:]
    would = run("import", "undo", number, "--dry-run")
    assert "2 would be taken back, 0 stay" in would.out
    unsure = run("import", "undo", number)
    assert (unsure.code, "Confirm with --yes" in unsure.err) == (2, True)
    done = run("import", "undo", number, "--yes", "--json").json
    assert (done["undone"], done["kept"]) == (2, 0)
    assert run("show", f"try-{start}-1").code == 1
    again = run("import", "file", str(path), "--prefix", "try-")
    assert "2 imported" in again.out
    assert "2 workflows started" in again.out


def test_what_stays_ends_with_the_code_of_a_refusal(file: tuple[Path, str], tmp_path: Path) -> None:
    path, start = file
    assert run("import", str(path)).code == 0
    assert run("top-up", f"{start}-a", "5.00").code == 0
    (line,) = [it for it in run("import", "list", "--json").json if it["file"] == path.name]
    kept = tmp_path / "kept.csv"
    undone = run("import", "undo", str(line["id"]), "--yes", "--kept", str(kept))
    assert undone.code == 1
    assert "1 left alone" in undone.err
    assert f"{start}-a,topped up on " in kept.read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["undo", "no-such-prefix"], "there is no import"),
        (["report", "no-such-prefix"], "names 0 imports of customers"),
        (["x.csv", "--rehearse", "3", "weeks"], "'3 weeks' is not 1 to 24 months"),
        (["x.csv", "--rehearse", "99", "months"], "'99 months' is not 1 to 24 months"),
        (["x.csv", "--rehearse", "3", "months", "--dry-run"], "does not go together with"),
        (["x.csv", "--report", "y.csv"], "needs --dry-run or --rehearse"),
        (["x.csv", "--as-of", "soon"], "--as-of"),
    ],
)
def test_wrong_input_is_said(installation: str, arguments: list[str], said: str) -> None:
    told = run("import", *arguments)
    assert told.code in (1, 2)
    assert said in told.err
