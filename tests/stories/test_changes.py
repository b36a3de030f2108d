"""Stories of changes: plan, add-ons and cycle, from today on and at renewal (Rules 3.4, 9)."""

RICH = 'accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "1000.00"}]'


def changed(told):
    """The events of money and changes."""
    return told.events(
        "plan_changed",
        "addon_changed",
        "cycle_changed",
        "renewed",
        "extended",
        "recovered",
        "reactivated",
        "refunded",
    )


# --- from today on --------------------------------------------------------------------------------


def test_a_dearer_plan_costs_the_prorated_difference(story):
    """Period 11-16..12-15 of 30 days, 21 left on 11-25: 40/30 × 21 = 28.00."""
    told = story("""
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2020-11-25, do: change_plan, id: s1, sku: BIZ}
        until: 2020-11-25
    """)
    assert changed(told) == ["2020-11-25 s1 plan_changed -28.00"]
    assert told.invoices[1] == "2020-11-25 acme individual 28.00 = 28.00"
    assert told.state("s1", "sku", "fee", "expiry", "cycles_paid") == (
        "BIZ",
        "90.00",
        "2020-12-15",
        1,
    )


def test_the_next_period_that_is_paid_already_is_charged_in_full(story):
    """28.00 + 40.00 = 68.00, one line on one invoice."""
    told = story(f"""
        {RICH}
        steps:
          - {{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}}
          - {{at: 2020-11-16, do: extend, id: s1, cycles: 1}}
          - {{at: 2020-11-25, do: change_plan, id: s1, sku: BIZ}}
        until: 2020-11-25
    """)
    assert changed(told)[1:] == ["2020-11-25 s1 plan_changed -68.00"]
    assert told.invoices[2] == "2020-11-25 acme individual 68.00 = 68.00"


def test_a_cheaper_plan_costs_nothing_gives_nothing_back_and_the_way_back_is_charged_again(story):
    """Down on 11-25, up again on 12-06 with 10 of 30 days left: 40/30 × 10 = 13.33."""
    told = story(f"""
        {RICH}
        steps:
          - {{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: BIZ}}
          - {{at: 2020-11-25, do: change_plan, id: s1, sku: PRO}}
          - {{at: 2020-12-06, do: change_plan, id: s1, sku: BIZ}}
        until: 2020-12-08
    """)
    assert changed(told) == [
        "2020-11-25 s1 plan_changed",
        "2020-12-06 s1 plan_changed -13.33",
        "2020-12-08 s1 renewed -90.00",
    ]


def test_add_ons_are_more_fewer_and_none(story):
    """21 of 30 days left: 3 × 10 × 21/30 = 21.00. HELP costs 100 a year: 100/12 × 21/30 = 5.83."""
    told = story(f"""
        {RICH}
        steps:
          - {{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO, addons: {{SEAT: 2}}}}
          - {{at: 2020-11-25, do: set_addon, id: s1, sku: SEAT, quantity: 5}}
          - {{at: 2020-11-25, do: set_addon, id: s1, sku: SUPPORT, quantity: 1}}
          - {{at: 2020-11-26, do: set_addon, id: s1, sku: SEAT, quantity: 0}}
          - {{at: 2020-11-26, do: set_addon, id: s1, sku: SEAT, quantity: 0}}
        until: 2020-11-26
    """)
    assert changed(told) == [
        "2020-11-25 s1 addon_changed -21.00",
        "2020-11-25 s1 addon_changed -5.83",
        "2020-11-26 s1 addon_changed",
    ]
    assert told.refused == ["5 set_addon 9"]
    assert told.state("s1", "fee") == "58.33"


def test_credits_pay_a_change_and_a_card_never_does(story):
    told = story("""
        accounts:
          - {id: acme, currency: USD, timezone: Asia/Singapore, credits: "77.99", card: ok,
             renew_by_card: true}
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2020-11-25, do: change_plan, id: s1, sku: BIZ}
          - {at: 2020-11-25, do: top_up, account: acme, amount: "0.01"}
          - {at: 2020-11-25, do: change_plan, id: s1, sku: BIZ}
        until: 2020-11-25
    """)
    assert told.refused == ["2 change_plan 9"]
    assert changed(told) == ["2020-11-25 s1 plan_changed -28.00"]
    assert told.balances == {"acme": "0.00"}


