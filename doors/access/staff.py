"""Signing in: a person of the staff becomes a caller.

A sign-in that is refused always has the same words and takes the same time: for an unknown address,
a wrong password, a wrong code, and while attempts are locked.

    people = StaffSignIn(Sellers(perennial))
    token = await people.sign_in("ann@example.com", password, code, address="203.0.113.7")
    caller = await people.session_of(token)  # None: it has ended
    caller.require("extend")                 # raises NotAllowed
    await caller.do(Extend(subscription="s1", cycles=1, actor=caller.actor))
    await people.sign_out(token)
"""

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime

import structlog

from core.domain.endpoints import Sealed
from core.domain.faults import Faults
from core.domain.inputs import Wrong
from core.domain.roles import OF_MONEY
from core.domain.sign_in import read_password, read_staff_email
from core.gateways.derived_secrets import DerivedSecrets, UnknownKey
from core.ledger import passwords, sessions, staff, staff_codes, staff_rules
from core.ledger.acting import LONGEST_ADDRESS, Acting, as_one, from_here
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from core.ledger.sessions import How, SessionLine
from doors.access.caller import Caller
from doors.access.code_secrets import code_secret, code_secrets
from doors.access.sellers import Sellers

REFUSED = (
    "The address, the password or the code is wrong, or there were too many attempts. "
    "Wait a moment and try again."
)
LEAST_SECONDS = 0.5
"""A sign-in that is refused takes at least so long."""
_AT_ONCE = 4
"""Passwords that a process checks at the same time. Each takes 19 MiB."""
_LONGEST_CODE = 50

log = structlog.get_logger()


class SignInRefused(Exception):
    """The sign-in is refused. The message is for the person, and does not say why."""

    def __init__(self, told: str = REFUSED) -> None:
        super().__init__(told)


class CodeNeeded(SignInRefused):
    """The seller demands a code of the role, and the person has none yet."""

    def __init__(self, email: str) -> None:
        super().__init__(
            "Your role needs a code of an app. Ask an administrator to run "
            f"`starter.py staff totp {email}`."
        )


@dataclass(frozen=True, slots=True)
class Shown:
    """What a person shows to sign in, as it was written, and where from."""

    email: str
    password: str
    code: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffCaller(Caller):
    """A person of the staff who has signed in. `session`: the session in use."""

    session: SessionLine


class StaffSignIn:
    """Signs people in, finds their sessions, and signs them out.

    `least_seconds`: a sign-in that is refused takes at least so long.
    """

    def __init__(self, sellers: Sellers, *, least_seconds: float = LEAST_SECONDS) -> None:
        self._sellers = sellers
        self._least_seconds = least_seconds
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        self._keys = code_secrets(sellers.first.config)

    async def sign_in(
        self,
        email: str,
        password: str,
        code: str = "",
        *,
        address: str,
        seller: str | None = None,
    ) -> str:
        """Begin a session. Returns its token, which is told to the browser and stored nowhere.

        `email`, `password`, `code`: as the person wrote them, of any length and content. `code` is
        one of the app or a recovery code, and needed by people who have codes.
        `address`: where the request comes from, for the record.
        `seller`: default, the seller of the connection.

        The token of an earlier session is not used. So end that one with `sign_out` if there is
        one. Raises `SignInRefused`, `CodeNeeded` when all but the code is right and the seller
        demands one of the role, and `NotAvailable` when the database is away.
        """
        began = time.monotonic()
        within = self._sellers.within(seller or self._sellers.first.ledger.seller)
        async with self._at_once:
            token = await within.read(_sign_in, self._keys, Shown(email, password, code, address))
        if token is None:
            await asyncio.sleep(max(0.0, began + self._least_seconds - time.monotonic()))
            raise SignInRefused
        return token

    async def sign_in_by_openid(
        self, email: str, *, address: str, seller: str | None = None
    ) -> str:
        """Begin a session of the person with an address that a provider has verified.

        `email`: of `OpenId.email_of`. Returns the token. No code is asked for: the provider has
        asked for what it wants. Raises `SignInRefused` for an address that is not staff, or was
        switched off.
        """
        within = self._sellers.within(seller or self._sellers.first.ledger.seller)
        token = await within.read(_sign_in_by_openid, email, address)
        if token is None:
            raise SignInRefused
        return token

    async def session_of(self, token: str, *, used: bool = True) -> StaffCaller | None:
        """The caller of a token. None for one that is unknown, or whose session has ended.

        It ends 30 minutes after the last request of a person (`used`) or of a viewer, 12 hours
        after the sign-in, at `sign_out`, when the person is switched off, and with a new password.
        The role is that of now. Records of the audit in the rest of the request name this person.
        """
        first = self._sellers.first
        found = await first.read(sessions.session_of, token, machine_now(), used=used)
        if found is None:
            return None
        within = self._sellers.within(found.seller)
        from_here(Acting(found.actor, f"session/{found.id}", found.address))
        return StaffCaller(
            role=found.role,
            who=f"staff/{found.staff}",
            actor=found.actor,
            by=f"session/{found.id}",
            address=found.address,
            perennial=within,
            session=found,
        )

    async def sign_out(self, token: str) -> None:
        """End the session of a token, at once and for good. One that has ended stays ended."""
        await self._sellers.first.read(_sign_out, token)


def _sign_in(ledger: Ledger, keys: DerivedSecrets, shown: Shown) -> str | None:
    """The token of a new session. None: refused. Raises `CodeNeeded`."""
    now = machine_now()
    try:
        email, password = read_staff_email(shown.email), read_password(shown.password)
    except Wrong:
        return None
    place = shown.address[:LONGEST_ADDRESS]
    attempt = staff.begin_attempt(ledger, email, now, place)
    right = passwords.is_right(None if attempt is None else attempt.password, password)
    if attempt is None or attempt.person is None or not right:
        return None
    person, how = attempt.person, How.PASSWORD
    if attempt.code is not None:
        if not _use_code(ledger, keys, person.id, attempt.code, shown.code[:_LONGEST_CODE], now):
            return None
        how = How.CODE
    elif person.role in OF_MONEY and _codes_are_required(ledger):
        raise CodeNeeded(email)
    return sessions.start(ledger, person.id, how=how, address=place, now=now)


def _sign_in_by_openid(ledger: Ledger, email: str, address: str) -> str | None:
    with ledger.read() as connection:
        try:
            person = staff.find(connection, ledger.seller, email)
        except Faults:
            return None
    if person.off_at is not None:
        return None
    place, now = address[:LONGEST_ADDRESS], machine_now()
    return sessions.start(ledger, person.id, how=How.OPENID, address=place, now=now)


def _use_code(
    ledger: Ledger, keys: DerivedSecrets, person: str, sealed: Sealed, code: str, now: datetime
) -> bool:
    try:
        secret: bytes | None = code_secret(keys, sealed)
    except UnknownKey as error:
        log.error("staff_key_missing", staff=person, error=str(error))
        secret = None
    return staff_codes.use(ledger, person, secret, code, now)


def _codes_are_required(ledger: Ledger) -> bool:
    with ledger.read() as connection:
        return staff_rules.codes_are_required(connection, ledger.seller)


def _sign_out(ledger: Ledger, token: str) -> None:
    now = machine_now()
    found = sessions.session_of(ledger, token, now)
    if found is None:
        return
    one = Acting(found.actor, f"session/{found.id}", found.address)
    with as_one(one), ledger.transaction("staff_sign_out") as connection:
        sessions.end(connection, found.seller, found.id, now)
