"""Prepares an installation: tables, terms, catalogue, accounts, test clocks.

Errors are faults of the input or refusals.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from sqlalchemy.exc import IntegrityError

from activities.open_account import NewAccount, open_in
from core.domain import policy as policies
from core.domain.profiles import SellerProfile
from core.domain.refusal import Refused
from core.domain.rules import Rule
from core.domain.taxes import TaxRate
from core.ledger import audit, clocks, profiles, seller_wallets
from core.ledger.clocks import machine_now, now_of
from core.ledger.database import connect, migrate
from core.ledger.ledger import Ledger
from core.ledger.stored_terms import ensure_policy, stored_entries
from doors.application import new_terms
from doors.commandline.inputs import wrong
from doors.queries.snapshot import NotFound


def prepare(database_url: str, seller: str) -> None:
    """Bring the tables to their newest version.

    A seller without terms gets the defaults (Rule 14).
    """
    migrate(database_url)
    engine = connect(database_url, pool_size=1)
    try:
        ensure_seller(Ledger(engine, seller))
    finally:
        engine.dispose()


def ensure_seller(ledger: Ledger) -> None:
    """Create the seller with the default terms, unless it has terms."""
    with ledger.transaction("terms") as connection:
        ensure_policy(connection, ledger.seller)


def load_policy(ledger: Ledger, document: object) -> int:
    """Put a policy in force and return its version. Raises `Faults`."""
    policy = policies.load({} if document is None else document)
    with ledger.transaction("terms") as connection:
        return new_terms.put_policy(connection, ledger.seller, policy)


def load_catalog(ledger: Ledger, entries: object) -> int:
    """Add entries to the catalogue and return how many are new. Raises `Faults`."""
    if not isinstance(entries, Iterable) or isinstance(entries, str | bytes | Mapping):
        wrong("catalog", "must be a list of SKUs, or a mapping with the key catalog")
    found = list(entries)
    with ledger.read() as connection:
        new = new_terms.new_entries(found, stored_entries(connection, ledger.seller))
    with ledger.transaction("catalog") as connection:
        return new_terms.add_entries(connection, ledger.seller, new).new


def open_new_account(ledger: Ledger, account: NewAccount) -> None:
    """Open an account now, by its clock.

    Raises `Refused` (Rule 4.1) if the id exists, and NotFound for an unknown clock.
    """
    ensure_seller(ledger)
    with ledger.engine.connect() as connection:
        try:
            now = now_of(connection, ledger.seller, account.clock)
        except LookupError as error:
            raise NotFound(str(error)) from None
    try:
        with ledger.transaction("open_account") as connection:
            open_in(connection, ledger, account, now)
            audit.add(connection, ledger.seller, "open_account", subject=account.id)
    except IntegrityError:
        raise Refused(Rule.PURCHASE, f"account {account.id} exists") from None


def new_clock(ledger: Ledger, clock: str, now: datetime) -> None:
    """Make a test clock. Raises `Refused` if the id exists."""
    try:
        with ledger.transaction("new_clock") as connection:
            clocks.create(connection, ledger.seller, clock, now)
            audit.add(connection, ledger.seller, "create_clock", subject=clock)
    except IntegrityError:
        raise Refused(Rule.PURCHASE, f"test clock {clock} exists") from None


def top_up_seller(
    ledger: Ledger, currency: str, amount: Decimal, *, request_id: str, actor: str
) -> tuple[bool, Decimal]:
    """Put money into the seller's own wallet (Rule 11.5).

    Returns whether it was put in now, and what the wallet holds.
    """
    ensure_seller(ledger)
    with ledger.transaction("seller_top_up") as connection:
        anew = seller_wallets.top_up(
            connection,
            ledger.seller,
            currency,
            amount,
            at=machine_now(),
            request_id=request_id,
            actor=actor,
        )
        if anew:
            after = {"currency": currency, "amount": str(amount)}
            audit.add(
                connection, ledger.seller, "top_up_seller", request_id=request_id, after=after
            )
        return anew, seller_wallets.balance(connection, ledger.seller, currency)


def set_seller_profile(
    ledger: Ledger, changes: Mapping[str, str | bytes | None], actor: str
) -> SellerProfile:
    """Change what documents show of the seller, from the next invoice on.

    `changes`: the fields of `SellerProfile` that change. Returns the profile in force.
    """
    ensure_seller(ledger)
    with ledger.transaction("seller_profile") as connection:
        before = profiles.seller_profile(connection, ledger.seller)
        after = replace(before, **changes)  # type: ignore[arg-type]
        profiles.add_seller_profile(connection, ledger.seller, after, at=machine_now(), actor=actor)
        changed = {"changed": sorted(changes)}
        audit.add(connection, ledger.seller, "change_seller_profile", after=changed)
        return after


def add_tax_rate(ledger: Ledger, rate: TaxRate, actor: str) -> None:
    """Add a tax rate. Invoices that are dated on its first day or later show it.

    A rate that is in force already is not stored again.
    """
    ensure_seller(ledger)
    with ledger.transaction("tax_rate") as connection:
        same = [
            each
            for each in profiles.tax_rates(connection, ledger.seller)
            if (each.country, each.since) == (rate.country, rate.since)
        ]
        if same and same[-1] == rate:
            return
        profiles.add_tax_rate(connection, ledger.seller, rate, at=machine_now(), actor=actor)
        added = {"country": rate.country, "since": str(rate.since), "percent": str(rate.percent)}
        audit.add(connection, ledger.seller, "add_tax_rate", after=added)