def test_an_external_invoice_pays_a_change_and_nothing_of_it_is_refunded(story):
    """Of the 50.00 that the wallet paid everything comes back on day 10."""
    told = story("""
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2020-11-25, do: change_plan, id: s1, sku: BIZ, invoice_number: X-9}
          - {at: 2020-11-26, do: terminate, id: s1, reason: moved}
        until: 2020-11-26
    """)
    assert changed(told) == ["2020-11-25 s1 plan_changed", "2020-11-26 s1 refunded 50.00"]
    assert len(told.invoices) == 2


def test_only_an_application_with_the_same_base_cycle_changes_from_today_on(story):
    told = story(f"""
        {RICH}
        steps:
          - {{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}}
          - {{at: 2020-11-17, do: change_plan, id: s1, sku: YEAR}}
          - {{at: 2020-11-17, do: change_plan, id: s1, sku: FREE}}
          - {{at: 2020-11-17, do: change_plan, id: s1, sku: PRO}}
          - {{at: 2020-11-17, do: purchase, id: s2, account: acme, sku: FREE}}
          - {{at: 2020-11-17, do: change_plan, id: s2, sku: PRO}}
          - {{at: 2020-11-17, do: change_plan, id: s2, sku: PRO, when: renewal}}
        until: 2020-12-09
    """)
    assert told.refused == [f"{n} change_plan 9" for n in (2, 3, 4, 6)]
    assert told.events("renewed") == [
        "2020-12-08 s1 renewed -50.00",
        "2020-12-09 s2 renewed -50.00",
    ]


def test_both_sides_of_a_difference_have_today_s_prices(story):
    """PRO costs 80.00 from 11-20 on, BIZ stays at 90.00: 10/30 × 21 = 7.00 on 11-25."""
    told = story("""
        catalog:
          - {sku: PRO, application: phone, kind: application, months: 1, prices: {USD: "50.00"}}
          - {sku: PRO, prices: {USD: "80.00"}, from: 2020-11-20}
          - {sku: BIZ, application: phone, kind: application, months: 1, prices: {USD: "90.00"}}
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2020-11-25, do: change_plan, id: s1, sku: BIZ}
        until: 2020-11-25
    """)
    assert changed(told) == ["2020-11-25 s1 plan_changed -7.00"]


def test_what_is_prorated_in_a_discounted_period_is_discounted(story):
    """28.00 × 75 % = 21.00. Of the next period the discount is over: 40.00."""
    told = story(f"""
        {RICH}
        steps:
          - {{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO, discount: 25}}
          - {{at: 2020-11-16, do: extend, id: s1, cycles: 1}}
          - {{at: 2020-11-25, do: change_plan, id: s1, sku: BIZ}}
        until: 2020-11-25
    """)
    assert changed(told)[1:] == ["2020-11-25 s1 plan_changed -61.00"]


def test_an_aligned_period_is_prorated_by_its_own_price_and_days(story):
    """12-16..2021-01-31 has 47 days for 47/31 months. On 01-05 27 are left: 40 × 47/31 × 27/47."""
    told = story(f"""
        {RICH}
        steps:
          - {{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO, align: true}}
          - {{at: 2021-01-05, do: change_plan, id: s1, sku: BIZ}}
        until: 2021-01-05
    """)
    assert changed(told) == ["2020-12-08 s1 renewed -75.81", "2021-01-05 s1 plan_changed -34.84"]


# --- at renewal -----------------------------------------------------------------------------------


