"""Writes what the client says by itself: commands, what is read, and the methods that read.

python -m clients.python.generate        writes the files (or `make client`)

Commands and their results follow the descriptions in `core/domain/commands/`. What is read, and by
which method, follows the endpoints of `doors/http/`. A test checks that the files are in step. This
module is no part of the distribution.
"""

import dataclasses
import re
import subprocess
import sys
import textwrap
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union

from fastapi.routing import APIRoute

from core.domain.commands import COMMANDS, RESULTS
from core.domain.commands.base import Command
from doors.application.previews import Preview
from doors.http.application import PARTS
from doors.http.command_bodies import AMOUNT, PERCENT, values_of
from doors.http.pages import Listed
from doors.http.routes import has_etag, is_file, query_of

PACKAGE = Path(__file__).parent / "perennial_client"
NOTE = "Written by `make client`. Changes by hand are lost."
_WIDTH = 94  # Without the quotes of a docstring.
_ETAG = "\n\n`etag`: what it is now, for a change of it (`if_match`). None: it came in a list."
_RESULTS: Any = Union[(*RESULTS.values(), NoneType)]


def files() -> dict[Path, str]:
    """The text of each file, formatted."""
    views = _Views()
    reads, writes = _reads(views), _writes(views)
    views.add(Preview)
    made = {
        PACKAGE / "commands.py": _commands(),
        PACKAGE / "files.py": _files(views),
        PACKAGE / "reads.py": reads,
        PACKAGE / "views.py": views.text(),
        PACKAGE / "writes.py": writes,
    }
    return {path: _formatted(text) for path, text in made.items()}


def _endpoints() -> list[APIRoute]:
    return [route for part in PARTS for route in part.endpoints()]


def _formatted(text: str) -> str:
    for arguments in (["check", "--fix-only", "--quiet", "--select", "I,F401"], ["format"]):
        run = subprocess.run(  # noqa: S603
            [
                sys.executable,
                "-m",
                "ruff",
                *arguments,
                "--stdin-filename",
                str(PACKAGE / "x.py"),
                "-",
            ],
            input=text,
            capture_output=True,
            text=True,
            check=True,
        )
        text = run.stdout
    return text


# Types --------------------------------------------------------------------------------------------


def _spelled(hint: Any, name_of: Callable[[Any], str], *, given: bool) -> str:
    """A type as text. `given`: of what a caller gives. Else it is of what a caller gets.

    A caller gets words of enumerations as text, because a later API may have more of them.
    """
    if typing.get_origin(hint) is typing.Annotated:
        return _spelled(typing.get_args(hint)[0], name_of, given=given)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)

    def inner(part: Any) -> str:
        return _spelled(part, name_of, given=given)

    if origin in (Union, UnionType):
        if hint == _RESULTS:
            return "R | None"
        if set(arguments) == {str, int, Decimal}:
            return "str | int"  # Whether a text is an amount depends on its column.
        return " | ".join(inner(part) for part in arguments)
    if origin is tuple and arguments[-1] is not Ellipsis:
        return f"tuple[{', '.join(map(inner, arguments))}]"
    if origin in (list, tuple, Sequence):
        return f"Sequence[{inner(arguments[0])}]" if given else f"tuple[{inner(arguments[0])}, ...]"
    if origin in (dict, Mapping):
        kind = "Mapping" if given else "dict"
        return f"{kind}[str, {inner(arguments[1])}]"
    if hint is NoneType:
        return "None"
    if hint is Any:
        return "Any"
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return f"Literal[{', '.join(repr(word.value) for word in hint)}]" if given else "str"
    if hint in (str, bool, int, Decimal, date, datetime):
        return str(hint.__name__)
    if dataclasses.is_dataclass(hint):
        return name_of(hint)
    raise TypeError(f"{hint} has no form in the client")


def _default(field: "dataclasses.Field[Any]") -> str:
    """The default of a field as text, with the equals sign. Empty where it has none."""
    if field.default_factory is not dataclasses.MISSING:
        empty: Any = field.default_factory
        return f" = field(default_factory={empty.__name__})"
    if field.default is dataclasses.MISSING:
        return ""
    return f" = {_value(field.default)}"


def _value(value: object) -> str:
    if isinstance(value, StrEnum):
        return repr(value.value)
    return f"Decimal({str(value)!r})" if isinstance(value, Decimal) else repr(value)


