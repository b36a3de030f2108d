"""The bodies of requests that are no commands: their fields, read and described in one place."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Request

from core.domain import inputs
from core.domain.commands.fields import AnyKind
from core.domain.fault_places import shown
from core.domain.faults import MISSING, Fault, Faults
from core.domain.inputs import LONGEST_ID, Wrong, read_at
from doors.http.bodies import read_object
from doors.http.command_bodies import schema_of


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a body.

    `read`: returns its value, or raises `Wrong`.
    `schema`: its JSON schema.
    `required`: whether it must be there. An optional one may be null, which is the same as absent.
    """

    read: Callable[[object], Any]
    schema: Mapping[str, Any]
    required: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """A body: its name in the description of the API, its fields, and an example.

    `at_least_one`: fields of which one must be there.
    """

    name: str
    fields: Mapping[str, Field]
    example: Mapping[str, Any]
    at_least_one: tuple[str, ...] = ()

    async def of(self, request: Request) -> dict[str, Any]:
        """The fields that the body of a request has. Raises `Problem` and `Faults`."""
        return self.read(await read_object(request))

    def read(self, document: Mapping[str, object], place: str = "") -> dict[str, Any]:
        """The fields that a document has, each read. Raises `Faults` with all that is wrong."""
        allowed = ", ".join(self.fields)
        faults = [
            Fault(place + name[:100], f"is no field here; allowed are {allowed}")
            for name in document
            if name not in self.fields
        ]
        values: dict[str, Any] = {}
        for name, field in self.fields.items():
            if document.get(name) is None:
                if field.required:
                    faults.append(Fault(place + name, MISSING))
            else:
                values[name] = read_at(place + name, document[name], field.read, faults)
        if self.at_least_one and not values.keys() & set(self.at_least_one):
            words = inputs.either(self.at_least_one)
            faults.append(Fault(place + self.at_least_one[0], f"at least one of {words} is needed"))
        if faults:
            raise Faults(faults)
        return values

    def json_schema(self) -> dict[str, Any]:
        """The JSON schema of the body."""
        schema: dict[str, Any] = {
            "type": "object",
            "title": self.name,
            "additionalProperties": False,
            "properties": {
                name: dict(field.schema) if field.required else _or_null(field.schema)
                for name, field in self.fields.items()
            },
            "required": [name for name, field in self.fields.items() if field.required],
        }
        if self.at_least_one:
            schema["anyOf"] = [
                {"required": [name], "properties": {name: {"not": {"type": "null"}}}}
                for name in self.at_least_one
            ]
        return schema


def _or_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in schema.items() if name != "description"}
    return {"anyOf": [rest, {"type": "null"}], "description": schema.get("description", "")}


def field(kind: AnyKind, *, required: bool = False) -> Field:
    """A field of a kind that commands have."""
    return Field(kind.read, {**schema_of(kind), "description": kind.help}, required)


def id_(about: str, *, required: bool = False) -> Field:
    """An id or a name. `about`: what it is."""
    schema = {"type": "string", "minLength": 1, "maxLength": LONGEST_ID, "description": about}
    return Field(inputs.read_id, schema, required)


def flag(about: str) -> Field:
    """True or false."""
    return Field(inputs.read_flag, {"type": "boolean", "description": about})


def whole(about: str, least: int, most: int, *, required: bool = False) -> Field:
    """A whole number within bounds."""
    schema = {"type": "integer", "minimum": least, "maximum": most, "description": about}
    return Field(lambda value: inputs.read_whole(value, least, most), schema, required)


def instant(about: str) -> Field:
    """An instant with an offset. It is required."""
    schema = {"type": "string", "format": "date-time", "description": about}
    return Field(_instant, schema, required=True)


def listed(
    about: str,
    of: Callable[[object], Any],
    items: Mapping[str, Any],
    most: int,
    *,
    least: int = 1,
    required: bool = False,
) -> Field:
    """A list of `least` to `most` values, each read by `of`. `items`: the JSON schema of one."""

    def read(value: object) -> list[Any]:
        if not isinstance(value, list) or not least <= len(value) <= most:
            inputs.wrong(f"must be a list of {least} to {most} values, not {shown(value)}")
        found = []
        for number, one in enumerate(value, start=1):
            try:
                found.append(of(one))
            except Wrong as error:
                inputs.wrong(f"value {number} of it {error}")
        return found

    schema = {
        "type": "array",
        "minItems": least,
        "maxItems": most,
        "items": dict(items),
        "description": about,
    }
    return Field(read, schema, required)


def mapping(value: object) -> dict[str, Any]:
    """A JSON object as it is. Who uses it checks what it holds."""
    if not isinstance(value, dict):
        inputs.wrong(f"must be an object, not {shown(value)}")
    return value


def _instant(value: object) -> Any:
    if not isinstance(value, str):
        inputs.wrong(f"must be an instant with an offset, not {shown(value)}")
    return inputs.read_instant(value)
