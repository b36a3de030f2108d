"""Whose rows a connection sees: those of one seller, or of every seller (docs/decisions/0033).

PostgreSQL holds it by the policies of guards/sellers.sql. They read the seller from a setting of
the connection, which a connection keeps in the pool. So only a change of the seller costs round
trips. A unit of work on an account narrows its transaction to the seller of the account, by the
statement that locks it (`NARROWED`).
"""

from sqlalchemy import Connection, Engine, event, func

from core.ledger.tables import AccountRow

SETTING = "perennial.seller"
EVERY_SELLER = "*"
_OPTION = "perennial_seller"

#: A column that narrows the transaction to the seller of an account.
NARROWED = func.set_config(SETTING, AccountRow.seller, True)


def seeing(engine: Engine, seller: str) -> Engine:
    """The same pool of connections. They see the rows of this seller, or of `EVERY_SELLER`."""
    return engine.execution_options(**{_OPTION: seller})


def see(connection: Connection, seller: str) -> None:
    """Let the transaction see the rows of this seller, or of `EVERY_SELLER`, until its end."""
    connection.exec_driver_sql("SELECT set_config(%s, %s, true)", (SETTING, seller))


def watch(engine: Engine) -> None:
    """Let each connection of the engine and of those by `seeing` see what it may.

    One that was not asked for by `seeing` sees nothing, unless its role owns the tables.
    """
    event.listen(engine, "engine_connect", _set)


def _set(connection: Connection) -> None:
    """Set the seller, in a transaction of its own: a setting goes with the one that rolls back."""
    wanted = connection.get_execution_options().get(_OPTION, "")
    if connection.info.get(_OPTION, "") != wanted:
        connection.exec_driver_sql("SELECT set_config(%s, %s, false)", (SETTING, wanted))
        connection.commit()
        connection.info[_OPTION] = wanted
