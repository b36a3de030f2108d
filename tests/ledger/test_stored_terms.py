"""Policies and catalogue entries that newer code has stored, read by this code (Rules 3.5, 14)."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import insert

from core.domain import policy
from core.domain.faults import Faults
from core.ledger.stored_terms import References, add_catalog
from core.ledger.tables import CatalogEntry, PolicyVersion
from tests.ledger.conftest import Shop


def test_a_policy_of_newer_code_keeps_its_keys(shop: Shop) -> None:
    newer = {"late_renewal_days": 40, "loyalty": None}
    document = policy.document(policy.DEFAULT) | newer
    references = References()
    with shop.ledger.engine.begin() as connection:
        stored = insert(PolicyVersion).values(seller="main", version=2, document=document)
        connection.execute(stored)
        read = references.policy(connection, "main", 2)
    assert read.late_renewal_days == 40
    assert policy.document(read) == document


def test_a_catalogue_with_an_entry_of_newer_code_is_read_and_added_to(shop: Shop) -> None:
    newer = {"sku": "PLUS", "kind": "addon", "months": 1, "colour": "red"}
    later = {"sku": "PLUS", "from": "2021-03-01", "prices": {"USD": "7.00"}}
    with shop.ledger.engine.begin() as connection:
        connection.execute(insert(CatalogEntry).values(seller="main", document=newer))
        assert add_catalog(connection, "main", [later]) == 1
        with pytest.raises(Faults, match="colour: unknown key"):
            add_catalog(connection, "main", [{**later, "from": "2022-01-01", "colour": "blue"}])
        catalog = References().catalog(connection, "main", 2)
    assert catalog.price("PLUS", "USD", date(2021, 3, 1)) == Decimal(7)
