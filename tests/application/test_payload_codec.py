"""What Temporal keeps is encrypted, and keys are rotated (docs/decisions/0036)."""

import pytest
from pydantic import ValidationError
from temporalio.api.common.v1 import Payload

from core.domain.commands.purchase import Purchase
from core.protocol.activity_messages import CommandRequest
from doors.application.payload_codec import ENCODING, CannotDecrypt, EncryptedPayloads, key_id
from doors.application.payload_converter import converter_of, data_converter
from doors.commandline import server_status
from settings import Settings
from tests.ledger.conftest import DAY

OLD, NEW = "old" * 16, "new" * 16
REQUEST = CommandRequest(
    command=Purchase(subscription="s1", account="acme", sku="PRO", actor="ann@example.com"), now=DAY
)


async def encrypted(*keys: str) -> Payload:
    [payload] = await converter_of(keys).encode([REQUEST])
    return payload


async def test_what_was_encrypted_is_the_same_again_and_tells_nothing_meanwhile() -> None:
    payload = await encrypted(NEW)
    assert b"acme" not in payload.SerializeToString()
    assert b"ann@" not in payload.SerializeToString()
    assert payload.metadata == {"encoding": ENCODING, "key": key_id(NEW).encode()}
    assert await converter_of([NEW]).decode([payload], [CommandRequest]) == [REQUEST]
    assert (await encrypted(NEW)).data != payload.data


async def test_the_newest_key_encrypts_and_older_keys_still_decrypt() -> None:
    before = await encrypted(OLD)
    rotated = converter_of([NEW, OLD])
    assert (await encrypted(NEW, OLD)).metadata["key"] == key_id(NEW).encode()
    assert await rotated.decode([before], [CommandRequest]) == [REQUEST]
    with pytest.raises(CannotDecrypt, match=f"key {key_id(OLD)}.*PERENNIAL_PAYLOAD_KEYS"):
        await converter_of([NEW]).decode([before], [CommandRequest])


async def test_what_was_written_without_a_key_is_read_as_it_is() -> None:
    [plain] = await data_converter.encode([REQUEST])
    assert await converter_of([NEW]).decode([plain], [CommandRequest]) == [REQUEST]


@pytest.mark.parametrize("place", [0, 20, -1])
async def test_a_payload_that_was_changed_is_refused(place: int) -> None:
    payload = await encrypted(NEW)
    data = bytearray(payload.data)
    data[place] ^= 1
    changed = Payload(metadata=dict(payload.metadata), data=bytes(data))
    with pytest.raises(CannotDecrypt, match="changed"):
        await EncryptedPayloads([NEW]).decode([changed])


async def test_a_payload_does_not_pass_for_one_of_another_key() -> None:
    payload = await encrypted(OLD)
    changed = Payload(metadata={"encoding": ENCODING, "key": key_id(NEW).encode()})
    changed.data = payload.data
    with pytest.raises(CannotDecrypt):
        await EncryptedPayloads([NEW, OLD]).decode([changed])


async def test_a_payload_that_is_no_more_than_a_name_is_refused() -> None:
    for data in (b"", b"short"):
        metadata = {"encoding": ENCODING, "key": key_id(NEW).encode()}
        with pytest.raises(CannotDecrypt):
            await EncryptedPayloads([NEW]).decode([Payload(metadata=metadata, data=data)])


def test_without_a_key_nothing_is_encrypted_and_the_status_says_so() -> None:
    assert converter_of([]) is data_converter
    assert "is not encrypted" in server_status.of_payloads(Settings())
    told = server_status.of_payloads(Settings(payload_keys=f"{NEW},{OLD}"))
    assert told == (
        f"What Temporal keeps is encrypted with the key {key_id(NEW)}; {key_id(OLD)} still decrypt."
    )
    assert NEW not in told


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="32 random characters"):
        Settings(payload_keys="short")