def test_a_change_at_renewal_costs_nothing_now_and_is_in_the_fee_and_in_the_next_cycle(story):
    """2 × 90.00 + 3 × 10.00 × 2 = 240.00."""
    told = story(f"""
        {RICH}
        steps:
          - {{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}}
          - {{at: 2020-11-17, do: change_plan, id: s1, sku: BIZ, when: renewal}}
          - {{at: 2020-11-17, do: set_addon, id: s1, sku: SEAT, quantity: 3, when: renewal}}
          - {{at: 2020-11-17, do: change_cycle, id: s1, months: 2}}
        until: 2020-12-15
    """)
    assert changed(told) == [
        "2020-11-17 s1 plan_changed",
        "2020-11-17 s1 addon_changed",
        "2020-11-17 s1 cycle_changed",
        "2020-12-08 s1 renewed -240.00",
    ]
    assert told.state("s1", "sku", "fee", "expiry", "cycles_paid") == (
        "PRO",  # it is paid, and it begins tomorrow
        "240.00",
        "2021-02-15",
        2,
    )


def test_a_later_change_of_the_same_item_replaces_a_pending_one(story):
    told = story(f"""
        {RICH}
        steps:
          - {{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}}
          - {{at: 2020-11-17, do: change_plan, id: s1, sku: YEAR, when: renewal}}
          - {{at: 2020-11-18, do: change_plan, id: s1, sku: BIZ, when: renewal}}
          - {{at: 2020-11-19, do: change_plan, id: s1, sku: BIZ, when: renewal}}
          - {{at: 2020-11-20, do: change_plan, id: s1, sku: PRO, when: renewal}}
          - {{at: 2020-11-21, do: set_addon, id: s1, sku: SEAT, quantity: 9, when: renewal}}
          - {{at: 2020-12-15, do: set_addon, id: s1, sku: SEAT, quantity: 1}}
        until: 2020-12-15
    """)
    assert told.refused == ["4 change_plan 9"]
    # 9 seats are paid from 12-16 on. One from 12-15 on costs 10/30 × 1 = 0.33 for today alone.
    assert changed(told)[-2:] == [
        "2020-12-08 s1 renewed -140.00",
        "2020-12-15 s1 addon_changed -0.33",
    ]
    assert told.state("s1", "fee") == "60.00"


def test_a_pending_plan_that_is_paid_for_is_changed_in_every_period_that_is_not_over(story):
    """BIZ is paid from 12-16 on. MID (60.00) from 12-10 on costs 10 × 6/30 = 2.00 and no more."""
    told = story("""
        catalog:
          - {sku: PRO, application: phone, kind: application, months: 1, prices: {USD: "50.00"}}
          - {sku: MID, application: phone, kind: application, months: 1, prices: {USD: "60.00"}}
          - {sku: BIZ, application: phone, kind: application, months: 1, prices: {USD: "90.00"}}
          - {sku: TOP, application: phone, kind: application, months: 1, prices: {USD: "95.00"}}
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "1000.00"}]
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2020-11-17, do: change_plan, id: s1, sku: BIZ, when: renewal}
          - {at: 2020-11-16T16:00:00Z, do: purchase, id: s2, account: acme, sku: PRO}
          - {at: 2020-11-17, do: change_plan, id: s2, sku: BIZ, when: renewal}
          - {at: 2020-12-10, do: change_plan, id: s1, sku: MID}
          - {at: 2020-12-10, do: change_plan, id: s2, sku: TOP}
        until: 2020-12-17
    """)
    assert told.refused == []
    assert told.events("plan_changed")[2:] == [
        "2020-12-10 s1 plan_changed -2.00",
        # 45 × 7/30 = 10.50 of 11-17..12-16, and 5.00 of the period that BIZ has paid
        "2020-12-10 s2 plan_changed -15.50",
    ]
    assert (told.state("s1", "sku"), told.state("s2", "sku")) == ("MID", "TOP")
    assert told.state("s1", "fee") == "60.00"


