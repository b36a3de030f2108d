"""The description of the API: OpenAPI 3.1, made from the endpoints. docs/openapi.json holds it.

python -m doors.http.description     writes docs/openapi.json
"""

import json
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from core.domain.commands import COMMANDS
from doors.http.command_bodies import body_name, body_schema
from doors.http.problems import Kind
from settings import PROJECT

FILE = PROJECT / "docs" / "openapi.json"
ABOUT: dict[str, Any] = {
    "title": "Perennial",
    "version": "1",
    "summary": "Durable subscription renewals",
    "description": "docs/api.md describes keys, roles, idempotency, problems and pages.",
}

PROBLEM: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "What is wrong, and what to do next (RFC 9457).",
    "required": ["type", "title", "status", "detail", "instance", "next"],
    "properties": {
        "type": {"enum": [f"urn:perennial:problem:{kind}" for kind in Kind]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What happened, for a person."},
        "instance": {"type": "string", "description": "The id of the request, as in the log."},
        "next": {"type": "string", "description": "What to do next."},
        "rule": {"type": "string", "description": "The rule that refuses (docs/rules.md)."},
        "place": {"type": "string", "description": "The field or the parameter."},
        "allowed": {"description": "What is allowed there."},
        "faults": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["place", "reason"],
                "properties": {"place": {"type": "string"}, "reason": {"type": "string"}},
            },
        },
    },
}


def describe(app: FastAPI) -> dict[str, Any]:
    """The description of an application."""
    document = get_openapi(routes=app.state.endpoints, **ABOUT)
    schemas = document["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas |= {body_name(command): body_schema(command) for command in COMMANDS.values()}
    schemas["Problem"] = PROBLEM
    document["components"]["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "A key of the API: pk_…"}
    }
    document["security"] = [{"key": []}]
    return document


def as_text(document: dict[str, Any]) -> str:
    """A description as the text of a file."""
    return json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    from doors.http.application import application

    FILE.write_text(as_text(describe(application())))
