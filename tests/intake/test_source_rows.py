"""The rows of a file as a mapping shapes them, and what is wrong with such mappings and files."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from core.domain.faults import Faults
from doors.intake import column_mapping
from doors.intake.import_report import FaultList, RowFault, guarded, unguarded
from doors.intake.source_rows import SourceFile, SourceRow

FIELDS = """
fields:
  id: {column: id}
  currency: USD
  timezone: UTC
  months: 1
  price: {column: fee, otherwise: 5}
  anchor: 2024-01-31
  owner: {column: owner}
"""


def rows(folder: Path, text: str, mapping: str = FIELDS) -> list[SourceRow]:
    file = folder / "file.csv"
    file.write_text(text)
    return list(SourceFile(file, column_mapping.parse(mapping, folder)).rows())


def faults_of(mapping: str) -> list[str]:
    with pytest.raises(Faults) as raised:
        column_mapping.parse(mapping)
    return [str(fault) for fault in raised.value.faults]


@pytest.mark.parametrize(
    ("top", "fault"),
    [
        (
            "skip_when: {column: a}",
            "mapping.skip_when: needs is or is_not, with one text or a list",
        ),
        ("skip_when: [{column: a, is: b, is_not: c}]", "mapping.skip_when: needs is or is_not"),
        ("only_when: x", "mapping.only_when: 'x' is not a mapping with column and is, or is_not"),
        ("only_when: {colum: x, is: y}", "mapping.only_when.colum: unknown key; did you mean col"),
        ("latest_by: x", "mapping.latest_by: 'x' is not a mapping with a column"),
        ("add_up: [months]", "mapping.add_up: 'months' is not allowed; allowed are price, monthly"),
        ("add_up: price\nlatest_by: {column: a}", "mapping: latest_by and add_up exclude one an"),
        ("lookups: x", "mapping.lookups: 'x' is not a mapping from name to file"),
        ("lookups: {c: x}", "mapping.lookups.c: 'x' is not a mapping with file, key, by"),
        ("lookups: {c: {file: x, key: y}}", "mapping.lookups.c.by: missing; it names a column"),
        ("amount: 1.000", "mapping.amount: '1.000' is no format of amounts; allowed are 1234.56, "),
        ("date: x", "mapping.date: 'x' has 'x', which means nothing here; allowed are YYYY-MM-DD"),
        ("zone: Mars", "mapping.zone: 'Mars' is not an IANA time zone; allowed are names such as"),
        ("yes: [a, no]\nno: [no]", "mapping.yes: 'no' is among the words for no, too"),
        ("encoding: latin", "mapping.encoding: 'latin' is not allowed; allowed are 'utf-8', "),
        ("quote: x", "mapping.quote: 'x' is not allowed; allowed are '\"', \"'\", 'none'"),
    ],
)
def test_what_is_wrong_around_the_fields_is_said_with_its_place(top: str, fault: str) -> None:
    assert faults_of(top + FIELDS)[0].startswith(fault)


@pytest.mark.parametrize(
    ("owner", "fault"),
    [
        ("{join: [a]}", "mapping.fields.card.join: names 2 to 10 columns of the file"),
        ("{column: a, join: [a, b]}", "mapping.fields.card: column and join exclude one another"),
        ("{column: a, with: x}", "mapping.fields.card.with: stands between columns; join is"),
        ("{column: a, of: b}", "mapping.fields.card.of: 'b' is not among the lookups; there are"),
        ("{column: a, otherwise: [b]}", "mapping.fields.card.otherwise: ['b'] is not a value"),
        (
            "{column: a, otherwise: " * 7 + "x" + "}" * 7,
            "mapping.fields.card" + ".otherwise" * 6 + ": is nested too deep; at most 5 are",
        ),
    ],
)
def test_what_is_wrong_with_a_source_is_said_with_its_place(owner: str, fault: str) -> None:
    assert faults_of(f"{FIELDS}  card: {owner}")[0].startswith(fault)


def test_lines_of_one_subscription_must_agree(tmp_path: Path) -> None:
    text = "id,fee,owner\na,1,Ann\na,2,Bo\nb,x,Bo\nb,1,Bo\n"
    first, second = rows(tmp_path, text, "add_up: price" + FIELDS)
    assert first.reasons == [
        "line 3: owner: must be as in line 2, 'Ann', not 'Bo'; only price add up"
    ]
    assert second.reasons[0].startswith("line 4: price: 'x' is not an amount")
    assert second.rows == (["b", "x", "Bo"], ["b", "1", "Bo"])


def test_a_version_that_cannot_be_compared_is_a_fault(tmp_path: Path) -> None:
    by = "latest_by: {column: fee, date: DD.MM.YYYY}" + FIELDS.replace("column: fee", "column: x")
    text = "id,fee,owner,x\na,1.1.2024,Ann,1\na,x,Ann,2\nb,1.1.2024,,3\n"
    found = rows(tmp_path, text, by)
    assert [row.reasons for row in found] == [
        [],
        ["latest_by: must be a date written as DD.MM.YYYY, not 'x'"],
        [],
    ]


def test_a_key_stands_in_one_row_of_a_second_file(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("no;name\nc1;Ann\nc1;Bo\n")
    by = "lookups: {c: {file: c.csv, key: no, by: owner}}" + FIELDS
    by = by.replace("owner: {column: owner}", "owner: {column: name, of: c}")
    with pytest.raises(Faults) as raised:
        rows(tmp_path, "id,fee,owner\na,1,c1\n", by)
    assert str(raised.value) == (
        "mapping.lookups.c: line 3: has the same no as line 2; a key stands in one row"
    )
    (tmp_path / "c.csv").write_text("nr;name\nc1;Ann\n")
    with pytest.raises(Faults, match="header: there is no column 'no'; there are"):
        rows(tmp_path, "id,fee,owner\na,1,c1\n", by)


def test_a_row_that_a_quote_has_made_long_says_where_it_ends(tmp_path: Path) -> None:
    (row,) = rows(tmp_path, 'id,fee,owner\na,1,"Ann\nb,1,Bo\n"\n')
    assert row.reasons[0].endswith(
        "the row ends in line 4, because a quoted cell has a line end: is a quote missing?"
    )


CELLS = [
    "=cmd()",
    "'=cmd()",
    "''=x",
    "-5.00",
    "'-5.00",
    "+65 1",
    "@a",
    "plain",
    "",
    "'",
    " =x",
    "\t",
]


@pytest.mark.parametrize("cell", CELLS)
def test_what_is_guarded_for_spreadsheets_comes_back(cell: str) -> None:
    assert unguarded(guarded(cell)) == cell
    assert not guarded(cell).startswith(("=", "@", "\t"))


@pytest.mark.parametrize("codec", ["utf-8", "cp1252", "utf-16"])
def test_a_list_of_faulty_rows_is_mended_and_read_by_itself(codec: str, tmp_path: Path) -> None:
    """It is written like the source, and the same mapping reads it. A second list is like it."""
    file, listed = tmp_path / "file.csv", tmp_path / "faults.csv"
    file.write_text('id;fee;owner\na;x;"=Änn; ""A"""\nb;1;Bo\n', encoding=codec)
    for _ in range(2):
        source = SourceFile(file, column_mapping.parse(FIELDS))
        with FaultList(listed) as faults:
            faults.begin_list(source.header, source.shape)
            for row in source.rows():
                if row.reasons:
                    faults.add(RowFault(row.line, row.id, row.reasons[0]), *row.rows)
        file = tmp_path / "again.csv"
        file.write_bytes(listed.read_bytes())
    with file.open(encoding=source.shape.codec, newline="") as opened:
        header, one = csv.reader(opened, delimiter=";")
    assert header == ["fault_line", "fault_reason", "id", "fee", "owner"]
    assert (one[0], one[2:]) == ("2", ["a", "x", '\'=Änn; "A"'])
    text = file.read_text(encoding=source.shape.codec).replace(";x;", ";7;")
    file.write_text(text, encoding=codec)
    (mended,) = SourceFile(file, column_mapping.parse(FIELDS)).rows()
    assert (mended.reasons, mended.values["owner"], mended.values["price"]) == ([], '=Änn; "A"', 7)


