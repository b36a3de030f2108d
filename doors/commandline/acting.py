"""Who acts at the command line, and from where, for the audit."""

import getpass
import platform

from core.ledger.acting import COMMAND_LINE, LONGEST_ADDRESS, Acting, from_here


def act_as(actor: str) -> None:
    """Say who acts from here on, as the option `--by` or the default says."""
    from_here(Acting(actor, COMMAND_LINE.by, _where_from()))


def _where_from() -> str:
    """The user and the machine."""
    try:
        return f"{getpass.getuser()}@{platform.node()}"[:LONGEST_ADDRESS]
    except (KeyError, OSError):  # The user has no name.
        return platform.node()[:LONGEST_ADDRESS]
