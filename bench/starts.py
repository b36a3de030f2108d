"""The import compared with bare workflow starts (`bench.imports`), as figures."""

from bench.figures import Figure, Result, Say, at_least, of_rounds
from bench.imports import import_rate
from bench.memory import FILE, MAPPING
from bench.site import site
from core.domain import policy
from core.ledger import stored_terms
from doors.application.perennial import Perennial
from doors.intake import column_mapping as mappings
from settings import Settings


async def measure(quick: bool, say: Say) -> list[Result]:
    """Measure several pairs on one server."""
    rates, config = [], Settings()
    limit, rounds = (500, 1) if quick else (2000, 3)
    with site() as here:
        async with Perennial.connect(here.database_url, here.temporal_address, config) as perennial:
            with perennial.ledger.engine.begin() as connection:
                stored_terms.add_policy(connection, config.seller, policy.DEFAULT)
            for number in range(rounds):
                say(f"import beside bare workflow starts, round {number + 1} of {rounds}")
                rates.append(
                    await import_rate(perennial, FILE, mappings.read(MAPPING), limit=limit)
                )
    figures = [
        of_rounds("imported/s, workflows started", [rate.imported_per_second for rate in rates]),
        of_rounds("bare workflow starts/s", [rate.started_per_second for rate in rates]),
        of_rounds(
            "import as a part of bare starts", [rate.ratio for rate in rates], "", at_least(0.7)
        ),
        Figure("customers in a round", limit),
    ]
    return [Result("Import beside bare workflow starts", figures)]