def test_a_paid_period_with_another_base_cycle_forbids_a_change_from_today_on(story):
    told = story(f"""
        {RICH}
        steps:
          - {{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}}
          - {{at: 2020-11-17, do: change_plan, id: s1, sku: YEAR, when: renewal}}
          - {{at: 2020-12-10, do: change_plan, id: s1, sku: BIZ}}
          - {{at: 2020-12-16, do: change_plan, id: s1, sku: BIZ}}
          - {{at: 2020-12-16, do: change_plan, id: s1, sku: BIZ, when: renewal}}
        until: 2021-12-08
    """)
    assert told.refused == ["3 change_plan 9", "4 change_plan 9"]
    assert changed(told)[-1] == "2021-12-08 s1 renewed -90.00"
    assert told.state("s1", "sku", "expiry") == ("YEAR", "2022-01-15")


def test_each_way_of_paying_the_next_cycle_takes_pending_changes_along(story):
    """Extended by two cycles, to a day, recovered and reactivated: SEAT is in each."""
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "200.00"}]
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2020-11-16, do: set_addon, id: s1, sku: SEAT, quantity: 1, when: renewal}
          - {at: 2020-11-16, do: extend, id: s1, cycles: 2}
          - {at: 2020-11-16, do: set_addon, id: s1, sku: SEAT, quantity: 0, when: renewal}
          - {at: 2020-11-16, do: unsubscribe, id: s1}
          - {at: 2020-11-16, do: extend, id: s1, to: 2021-03-20, invoice_number: X-1}
          - {at: 2020-11-17, do: purchase, id: s2, account: acme, sku: PRO, pay: external_invoice,
             invoice_number: X-2}
          - {at: 2020-11-18, do: set_addon, id: s2, sku: SEAT, quantity: 1, when: renewal}
          - {at: 2020-12-10, do: recover, id: s2, invoice_number: X-3}
          - {at: 2020-12-10, do: set_addon, id: s2, sku: SEAT, quantity: 3, when: renewal}
          - {at: 2020-12-10, do: unsubscribe, id: s2}
          - {at: 2021-01-20, do: top_up, account: acme, amount: "100.00"}
          - {at: 2021-01-20, do: reactivate, id: s2}
        until: 2021-01-20
    """)
    assert told.refused == []
    assert [line for line in changed(told) if "changed" not in line] == [
        "2020-11-16 s1 extended -120.00",
        "2020-11-16 s1 extended",
        "2020-12-10 s2 recovered",
        "2021-01-20 s2 reactivated -80.00",
    ]
    assert (told.state("s1", "fee"), told.state("s2", "fee")) == ("50.00", "80.00")


def test_a_cycle_that_is_changed_from_yearly_to_monthly_and_aligned(story):
    """Yearly up to 2021-11-15. The monthly cycle is aligned: 15/30 × 50.00 + 50.00 = 75.00."""
    told = story(f"""
        {RICH}
        steps:
          - {{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: YEAR, align: true}}
          - {{at: 2020-11-17, do: change_plan, id: s1, sku: PRO, when: renewal}}
        until: 2021-11-16
    """)
    assert changed(told)[1:] == ["2021-11-08 s1 renewed -75.00"]
    assert told.state("s1", "sku", "expiry", "fee") == ("PRO", "2021-12-31", "50.00")


def test_a_cycle_is_a_multiple_of_its_plan_and_not_shorter_than_the_policy_says(story):
    told = story(f"""
        policy: {{min_cycle_months: 2}}
        {RICH}
        steps:
          - {{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO, multiplier: 2}}
          - {{at: 2020-11-17, do: change_cycle, id: s1, months: 1}}
          - {{at: 2020-11-17, do: change_cycle, id: s1, multiplier: 1}}
          - {{at: 2020-11-17, do: change_cycle, id: s1, multiplier: 2}}
          - {{at: 2020-11-17, do: change_cycle, id: s1, months: 5}}
          - {{at: 2020-11-17, do: change_plan, id: s1, sku: YEAR, when: renewal}}
          - {{at: 2020-11-17, do: change_cycle, id: s1, months: 18}}
          - {{at: 2020-11-17, do: change_cycle, id: s1, multiplier: 1}}
          - {{at: 2020-11-17, do: change_plan, id: s1, sku: BIZ, when: renewal}}
        until: 2020-11-17
    """)
    assert told.refused == [
        "2 change_cycle 9",
        "3 change_cycle 9",
        "4 change_cycle 9",
        "7 change_cycle 9",
        "9 change_plan 9",  # BIZ is monthly, and its cycle would have one month
    ]
    assert told.state("s1", "fee") == "370.00"


def test_at_most_500_of_an_add_on(story):
    told = story(f"""
        {RICH}
        steps:
          - {{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}}
          - {{at: 2020-11-17, do: set_addon, id: s1, sku: SEAT, quantity: 501}}
          - {{at: 2020-11-17, do: set_addon, id: s1, sku: SEAT, quantity: 501, when: renewal}}
          - {{at: 2020-11-17, do: set_addon, id: s1, sku: SEAT, quantity: 500, when: renewal}}
        until: 2020-11-17
    """)
    assert told.refused == ["2 set_addon 3.3", "3 set_addon 3.3"]


# --- states, refunds, failures --------------------------------------------------------------------


def test_a_failed_one_can_be_changed_an_expired_and_an_ended_one_cannot(story):
    """A downgrade at renewal makes the retry cheap enough: 30.00 are there, FREE costs nothing."""
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "80.00"}]
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2020-12-09, do: change_plan, id: s1, sku: FREE, when: renewal}
          - {at: 2020-12-11, do: unsubscribe, id: s1}
          - {at: 2021-01-20, do: change_plan, id: s1, sku: PRO, when: renewal}
          - {at: 2021-01-20, do: set_addon, id: s1, sku: SEAT, quantity: 1}
          - {at: 2021-01-20, do: change_cycle, id: s1, multiplier: 2}
          - {at: 2021-01-20, do: terminate, id: s1, reason: moved}
          - {at: 2021-01-20, do: change_plan, id: s1, sku: PRO}
        until: 2021-01-20
    """)
    assert told.refused == [
        "4 change_plan 9",
        "5 set_addon 9",
        "6 change_cycle 9",
        "8 change_plan 2",
    ]
    assert changed(told) == ["2020-12-09 s1 plan_changed", "2020-12-10 s1 renewed"]


