"""Converts messages to JSON by pydantic, like the converter of the SDK.

A process has one converter with one cache of type adapters. The SDK makes a converter for each
activation of a workflow, and building the adapters costs more than a renewal.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import PydanticJSONPlainPayloadConverter, pydantic_data_converter
from temporalio.converter import (
    CompositePayloadConverter,
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    DefaultPayloadConverter,
    JSONPlainPayloadConverter,
    PayloadConverter,
)


@lru_cache(maxsize=1024)
def _adapter(hint: Any) -> TypeAdapter[Any]:
    return TypeAdapter(hint)


class _Json(PydanticJSONPlainPayloadConverter):
    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Any:
        return _adapter(Any if type_hint is None else type_hint).validate_json(payload.data)


_SHARED = CompositePayloadConverter(
    *(
        _Json() if isinstance(converter, JSONPlainPayloadConverter) else converter
        for converter in DefaultPayloadConverter.default_encoding_payload_converters
    )
)
"""The SDK's converters, with JSON by pydantic."""


class Payloads(PayloadConverter):
    """The converter of this process. It reads no serialization context."""

    def to_payloads(self, values: Sequence[Any]) -> list[Payload]:
        """Convert values to JSON."""
        return _SHARED.to_payloads(values)

    def from_payloads(
        self, payloads: Sequence[Payload], type_hints: list[type] | None = None
    ) -> list[Any]:
        """Convert JSON to values of the types that are hinted."""
        return _SHARED.from_payloads(payloads, type_hints)


data_converter = replace(pydantic_data_converter, payload_converter_class=Payloads)
"""The converter without encryption."""


def converter_of(keys: Sequence[str]) -> DataConverter:
    """The converter that encrypts with keys, the newest first. Without a key: `data_converter`."""
    if not keys:
        return data_converter
    from doors.application.payload_codec import EncryptedPayloads  # It loads a large library.

    return replace(
        data_converter,
        payload_codec=EncryptedPayloads(keys),
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )
