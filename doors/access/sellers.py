"""The connections of one process, one for each seller."""

from doors.application.patience import Patience
from doors.application.perennial import Perennial
from doors.service.every_seller import every_seller


class Sellers:
    """Connections that are bound to a seller. They share the servers of the process.

    `perennial`: the connection of the process.
    """

    def __init__(self, perennial: Perennial) -> None:
        # Keys and sessions are looked up before their seller is known.
        self.first = every_seller(perennial)
        self._patience = Patience(perennial.config.api_patience_seconds)
        self._made: dict[str, Perennial] = {}

    def within(self, seller: str) -> Perennial:
        """The connection of a seller. The caller has found out that there is one."""
        if seller not in self._made:
            self._made[seller] = self.first.of_seller(seller, self._patience)
        return self._made[seller]
