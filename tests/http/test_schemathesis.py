"""Requests that are made from the description alone: none is an error of Perennial's own.

A bounded number of requests for each endpoint, always the same ones. Every response must be one
that the description has, in status, media type and JSON.
"""

import asyncio
import time

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from doors.http.application import application
from doors.http.description import describe
from doors.http.server import listen, serving
from tests.http.conftest import OpenApi
from tests.http.test_access import STREAMS

CASES = 4
"""So many requests are made for each endpoint."""
SECONDS = 300.0
"""After so long no further endpoint is tried, and so long each request may take.

On an idle machine all take less than a minute.
"""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def tried(document: dict[str, object], address: str, key: str) -> tuple[int, list[str]]:
    """Try each endpoint. Returns how many were tried, and what is wrong."""
    headers = {"Authorization": f"Bearer {key}"}
    schema = schemathesis.openapi.from_dict(document)
    began, count, wrong = time.monotonic(), 0, list[str]()
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.definition.raw["x-operation"] in STREAMS:
            continue
        if time.monotonic() - began > SECONDS:
            break

        @seed(1)
        @settings(
            max_examples=CASES,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def run(case: schemathesis.Case) -> None:
            response = case.call(base_url=address, headers=headers, timeout=SECONDS)
            case.validate_response(response, checks=CHECKS)

        try:
            run()
        except (FailureGroup, AssertionError) as error:
            causes = getattr(error, "exceptions", [error])
            wrong += [f"{operation.label}: {cause}" for cause in causes]
        count += 1
    return count, wrong


async def test_no_request_finds_an_error_of_its_own(open_api: OpenApi) -> None:
    async with open_api(workers=(), api_patience_seconds=SECONDS) as api:
        app = application(api.shop.perennial)
        at = listen("api", "127.0.0.1", 0, 5)
        async with serving(app, at) as address:
            count, wrong = await asyncio.to_thread(tried, describe(app), address, api.key())
    assert wrong == [], "\n\n".join(wrong)
    assert count > 50
