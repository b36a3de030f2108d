"""Scenarios made up by hypothesis: a few accounts, subscriptions, commands, an outage now and then, in any order that the format allows."""

from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from domain.calendar import first_instant

BEGIN = date(2023, 1, 10)
ZONES = ("Europe/Berlin", "America/Havana", "Asia/Kathmandu", "Pacific/Apia")
CATALOG = [
    {"sku": "APP", "application": "desk", "kind": "application", "months": 1, "prices": {"EUR": "30.00"}},
    {"sku": "TWO", "application": "desk", "kind": "application", "months": 2, "prices": {"EUR": "44.44"}},
    {"sku": "FREE", "application": "free", "kind": "service", "months": 1, "prices": {"EUR": "0.00"}},
    {"sku": "SEAT", "kind": "addon", "months": 1, "prices": {"EUR": "3.33"}},
    {"sku": "APP", "from": "2023-03-01", "prices": {"EUR": "35.00"}},
]
IDS = ("s1", "s2", "s3", "s4")

policies = st.fixed_dictionaries(
    {},
    optional={
        "group_renewal": st.sampled_from(["together", "independent"]),
        "retry_days": st.sampled_from([[], [1], [2, 4, 6], [7]]),
        "late_renewal_days": st.sampled_from([0, 7, 40]),
        "retry_on_top_up": st.booleans(),
        "renewal_lead_days": st.sampled_from([7, 20, 27]),
        "reactivation_days": st.sampled_from([0, 3, 28]),
        "refund_admin_fee": st.sampled_from([{"EUR": "2.00"}, {"EUR": "100.00"}]),
    },
)


@st.composite
def accounts(draw: st.DrawFn, id_: str) -> dict[str, Any]:
    """An account in one of a few zones, with little money."""
    return {
        "id": id_,
        "currency": "EUR",
        "timezone": draw(st.sampled_from(ZONES)),
        "credits": draw(st.sampled_from(["0.00", "30.00", "65.00", "200.00"])),
        "credit_limit": draw(st.sampled_from(["0.00", "20.00"])),
        "card": draw(st.sampled_from(["none", "ok", "declined"])),
        "renew_by_card": draw(st.booleans()),
    }


@st.composite
def scenarios(draw: st.DrawFn) -> dict[str, Any]:
    """A whole scenario file."""
    people = [draw(accounts("a")), draw(accounts("b"))]
    zones = {person["id"]: person["timezone"] for person in people}
    steps: list[dict[str, Any]] = []
    owners: dict[str, str] = {}
    day, after = BEGIN, None
    for _ in range(draw(st.integers(2, 14))):
        day += timedelta(days=draw(st.sampled_from([0, 0, 1, 2, 3, 5, 8, 13, 25])))
        step = draw(one_step(owners))
        account = step.get("account") or owners.get(step.get("id", ""))
        if step["do"] == "outage":
            start = first_instant(day, "UTC")
            if after is not None and start <= after:
                continue
            after = start + timedelta(days=draw(st.sampled_from([1, 5, 9, 16, 40])), hours=draw(st.integers(0, 23)))
            steps.append({"at": _text(start), "until": _text(after), "do": "outage"})
            day = after.date() + timedelta(days=2)
            continue
        at = first_instant(day, zones[account]) + timedelta(hours=draw(st.sampled_from([0, 0, 0, 9])))
        if after is not None and at < after:
            continue
        after = at
        steps.append({"at": _text(at)} | step)
        if step["do"] == "purchase":
            owners.setdefault(step["id"], step["account"])
    until = max(day, after.date() if after else day) + timedelta(days=draw(st.sampled_from([3, 30, 75])))
    return {"policy": draw(policies), "catalog": CATALOG, "accounts": people, "steps": steps, "until": str(until)}


@st.composite
def one_step(draw: st.DrawFn, owners: dict[str, str]) -> dict[str, Any]:
    """One step without its instant; on subscriptions only those that an earlier step introduced."""
    on_account = ("purchase", "purchase", "purchase", "top_up", "set_card", "set", "suspend", "resume", "outage")
    on_subscription = ("recover", "extend", "reactivate", "unsubscribe", "resubscribe", "terminate")
    do = draw(st.sampled_from(on_account + (on_subscription * 2 if owners else ())))
    step: dict[str, Any] = {"do": do}
    if do in on_subscription:
        step["id"] = draw(st.sampled_from(sorted(owners)))
    elif do != "outage":
        step["account"] = draw(st.sampled_from(["a", "b"]))
    if draw(st.integers(0, 9)) == 0 and do != "outage":
        step["request_id"] = draw(st.sampled_from(["r1", "r2"]))
    match do:
        case "purchase":
            step |= {"id": draw(st.sampled_from(IDS)), "sku": draw(st.sampled_from(["APP", "APP", "TWO", "FREE"]))}
            step |= draw(
                st.fixed_dictionaries(
                    {},
                    optional={
                        "addons": st.just({"SEAT": 2}), "legacy": st.booleans(), "multiplier": st.just(2), "quantity": st.sampled_from([2, 501]),
                    },
                )
            )  # fmt: skip
        case "top_up":
            step["amount"] = draw(st.sampled_from(["10.00", "30.00", "100.00"]))
        case "set_card":
            step["card"] = draw(st.sampled_from(["none", "ok", "declined"]))
        case "set":
            step |= draw(
                st.sampled_from([{"renew_by_card": True}, {"renew_by_card": False}, {"credit_limit": "0.00"}, {"credit_limit": "50.00"}])
            )
        case "extend":
            step |= draw(st.sampled_from([{"cycles": 1}, {"cycles": 2}, {"to": "2023-05-31"}, {"to": "2024-01-05"}]))
        case "recover" | "reactivate":
            step |= draw(st.sampled_from([{}, {}, {"invoice_number": "X-1"}]))
        case "terminate":
            step["reason"] = "moved"
    return step


def _text(at: datetime) -> str:
    return at.isoformat()
