"""The fields of a customer: the table of docs/import.md.

Each field has a reader. `doors.intake.column_mapping` says where its text comes from, and
`doors.intake.customer_rows` what the fields mean together.
"""

from collections.abc import Mapping

from core.domain.catalog import LONGEST_NAME, MOST_MONTHS
from core.domain.imported_subscription import TakeoverState
from core.domain.inputs import LONGEST_ID, read_choice, read_email, read_id, read_text
from doors.intake import cell_values, item_lists
from doors.intake.cell_values import ValueReader, as_amount, as_text, as_whole

MOST_TENURE = 1_200
MOST_CREDIT_CYCLES = 120
MOST_LICENCES = 1_000_000
MOST_DISCOUNT_CYCLES = 1_200

FIELDS: Mapping[str, ValueReader] = {
    "id": as_text(read_id),
    "account": as_text(read_id),
    "currency": cell_values.currency,
    "timezone": cell_values.zone,
    "owner": as_text(lambda text: read_text(text, LONGEST_ID)),
    "billing_email": as_text(read_email),
    "card": as_text(read_id),
    "renew_by_card": cell_values.flag,
    "credits": as_amount(),
    "credit_cycles": as_whole(0, MOST_CREDIT_CYCLES),
    "sku": as_text(lambda text: read_id(text, LONGEST_NAME)),
    "application": as_text(lambda text: read_id(text, LONGEST_NAME)),
    "months": as_whole(1, MOST_MONTHS),
    "cycle": cell_values.cycle,
    "price": as_amount(),
    "monthly_price": as_amount(),
    "quantity": as_whole(1, MOST_LICENCES),
    "legacy": cell_values.flag,
    "anchor": cell_values.day,
    "anchor_day": as_whole(1, 31),
    "paid_until": cell_values.day,
    "next_charge": cell_values.day,
    "status": as_text(lambda text: read_choice(text, TakeoverState)),
    "trial_until": cell_values.day,
    "addons": item_lists.addons,
    "numbers": item_lists.phone_numbers,
    "number_sku": as_text(lambda text: read_id(text, LONGEST_NAME)),
    "hold": item_lists.hold,
    "had_trial": cell_values.flag,
    "discount": cell_values.percent,
    "discount_cycles": as_whole(0, MOST_DISCOUNT_CYCLES),
    "debt": as_amount(),
    "credit_limit": as_amount(),
    "external_id": as_text(read_id),
    "tenure_months": as_whole(0, MOST_TENURE),
    "auto_renew": cell_values.flag,
}
"""The fields of a customer, each with the reader of its text."""
FIRST = ("currency", "timezone")
"""The fields that are read before all others, because the others depend on them."""
ALWAYS = ("id", "currency", "timezone")
"""The fields that every row must have."""
ONE_OF = (("anchor", "tenure_months", "paid_until", "next_charge", "trial_until"),)
"""Of each of these, every row must have one."""
AT_MOST_ONE_OF = (
    ("price", "monthly_price"),
    ("credits", "credit_cycles"),
    ("months", "cycle"),
    ("anchor", "tenure_months"),
)
"""Of each of these, a mapping may have one."""
LISTS = ("numbers", "addons")
"""The fields that are lists. Those of several lines are put together."""
ADD_UP = ("price", "monthly_price", "credits", "debt", *LISTS)
"""The fields that a mapping may add up over several lines of one subscription."""
