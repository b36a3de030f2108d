"""Workflows whose histories are encrypted, across a rotation of the keys, and what stays readable.

See docs/decisions/0036.
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.client import Client

from core.domain.commands.extend import Extend
from core.domain.commands.top_up import TopUp
from core.protocol.workflow_messages import account_workflow, subscription_workflow
from doors.application.payload_codec import ENCODING, key_id
from doors.application.perennial import Perennial
from doors.service.workers import ROLES, running
from tests.workflows.shop import FEBRUARY, JANUARY, Shop, settings_for

OLD, NEW = "old" * 16, "new" * 16
PERSON = "ann.of.acme@example.com"


def payloads(node: Any) -> Iterator[Payload]:
    """All payloads of a history in JSON."""
    if isinstance(node, list):
        for one in node:
            yield from payloads(one)
    elif isinstance(node, dict):
        metadata = node.get("metadata")
        if isinstance(metadata, dict) and "encoding" in metadata:
            known = {name: base64.b64decode(value) for name, value in metadata.items()}
            yield Payload(metadata=known, data=base64.b64decode(node.get("data", "")))
        else:
            for one in node.values():
                yield from payloads(one)


async def test_a_subscription_lives_on_while_keys_are_rotated(
    database: str, temporal_address: str
) -> None:
    config = settings_for(payload_keys=OLD)
    async with (
        Perennial.connect(database, temporal_address, config) as perennial,
        running(ROLES, perennial, config),
    ):
        shop = Shop(perennial, config)
        await shop.open(JANUARY)
        await shop.account()
        s = await shop.buy()
        await perennial.advance(shop.clock or "", FEBRUARY)
        before = (await perennial.state(s)).subscription
        assert before.cycles_paid == 2
    rotated = config.model_copy(
        update={"payload_keys": settings_for(payload_keys=f"{NEW},{OLD}").payload_keys}
    )
    async with (
        Perennial.connect(database, temporal_address, rotated) as perennial,
        running(ROLES, perennial, rotated),
    ):
        shop = replace(shop, perennial=perennial, config=rotated)
        extended = await perennial.do(Extend(subscription=s, cycles=1, actor=PERSON))
        assert extended.refusal is None
        paid = TopUp(account=shop.id("acme"), amount=Decimal(1), actor=PERSON)
        assert (await perennial.do(paid)).refusal is None
        assert (await perennial.state(s)).subscription.cycles_paid == 3
        outside = await Client.connect(temporal_address)
        for workflow in (subscription_workflow(s), account_workflow(shop.id("acme"))):
            handle = outside.get_workflow_handle(workflow)
            history = (await handle.fetch_history()).to_json_dict()
            found = list(payloads(history["events"]))
            plain = [it.data.decode() for it in found if it.metadata["encoding"] != ENCODING]
            # The core of the SDK notes which local activity ran when. It encrypts the outcome.
            assert all("activity_type" in text for text in plain)
            assert not any(word in text for text in plain for word in (PERSON, s, "acme", "50.00"))
            assert PERSON not in json.dumps(history)
            keys = {it.metadata["key"].decode() for it in found if "key" in it.metadata}
            assert key_id(NEW) in keys
            # What stays readable: ids, and what Temporal itself notes.
            described = await handle.describe()
            with pytest.raises(KeyError, match=ENCODING.decode()):
                await described.memo()
            mine = await perennial.temporal.get_workflow_handle(workflow).describe()
            assert await mine.memo() == {"seller": config.seller}
            assert all(
                pair.key.name.startswith(("BuildIds", "Temporal"))
                for pair in described.typed_search_attributes
            )
