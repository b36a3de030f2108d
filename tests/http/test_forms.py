"""Whatever stands in a field of a body, it is a value or a fault, never an error of its own."""

import importlib
import pkgutil
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from core.domain.commands import COMMANDS
from core.domain.faults import Faults
from core.domain.inputs import Wrong
from doors import http
from doors.http.command_bodies import read_command
from doors.http.forms import Form

HOSTILE: tuple[Any, ...] = (
    *(None, True, 0, -1, 1.5, 10**18, 10**30, float("1e300"), "", "x" * 5000, "a\x00b", "\ud800"),
    *("\r\nX: y", "2021-02-30", "9999-12-31T23:59:59+14:00", "0001-01-01T00:00:00-14:00", "1e5"),
    *([], {}, [[]], {"a": {"a": {}}}, ["a"] * 2000, [None], [{}], {"": ""}, {"a\x00": []}),
    *("99999999999999999999.99", "١", date(2021, 1, 1)),
)


def forms() -> Iterator[Form]:
    """Each form of a body that an endpoint reads."""
    for module in pkgutil.iter_modules(http.__path__, f"{http.__name__}."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, Form):
                yield value


FORMS = {form.name: form for form in forms()}


def test_there_are_forms() -> None:
    assert {"NewCampaign", "TermsToLookAt", "ImportToUndo"} <= set(FORMS)


@pytest.mark.parametrize("name", FORMS)
def test_a_field_of_a_form_is_read_or_is_a_fault(name: str) -> None:
    for field in FORMS[name].fields.values():
        for value in HOSTILE:
            try:
                field.read(value)
            except (Wrong, Faults):
                continue


@pytest.mark.parametrize("do", COMMANDS)
def test_a_field_of_a_command_is_read_or_is_a_fault(do: str) -> None:
    from tests.http.test_access import body_of

    body = body_of(do)
    for name in body:
        for value in HOSTILE:
            try:
                read_command(COMMANDS[do], body | {name: value}, request_id="r", actor="a")
            except Faults:
                continue
