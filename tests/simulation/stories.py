"""Scenarios that hypothesis generates: accounts, subscriptions, commands and outages.

They come in any order that the format allows. Some are in years and zones where a day begins at an
odd hour, begins twice, or does not exist. The naive model plays along, so that most steps fit the
state. Whether the model is right does not matter here.

A random number generator chooses what is done and when. Hypothesis draws its seed. Hypothesis
alone repeats itself too often, and rare commands would stay rare. The details of a step are drawn
one by one, so hypothesis can make a failing story smaller.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from random import Random
from typing import Any

from hypothesis import strategies as st

from tests.simulation.naive import (
    ACTIVE,
    EXPIRED,
    TERMINATED,
    Account,
    Story,
    Subscription,
    day_of,
    first_instant,
)

BEGINS = (
    date(2023, 1, 10),
    date(2023, 1, 10),
    date(2024, 1, 28),
    date(2011, 11, 20),
    date(2010, 9, 25),
    date(2018, 9, 25),
)
ZONES = (
    *("Europe/Berlin", "America/Havana", "Asia/Kathmandu", "Pacific/Apia", "America/St_Johns"),
    *("America/Sao_Paulo", "Pacific/Kiritimati", "Pacific/Niue", "UTC"),
)
UNITS = {"EUR": ".00", "USD": ".00", "JPY": "00", "KWD": ".125"}
NUMBERS = ("+1", "+22", "+3", "+10", "+5")
IDS = ("s1", "s2", "S3", "s10", "é", "s-6")
ON_NUMBER = ("add_number", "remove_number", "swap_number")
ON_ACCOUNT = (
    *("top_up", "set_card", "set", "suspend", "resume"),
    *("usage", "adjust", "transfer", "pay_invoice"),
)


def worth(units: int, currency: str) -> str:
    """An amount as text, of a similar size in each currency."""
    return f"{units}{UNITS[currency]}" if units else "0"


def prices(units: int, *currencies: str) -> dict[str, str]:
    return {currency: worth(units, currency) for currency in currencies or UNITS}


def catalog(begin: date) -> list[dict[str, Any]]:
    """What is sold. Some prices are odd, some change, and some are added later."""
    two = {"EUR": "44.44", "USD": "44.45", "KWD": "9.335"}
    return [
        {
            "sku": "APP",
            "application": "desk",
            "kind": "application",
            "months": 1,
            "prices": prices(30),
            "trial_days": 10,
        },
        {
            "sku": "TWO",
            "application": "desk",
            "kind": "application",
            "months": 2,
            "prices": two,
            "trial_days": 30,
        },
        {
            "sku": "PLUS",
            "application": "desk",
            "kind": "application",
            "months": 1,
            "prices": {"EUR": "47.77", "USD": "45.00", "JPY": "4111", "KWD": "44.125"},
        },
        {
            "sku": "DUO",
            "application": "desk",
            "kind": "application",
            "months": 2,
            "prices": prices(80, "EUR", "USD", "KWD"),
        },
        {
            "sku": "YEAR",
            "application": "desk",
            "kind": "application",
            "months": 12,
            "prices": prices(370),
        },
        {"sku": "FREE", "kind": "service", "months": 1, "prices": prices(0), "trial_days": 4},
        {
            "sku": "FINAL",
            "application": "fax",
            "kind": "hardware",
            "months": 1,
            "prices": prices(20),
            "refundable": False,
            "trial_days": 20,
        },
        {
            "sku": "SEAT",
            "kind": "addon",
            "months": 1,
            "prices": {"EUR": "3.33", "USD": "3.335", "JPY": "333.5", "KWD": "1.0005"},
        },
        {"sku": "HELP", "kind": "addon", "months": 12, "prices": prices(110)},
        {
            "sku": "DID",
            "kind": "number",
            "months": 1,
            "prices": {"EUR": "2.22", "USD": "2.225", "JPY": "222.5", "KWD": "1.1115"},
            "activation_fee": {"EUR": "5.00", "USD": "5.005", "JPY": "500.5"},
        },
        {"sku": "BARE", "kind": "number", "months": 12, "prices": prices(40, "EUR", "USD", "KWD")},
        {"sku": "DID", "from": str(begin + timedelta(days=35)), "activation_fee": prices(6)},
        {"sku": "APP", "from": str(begin + timedelta(days=50)), "prices": prices(35, "EUR", "KWD")},
        {"sku": "TWO", "from": str(begin + timedelta(days=40)), "prices": {"JPY": "4445"}},
        {"sku": "FINAL", "from": str(begin + timedelta(days=60)), "refundable": True},
        {"sku": "YEAR", "from": str(begin + timedelta(days=20)), "trial_days": 15},
    ]


@st.composite
def policies(draw: st.DrawFn) -> dict[str, Any]:
    """A policy with few keys. The leads are often the defaults."""
    leads = draw(
        st.sampled_from(
            [
                {},
                {},
                {"renewal_lead_days": 20},
                {"renewal_lead_days": 27, "legacy_renewal_lead_days": 27},
                {"renewal_lead_days": 1, "legacy_renewal_lead_days": 10},
            ]
        )
    )
    smaller = min({"renewal_lead_days": 7, "legacy_renewal_lead_days": 8, **leads}.values())
    retries = [
        days
        for days in ([], [1], [2, 4, 6], [7], [1, 2, 3, 4, 5, 6, 7])
        if not days or days[-1] <= smaller
    ]
    needed = {"retry_days": st.sampled_from(retries)} if smaller < 6 else {}
    others = {
        "retry_days": st.sampled_from(retries),
        "group_renewal": st.sampled_from(["together", "independent"]),
        "late_renewal_days": st.sampled_from([0, 1, 7, 20, 27]),
        "retry_on_top_up": st.booleans(),
        "reactivation_days": st.sampled_from([0, 1, 3, 28, 70]),
        "renewal_notice_days": st.sampled_from([1, 7, 40]),
        "expiring_notice_days": st.sampled_from([1, 3, 40]),
        "refund_window_days": st.sampled_from([0, 14, 40]),
        "refund_allowed": st.booleans(),
        "refund_admin_fee": st.sampled_from([prices(2), prices(100), prices(7, "JPY")]),
        "max_licences": st.sampled_from([2, 501]),
        "auto_top_up_daily_cap": st.sampled_from([prices(20), prices(90, "EUR", "JPY")]),
        "number_hold_days": st.sampled_from(
            [
                {
                    "normal": {"expired": 10, "terminated": 2, "swapped": 0},
                    "ported_in": {"expired": 40, "terminated": 8, "swapped": 7},
                },
                {
                    "normal": {"expired": 1, "terminated": 15, "swapped": 3},
                    "ported_in": {"expired": 0, "terminated": 1, "swapped": 9},
                },
            ]
        ),
        "rebuy_grace_hours": st.sampled_from([0, 24, 200]),
    }
    optional = {
        key: others[key]
        for key in draw(st.lists(st.sampled_from(sorted(others)), max_size=4, unique=True))
    }
    ends = {"trial_end": "convert"} if draw(st.booleans()) else {}
    seldom = {"min_cycle_months": 2} if draw(st.integers(0, 15)) == 0 else {}
    return leads | ends | seldom | draw(st.fixed_dictionaries(optional | needed))


@st.composite
def accounts(draw: st.DrawFn, id_: str, currencies: Sequence[str] = ()) -> dict[str, Any]:
    """An account in one of a few zones and currencies. It rarely has much money."""
    currency = draw(st.sampled_from(currencies or sorted(UNITS)))
    postpaid = {"mode": "postpaid", "credit_limit": worth(150, currency)}
    return {
        "id": id_,
        "currency": currency,
        "timezone": draw(st.sampled_from(ZONES)),
        "credits": worth(draw(st.sampled_from([30, 65, 120, 200, 500, 900, 50, 100, 0])), currency),
        "credit_limit": worth(draw(st.sampled_from([0, 0, 20])), currency),
        "card": draw(st.sampled_from(["none", "ok", "declined"])),
        "renew_by_card": draw(st.booleans()),
        "auto_top_up": draw(st.booleans()),
    } | draw(st.sampled_from([{}, {}, {}, postpaid]))


@st.composite
def scenarios(draw: st.DrawFn) -> dict[str, Any]:
    """A whole scenario document."""
    begin = draw(st.sampled_from(BEGINS))
    first = draw(accounts("a"))
    mostly = [first["currency"]] * 9 + sorted(UNITS)  # Owners change within one currency.
    told = {
        "policy": draw(policies()),
        "catalog": catalog(begin),
        "accounts": [first, draw(accounts("B", mostly))],
    }
    story = Story(told | {"steps": [], "until": str(begin + timedelta(days=10_000))})
    chance = draw(st.randoms(use_true_random=True))
    now, steps = datetime(begin.year, begin.month, begin.day, tzinfo=UTC), list[dict[str, Any]]()
    for number in range(1, draw(st.integers(8, 16)) + 1):
        account = story.accounts[chance.choice(["a", "a", "a", "B"])]
        now = max(now, instant(chance, now, story, account, one_of(chance, story, account)))
        story.let_time_pass(now)
        subscription = one_of(chance, story, account)
        step = {"at": now.isoformat()} | draw(one_step(chance, now, story, account, subscription))
        story.take(step, number)
        steps.append(step)
        if step["do"] == "outage":
            now = datetime.fromisoformat(step["until"])
    until = now.date() + timedelta(days=draw(st.sampled_from([3, 30, 75])))
    return told | {"steps": steps, "until": str(until)}


def one_of(chance: Random, story: Story, account: Account) -> Subscription | None:
    """A subscription of the account. One that has failed to renew is preferred, as it is rare."""
    known = story.of_account(account)
    return chance.choice([each for each in known if each.failed] or known) if known else None


def instant(
    chance: Random, now: datetime, story: Story, account: Account, subscription: Subscription | None
) -> datetime:
    """The instant of the next step, mostly near the days that matter to a subscription."""
    today = day_of(now, account.zone)
    soon = [today + timedelta(days=days) for days in (0, 0, 1, 2, 5, 13, 20)]
    matter: list[date] = []
    if subscription and subscription.status in (ACTIVE, EXPIRED) and chance.random() < 0.75:
        around: dict[date, tuple[int, ...]] = {
            story.renewal_date(subscription): (-1, 0, 0, 0, 1, 2, 3, 5),
            subscription.expiry: (-3, -1, 0, 1, 1, 2, 10, 28, 29),
            subscription.periods[-1].start: (14, 14, 15, 15),
        }
        matter = [day + timedelta(days=days) for day, offsets in around.items() for days in offsets]
    within = 3 if subscription and subscription.failed else 100
    day = chance.choice(
        [day for day in matter if today <= day < today + timedelta(days=within)] or soon
    )
    return first_instant(day, account.zone) + timedelta(hours=chance.choice([0, 0, 0, 9, 23]))


@st.composite
def one_step(
    draw: st.DrawFn,
    chance: Random,
    now: datetime,
    story: Story,
    account: Account,
    subscription: Subscription | None,
) -> dict[str, Any]:
    """A step without its instant. Most steps fit the account and the subscription."""
    do = chance.choice(
        fitting(story, account, subscription) if chance.random() < 0.9 else sorted(STEPS)
    )
    if do == "outage":
        ends = [
            now + timedelta(days=days, hours=draw(st.integers(0, 23)))
            for days in (1, 5, 9, 16, 40, 75)
        ]
        if subscription:
            latest = subscription.expiry + timedelta(days=story.policy["late_renewal_days"])
            ends += [
                first_instant(latest + timedelta(days=days), account.zone) for days in (0, 0, 1, 1)
            ]
        return {
            "do": do,
            "until": draw(
                st.sampled_from([end for end in ends if now < end < now + timedelta(days=100)])
            ).isoformat(),
        }
    step: dict[str, Any] = {"do": do}
    if do in ("purchase", "trial") or (do not in ON_ACCOUNT and not story.owner_so_far):
        unused = [id_ for id_ in IDS if id_ not in story.owner_so_far]
        step = {
            "do": "trial" if do == "trial" else "purchase",
            "id": draw(st.sampled_from([*unused * 4, IDS[0]])),
            "account": account.id,
        }
        step |= draw(goods(account) if step["do"] == "purchase" else trials())
    elif do in ON_ACCOUNT:
        step["account"] = account.id
    else:
        step["id"] = (
            subscription.id
            if subscription and chance.random() < 0.9
            else chance.choice(sorted(story.owner_so_far))
        )
    if do == "change_owner" and "id" in step:
        others = [id_ for id_ in story.accounts if id_ != account.id]
        step["account"] = draw(st.sampled_from([*others * 9, account.id]))
    if step["do"] in ON_NUMBER:
        step |= draw(of_number(step["do"], chance, story, subscription))
    if draw(st.integers(0, 9)) == 0:
        step["request_id"] = draw(st.sampled_from(["r1", "r2"]))
    return step | draw(
        STEPS[step["do"]](subscription.expiry if subscription else now.date(), account.currency)
    )


@st.composite
def of_number(
    draw: st.DrawFn, do: str, chance: Random, story: Story, subscription: Subscription | None
) -> dict[str, Any]:
    """The fields of a step about a number. A number that fits is preferred."""
    own = [it.number for it in story.in_use_by(subscription)] if subscription else []
    others = [number for number in NUMBERS if number not in own]
    skus = st.sampled_from(["DID", "DID", "DID", "BARE"])
    when = draw(st.sampled_from([{}, {"when": "now"}, {"when": "renewal"}, {"when": "renewal"}]))
    if do == "add_number":
        number = chance.choice([*others * 3, *own, *NUMBERS])
        kind = st.sampled_from([{}, {}, {"hold": "ported_in"}, {"hold": "byoi"}])
        return {"number": number, "sku": draw(skus)} | when | draw(kind)
    number = chance.choice(own * 5 + list(NUMBERS))
    if do == "remove_number":
        return {"number": number} | when
    sku = {"sku": draw(skus)} if draw(st.integers(0, 3)) == 0 else {}
    return {"number": number, "to": chance.choice(others or list(NUMBERS))} | sku


def fitting(story: Story, account: Account, subscription: Subscription | None) -> list[str]:
    """Commands that are not refused now if there is money. Likely ones are listed several times."""
    if account.suspended:
        return _often(resume=4, terminate=1, top_up=1)
    if subscription is None:
        return _often(purchase=4, trial=1, top_up=1)
    on_trial = subscription.trial_ends is not None
    on_account = _often(
        change_owner=2 if subscription.status != TERMINATED and not on_trial else 0,
        purchase=max(0, 4 - 2 * len(story.of_account(account))),
        trial=1 if len(account.tried) < 2 else 0,
        top_up=1,
        set_card=1,
        set=1,
        outage=1,
        usage=2,
        adjust=1,
        transfer=1,
        pay_invoice=2 if account.postpaid else 0,
    )
    if on_trial:
        return on_account + _on_trial(subscription)
    if subscription.status == ACTIVE:
        own = len(story.in_use_by(subscription))
        on_account += _often(change_plan=4, set_addon=2, change_cycle=1, add_number=3)
        on_account += _often(remove_number=2 * min(own, 2), swap_number=min(own, 1))
    if subscription.failed:
        return on_account + _often(recover=6, extend=1, unsubscribe=1, terminate=1, suspend=1)
    if subscription.status == ACTIVE and subscription.auto_renew:
        return on_account + _often(
            unsubscribe=2,
            extend=2,
            terminate=4 if story.cycle_months(subscription.next) > 1 else 1,
            suspend=1,
        )
    if subscription.status == ACTIVE:
        return on_account + _often(resubscribe=6, extend=1, terminate=1)
    return on_account + _often(reactivate=6 if subscription.status == EXPIRED else 0)


def _on_trial(trial: Subscription) -> list[str]:
    if trial.status == TERMINATED:
        return []
    switch = "unsubscribe" if trial.auto_renew else "resubscribe"
    while_active = _often(terminate=1, suspend=1, **{switch: 1}) if trial.status == ACTIVE else []
    return while_active + _often(convert=6)


def _often(**times: int) -> list[str]:
    return [do for do, number in times.items() for _ in range(number)]


bought_numbers = st.fixed_dictionaries(
    {"number": st.sampled_from(NUMBERS), "sku": st.sampled_from(["DID", "DID", "BARE"])},
    optional={"hold": st.sampled_from(["normal", "ported_in", "byoi"])},
)


@st.composite
def goods(draw: st.DrawFn, account: Account) -> dict[str, Any]:
    """What is bought, and how it is paid. Accounts with little money mostly pay externally."""
    further = {
        "addons": st.sampled_from([{"SEAT": 1}, {"SEAT": 2, "HELP": 1}]),
        "legacy": st.booleans(),
        "multiplier": st.sampled_from([2, 3]),
        "quantity": st.sampled_from([2, 2, 2, 2, 2, 501]),
        "align": st.just(True),
        "discount": st.sampled_from([10, 12.5, 100]),
        "discount_cycles": st.sampled_from([2, 3]),
        "numbers": st.lists(
            bought_numbers, min_size=1, max_size=3, unique_by=lambda it: it["number"]
        ),
    }
    keys = draw(st.lists(st.sampled_from(sorted(further)), max_size=3, unique=True))
    poor = account.usable < Fraction(worth(50, account.currency))
    elsewhere = draw(st.integers(0, 5)) < (4 if poor else 1)
    external = {"pay": "external_invoice", "invoice_number": "X-0"}
    contracts = [{"pay": "contract"}, {"pay": "contract", "contract": "milestone"}]
    otherwise = draw(st.sampled_from([{}, {}, {}, *contracts]))
    paid = external if elsewhere else otherwise
    step: dict[str, Any] = {
        "sku": draw(st.sampled_from(["APP", "APP", "APP", "TWO", "TWO", "YEAR", "FREE", "FINAL"]))
    }
    return step | draw(st.fixed_dictionaries({key: further[key] for key in keys})) | paid


@st.composite
def trials(draw: st.DrawFn) -> dict[str, Any]:
    """What is tried. YEAR has a trial from some day on, PLUS has none."""
    return {"sku": draw(st.sampled_from(["APP", "APP", "TWO", "FREE", "FINAL", "YEAR", "PLUS"]))}


def _amounts(_: date, currency: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.sampled_from([{"amount": worth(units, currency)} for units in (10, 30, 60, 100)])


def _settings(_: date, currency: str) -> st.SearchStrategy[dict[str, Any]]:
    switch = [{"renew_by_card": True}, {"renew_by_card": False}, {"auto_top_up": True}]
    modes = [{"mode": "prepaid"}, {"mode": "postpaid", "credit_limit": worth(90, currency)}]
    limits = ({"credit_limit": worth(units, currency)} for units in (0, 50))
    return st.sampled_from([*switch, *modes, *limits])


def _extensions(expiry: date, _: str) -> st.SearchStrategy[dict[str, Any]]:
    to = [{"to": str(expiry + timedelta(days=days))} for days in (20, 32, 45, 77, 180)]
    lengths, paid = (
        st.sampled_from([*to, {"cycles": 1}, {"cycles": 2}]),
        st.sampled_from([{}, {}, {"invoice_number": "X-2"}]),
    )
    return st.builds(lambda length, pay: length | pay, lengths, paid)


_WHEN = st.sampled_from([{}, {"when": "now"}, {"when": "renewal"}])


def _plans(_: date, __: str) -> st.SearchStrategy[dict[str, Any]]:
    skus = ["APP", "PLUS", "PLUS", "TWO", "DUO", "DUO", "YEAR", "FREE", "FINAL"]
    plans = st.fixed_dictionaries({"sku": st.sampled_from(skus)})
    paid = st.sampled_from([{}, {}, {}, {"invoice_number": "X-3"}])
    return st.builds(lambda plan, when, pay: plan | when | pay, plans, _WHEN, paid)


def _addons(_: date, __: str) -> st.SearchStrategy[dict[str, Any]]:
    skus, quantities = st.sampled_from(["SEAT", "HELP"]), st.sampled_from([0, 1, 2, 3, 501])
    addons = st.fixed_dictionaries({"sku": skus, "quantity": quantities})
    return st.builds(lambda addon, when: addon | when, addons, _WHEN)


def _cycles(_: date, __: str) -> st.SearchStrategy[dict[str, Any]]:
    months = [{"months": months} for months in (1, 2, 3, 4, 12)]
    return st.sampled_from([{"multiplier": 1}, {"multiplier": 2}, {"multiplier": 3}, *months])


def _maybe_external(_: date, __: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.sampled_from([{}, {"invoice_number": "X-1"}])


def _nothing(_: date, __: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.just({})


def _transfers(_: date, currency: str) -> st.SearchStrategy[dict[str, Any]]:
    amounts = st.sampled_from([worth(units, currency) for units in (3, 30)])
    return st.fixed_dictionaries({"to": st.sampled_from(["a", "B"]), "amount": amounts})


STEPS: dict[str, Callable[[date, str], st.SearchStrategy[dict[str, Any]]]] = {
    "purchase": _nothing,
    "trial": _nothing,
    "convert": _maybe_external,
    "recover": _maybe_external,
    "extend": _extensions,
    "reactivate": _maybe_external,
    "unsubscribe": _nothing,
    "resubscribe": _nothing,
    "change_plan": _plans,
    "set_addon": _addons,
    "change_cycle": _cycles,
    "add_number": _nothing,
    "remove_number": _nothing,
    "swap_number": _nothing,
    "change_owner": _nothing,
    "terminate": lambda _, __: st.just({"reason": "moved"}),
    "top_up": _amounts,
    "set_card": lambda _, __: st.sampled_from(
        [{"card": "none"}, {"card": "ok"}, {"card": "declined"}]
    ),
    "set": _settings,
    "usage": lambda _, currency: st.sampled_from(
        [{"amount": amount, "text": "calls"} for amount in ("0.12345", worth(9, currency))]
    ),
    "adjust": lambda _, currency: st.sampled_from(
        [
            {"amount": sign + worth(units, currency), "reason": "x"}
            for sign in ("", "-")
            for units in (7, 40)
        ]
    ),
    "transfer": _transfers,
    "pay_invoice": _amounts,
    "suspend": _nothing,
    "resume": _nothing,
    "outage": _nothing,
}
"""The further fields of each kind of step, given the expiry date and the currency."""