def _wrapped(text: str, indent: str) -> str:
    """Paragraphs of lines that are not too long, indented."""
    paragraphs = []
    for paragraph in text.strip().split("\n\n"):
        lines = paragraph.splitlines()
        if any(len(line) > _WIDTH - len(indent) for line in lines):
            items = re.split(r"\n(?=[`*])", paragraph)
            lines = [line for item in items for line in _lines(item, _WIDTH - len(indent))]
        paragraphs.append("\n".join(f"{indent}{line}".rstrip() for line in lines))
    return "\n\n".join(paragraphs)


def _lines(text: str, width: int) -> list[str]:
    return textwrap.wrap(
        " ".join(text.split()), width, break_long_words=False, break_on_hyphens=False
    )


def _docstring(text: str, indent: str = "    ") -> str:
    body = _wrapped(text, indent).strip()
    end = f"\n{indent}" if "\n" in body else ""
    return f'{indent}"""{body}{end}"""'


def _plain_doc(kind: Any) -> str:
    """The docstring of a class or a function, without its indentation."""
    first, _, rest = (kind.__doc__ or "").strip().partition("\n")
    return f"{first}\n{textwrap.dedent(rest)}".strip()


# Commands -----------------------------------------------------------------------------------------


def _commands() -> str:
    parts = [
        f'"""The commands, and the result of each.\n\n{NOTE}\n"""',
        "from collections.abc import Mapping, Sequence\n"
        "from dataclasses import dataclass, field\n"
        "from datetime import date\n"
        "from decimal import Decimal\n"
        "from typing import Any, ClassVar, Literal\n\n"
        "from perennial_client.command import Command",
    ]
    kinds = _Views()
    for do, command in COMMANDS.items():
        parts.append(_result(do, kinds))
        parts.append(_command(command, kinds))
    return "\n\n\n".join([*parts[:2], *kinds.classes(given=True), *parts[2:]]) + "\n"


def _command(command: type[Command], kinds: "_Views") -> str:
    hints = typing.get_type_hints(command)
    of = {field.name: field for field in dataclasses.fields(command)}
    lines, help_ = [], []
    for item in values_of(command):
        kind = _spelled(hints[item.name], kinds.add, given=True)
        lines.append(f"    {item.name}: {kind}{_default(of[item.name])}")
        help_.append(f"`{item.name}`: {item.kind.help}")
    do = of["do"].default
    doc = f"{_plain_doc(command)}\n\nRule {command.rule}.\n\n" + "\n".join(help_)
    result = RESULTS[str(do)].__name__
    return (
        "@dataclass(frozen=True, slots=True, kw_only=True)\n"
        f"class {command.__name__}(Command[{result}]):\n"
        f"{_docstring(doc)}\n\n"
        + "\n".join(lines)
        + f"\n\n    do: ClassVar[str] = {do!r}\n    returns: ClassVar[type[Any]] = {result}"
    )


def _result(do: str, kinds: "_Views") -> str:
    return _class(RESULTS[do], kinds.add, given=False, leave_out=("do",))


# Views --------------------------------------------------------------------------------------------


def _class(
    kind: Any,
    name_of: Callable[[Any], str],
    *,
    given: bool,
    name: str | None = None,
    leave_out: tuple[str, ...] = (),
    etag: bool = False,
) -> str:
    hints = typing.get_type_hints(kind)
    lines = []
    for field in dataclasses.fields(kind):
        if field.name in leave_out:
            continue
        spelled = _spelled(hints[field.name], name_of, given=given)
        if "date" in hints:  # A field of this name hides the type.
            spelled = re.sub(r"\bdate\b", "Day", spelled)
        # What a caller gets may be absent where it may be None.
        absent = " = None" if spelled.endswith("| None") else ""
        default = _default(field) if given else absent
        lines.append(f"    {field.name}: {spelled}{default}")
    if etag:
        lines.append("    etag: str | None = None")
    base = "(Generic[R])" if any(line.split(": ")[1].startswith("R |") for line in lines) else ""
    doc = _docstring(_plain_doc(kind) + (_ETAG if etag else ""))
    return (
        "@dataclass(frozen=True, slots=True, kw_only=True)\n"
        f"class {name or kind.__name__}{base}:\n{doc}\n\n" + "\n".join(lines)
    )


