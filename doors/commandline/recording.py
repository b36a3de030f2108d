"""Acts of the command line that are no commands, in the audit (docs/decisions/0032).

An act of one transaction records itself there, by `core.ledger.audit.add`. An act of many has two
records around it: what was asked for, and what was done. One that dies has the first.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from core.domain.acts import Act
from core.ledger import audit
from core.ledger.audit import Outcome
from core.ledger.ledger import Ledger


@contextmanager
def recorded_work(
    opened: Ledger, act: Act, subject: str | None = None, **asked: Any
) -> Iterator[dict[str, Any]]:
    """Record an act of many transactions. The block puts what it has done into what it gets.

    `asked`: what was asked for, as plain data without personal data.
    """
    _record(opened, act, subject, Outcome.ASKED, asked)
    done: dict[str, Any] = {}
    yield done
    _record(opened, act, subject, Outcome.DONE, done)


def _record(
    opened: Ledger, act: Act, subject: str | None, outcome: Outcome, after: Mapping[str, Any]
) -> None:
    audit.record(opened, act, subject=subject, outcome=outcome, after=dict(after) or None)
