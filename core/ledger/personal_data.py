"""Which columns hold personal data of an account's people, and which are free of it.

A test walks all text columns of `core.ledger.tables`. A new one must be named here: in `COVERED`,
so that it is exported and erased, or in `FREE`. The guard `being_erased` has the columns of
`COVERED`, too, and says what an erased row looks like.

Ids are free: those of accounts, subscriptions and requests are names that the seller's platform
gives. It must not make them of names or addresses of people (docs/personal-data.md).
"""

from collections.abc import Mapping
from types import MappingProxyType

ERASED = "erased"
"""The word that stands where personal data has stood."""

COVERED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "accounts": ("owner", "billing_email", "card"),
        "api_requests": ("fingerprint",),
        "approvals": ("values", "fingerprint", "why", "outcome"),
        "card_charges": ("card",),
        "customer_profiles": ("document", "actor"),
        "deliveries": ("error",),
        "history": ("facts", "actor"),
        "invoices": ("lines",),
        "monthly_amounts": ("description",),
        "number_history": ("account", "subscription", "remark", "actor"),
        "operations": ("result", "fingerprint"),
        "subscriptions": ("assigned_to", "members", "numbers"),
    }
)
"""The columns with personal data, by table. They are exported, and erased."""

DELETED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "documents": ("content", "sha256"),
        "refusals": ("sentence", "actor"),
        "account_words": ("word",),
        "subscription_people": ("email",),
    }
)
"""Columns with personal data whose rows are deleted. The words are made anew of the id."""

OF_STAFF: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "api_keys": ("name", "created_by"),
        "approvals": ("asked_by", "decided_by"),
        "audit": ("actor", "address"),
        "api_requests": ("actor",),
        "background_requests": ("actor",),
        "campaigns": ("options", "actor"),
        "endpoints": ("url", "sender", "seller_address", "added_by", "off_why"),
        "imports": ("file", "actor"),
        "seller_credits": ("actor",),
        "seller_profiles": ("document", "logo", "actor"),
        "sessions": ("address",),
        "staff": ("email", "name", "password", "created_by"),
        "tax_rates": ("actor",),
        "term_effects": ("asked_by",),
    }
)
"""Columns about the seller, its staff and its programs. They are no data of an account."""

FREE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "account_words": ("account", "seller"),
        "accounts": ("id", "seller", "currency", "timezone", "clock", "mode", "uninvoiced"),
        "alarms": ("seller", "kind", "key", "account", "facts"),
        "api_keys": ("id", "seller", "role", "scopes", "digest", "rotated_to"),
        "api_requests": ("seller", "request_id", "do", "document"),
        "approvals": (
            *("id", "seller", "do", "request_id", "who", "role", "currency", "state"),
            "decided_who",
        ),
        "audit": (
            *("seller", "by", "request_id", "act", "subject", "outcome", "before", "after"),
            *("previous", "hash"),
        ),
        "background_requests": ("seller", "request_id", "do", "fingerprint", "run", "about"),
        "campaign_rows": ("campaign", "subscription", "outcome", "currency", "rule", "sentence"),
        "campaigns": ("id", "seller", "request_id", "fingerprint", "do", "selection", "state"),
        "card_charges": ("key", "account", "subscription", "currency", "outcome", "reason"),
        "catalog_entries": ("seller", "document"),
        "clocks": ("id", "seller"),
        "customer_profiles": ("account",),
        "deliveries": ("account", "subject", "state"),
        "documents": ("kind", "format"),
        "endpoints": (*("seller", "name", "kind", "events", "salt", "key", "old_salt", "old_key"),),
        "erasures": ("account", "seller"),
        "history": ("account", "subscription", "event", "rule"),
        "imported": ("account", "subject"),
        "imports": ("seller", "kind", "digest", "prefix", "clock"),
        "invoices": ("seller", "account", "kind", "currency"),
        "messages": ("subscription", "account", "clock", "kind", "state", "why"),
        "money_limits": ("seller", "role", "currency"),
        "money_moved": ("seller", "request_id", "who", "currency"),
        "monthly_amounts": ("account",),
        "number_history": ("seller", "number", "what", "cause"),
        "numbers": (
            *("seller", "number", "sku", "state", "hold", "account", "subscription", "cause"),
            *("remark", "returned_by"),
        ),
        "operations": (
            *("seller", "account", "subscription", "purpose", "request_id", "external_invoice"),
            "charge",
        ),
        "periods": ("subscription", "account"),
        "policies": ("seller", "document"),
        "postings": ("book", "account", "currency"),
        "reconciliation_marks": ("name", "key"),
        "recovery_codes": ("staff", "digest", "seller"),
        "refusals": (
            *("seller", "account", "subject_kind", "subject", "do", "request_id", "rule"),
        ),
        "seller_credits": ("seller", "currency", "request_id"),
        "seller_profiles": ("seller",),
        "seller_wallets": ("seller", "currency"),
        "sellers": ("id",),
        "sessions": ("id", "seller", "staff", "digest", "how"),
        "staff": ("id", "seller", "role", "code_key", "code_salt"),
        "staff_rules": ("seller",),
        "steps": ("subject_kind", "subject", "account", "clock", "kind", "rule", "why"),
        "subscriptions": (
            *("id", "account", "clock", "sku", "addons", "coming", "contract", "status"),
            "failure",
        ),
        "subscription_people": ("subscription", "seller"),
        "tax_rates": ("seller", "country", "name", "shown"),
        "tellings": ("subject_kind", "subject", "clock"),
        "term_effects": ("id", "seller", "kind", "draft", "found", "error"),
        "trials": ("account", "tried", "subscription"),
        "verified_balances": ("account", "sums"),
    }
)
"""Columns without personal data of customers.

What an account leaves behind when it can be erased makes some of them free: no number is its own,
so there is no remark, and a TERMINATED subscription has no pending change and no step. A number is
the seller's. That the account had it is told by `number_history.account`, which is covered. A
record of the audit holds no text about people (docs/decisions/0032).
"""