class _Views:
    """The types of what is read, each under one name."""

    def __init__(self) -> None:
        self._names: dict[Any, str] = {}
        self._with_etag: set[Any] = set()

    def add_with_etag(self, kind: Any) -> str:
        """The name of a type that comes with an ETag."""
        self._with_etag.add(kind)
        return self.add(kind)

    def add(self, kind: Any) -> str:
        """The name of a type. Two types of one name are told apart by their modules."""
        if kind not in self._names:
            name = kind.__name__
            if name in self._names.values():
                module = kind.__module__.rpartition(".")[2].removesuffix("s")
                name = module.title().replace("_", "") + name
            if name in self._names.values():
                raise TypeError(f"two types are called {name}")
            self._names[kind] = name
            hints = typing.get_type_hints(kind)
            for field in dataclasses.fields(kind):
                _spelled(hints[field.name], self.add, given=False)
        return self._names[kind]

    def classes(self, *, given: bool) -> Iterator[str]:
        """Each type as a dataclass, those that others have as a field first."""
        done: set[Any] = set()

        def in_order(kind: Any) -> Iterator[str]:
            if kind in done:
                return
            done.add(kind)
            needed: list[Any] = []
            hints = typing.get_type_hints(kind)

            def note(inner: Any) -> str:
                needed.append(inner)
                return self._names[inner]

            for field in dataclasses.fields(kind):
                _spelled(hints[field.name], note, given=given)
            for inner in needed:
                yield from in_order(inner)
            yield _class(
                kind,
                self._names.__getitem__,
                given=given,
                name=self._names[kind],
                etag=kind in self._with_etag,
            )

        for kind in sorted(self._names, key=lambda kind: self._names[kind]):
            yield from in_order(kind)

    def names(self) -> list[str]:
        """The names of all types."""
        return sorted(self._names.values())

    def text(self) -> str:
        """The file of all types."""
        head = (
            f'"""What is read.\n\nWords of enumerations are text: a later API may have more of '
            f'them.\n{NOTE}\n"""\n\n'
            "from dataclasses import dataclass\n"
            "from datetime import date, datetime\n"
            "from decimal import Decimal\n"
            "from typing import Any, Generic, TypeVar\n\n"
            'R = TypeVar("R")\nDay = date\n'
        )
        return "\n\n\n".join([head.strip(), *self.classes(given=False)]) + "\n"


# Methods ------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class _Read:
    """One endpoint that reads. The result of a file is empty."""

    name: str
    doc: str
    path: str
    result: str
    listed: bool
    places: tuple[str, ...]
    parameters: tuple[tuple[str, str, str], ...]
    """Name, how it is declared, and its name in the query."""


def _read(route: APIRoute, views: _Views) -> _Read:
    result: Any = route.response_model
    listed = typing.get_origin(result) is Listed
    if listed:
        [result] = typing.get_args(result)
    path, places, parameters = route.path, [], []
    for place in route.dependant.path_params:
        spelled = _spelled(place.field_info.annotation, views.add, given=True)
        places.append(f"{place.name}: {spelled}")
        for form in (f"{{{place.name}:path}}", f"{{{place.name}}}"):
            path = path.replace(form, f"{{in_path({place.name})}}")
    for parameter in query_of(route.dependant):
        annotation = parameter.field_info.annotation
        spelled = _spelled(annotation, views.add, given=True)
        name = {"limit": "per_page"}.get(parameter.name, parameter.name)
        if name == "after":
            spelled = "str | None"
        required = parameter.field_info.is_required()
        default = "" if required else f" = {_value(parameter.field_info.default)}"
        parameters.append((name, f"{name}: {spelled}{default}", parameter.alias))
    return _Read(
        name=str(route.operation_id),
        doc=_plain_doc(route.endpoint),
        path=path,
        result=result and (views.add_with_etag if has_etag(route) else views.add)(result),
        listed=listed,
        places=tuple(places),
        parameters=tuple(parameters),
    )


def _method(read: _Read, *, waits: bool) -> str:
    rows = f"AsyncRows[{read.result}]" if waits else f"Rows[{read.result}]"
    returns = rows if read.listed else read.result
    told = [declared for _, declared, _ in read.parameters]
    signature = ["self", *read.places, *(["*", *told] if told else [])]
    word = "async def" if waits and not read.listed else "def"
    text = f"f{read.path!r}" if "{" in read.path else repr(read.path)
    given = [read.result, text]
    if read.parameters:
        pairs = ", ".join(f"{alias!r}: {name}" for name, _, alias in read.parameters)
        given.append(f"{{{pairs}}}")
    call = f"self._{'rows' if read.listed else 'read'}({', '.join(given)})"
    wait = "await " if waits and not read.listed else ""
    return (
        f"    {word} {read.name}({', '.join(signature)}) -> {returns}:\n"
        f"{_docstring(read.doc, ' ' * 8)}\n"
        f"        return {wait}{call}\n"
    )