def test_refunds_count_all_charges_of_a_period_and_the_fee_once(story):
    """Purchase and one cycle: 50.00 each. BIZ on 11-25 costs 28.00 and 40.00.

    On 12-06, day 20, nothing of 78.00 is left. 90.00 of the next period come back, less 5.00.
    """
    told = story(f"""
        policy: {{refund_admin_fee: {{USD: "5.00"}}}}
        {RICH}
        steps:
          - {{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}}
          - {{at: 2020-11-16, do: extend, id: s1, cycles: 1}}
          - {{at: 2020-11-25, do: change_plan, id: s1, sku: BIZ}}
          - {{at: 2020-12-06, do: terminate, id: s1, reason: moved}}
        until: 2020-12-06
    """)
    assert changed(told)[-1] == "2020-12-06 s1 refunded 85.00"
    assert told.invoices[-1] == "2020-12-06 acme credit_note -90.00 + 5.00 = -85.00"


def test_each_payer_of_a_changed_period_gets_its_own_part_back(story):
    """a paid 50.00. b paid 40/30 × 29 = 38.67 for the change on 11-17. On day 4 all comes back."""
    told = story("""
        accounts:
          - {id: a, currency: USD, timezone: Asia/Singapore, credits: "50.00"}
          - {id: b, currency: USD, timezone: Asia/Singapore, credits: "40.00"}
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: a, sku: PRO}
          - {at: 2020-11-16, do: set_addon, id: s1, sku: SEAT, quantity: 2, when: renewal}
          - {at: 2020-11-17, do: change_owner, id: s1, account: b}
          - {at: 2020-11-17, do: change_plan, id: s1, sku: BIZ}
          - {at: 2020-11-20, do: terminate, id: s1, reason: moved}
        until: 2020-11-20
    """)
    assert told.events("plan_changed") == ["2020-11-17 s1 plan_changed -38.67"]
    assert told.balances == {"a": "50.00", "b": "40.00"}


