"""A simulated card gateway. The token of a card says what happens to its charges.

The gateway keeps its charges in the database, so they survive every crash.

| token | result |
|---|---|
| sim_ok | charged |
| sim_declined, sim_insufficient | declined |
| sim_timeout_charged | charged, but the first response is lost |
| sim_timeout_uncharged | the first call is lost before it charges; the next one charges |

`set_down` makes the whole gateway unreachable, or reachable again.
"""

from decimal import Decimal
from typing import NoReturn

from sqlalchemy import (
    Boolean,
    Column,
    Engine,
    Integer,
    MetaData,
    Numeric,
    Table,
    Text,
    bindparam,
    func,
    literal,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from core.gateways.cards import Answer, GatewayUnavailable

CARDS = (
    "sim_ok",
    "sim_declined",
    "sim_insufficient",
    "sim_timeout_charged",
    "sim_timeout_uncharged",
)

metadata = MetaData()
charges = Table(
    "simulated_charges",
    metadata,
    Column("key", Text, primary_key=True),
    Column("card", Text),
    Column("amount", Numeric(20, 5)),
    Column("currency", Text),
    Column("charged", Boolean),
    Column("reason", Text),
    Column("calls", Integer),
    Column("refunded", Numeric(20, 5)),
)
gateway = Table(
    "simulated_gateway", metadata, Column("id", Integer, primary_key=True), Column("down", Boolean)
)

_down = select(gateway.c.down)
_of_key = select(charges).where(charges.c.key == bindparam("of"))
_new = insert(charges).from_select(
    [column.name for column in charges.columns],
    select(
        *(
            literal(0)
            if column.name == "refunded"
            else literal(1)
            if column.name == "calls"
            else bindparam(column.name, type_=column.type)
            for column in charges.columns
        )
    ).where(~_down.where(gateway.c.down).exists()),
)
#: Returns no row when the gateway is down, or when the key was used for another charge.
_charge = _new.on_conflict_do_update(
    index_elements=["key"],
    set_={"calls": charges.c.calls + 1, "charged": func.coalesce(charges.c.charged, true())},
    where=(charges.c.card == _new.excluded.card)
    & (charges.c.amount == _new.excluded.amount)
    & (charges.c.currency == _new.excluded.currency),
).returning(charges.c.charged, charges.c.reason, charges.c.calls)


class SimulatedCards:
    """The simulated gateway on a database."""

    def __init__(self, engine: Engine) -> None:
        # Each call is one statement, which commits by itself.
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    def charge(self, key: str, card: str, amount: Decimal, currency: str) -> Answer:
        """See `core.gateways.cards.CardGateway`."""
        if amount <= 0:
            raise ValueError(f"a charge of {amount} {currency} is not positive")
        if amount != round(amount, 5):
            raise ValueError(f"a charge of {amount} {currency} is too fine")
        first_is_lost = card in ("sim_timeout_charged", "sim_timeout_uncharged")
        charged: bool | None = (
            None if card == "sim_timeout_uncharged" else card in ("sim_ok", "sim_timeout_charged")
        )
        reason = {"sim_declined": "card declined", "sim_insufficient": "insufficient funds"}.get(
            card
        )
        if card not in CARDS:
            charged, reason = False, "unknown card"
        values = {
            "key": key,
            "card": card,
            "amount": amount,
            "currency": currency,
            "charged": charged,
            "reason": reason,
        }
        with self._engine.connect() as connection:
            seen = connection.execute(_charge, values).one_or_none()
        if seen is None:
            self._refuse(key, card, amount, currency)
        if first_is_lost and seen.calls == 1:
            raise GatewayUnavailable(f"no response to {key}")
        return Answer(seen.charged is not False, seen.reason)

    def look_up(self, key: str) -> Answer | None:
        """See `core.gateways.cards.CardGateway`."""
        self._reach()
        with self._engine.connect() as connection:
            row = connection.execute(_of_key, {"of": key}).one_or_none()
        return None if row is None or row.charged is None else Answer(row.charged, row.reason)

    def refund(self, key: str, amount: Decimal) -> None:
        """See `core.gateways.cards.CardGateway`."""
        self._reach()
        left = (
            (charges.c.key == key)
            & charges.c.charged
            & (charges.c.amount - charges.c.refunded >= amount)
        )
        with self._engine.connect() as connection:
            done = connection.execute(
                update(charges).where(left).values(refunded=charges.c.refunded + amount)
            )
        if amount <= 0 or done.rowcount != 1:
            raise ValueError(f"{amount} cannot be given back of {key}")

    def set_down(self, down: bool) -> None:
        """Make the gateway unreachable, or reachable again."""
        with self._engine.connect() as connection:
            row = insert(gateway).values(id=1, down=down)
            connection.execute(
                row.on_conflict_do_update(index_elements=["id"], set_={"down": down})
            )

    def _refuse(self, key: str, card: str, amount: Decimal, currency: str) -> NoReturn:
        self._reach()
        with self._engine.connect() as connection:
            row = connection.execute(_of_key, {"of": key}).one_or_none()
        if row is not None and (row.card, row.amount, row.currency) != (card, amount, currency):
            raise ValueError(f"key {key} was used for another charge")
        raise GatewayUnavailable("the gateway was down")

    def _reach(self) -> None:
        with self._engine.connect() as connection:
            if connection.execute(_down).scalar():
                raise GatewayUnavailable("the gateway is down")
