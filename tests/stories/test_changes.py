"""Stories of changes: plan, add-ons, cycle, now and at renewal (Rules 3.4, 9)."""


def test_a_dearer_plan_costs_the_prorated_difference(story):
    """Period 11-16..12-15 of 30 days, 21 left on 11-25: 40/30 × 21 = 28.00."""
    told = story("""
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2020-11-25, do: change_plan, id: s1, sku: BIZ}
        until: 2020-11-25
    """)
    assert told.events("plan_changed") == ["2020-11-25 s1 plan_changed -28.00"]
    assert told.invoices[1] == "2020-11-25 acme individual 28.00 = 28.00"
    assert told.state("s1", "sku", "fee", "expiry") == ("BIZ", "90.00", "2020-12-15")
