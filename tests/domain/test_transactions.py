"""The kinds of transactions (Rule 11.7)."""

import pytest

from core.domain.events import Event
from core.domain.transactions import TransactionKind, events_of, kind_of


def test_a_kind_has_the_events_that_it_is_the_kind_of_by_rule_11_7() -> None:
    assert events_of(TransactionKind.REFUND) == (Event.REFUNDED,)
    assert all(kind_of(event) is kind for kind in TransactionKind for event in events_of(kind))


def test_every_event_that_pays_a_cycle_is_a_transaction_by_rule_11_7() -> None:
    assert all(kind_of(event) for event in Event if event.pays_cycle)


def test_the_opening_is_no_event_of_the_history() -> None:
    assert events_of(TransactionKind.OPENING) == ()


def test_an_event_that_moves_no_money_has_no_kind() -> None:
    with pytest.raises(KeyError):
        kind_of(Event.ACCOUNT_SUSPENDED)
