"""The rules of the house: what every file of the project must hold, however it was written.

The checks read the files. The enums are imported, because the checks need their words.
"""

import ast
import importlib
import io
import re
import tokenize
from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from pathlib import Path

import pytest

from core.domain.rules import Rule
from settings import PROJECT

COLUMNS = 100
PRODUCTION = ("core", "activities", "workflows", "doors", "starter.py", "worker.py")
#: A migration keeps the words that were valid when it was written.
MIGRATIONS = "core/ledger/migrations/"
NOT_OURS = {".git", ".venv", ".env", "__pycache__", "node_modules", "results"}

#: Code is in files of these kinds, and in the files that are named. Other kinds may have longer
#: lines: data (.csv, .json), texts of mails (.txt, one line for a paragraph), pictures, and what
#: programs write (requirements*.txt, go.mod, go.sum, docs/openapi.json).
CODE = (".py", ".sql", ".css", ".js", ".go", ".yaml", ".yml", ".toml", ".sh", ".html")
CODE_BY_NAME = ("Makefile", "Dockerfile", ".env.example", ".ci/run")

#: Folders whose code may have longer lines, and the reason.
LONGER_LINES = {"tests/simulation/examples/": "written elsewhere, and quoted as they are"}

#: Each of these enums defines its words once. Other modules use the members, never the words.
WORDS = (
    "Book",
    "Event",
    "Failure",
    "InvoiceKind",
    "MessageState",
    "Purpose",
    "Rule",
    "Status",
    "StepKind",
)

#: Places where such a word means something else: (file, word) and the reason.
OTHER_MEANINGS = {
    ("core/domain/catalog.py", "activation_fee"): "a key of a catalogue entry",
    ("core/gateways/simulated_cards.py", "refunded"): "a column of the simulated gateway",
    ("core/gateways/simulated_cards.py", "card"): "a column of the simulated gateway",
    ("core/ledger/personal_data.py", "card"): "a column of a table",
    ("core/ledger/period_amounts.py", "refunded"): "the label of a sum in a query",
    ("core/ledger/period_amounts.py", "paid"): "the label of a sum in a query",
    ("doors/queries/personal_data.py", "card"): "the name of a column",
    ("doors/queries/reports.py", "fees"): "the name of a column",
    ("doors/queries/reports.py", "refunds"): "the name of a column",
    ("doors/queries/reports.py", "paid"): "the name of a column",
    ("doors/queries/reports.py", "refunded"): "the name of a column",
    ("doors/commandline/commands/import_customers.py", "import"): "the name of a command",
    ("doors/commandline/commands/payments.py", "card"): "the name of a group of commands",
    ("doors/commandline/commands/payments.py", "transfer"): "the name of a command",
    ("doors/commandline/commands/payments.py", "usage"): "the name of a command",
    ("doors/commandline/commands/purchase.py", "purchase"): "the name of a command",
    ("doors/commandline/commands/subscriptions.py", "terminate"): "the name of a command",
    ("doors/commandline/demonstration.py", "card"): "a part of a request id",
    ("doors/commandline/demonstration.py", "terminate"): "a part of a request id",
    ("doors/intake/customer_rows.py", "card"): "the name of a column",
}

#: The rule book and the description of scenarios were written elsewhere and are quoted as they are.
QUOTED = ("docs/rules.md", "docs/scenario.md")
VAGUE = re.compile(r"\b(nobody|whoever|somebody|any more)\b", re.IGNORECASE)
ANSWERS = re.compile(r"\s*answers?\b(?! to\b)", re.IGNORECASE)
CODE_SPAN = re.compile(r"```.*?```|``[^`]*``|`[^`]*`", re.DOTALL)

MACHINE = re.compile(r"(?<![\w.~$}])/(?:work|root)/")
REGISTRY = re.compile(
    r"https?://[^\s\"'<>]*(?:pypi|pythonhosted|goproxy|proxy\.golang|registry|npmjs|artifactory)"
    r"|^\s*--?(?:i|index-url|extra-index-url|find-links)[ =]",
    re.MULTILINE,
)


@cache
def files(*suffixes: str, under: tuple[str, ...] = ("",)) -> tuple[Path, ...]:
    """The project's files with one of these suffixes (all files without), in order."""
    return tuple(_files(suffixes, under))


def _files(suffixes: tuple[str, ...], under: tuple[str, ...]) -> Iterator[Path]:
    for name in under:
        place = PROJECT / name
        found = [place] if place.is_file() else sorted(place.rglob("*"))
        for path in found:
            parts = path.relative_to(PROJECT).parts
            hidden = any(part.startswith(".") for part in parts[:-1]) and parts[0] != ".ci"
            ours = not hidden and NOT_OURS.isdisjoint(parts)
            if ours and path.is_file() and (not suffixes or path.suffix in suffixes):
                yield path