def _reads(views: _Views) -> str:
    reads = [
        _read(route, views)
        for route in _endpoints()
        if "GET" in (route.methods or ()) and route.response_model
    ]
    sync = "\n".join(_method(read, waits=False) for read in reads)
    waiting = "\n".join(_method(read, waits=True) for read in reads)
    names = ", ".join(views.names())
    return f'''"""The methods that read.

{NOTE}
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal, TypeVar

from perennial_client.pages import AsyncRows, Rows
from perennial_client.plain import NO_PARAMETERS, in_path
from perennial_client.views import {names}

T = TypeVar("T")


class Reads(ABC):
    """What can be read. A method has the name of its operation in the API."""

    @abstractmethod
    def _read(
        self, kind: type[T], path: str, parameters: Mapping[str, object] = NO_PARAMETERS
    ) -> T: ...

    @abstractmethod
    def _rows(
        self, kind: type[T], path: str, parameters: Mapping[str, object] = NO_PARAMETERS
    ) -> Rows[T]: ...

{sync}

class AsyncReads(ABC):
    """The same with `await` and `async for`."""

    @abstractmethod
    async def _read(
        self, kind: type[T], path: str, parameters: Mapping[str, object] = NO_PARAMETERS
    ) -> T: ...

    @abstractmethod
    def _rows(
        self, kind: type[T], path: str, parameters: Mapping[str, object] = NO_PARAMETERS
    ) -> AsyncRows[T]: ...

{waiting}
'''


# Files --------------------------------------------------------------------------------------------

_SAVED = (
    "\n\n`to`: a path, or an open file that takes bytes.\n`most_bytes`: a larger file is refused."
)


def _save(read: _Read, *, waits: bool) -> str:
    told = [declared for _, declared, _ in read.parameters]
    told = [one for one in told if "=" not in one] + [one for one in told if "=" in one]
    to = ["to: To", "most_bytes: int = MOST_BYTES"]
    signature = ["self", *read.places, "*", *told, *to]
    word, wait = ("async def", "await ") if waits else ("def", "")
    path = f"f{read.path!r}" if "{" in read.path else repr(read.path)
    pairs = ", ".join(f"{alias!r}: {name}" for name, _, alias in read.parameters)
    return (
        f"    {word} {read.name}({', '.join(signature)}) -> Saved:\n"
        f"{_docstring(read.doc + _SAVED, ' ' * 8)}\n"
        f"        return {wait}self._save({path}, {{{pairs}}}, to, most_bytes)\n"
    )


def _files(views: _Views) -> str:
    reads = [_read(route, views) for route in _endpoints() if is_file(route)]
    classes = "".join(
        f"""

class {name}(ABC):
    \"\"\"{about}\"\"\"

    @abstractmethod
    {word} _save(
        self, path: str, parameters: Mapping[str, object], to: To, most_bytes: int
    ) -> Saved: ...

"""
        + "\n".join(_save(read, waits=waits) for read in reads)
        for name, about, word, waits in (
            ("Files", "What can be saved as a file, by its operation.", "def", False),
            ("AsyncFiles", "The same with `await`.", "async def", True),
        )
    )
    return (
        f'"""The methods that save files.\n\n{NOTE}\n"""\n\n'
        "from abc import ABC, abstractmethod\n"
        "from collections.abc import Mapping\n"
        "from datetime import date\n"
        "from typing import Literal\n\n"
        "from perennial_client.plain import in_path\n"
        "from perennial_client.saved_files import MOST_BYTES, Saved, To\n" + classes
    )


# Methods that change something --------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class _Write:
    """One endpoint that changes something and is no command."""

    name: str
    doc: str
    method: str
    path: str
    result: str
    places: tuple[str, ...]
    fields: tuple[tuple[str, str], ...]
    """Name, and how it is declared."""
    keyed: bool
    matched: str | None
    """How the ETag is declared that it is based on. None: it takes none."""