def test_a_new_owner_pays_the_pending_changes(story):
    """50.00 + 2 × 10.00 with the renewal."""
    told = story("""
        accounts:
          - {id: a, currency: USD, timezone: Asia/Singapore, credits: "50.00"}
          - {id: b, currency: USD, timezone: Asia/Singapore, credits: "70.00"}
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: a, sku: PRO}
          - {at: 2020-11-16, do: set_addon, id: s1, sku: SEAT, quantity: 2, when: renewal}
          - {at: 2020-11-17, do: change_owner, id: s1, account: b}
        until: 2020-12-08
    """)
    assert told.events("renewed") == ["2020-12-08 s1 renewed -70.00"]


def test_the_plan_that_a_period_holds_decides_on_its_refund(story):
    """FINAL is not refundable. It is paid from 12-16 on, but on 12-10 the present period is PRO's.

    Day 24 of a month gives nothing of the present period either.
    """
    told = story(f"""
        {RICH}
        steps:
          - {{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO, multiplier: 2}}
          - {{at: 2020-11-16, do: change_plan, id: s1, sku: FINAL, when: renewal}}
          - {{at: 2020-11-16, do: extend, id: s1, cycles: 1}}
          - {{at: 2020-12-10, do: terminate, id: s1, reason: moved}}
        until: 2020-12-10
    """)
    assert changed(told)[-1] == "2020-12-10 s1 refunded 50.00"


def test_a_suspended_account_changes_nothing(story):
    told = story("""
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2020-11-17, do: suspend, account: acme}
          - {at: 2020-11-17, do: change_plan, id: s1, sku: BIZ}
          - {at: 2020-11-17, do: set_addon, id: s1, sku: SEAT, quantity: 1, when: renewal}
          - {at: 2020-11-17, do: change_cycle, id: s1, multiplier: 2}
        until: 2020-11-17
    """)
    assert told.refused == ["3 change_plan 11.8", "4 set_addon 11.8", "5 change_cycle 11.8"]


def test_a_request_id_changes_once(story):
    told = story("""
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2020-11-25, do: change_plan, id: s1, sku: BIZ, request_id: r1}
          - {at: 2020-11-26, do: change_plan, id: s1, sku: BIZ, when: now, request_id: r1}
          - {at: 2020-11-26, do: change_plan, id: s1, sku: BIZ, when: renewal, request_id: r1}
        until: 2020-11-26
    """)
    assert told.refused == ["4 change_plan 4.2"]
    assert changed(told) == ["2020-11-25 s1 plan_changed -28.00"]


def test_a_change_on_the_day_of_expiry_and_one_on_the_day_of_the_renewal(story):
    """Rule 1.6: on 12-08 the renewal comes first, so the new period is charged in full.

    8 of 30 days are left on 12-08: 40/30 × 8 + 40 = 50.67.
    """
    told = story(f"""
        {RICH}
        steps:
          - {{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}}
          - {{at: 2020-12-08, do: change_plan, id: s1, sku: BIZ}}
          - {{at: 2020-12-16, do: set_addon, id: s1, sku: SEAT, quantity: 1}}
        until: 2020-12-16
    """)
    assert changed(told) == [
        "2020-12-08 s1 renewed -50.00",
        "2020-12-08 s1 plan_changed -50.67",
        "2020-12-16 s1 addon_changed -10.00",
    ]


def test_a_change_after_a_late_renewal_is_prorated_in_the_late_period(story):
    """Nothing runs from 12-01 to 12-18. Of 12-16..01-15, 29 of 31 days are left: 40 × 29/31."""
    told = story(f"""
        {RICH}
        steps:
          - {{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}}
          - {{at: 2020-11-20, do: set_addon, id: s1, sku: SEAT, quantity: 1, when: renewal}}
          - {{at: 2020-12-01, do: outage, until: 2020-12-18T00:00:00+08:00}}
          - {{at: 2020-12-18, do: change_plan, id: s1, sku: BIZ}}
        until: 2020-12-18
    """)
    assert changed(told)[1:] == [
        "2020-12-18 s1 renewed -60.00",
        "2020-12-18 s1 plan_changed -37.42",
    ]