MEASURED = """
import sys
from pathlib import Path
from doors.intake import column_mapping
from doors.intake.source_rows import SourceFile
for name in sys.argv[2:]:
    file = SourceFile(Path(name), column_mapping.parse(sys.argv[1]))
    read = sum(1 for _ in file.rows())
    status = Path("/proc/self/status").read_text().splitlines()
    print(read, next(line.split()[1] for line in status if line.startswith("VmHWM")))
"""
"""Reads files one after the other. Prints the rows of each, and the most memory so far, in kB.

`ru_maxrss` would begin with the memory of the process that has started this one.
"""


@pytest.mark.parametrize("top", ["", "latest_by: {column: fee}", "add_up: price"])
def test_memory_stays_flat(top: str, tmp_path: Path) -> None:
    """A hundred times as many rows, of 100 bytes each, need at most 24 MB more."""
    counts = (300, 30_000)
    files = [tmp_path / f"{count}.csv" for count in counts]
    for count, file in zip(counts, files, strict=True):
        lines = (f"customer-{i},{i % 7},{'x' * 80}\n" for i in range(count))
        file.write_text("id,fee,owner\n" + "".join(lines))
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, top + FIELDS, *map(str, files)],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    (few, before), (many, after) = (map(int, line.split()) for line in done.stdout.splitlines())
    assert (few, many) == counts
    assert after - before < 24_000
