"""The secrets that sign webhooks (docs/decisions/0025)."""

import base64
from collections.abc import Sequence
from datetime import datetime

from standardwebhooks import Webhook

from core.domain.endpoints import Sealed
from core.gateways.derived_secrets import DerivedSecrets, UnknownKey

__all__ = ["SecretKeys", "UnknownKey"]


class SecretKeys(DerivedSecrets):
    """The keys of the environment, the newest first. None of them is ever shown."""

    def __init__(self, keys: Sequence[str]) -> None:
        super().__init__(keys, "webhook secret", "PERENNIAL_WEBHOOK_KEYS")

    def secret(self, sealed: Sealed) -> str:
        """The secret, as its receiver needs it: `whsec_` and 32 bytes in base64.

        Raises UnknownKey when its key is not set.
        """
        return f"whsec_{base64.b64encode(self.derived(sealed)).decode()}"

    def headers(
        self, sealed: Sequence[Sealed], id_: str, at: datetime, content: str
    ) -> dict[str, str]:
        """The headers that sign a message by the Standard Webhooks convention.

        `sealed`: the secrets that sign it. A receiver accepts any one of the signatures.
        `id_`: the id of the message, the same at each attempt.
        `at`: the instant of the attempt (UTC).

        Raises UnknownKey.
        """
        signed = [Webhook(self.secret(one)).sign(id_, at, content) for one in sealed]
        return {
            "webhook-id": id_,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(signed),
        }