def _write(route: APIRoute, views: _Views) -> _Write | None:
    """None for an endpoint that reads, or is that of a command."""
    headers = {parameter.alias for parameter in route.dependant.header_params}
    if route.response_model in (None, Preview) or "GET" in (route.methods or ()):
        return None
    read = _read(route, views)
    body = (route.openapi_extra or {}).get("requestBody", {"content": {}})["content"]
    schema = body.get("application/json", {}).get("schema", {"properties": {}, "required": []})
    fields, help_ = [], []
    for name, of in schema["properties"].items():
        default = "" if name in schema["required"] else " = None"
        fields.append((name, f"{name}: {_of_schema(of)}{default}"))
        help_.append(f"`{name}`: {of.get('description', '')}")
    keyed = "Idempotency-Key" in headers
    if keyed:
        help_.append("`idempotency_key`: its key, as of a command.")
    [method] = route.methods or {""}
    matched = None
    if "If-Match" in headers:  # A POST has a key, so it need not have an ETag.
        matched = "if_match: str | None = None" if keyed else "if_match: str"
        help_.append("`if_match`: the `etag` of what you have seen.")
    doc = read.doc + ("\n\n" + "\n".join(help_) if help_ else "")
    return _Write(
        name=read.name,
        doc=doc,
        method=method,
        path=read.path,
        result=read.result,
        places=read.places,
        fields=tuple(fields),
        keyed=keyed,
        matched=matched,
    )


def _of_schema(schema: Mapping[str, Any]) -> str:
    """The type of a value that a caller gives, from its JSON schema."""
    if "anyOf" in schema:
        return " | ".join(_of_schema(one) for one in schema["anyOf"])
    if "enum" in schema:
        return f"Literal[{', '.join(map(repr, schema['enum']))}]"
    match schema.get("type"):
        case "string" if schema.get("pattern") in (AMOUNT, PERCENT):
            return "Decimal"
        case "string":
            return {"date": "date", "date-time": "datetime"}.get(schema.get("format", ""), "str")
        case "array":
            return f"Sequence[{_of_schema(schema['items'])}]"
        case "object":
            return "Mapping[str, Any]"
        case str(word):
            return {"integer": "int", "boolean": "bool", "null": "None"}[word]
    raise TypeError(f"{schema} has no form in the client")


def _change(write: _Write, *, waits: bool) -> str:
    declared = [text for _, text in write.fields]
    if write.keyed:
        declared.append("idempotency_key: str | None = None")
    if write.matched:
        declared.append(write.matched)
    signature = ["self", *write.places, *(["*", *declared] if declared else [])]
    text = f"f{write.path!r}" if "{" in write.path else repr(write.path)
    body = ", ".join(f"{name!r}: {name}" for name, _ in write.fields)
    key = ["idempotency_key=idempotency_key"] if write.keyed else []
    key += ["if_match=if_match"] if write.matched else []
    given = [write.result, repr(write.method), text, f"{{{body}}}" if body else "None", *key]
    word, wait = ("async def", "await ") if waits else ("def", "")
    return (
        f"    {word} {write.name}({', '.join(signature)}) -> {write.result}:\n"
        f"{_docstring(write.doc, ' ' * 8)}\n"
        f"        return {wait}self._write({', '.join(given)})\n"
    )


def _writes(views: _Views) -> str:
    found = [_write(route, views) for route in _endpoints()]
    writes = [write for write in found if write is not None]
    names = ", ".join(sorted({write.result for write in writes}))
    classes = "".join(
        f"""

class {name}(ABC):
    \"\"\"{about}\"\"\"

    @abstractmethod
    {word} _write(
        self,
        kind: type[T],
        method: str,
        path: str,
        body: Mapping[str, object] | None,
        idempotency_key: str | None = None,
        if_match: str | None = None,
    ) -> T: ...

"""
        + "\n".join(_change(write, waits=waits) for write in writes)
        for name, about, word, waits in (
            ("Writes", "What can be changed and is no command, by its operation.", "def", False),
            ("AsyncWrites", "The same with `await`.", "async def", True),
        )
    )
    return (
        f'"""The methods that change something and are no commands.\n\n{NOTE}\n"""\n\n'
        "from abc import ABC, abstractmethod\n"
        "from collections.abc import Mapping, Sequence\n"
        "from datetime import date, datetime\n"
        "from decimal import Decimal\n"
        "from typing import Any, Literal, TypeVar\n\n"
        "from perennial_client.plain import in_path\n"
        f"from perennial_client.views import {names}\n\n"
        'T = TypeVar("T")\n' + classes
    )


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text)
