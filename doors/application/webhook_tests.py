"""A signed test message to an endpoint, sent at once from this process (docs/webhooks.md)."""

import json
from uuid import uuid4

from core.domain.deliveries import Answer
from core.domain.endpoints import Sealed
from core.domain.event_payloads import trial_body
from core.gateways.webhook_secrets import SecretKeys
from core.gateways.webhooks import Webhooks
from core.ledger import audit, endpoints
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from doors.application.patience import Patience
from settings import Settings


def subject_of(name: str) -> str:
    """An endpoint as the subject of a record of the audit."""
    return f"webhook/{name}"


async def send_test(
    ledger: Ledger, patience: Patience, config: Settings, keys: SecretKeys, name: str
) -> Answer:
    """Send a test message to an endpoint of the seller, and return its response.

    It is in the audit.
    Raises `Refused` for an endpoint that does not exist, `NotAvailable`, and
    `core.gateways.webhook_secrets.UnknownKey` when the key of its secret is not set.
    """
    now = machine_now()

    def secrets_and_url() -> tuple[list[Sealed], str]:
        with ledger.read() as connection:
            row = endpoints.find(connection, ledger.seller, name)
        audit.record(ledger, "test_webhook", subject=subject_of(name))
        return endpoints.secrets_of(row, now), row.url

    sealed, url = await patience.in_thread(secrets_and_url)
    id_ = f"test-{uuid4()}"
    content = json.dumps(trial_body(id_, now))
    headers = keys.headers(sealed, id_, now, content)
    sender = Webhooks(allow_private=config.webhook_private, seconds=config.webhook_seconds)
    try:
        return await sender.post(url, headers, content.encode())
    finally:
        sender.close()
