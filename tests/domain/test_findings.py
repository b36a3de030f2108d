"""What a reconciliation has found, part by part."""

from core.domain.findings import Finding, FindingKind, Part, ReconciliationReport

FOUND = Finding(kind=FindingKind.OVERDUE, subject="s1", what="its step of yesterday was not taken")


def test_a_report_adds_what_each_part_has_found_and_looked_at() -> None:
    report = (
        ReconciliationReport()
        .plus(Part.BOOKS, (), 3)
        .plus(Part.SUBSCRIPTIONS, (FOUND,), 10)
        .plus(Part.SUBSCRIPTIONS, (FOUND,), 5)
    )
    assert report == ReconciliationReport(
        findings=(FOUND, FOUND), checked={"books": 3, "subscriptions": 15}
    )


def test_a_report_keeps_500_findings_and_counts_the_others() -> None:
    report = (
        ReconciliationReport()
        .plus(Part.SUBSCRIPTIONS, (FOUND,) * 499, 499)
        .plus(Part.CHARGES, (FOUND,) * 3, 3)
    )
    assert (len(report.findings), report.left_out) == (500, 2)
    assert report.plus(Part.BOOKS, (FOUND,), 1).left_out == 3
