"""The seller itself: its own wallet, its profile on documents, its taxes (Rules 11.4, 11.5)."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from fastapi import Request
from sqlalchemy import Connection

from core.domain import inputs
from core.domain.commands import fields as kinds
from core.domain.inputs import Sign
from core.domain.profiles import LONGEST_LINE, SellerProfile, read_country
from core.domain.taxes import Shown, TaxRate
from core.ledger import profiles, seller_wallets
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from core.ledger.profiles import Version
from core.ledger.stored_terms import ensure_policy
from doors.application.plain_data import data
from doors.http import etags
from doors.http.callers import Calling
from doors.http.etags import IfMatch
from doors.http.forms import Field, Form, field
from doors.http.once import in_transaction, kept, once, told
from doors.http.pages import Listed
from doors.http.parameters import IdempotencyKey
from doors.http.routes import Answer, Routes

LONGEST_NAME = 40
"""Characters of the name of a tax."""

_CURRENCY = Field(
    inputs.read_currency,
    {"type": "string", "pattern": "^[A-Z]{3}$", "description": "ISO 4217 code."},
    required=True,
)
TOP_UP = Form(
    "SellerTopUp",
    {
        "currency": _CURRENCY,
        "amount": field(
            kinds.Amount(sign=Sign.POSITIVE, help="What is put into the wallet (rule 11.5)."),
            required=True,
        ),
    },
    example={"currency": "USD", "amount": "1000.00"},
)


def _line(about: str) -> Field:
    """A line of the profile. An empty text removes what was there."""

    def read(value: object) -> str:
        return "" if value == "" else inputs.read_text(value, LONGEST_LINE)

    return Field(read, {"type": "string", "maxLength": LONGEST_LINE, "description": about})


def _country(about: str, *, required: bool = False) -> Field:
    def read(value: object) -> str:
        return "" if value == "" and not required else read_country(value)

    pattern = "^[A-Za-z]{2}$" if required else "^([A-Za-z]{2})?$"
    return Field(read, {"type": "string", "pattern": pattern, "description": about}, required)


def _email(value: object) -> str:
    return "" if value == "" else inputs.read_email(value)


_LINES = {
    "name": _line("The name on documents."),
    "street": _line("Street and number."),
    "postal_code": _line("Postal code."),
    "city": _line("City."),
    "country": _country("ISO 3166 code of two letters, such as DE."),
    "tax_number": _line("The number for taxes, as it is printed."),
    "registration": _line("The number in the register of companies."),
    "email": Field(_email, {"type": "string", "description": "Where customers ask."}),
    "payment": _line("How and by when an amount that is due is paid."),
}
PROFILE = Form(
    "SellerProfileChange",
    _LINES,
    example={"name": "Northwind Telecom", "city": "Hamburg", "country": "DE"},
    at_least_one=tuple(_LINES),
)
TAX = Form(
    "NewTaxRate",
    {
        "country": _country("Of the customer: ISO 3166 code, such as DE.", required=True),
        "percent": field(kinds.Percent(help="0 to 100."), required=True),
        "since": field(kinds.Day(help="The first day, by the date of an invoice."), required=True),
        "name": Field(
            lambda value: inputs.read_text(value, LONGEST_NAME),
            {
                "type": "string",
                "maxLength": LONGEST_NAME,
                "description": "What documents call it. Default VAT.",
            },
        ),
        "shown": field(
            kinds.Choice(help="Whether lines are shown with the tax that they hold.", choices=Shown)
        ),
    },
    example={"country": "DE", "percent": "19", "since": "2026-01-01", "name": "USt."},
)

routes = Routes("seller itself")


@dataclass(frozen=True, slots=True, kw_only=True)
class SellerWallet:
    """What the seller's own wallet holds in one currency (Rule 11.5)."""

    currency: str
    balance: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class SellerOnDocuments:
    """What documents show of the seller. An empty text is not shown.

    `version`: 0 while nothing was set. `logo`: whether there is a picture.
    """

    version: int
    name: str
    street: str
    postal_code: str
    city: str
    country: str
    tax_number: str
    registration: str
    email: str
    payment: str
    logo: bool


@routes.get("/seller-wallets", "list_seller_wallets", Listed[SellerWallet])
async def list_seller_wallets(caller: Calling) -> Listed[SellerWallet]:
    """What the seller's own wallet holds, by currency (Rule 11.5)."""

    def read(ledger: Ledger) -> Listed[SellerWallet]:
        with ledger.read() as connection:
            found = seller_wallets.balances(connection, ledger.seller)
        rows = [SellerWallet(currency=code, balance=amount) for code, amount in found.items()]
        return Listed(data=rows, next=None)

    return await caller.read(read)


