"""Refusals name their rule and say their reason in words (Rule 2)."""

from core.domain.refusal import used_for_something_else
from core.domain.rules import Rule


def test_a_request_id_that_another_request_has_is_refused_by_its_rule() -> None:
    refused = used_for_something_else("r-1")
    assert refused.refusal.rule is Rule.REQUEST_ID
    assert str(refused) == "request id r-1 was used for something else (rule 4.2)"
