"""The one place that chooses the card gateway, by the setting PERENNIAL_CARD_GATEWAY."""

from typing import Literal, assert_never

from sqlalchemy import Engine

from core.gateways.cards import CardGateway
from core.gateways.simulated_cards import SimulatedCards

GatewayName = Literal["simulated"]


def choose_gateway(name: GatewayName, engine: Engine) -> CardGateway:
    """Return the card gateway of this name. `engine` is the database of Perennial."""
    match name:
        case "simulated":
            return SimulatedCards(engine)
        case unreachable:
            assert_never(unreachable)
