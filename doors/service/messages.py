"""The role `messages`: it delivers what waits for endpoints (Rule 12, docs/decisions/0025).

Each endpoint has a lane of its own, with a bound of connections. So an endpoint that hangs holds up
no other one. A lane takes messages from the database, sends them, and notes what came of them. An
endpoint that fails is left alone for growing times, and is then tried with one message.

Several of these roles can run. They take different messages (SKIP LOCKED).
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol, assert_never

import structlog
from sqlalchemy import Row
from temporalio.runtime import Runtime

from activities.alarm_mails import write_alarm
from activities.mails import write_mail
from core.documents.mails import MailTexts
from core.documents.own_templates import BadTemplates
from core.domain.alarms import Raised
from core.domain.deliveries import Answer
from core.domain.documents import NotOffered
from core.domain.endpoints import EndpointKind
from core.domain.event_payloads import body, message_id
from core.domain.mails import Mail, NoMail, NotYet
from core.gateways.mail_transports import Folder, MailTransport, Smtp
from core.gateways.webhook_secrets import SecretKeys, UnknownKey
from core.gateways.webhooks import Webhooks
from core.ledger import alarms, deliveries, endpoints
from core.ledger.clocks import machine_now
from core.ledger.deliveries import Taken
from core.ledger.ledger import Ledger
from doors.application.patience import first_line
from settings import Settings, keys_of

log = structlog.get_logger()

_LONGEST_WAIT = 60.0
_TIDIED_EVERY = timedelta(seconds=30)
_NOT_TRIED = timedelta(seconds=2)
"""After so long a message is tried that was taken and not tried."""
_ROUNDS = 4
"""So many messages for each connection are taken at once."""

Pause = Callable[[float], Awaitable[None]]


def _shows_that_it_works(answer: Answer) -> bool:
    """Whether others may go on: it was taken, or it alone was not sent."""
    return answer.taken or answer.final or answer.dropped is not None


def mails_of(config: Settings) -> MailTransport | None:
    """How e-mails go out, as the settings say. None: they do not."""
    match config.mail:
        case "off":
            return None
        case "file":
            return Folder(config.mail_folder)
        case "smtp":
            password = config.smtp_password
            return Smtp(
                config.smtp_host,
                config.smtp_port,
                security=config.smtp_security,
                user=config.smtp_user,
                password=None if password is None else password.get_secret_value(),
            )
        case unreachable:
            assert_never(unreachable)


class Sender(Protocol):
    """What sends a message to an address."""

    async def post(self, url: str, headers: Any, content: bytes) -> Answer:
        """Send it once."""


class Messages:
    """Delivers the messages of one installation.

    `sender`: sends them. Default: over HTTP, as the settings allow.
    `now`: the clock. Default: the machine's.
    """

    def __init__(
        self,
        ledger: Ledger,
        config: Settings,
        sender: Sender | None = None,
        now: Callable[[], datetime] = machine_now,
    ) -> None:
        self._ledger = ledger
        self._config = config
        self._keys = SecretKeys(keys_of(config.webhook_keys))
        self._sender = sender or Webhooks(
            allow_private=config.webhook_private, seconds=config.webhook_seconds
        )
        self._mails = mails_of(config)
        self._texts = MailTexts(config.mail_templates)
        self._now = now
        self._lanes: dict[int, asyncio.Task[int]] = {}
        self._tidied: datetime | None = None

    async def run(self, pause: Pause) -> None:
        """Deliver until the task is cancelled. `pause` waits for a number of seconds."""
        interval = wait = self._config.messages_seconds
        try:
            while True:
                works = await self._look()
                wait = interval if works else min(max(wait * 2, 1.0), _LONGEST_WAIT)
                await pause(wait)
        finally:
            await self._stop()

    async def once(self) -> int:
        """Deliver what is due now. Returns how many messages were delivered."""
        await self._start_lanes()
        done = await asyncio.gather(*self._lanes.values())
        self._lanes.clear()
        await asyncio.to_thread(self._tidy)
        return sum(done)

    async def _look(self) -> bool:
        """Start lanes that have ended. Returns whether the database could be asked."""
        try:
            for lane in [lane for lane, task in self._lanes.items() if task.done()]:
                self._report(lane, self._lanes.pop(lane))
            await self._start_lanes()
            await asyncio.to_thread(self._tidy)
        except Exception as error:  # The role goes on after any error, and logs it.
            log.error("messages_failed", error=f"{type(error).__name__}: {first_line(error)}")
            return False
        return True

    def _report(self, lane: int, task: asyncio.Task[int]) -> None:
        error = task.exception()
        if error is not None:
            log.error(
                "messages_failed",
                endpoint=lane,
                error=f"{type(error).__name__}: {first_line(error)}",
            )
        elif delivered := task.result():
            log.info("messages_delivered", endpoint=lane, count=delivered)
            meter = Runtime.default().metric_meter
            meter.create_counter("perennial_delivered", "Messages that were delivered").add(
                delivered
            )

    async def _start_lanes(self) -> None:
        for endpoint in await asyncio.to_thread(self._ready):
            unsent = endpoint.kind != EndpointKind.WEBHOOK and self._mails is None
            if endpoint.id not in self._lanes and not unsent:
                self._lanes[endpoint.id] = asyncio.create_task(self._lane(endpoint))

    async def _stop(self) -> None:
        """Stop the lanes. What they send now is sent again by the next worker."""
        for task in self._lanes.values():
            task.cancel()
        await asyncio.gather(*self._lanes.values(), return_exceptions=True)
        self._lanes.clear()
        if isinstance(self._sender, Webhooks):
            self._sender.close()
        if self._mails is not None:
            await self._mails.close()

    async def _lane(self, endpoint: Row[Any]) -> int:
        """Deliver to one endpoint until nothing is due or it fails. Returns how many."""
        delivered = 0
        connections = 1 if endpoint.failures else self._config.webhook_connections
        most = 1 if endpoint.failures else connections * _ROUNDS
        while True:
            began = self._now()
            found = await asyncio.to_thread(self._take, endpoint.id, began, most)
            if found is None:
                return delivered
            endpoint, taken = found
            if not taken:
                continue
            ended = await self._send_all(endpoint, taken, began, connections)
            off = await asyncio.to_thread(self._end, endpoint, taken, ended)
            if off is not None:
                log.warning(
                    "endpoint_switched_off",
                    endpoint=endpoint.name,
                    seller=endpoint.seller,
                    why=off,
                    do="mend it, then run `starter.py webhook on`",
                )
            delivered += sum(answer.taken for _, answer in ended)
            if off is not None or not any(_shows_that_it_works(answer) for _, answer in ended):
                return delivered
            # It works again, so it gets all its connections.
            connections = self._config.webhook_connections
            most = connections * _ROUNDS

    async def _send_all(
        self, endpoint: Row[Any], taken: Sequence[Taken], began: datetime, connections: int
    ) -> list[tuple[Taken, Answer]]:
        """Send messages over some connections. One that was not tried is left out.

        None is tried any longer after one has failed while none was taken, or when another worker
        may take it over soon.
        """
        waiting, ended = list(reversed(taken)), list[tuple[Taken, Answer]]()
        patience = deliveries.TAKEN_FOR / 2

        def goes_on() -> bool:
            works = not ended or any(_shows_that_it_works(answer) for _, answer in ended)
            return bool(waiting) and works and self._now() - began < patience

        async def connection() -> None:
            while goes_on():
                one = waiting.pop()
                if (answer := await self._attempt(endpoint, one)) is not None:
                    ended.append((one, answer))

        async with asyncio.TaskGroup() as group:
            for _ in range(min(connections, len(taken))):
                group.create_task(connection())
        return ended

    async def _attempt(self, endpoint: Row[Any], taken: Taken) -> Answer | None:
        """Send one message. An error of this program is a failure of that message only."""
        try:
            return await self._send(endpoint, taken)
        except Exception as error:
            words = f"{type(error).__name__}: {first_line(error)}"
            log.error("message_failed", delivery=taken.delivery, error=words)
            return Answer(error=words[:500])

    async def _send(self, endpoint: Row[Any], taken: Taken) -> Answer | None:
        """Send one message. Returns None when it has to wait, and was not tried."""
        if endpoint.kind != EndpointKind.WEBHOOK or isinstance(taken.happened, Raised):
            return await self._send_mail(endpoint, taken)
        content = json.dumps(body(taken.happened), separators=(",", ":"), ensure_ascii=False)
        now = self._now()
        try:
            headers = self._keys.headers(
                endpoints.secrets_of(endpoint, now), message_id(taken.happened.seq), now, content
            )
        except UnknownKey as error:
            return Answer(error=str(error))
        answer = await self._sender.post(endpoint.url, headers, content.encode())
        return answer if answer.error is None else replace(answer, error=answer.error[:500])

    async def _send_mail(self, endpoint: Row[Any], taken: Taken) -> Answer | None:
        assert self._mails is not None
        try:
            mail = await asyncio.to_thread(self._write_mail, endpoint, taken)
        except (BadTemplates, NotOffered) as error:
            return Answer(error=f"the templates cannot be used: {error}"[:500])
        if isinstance(mail, NotYet):
            return None
        return (
            Answer(dropped=mail.why) if isinstance(mail, NoMail) else await self._mails.send(mail)
        )

    # These run in threads.

    def _ready(self) -> list[Row[Any]]:
        with self._ledger.read() as connection:
            return endpoints.ready(connection, self._now())

    def _take(self, endpoint: int, now: datetime, most: int) -> tuple[Row[Any], list[Taken]] | None:
        """The endpoint as it is now, and the messages that are taken for it."""
        with self._ledger.transaction("take_messages") as connection:
            row = endpoints.if_on(connection, endpoint)
            taken = None if row is None else deliveries.take(connection, row, now, most)
            return None if row is None or taken is None else (row, taken)

    def _end(
        self, endpoint: Row[Any], taken: Sequence[Taken], ended: Sequence[tuple[Taken, Answer]]
    ) -> str | None:
        tried = {one.delivery for one, _ in ended}
        left = [one for one in taken if one.delivery not in tried]
        now = self._now()
        with self._ledger.transaction("end_messages") as connection:
            if left:
                deliveries.give_back(connection, left, now + _NOT_TRIED)
            return deliveries.end(connection, endpoint.id, ended, now) if ended else None

    def _write_mail(self, endpoint: Row[Any], taken: Taken) -> Mail | NoMail | NotYet:
        if isinstance(taken.happened, Raised):
            return write_alarm(
                self._ledger,
                self._texts,
                taken.happened,
                endpoint=endpoint.id,
                sender=endpoint.sender,
                to=endpoint.seller_address,
                grace=timedelta(seconds=self._config.reconcile_grace_seconds),
                now=self._now(),
            )
        return write_mail(
            self._ledger,
            self._texts,
            taken.happened,
            endpoint=endpoint.id,
            sender=endpoint.sender,
            seller_address=endpoint.seller_address,
            now=self._now(),
            own_documents=self._config.document_templates,
        )

    def _tidy(self) -> int:
        now = self._now()
        if self._tidied is not None and now - self._tidied < _TIDIED_EVERY:
            return 0
        self._tidied = now
        with self._ledger.transaction("tidy_messages") as connection:
            alarms.raise_digests(connection, now)
            return deliveries.tidy(connection, now)
