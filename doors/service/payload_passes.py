"""Leaves out the SDK's passes over payloads when there is nothing to do in them.

The SDK goes through the payloads of each message of a workflow six times, three times on the way
in and three times on the way out: for a codec, for an external storage, and for references to it.
Without a codec and an external storage no pass changes anything. They cost a sixth of a replay
(bench/RESULTS.md). A message that refers to an external storage, which no worker of Perennial
writes, then fails in the converter and not in a pass.

The SDK has no option for that, so this replaces two functions inside it (docs/decisions/0042). It
is made for one version of the SDK and does nothing on another one.
`PERENNIAL_PAYLOAD_PASSES=true` leaves the SDK as it is.
"""

from collections.abc import Callable, Coroutine
from importlib.metadata import version
from typing import Any

import temporalio.bridge.worker as bridge
from temporalio.converter import DataConverter

SDK = "1.35.0"
"""The version of the SDK for which this is made."""

_Passes = Callable[..., Coroutine[Any, Any, Any]]
_OF_THE_SDK: tuple[_Passes, _Passes] = (bridge.decode_activation, bridge.encode_completion)


def use(*, always: bool) -> None:
    """Choose the passes of all workers of workflows in this process.

    `always`: make all of them, as the SDK does by itself. False: leave out what does nothing.
    """
    inwards, outwards = _OF_THE_SDK
    if not always and version("temporalio") == SDK:
        inwards, outwards = _unless_idle(inwards), _unless_idle(outwards)
    bridge.decode_activation, bridge.encode_completion = inwards, outwards


def _unless_idle(passes: _Passes) -> _Passes:
    """The passes, left out for a converter that has neither a codec nor an external storage."""
    from temporalio.converter._extstore import StorageOperationMetrics

    async def made(message: Any, converter: DataConverter, *args: Any, **options: Any) -> Any:
        if converter.payload_codec is None and converter.external_storage is None:
            return StorageOperationMetrics()
        return await passes(message, converter, *args, **options)

    return made