@routes.write("POST", "/seller-top-ups", "top_up_seller", SellerWallet, TOP_UP)
async def top_up_seller(caller: Calling, request: Request, key: IdempotencyKey) -> Answer:
    """Put money into the seller's own wallet. Costs are paid from it (Rule 11.5)."""
    values = await TOP_UP.of(request)
    currency = values["currency"]

    def act(ledger: Ledger, connection: Connection) -> dict[str, Any]:
        ensure_policy(connection, ledger.seller)
        seller_wallets.top_up(
            connection,
            ledger.seller,
            currency,
            values["amount"],
            at=machine_now(),
            request_id=key,
            actor=caller.actor,
        )
        holds = seller_wallets.balance(connection, ledger.seller, currency)
        found: dict[str, Any] = data(SellerWallet(currency=currency, balance=holds))
        return found

    done = await once(caller, key, "top_up_seller", values, act)
    return told(done, kept(SellerWallet, done))


@routes.get("/seller-profile", "show_seller_profile", SellerOnDocuments, etag=True)
async def show_seller_profile(caller: Calling) -> Answer:
    """What documents show of the seller."""

    def read(ledger: Ledger) -> SellerOnDocuments:
        with ledger.read() as connection:
            return _shown(ledger, _newest(connection, ledger.seller))

    return _answer(await caller.read(read))


@routes.write(
    "PATCH", "/seller-profile", "change_seller_profile", SellerOnDocuments, PROFILE, etag=True
)
async def change_seller_profile(
    caller: Calling, request: Request, if_match: IfMatch = None
) -> Answer:
    """Change what documents show of the seller, from the next invoice on. It needs `If-Match`.

    What is not named stays, and so does the logo. An empty text removes a value.
    """
    values = await PROFILE.of(request)
    seen = etags.require(if_match)

    def act(ledger: Ledger, connection: Connection) -> dict[str, Any]:
        ensure_policy(connection, ledger.seller)
        profiles.lock_seller(connection, ledger.seller)
        before = _newest(connection, ledger.seller)
        profile = SellerProfile(name=ledger.seller) if before is None else before.profile
        new = replace(profile, **values)
        version = 0 if before is None else before.version
        etags.require_same(seen, f'"{version}"', as_asked=new == profile)
        profiles.add_seller_profile(
            connection, ledger.seller, new, at=machine_now(), actor=caller.actor
        )
        return {"now": _shown(ledger, _newest(connection, ledger.seller))}

    done = await in_transaction(caller, "seller_profile", act, record="change_seller_profile")
    return _answer(done["now"])


@routes.get("/tax-rates", "list_tax_rates", Listed[TaxRate])
async def list_tax_rates(caller: Calling) -> Listed[TaxRate]:
    """The taxes that documents show, at most 1,000. Of two with one country and day, the last
    counts."""

    def read(ledger: Ledger) -> Listed[TaxRate]:
        with ledger.read() as connection:
            return Listed(data=profiles.tax_rates(connection, ledger.seller), next=None)

    return await caller.read(read)


@routes.write("POST", "/tax-rates", "add_tax_rate", TaxRate, TAX)
async def add_tax_rate(caller: Calling, request: Request, key: IdempotencyKey) -> Answer:
    """Add a tax that documents show. What is charged stays the same: it holds the tax already.

    An invoice that has its number keeps its tax. A customer without a country has the seller's.
    """
    values = await TAX.of(request)
    rate = TaxRate(**{"name": "VAT", **values})

    def act(ledger: Ledger, connection: Connection) -> dict[str, Any]:
        ensure_policy(connection, ledger.seller)
        profiles.add_tax_rate(connection, ledger.seller, rate, at=machine_now(), actor=caller.actor)
        found: dict[str, Any] = data(rate)
        return found

    done = await once(caller, key, "add_tax_rate", values, act)
    return told(done, kept(TaxRate, done))


def _newest(connection: Connection, seller: str) -> Version[SellerProfile] | None:
    return next(iter(profiles.seller_versions(connection, seller, 1)), None)


def _shown(ledger: Ledger, found: Version[SellerProfile] | None) -> SellerOnDocuments:
    profile = SellerProfile(name=ledger.seller) if found is None else found.profile
    return SellerOnDocuments(
        version=0 if found is None else found.version,
        logo=profile.logo is not None,
        **{name: getattr(profile, name) for name in _LINES},
    )


def _answer(found: SellerOnDocuments) -> Answer:
    return Answer(found, headers={"ETag": f'"{found.version}"'})
