"""Policies and catalogue entries that newer code has stored, read by this code (Rules 3.5, 14)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import insert

from core.domain import policy
from core.domain.faults import Faults
from core.ledger.stored_terms import References, add_catalog, add_policy, ensure_policy
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


def test_rule_14_the_default_policy_of_a_new_seller_replaces_none_that_came_at_once(
    shop: Shop,
) -> None:
    """One loads the first policy of a seller. Another needs any, and waits for it."""
    with ThreadPoolExecutor(1) as pool:
        with shop.ledger.transaction("terms") as connection:
            add_policy(connection, "new", policy.load({"max_licences": 7}))
            second = pool.submit(_ensure, shop)
            while not shop.value("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                assert not second.done()
        second.result()
    assert shop.value("SELECT policy_version FROM sellers WHERE id = 'new'") == 1


def _ensure(shop: Shop) -> None:
    with shop.ledger.transaction("terms") as connection:
        ensure_policy(connection, "new")
