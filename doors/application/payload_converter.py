"""Converts messages to JSON by pydantic, like the converter of the SDK.

All converters of a process share one cache of type adapters. The SDK makes a converter for each
workflow that wakes, and building the adapters costs more than a renewal.
"""

from dataclasses import replace
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import PydanticJSONPlainPayloadConverter, pydantic_data_converter
from temporalio.converter import (
    CompositePayloadConverter,
    DefaultPayloadConverter,
    JSONPlainPayloadConverter,
)


@lru_cache(maxsize=1024)
def _adapter(hint: Any) -> TypeAdapter[Any]:
    return TypeAdapter(hint)


class _Json(PydanticJSONPlainPayloadConverter):
    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Any:
        return _adapter(Any if type_hint is None else type_hint).validate_json(payload.data)


class Payloads(CompositePayloadConverter):
    """The SDK's converters, with JSON by pydantic."""

    def __init__(self) -> None:
        converters = DefaultPayloadConverter.default_encoding_payload_converters
        super().__init__(
            *(
                _Json() if isinstance(converter, JSONPlainPayloadConverter) else converter
                for converter in converters
            )
        )


data_converter = replace(pydantic_data_converter, payload_converter_class=Payloads)
