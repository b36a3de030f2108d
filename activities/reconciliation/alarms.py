"""What a scheduled reconciliation tells the sellers of (Rule 12).

Told is what it did not repair: once a day for each seller and each kind of finding. A person who
reconciles by hand sees the findings.
"""

from collections import defaultdict
from datetime import datetime

from activities.reconciliation.finding_sellers import sellers_of
from core.domain.alarms import COUNTED, LISTED, Alarm
from core.domain.findings import Finding, FindingKind, Part, ReconcileResult
from core.ledger.alarms import raise_alarm
from core.ledger.ledger import Ledger


def raise_alarms(ledger: Ledger, now: datetime, part: Part, result: ReconcileResult) -> None:
    """Raise the alarms of one batch of a part. `now` is in UTC.

    A finding is told to the seller whose rows it is about. What is about the installation is told
    to the seller of its settings.
    """
    left = [finding for finding in result.findings if not finding.repaired]
    if not left:
        return
    day = str(now.date())
    with ledger.transaction("raise_alarms") as connection:
        sellers = sellers_of(connection, part, left)
        told: dict[tuple[str, FindingKind], list[Finding]] = defaultdict(list)
        for finding in left:
            told[sellers.get(finding.subject, ledger.seller), finding.kind].append(finding)
        # The findings beyond the listed ones may be of anyone, unless all are of one kind and one
        # seller.
        more = result.left_out if len(told) == 1 else 0
        for (seller, kind), found in sorted(told.items()):
            if kind is FindingKind.CHARGE_UNKNOWN:
                if seller in sellers.values():  # Otherwise the charge is gone.
                    raise_alarm(connection, seller, Alarm.CHARGES_UNKNOWN, day, {}, now)
                continue
            lines = [f"{kind}: {finding.subject}: {finding.what}" for finding in found]
            count = min(len(found) + more, COUNTED + 1)
            facts = {"lines": [line[:500] for line in lines[:LISTED]], "count": count}
            raise_alarm(connection, seller, Alarm.FINDINGS, f"{day} {kind}", facts, now)