def name_of(path: Path) -> str:
    """The path of a file, as people write it."""
    return path.relative_to(PROJECT).as_posix()


@cache
def text_of(path: Path) -> str:
    """The text of a file. A file that is not text counts as empty."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


@cache
def tree_of(path: Path) -> ast.Module:
    """The syntax tree of a Python file."""
    return ast.parse(text_of(path), name_of(path))


# Lines --------------------------------------------------------------------------------------------


def in_tables(path: Path) -> set[int]:
    """The lines that the formatter leaves alone, because they are a table of data."""
    lines = text_of(path).splitlines()
    found, off = set(), False
    for number, line in enumerate(lines, start=1):
        off = (off or "# fmt: off" in line) and "# fmt: on" not in line
        if off:
            found.add(number)
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.stmt) and not hasattr(node, "body"):
            last = node.end_lineno or node.lineno
            if "# fmt: skip" in lines[last - 1]:
                found.update(range(node.lineno, last + 1))
    return found


def test_no_line_is_longer_than_100_columns() -> None:
    found = []
    for path in (*files(*CODE), *files(under=CODE_BY_NAME)):
        if name_of(path).startswith(tuple(LONGER_LINES)):
            continue
        long = [
            number
            for number, line in enumerate(text_of(path).splitlines(), start=1)
            if len(line) > COLUMNS
        ]
        tables = in_tables(path) if long and path.suffix == ".py" else set()
        found += [f"{name_of(path)}:{n}" for n in long if n not in tables]
    assert found == [], "\n".join(found)


def test_no_prose_is_wider_than_100_columns() -> None:
    """Tables and code of Markdown may be wider."""
    found = []
    for path in files(".md"):
        if name_of(path) in QUOTED:
            continue
        code = False
        for number, line in enumerate(text_of(path).splitlines(), start=1):
            code ^= line.lstrip().startswith("```")
            prose = not code and not line.startswith("    ") and not line.lstrip().startswith("|")
            if prose and len(line) > COLUMNS:
                found.append(f"{name_of(path)}:{number}")
    assert found == [], "\n".join(found)


# Matches ------------------------------------------------------------------------------------------


def catches_all(case: ast.match_case) -> bool:
    """Whether a case accepts every value: `case _`, or a name without a pattern and a guard."""
    pattern = case.pattern
    return isinstance(pattern, ast.MatchAs) and pattern.pattern is None and case.guard is None


def proves_that_none_is_left(case: ast.match_case) -> bool:
    """Whether the type checker proves that the case is never reached (`assert_never`)."""
    statement = case.body[0]
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Call)
        and isinstance(statement.value.func, ast.Name)
        and statement.value.func.id == "assert_never"
    )


def test_a_match_names_every_kind_or_says_why_it_is_open() -> None:
    found = []
    for path in files(".py", under=PRODUCTION):
        lines = text_of(path).splitlines()
        for node in ast.walk(tree_of(path)):
            if not isinstance(node, ast.match_case) or not catches_all(node):
                continue
            line = node.pattern.lineno
            explained = "#" in lines[line - 1] or lines[line].lstrip().startswith("#")
            if not explained and not proves_that_none_is_left(node):
                found.append(f"{name_of(path)}:{line}")
    assert found == [], "\n".join(found)


# Words --------------------------------------------------------------------------------------------


@cache
def enums() -> dict[str, tuple[str, frozenset[str]]]:
    """The enums of `WORDS` that exist: the file that defines each of them, and its words."""
    found = {}
    for path in files(".py", under=("core",)):
        for node in tree_of(path).body:
            if isinstance(node, ast.ClassDef) and node.name in WORDS:
                module = importlib.import_module(".".join(path.relative_to(PROJECT).parts)[:-3])
                members = getattr(module, node.name)
                assert issubclass(members, StrEnum)
                assert node.name not in found, f"{node.name} is defined twice"
                found[node.name] = name_of(path), frozenset(str(member) for member in members)
    return found


def constants(node: ast.expr) -> Iterator[ast.Constant]:
    """The strings of an expression, also those in its tuples, lists, sets and dictionaries."""
    match node:
        case ast.Constant(value=str()):
            yield node
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
            for part in parts:
                yield from constants(part)
        case ast.Dict(values=parts):
            for part in parts:
                yield from constants(part)
        case ast.Starred(value=part):
            yield from constants(part)
        case ast.IfExp(body=first, orelse=second):
            yield from constants(first)
            yield from constants(second)


@cache
def passed_or_compared(path: Path) -> tuple[tuple[int, str], ...]:
    """The strings of a module that are arguments, or are compared with something, by their lines.

    Each enumeration looks through all modules, so what a module has is kept.
    """
    return tuple((string.lineno, string.value) for string in _passed_or_compared(path))


def _passed_or_compared(path: Path) -> Iterator[ast.Constant]:
    for node in ast.walk(tree_of(path)):
        places: list[ast.expr] = []
        match node:
            case ast.Call(args=arguments, keywords=keywords):
                places = [*arguments, *(keyword.value for keyword in keywords)]
            case ast.Compare(left=left, comparators=others):
                places = [left, *others]
            case ast.MatchValue(value=value):
                places = [value]
        for place in places:
            yield from constants(place)


def test_the_enums_of_words_exist() -> None:
    assert sorted(enums()) == sorted(WORDS)


@pytest.mark.parametrize("enum", WORDS)
def test_a_word_of_an_enum_is_written_only_where_it_is_defined(enum: str) -> None:
    if enum not in enums():
        pytest.fail(f"there is no enumeration {enum} under core/")
    home, words = enums()[enum]
    found = [
        f"{name}:{line} {word!r}"
        for path in files(".py", under=PRODUCTION)
        if (name := name_of(path)) != home and not name.startswith(MIGRATIONS)
        for line, word in passed_or_compared(path)
        if word in words and (name, word) not in OTHER_MEANINGS
    ]
    assert found == [], "\n".join(found)


@pytest.mark.parametrize(("name", "word"), OTHER_MEANINGS)
def test_every_exception_is_still_needed(name: str, word: str) -> None:
    assert (PROJECT / name).exists()
    assert word in {string for _, string in passed_or_compared(PROJECT / name)}


# Rules --------------------------------------------------------------------------------------------


def test_the_rules_of_the_rule_book_are_the_rules_of_the_code() -> None:
    book = text_of(PROJECT / "docs" / "rules.md")
    sections = re.findall(r"^## (\d+)\. ", book, re.MULTILINE)
    numbers = re.findall(r"^(\d+\.\d+) ", book, re.MULTILINE)
    split = {number.partition(".")[0] for number in numbers}
    whole = [section for section in sections if section not in split]
    assert sorted([*whole, *numbers]) == sorted(Rule)


# Prose --------------------------------------------------------------------------------------------


@cache
def docstrings(path: Path) -> tuple[tuple[int, str], ...]:
    """The docstrings of a module, its classes and functions, and of its constants."""
    return tuple(
        (node.lineno, node.value.value)
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def comments(path: Path) -> Iterator[tuple[int, str]]:
    """The comments of a module."""
    for token in tokenize.generate_tokens(io.StringIO(text_of(path)).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def prose(path: Path) -> Iterator[tuple[int, str]]:
    """The texts of a file that people read, each with the line where it begins."""
    if path.suffix == ".md":
        yield 1, text_of(path)
    else:
        yield from docstrings(path)
        yield from comments(path)


def test_prose_names_who_does_something() -> None:
    found = []
    for path in files(".py", ".md"):
        if name_of(path) in QUOTED or path == Path(__file__):
            continue
        for line, text in prose(path):
            plain = CODE_SPAN.sub(lambda span: "\n" * span[0].count("\n"), text)
            found += [
                f"{name_of(path)}:{line + plain.count(chr(10), 0, word.start())} {word[0]}"
                for word in VAGUE.finditer(plain)
            ]
    assert found == [], "\n".join(found)


def test_a_function_returns_and_does_not_answer() -> None:
    found = [
        f"{name_of(path)}:{line}"
        for path in files(".py")
        for line, text in docstrings(path)
        if any(ANSWERS.match(sentence) for sentence in re.split(r"(?<=[.;:])\s", text))
    ]
    assert found == [], "\n".join(found)


# Addresses ----------------------------------------------------------------------------------------


def test_no_file_names_a_place_of_one_machine_or_a_package_registry() -> None:
    found = []
    for path in files():
        if path == Path(__file__) or path.name == "go.sum":
            continue
        for pattern in (MACHINE, REGISTRY):
            found += [
                f"{name_of(path)}:{text_of(path).count(chr(10), 0, place.start()) + 1} {place[0]}"
                for place in pattern.finditer(text_of(path))
            ]
    assert found == [], "\n".join(found)


def test_each_decision_has_a_number_of_its_own() -> None:
    paths = sorted((PROJECT / "docs/decisions").glob("[0-9]*.md"))
    numbers = [path.name[:4] for path in paths]
    assert len(set(numbers)) == len(numbers)
    for path in paths:
        assert path.read_text().startswith(f"# {int(path.name[:4])}. "), path.name
