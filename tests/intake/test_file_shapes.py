"""How files are written: encodings, delimiters, quotes, and the place of what is wrong with one."""

from pathlib import Path

import pytest

from core.domain.faults import Faults
from doors.intake.csv_rows import csv_rows
from doors.intake.file_shape import Declared, shape_of

TEXT = "id;name\n1;Ännchen 5 €\n"


def read(folder: Path, content: bytes, declared: Declared | None = None) -> tuple[str, list[str]]:
    """How a file is written, and its last row."""
    file = folder / "file.csv"
    file.write_bytes(content)
    shape = shape_of(file, declared or Declared(), ("id",))
    return shape.words, list(csv_rows(file, shape))[-1].cells


@pytest.mark.parametrize(
    ("codec", "name"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("cp1252", "windows-1252"),
    ],
)
def test_an_encoding_is_recognised_and_said(codec: str, name: str, tmp_path: Path) -> None:
    words, row = read(tmp_path, TEXT.encode(codec))
    assert words == f"{name}, columns separated by semicolons"
    assert row == ["1", "Ännchen 5 €"]


def test_an_encoding_may_be_declared(tmp_path: Path) -> None:
    wrong = read(tmp_path, TEXT.encode(), Declared(encoding="windows-1252"))
    assert wrong[1] == ["1", "Ã„nnchen 5 â‚¬"]
    assert read(tmp_path, TEXT.encode("utf-16-le"), Declared(encoding="utf-16"))[1][0] == "1"


@pytest.mark.parametrize("mark", [",", ";", "|", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_ends_are_recognised(mark: str, end: str, tmp_path: Path) -> None:
    text = f"id{mark}name{end}1{mark}Ann{end}"
    assert read(tmp_path, text.encode())[1] == ["1", "Ann"]


def test_the_delimiter_is_the_one_that_gives_the_columns_of_the_mapping(tmp_path: Path) -> None:
    """The name of a column may have more commas than the header has semicolons."""
    assert read(tmp_path, b'id;"a,b,c,d"\n1;2\n')[1] == ["1", "2"]


def test_a_note_for_spreadsheets_is_no_header(tmp_path: Path) -> None:
    assert read(tmp_path, b"sep=|\r\nid|b\r\n1|2,3;4\r\n")[1] == ["1", "2,3;4"]


def test_single_quotes_are_recognised_and_none_may_be_declared(tmp_path: Path) -> None:
    assert read(tmp_path, b"'id','name'\n'1','Ann, Lee'\n")[1] == ["1", "Ann, Lee"]
    assert read(tmp_path, b'id,name\n1,"Ann\n', Declared(quote="none"))[1] == ["1", '"Ann']


def test_rows_of_nothing_are_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, b"id,b\n1,2\n,,,\n  , \n\n")[1] == ["1", "2"]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (
            b'id,b\n1,2\n3,"4\n5,6\n' + b"7,8\n" * 50_000,
            'line 3: the " that opens cell 2 is never closed; close it, or write quote: none in a '
            "mapping",
        ),
        (
            b'id,b\n1,"2\n3,"4"\n',
            'line 2: the " that opens cell 2 is not closed in its line, but in line 3 only; '
            'a " inside a quoted cell is written twice',
        ),
        (
            b'id,b\n1,"a "small" word"\n',
            'line 2: the " that opens cell 2 is closed before \'small" word"\'; '
            'a " inside a quoted cell is written twice',
        ),
        (
            "id,b\n1,ä\n2,ö\n".encode() + b"3,\xe9\n",
            "line 4: is not UTF-8 text; encoding: in a mapping may say "
            "utf-16, utf-16-le, utf-16-be, windows-1252",
        ),
    ],
)
def test_a_fault_is_where_it_is(content: bytes, fault: str, tmp_path: Path) -> None:
    with pytest.raises(Faults) as raised:
        read(tmp_path, content)
    assert str(raised.value) == fault
