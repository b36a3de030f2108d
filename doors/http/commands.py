"""Commands and their previews: an endpoint for each, made from its one description."""

from http import HTTPStatus
from typing import Any

from fastapi import Request
from pydantic import TypeAdapter
from starlette.responses import JSONResponse, Response
from temporalio.client import WorkflowUpdateFailedError
from temporalio.service import RPCError

from core.domain.commands import COMMANDS, RESULTS
from core.domain.commands.base import Command
from core.ledger.approvals import ApprovalLine
from core.protocol.activity_messages import CommandResult
from doors.access.second_person import SecondPersonNeeded
from doors.application.patience import OutcomeUnknown
from doors.application.plain_data import data
from doors.application.previews import Preview
from doors.http.bodies import read_object
from doors.http.callers import Caller, Calling
from doors.http.command_bodies import body_name, read_command
from doors.http.examples import example_of
from doors.http.parameters import IdempotencyKey
from doors.http.problems import refused
from doors.http.routes import Routes, place_of

POLL_SECONDS = 2
"""Seconds after which a caller looks again at a command that has no outcome yet."""

routes = Routes("commands")


async def _carry_out(caller: Caller, command: Any) -> Response:
    request_id = command.request_id
    with caller.in_flight.only(caller.seller, request_id):
        try:
            result = await caller.do(command)
        except SecondPersonNeeded as needed:
            return _asked(needed.approval)
        except (OutcomeUnknown, RPCError, WorkflowUpdateFailedError):
            return _unknown(command.do, request_id)
    if result.refusal is not None:
        raise refused(result.refusal)
    headers = {"Idempotent-Replayed": "true"} if result.replayed else {}
    return JSONResponse(done(command.do, request_id, result), headers=headers)


def done(do: str, request_id: str, result: CommandResult) -> dict[str, Any]:
    """What a caller is told of a command that was carried out."""
    return {
        "do": do,
        "request_id": request_id,
        "state": "done",
        "sentence": "" if result.result is None else result.result.sentence(),
        "result": {} if result.result is None else data(result.result.data()),
    }


def _asked(line: ApprovalLine) -> Response:
    """The response to a command that a second person has to approve. It did nothing."""
    place = place_of("approvals", str(line.id))
    return JSONResponse(
        {
            "do": line.do,
            "request_id": line.request_id,
            "state": "open",
            "poll": place,
            "approval": line.id,
            "next": f"A second one has to approve it, because {line.why}. It is {line.state} now. "
            "Look at `poll`, or send the same request again.",
        },
        HTTPStatus.ACCEPTED,
        headers={"Location": place, "Retry-After": str(POLL_SECONDS)},
    )


def _unknown(do: str, request_id: str) -> Response:
    """The response while no outcome has come. The command may still be carried out."""
    place = place_of("requests", request_id)
    return JSONResponse(
        {
            "do": do,
            "request_id": request_id,
            "state": "open",
            "poll": place,
            "next": "Look at `poll`, or send the same request again: it does not run twice.",
        },
        HTTPStatus.ACCEPTED,
        headers={"Location": place, "Retry-After": str(POLL_SECONDS)},
    )


def _add(do: str, command: type[Command]) -> None:
    about = (command.__doc__ or "").strip()
    summary = about.splitlines()[0].rstrip(".")

    async def run(caller: Calling, request: Request, key: IdempotencyKey) -> Response:
        document = await read_object(request)
        made = read_command(command, document, request_id=key, actor=caller.actor)
        return await _carry_out(caller, made)

    async def preview(caller: Calling, request: Request, key: IdempotencyKey) -> Response:
        document = await read_object(request)
        made = read_command(command, document, request_id=key, actor=caller.actor)
        return JSONResponse(data(await caller.perennial.preview(made)))

    body = {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": f"#/components/schemas/{body_name(command)}"},
                    "examples": {"usual": {"value": example_of(command, do)}},
                }
            },
        }
    }
    routes.post(
        f"/commands/{do}",
        do,
        do,
        run,
        summary=summary,
        description=f"{about}\n\nRule {command.rule}.",
        openapi_extra=body,
        responses={200: _done(do), 202: _OPEN},
    )
    routes.post(
        f"/previews/{do}",
        do,
        f"preview_{do}",
        preview,
        summary=f"Preview: {summary}",
        description=f"What `{do}` would do now. Nothing is done. A refusal is a result.",
        openapi_extra=body,
        response_model=Preview,
    )


def _json(description: str, schema: dict[str, Any], **beside: Any) -> dict[str, Any]:
    return {
        "description": description,
        "content": {"application/json": {"schema": schema}},
        **beside,
    }


def _done(do: str) -> dict[str, Any]:
    """The response of a command that was carried out. Fields of the result may be absent."""
    result = TypeAdapter(RESULTS[do]).json_schema(mode="serialization")
    result.pop("required", None)
    result["properties"] = {k: v for k, v in result["properties"].items() if k != "do"}
    schema = {
        "type": "object",
        "required": ["do", "request_id", "state", "sentence", "result"],
        "properties": {
            "do": {"const": do},
            "request_id": {"type": "string"},
            "state": {"const": "done"},
            "sentence": {"type": "string", "description": "What was done, for a person."},
            "result": result,
        },
    }
    replayed = {
        "description": "true: it had been done before, and nothing was done again.",
        "schema": {"type": "string", "enum": ["true"]},
    }
    return _json("It is done.", schema, headers={"Idempotent-Replayed": replayed})


_OPEN = _json(
    "No outcome has come in time. It may still be carried out. With `approval`, it waits for a "
    "second person.",
    {
        "type": "object",
        "required": ["do", "request_id", "state", "poll", "next"],
        "properties": {
            "do": {"type": "string"},
            "request_id": {"type": "string"},
            "state": {"const": "open"},
            "poll": {"type": "string", "description": "The path that tells what became of it."},
            "approval": {"type": "string", "description": "What a second person approves."},
            "next": {"type": "string"},
        },
    },
)

for _do, _command in COMMANDS.items():
    _add(_do, _command)
