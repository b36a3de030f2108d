"""What the commands of webhooks and messages share: keys, names, a test, sending again."""

from collections.abc import Sequence

from sqlalchemy import Connection

from core.domain.acts import Act
from core.domain.deliveries import Answer, DeliveryState
from core.domain.endpoints import EndpointKind
from core.domain.inputs import read_choice, required
from core.domain.refusal import Refused
from core.domain.rules import Rule
from core.gateways.webhook_secrets import SecretKeys, UnknownKey
from core.ledger import audit, deliveries, endpoints
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from doors.application import webhook_tests
from doors.application.patience import Patience
from doors.commandline import inputs
from doors.commandline.connection import ledger
from doors.commandline.exit_codes import Code, Ended
from doors.queries.deliveries import list_messages, require_messages
from settings import Settings, keys_of

_PAGE = 1000


def keys(config: Settings) -> SecretKeys:
    """The keys of the secrets. Raises `Ended` when none is set."""
    if config.webhook_keys is None:
        raise Ended(
            "No key for the secrets of webhooks is set.\nSet PERENNIAL_WEBHOOK_KEYS, here and for "
            "the workers, to the output of\n"
            '  python -c "import secrets; print(secrets.token_hex(32))"',
            Code.BAD_INPUT,
        )
    return SecretKeys(keys_of(config.webhook_keys))


def record(opened: Ledger, connection: Connection, act: Act, name: str) -> None:
    """Record in the audit what is done with an endpoint, in the transaction that does it."""
    audit.add(connection, opened.seller, act, subject=webhook_tests.subject_of(name))


def require_https(url: str, config: Settings) -> None:
    """Raise `Faults` for an address without TLS, unless the settings allow it."""
    if url.startswith("http:") and not config.webhook_private:
        inputs.wrong("URL", "http is not allowed; use https, or set PERENNIAL_WEBHOOK_PRIVATE=true")


def state(place: str, value: str | None) -> DeliveryState | None:
    """A state of a message, or None. Raises `Faults`."""
    if value is None:
        return None
    return required(place, value, lambda given: read_choice(given, DeliveryState))


def known(opened: Ledger, name: str) -> str:
    """The name of an endpoint that exists. Raises `Refused`."""
    with opened.read() as connection:
        endpoints.find(connection, opened.seller, name)
    return name


async def send_test(config: Settings, name: str) -> Answer:
    """Send a test message to an endpoint. Raises `Refused` and `Ended`."""
    secret_keys = keys(config)
    with ledger(config) as opened:
        try:
            return await webhook_tests.send_test(
                opened, Patience(config.patience_seconds), config, secret_keys, name
            )
        except UnknownKey as error:
            raise Ended(f"The test was not sent: {error}.", Code.BAD_INPUT) from None


def resend(opened: Ledger, ids: Sequence[int]) -> int:
    """Send messages again. Returns how many: those whose endpoint is on.

    Raises NotFound for one that does not exist.
    """
    require_messages(opened, ids)
    return _resend(opened, ids)


def resend_failed(opened: Ledger, name: str) -> int:
    """Send all failed messages of an endpoint again, in pages. Returns how many.

    Raises `Refused` when there is no such endpoint, or when it is off.
    """
    with opened.read() as connection:
        row = endpoints.find(connection, opened.seller, name, mails=True)
        if row.off_at is not None:
            on = f"webhook on {name}" if row.kind == EndpointKind.WEBHOOK else "mail on"
            raise Refused(
                Rule.MESSAGES, f"endpoint {name} is switched off; `starter.py {on}` comes first"
            )
    total = 0
    while page := list_messages(opened, endpoint=name, state=DeliveryState.FAILED, most=_PAGE):
        total += _resend(opened, [line.id for line in page])
    return total


def _resend(opened: Ledger, ids: Sequence[int]) -> int:
    with opened.transaction("message_resend") as connection:
        again = deliveries.resend(connection, ids, machine_now())
        after = {"messages": list(ids), "sent_again": again}
        audit.add(connection, opened.seller, "resend_messages", after=after)
        return again
