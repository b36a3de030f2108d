"""Purchase: the subscription, its first period and the charge in one commit; its workflow is started after that (Rules 3.3, 4.1, 4.2)."""

from activities.checks import covered, exists, on_account, replay
from activities.paying import Paid, done, pay
from domain import lifecycle
from domain.catalog import PRIMARY, Catalog, Kind
from domain.commands import Pay, Purchase
from domain.messages import CommandRequest, CommandResult
from domain.pricing import cycle_lines
from domain.refusal import Refused
from ledger.work import Ledger, Work


def purchase(ledger: Ledger, request: CommandRequest) -> CommandResult:
    """Buy a subscription; refused, nothing exists afterwards."""
    assert isinstance(request.command, Purchase)
    return on_account(ledger, request.command, request, _purchase)


def _purchase(work: Work, command: Purchase) -> CommandResult:
    if exists(work.connection, command.subscription):
        # perhaps by this request, given for another account at the same moment: the replay is the first check (Rule 2)
        replay(work.connection, work.account.seller, command)
        raise Refused("4.1", f"{command.subscription} exists")
    _check(work, command)
    bought = lifecycle.bought(
        id=command.subscription, account=work.account.id, sku=command.sku, quantity=command.quantity, multiplier=command.multiplier,
        addons=command.addons, legacy=command.legacy, base_months=work.catalog.months(command.sku), today=work.today, now=work.now,
        policy_version=work.policy_version,
    )  # fmt: skip
    first = Paid(lifecycle.start(bought), cycle_lines(bought, work.catalog, work.account.currency, work.today))
    if command.pay is Pay.CREDITS:
        covered(work, first.fee, "4.1")
    facts = pay(
        work, bought, [first], purpose="purchase", cycle=bought.anchor, event="purchased", rule="4.1", command=command,
        external_invoice=command.invoice_number if command.pay is Pay.EXTERNAL_INVOICE else None,
    )  # fmt: skip
    return done(facts, work.create(bought))


def _check(work: Work, command: Purchase) -> None:
    catalog = work.catalog
    _check_sku(catalog, command.sku, PRIMARY, "cannot be bought by itself")
    for sku in command.addons:
        _check_sku(catalog, sku, (Kind.ADDON,), "is no add-on")
    most = work.policy.max_licences
    for sku, quantity in ((command.sku, command.quantity), *command.addons.items()):
        if quantity < 1:
            raise Refused("3.3", f"{quantity} licences of {sku}: at least 1")
        if quantity > most:
            raise Refused("3.3", f"{quantity} licences of {sku}: at most {most}")
    if command.multiplier < 1:
        raise Refused("3.1", f"multiplier {command.multiplier}: at least 1")
    if (command.pay is Pay.EXTERNAL_INVOICE) != (command.invoice_number is not None):
        raise Refused("11.4", "an external invoice needs its number, and a number needs an external invoice")
    months = catalog.months(command.sku) * command.multiplier
    if months < work.policy.min_cycle_months:
        raise Refused("3.1", f"a cycle of {months} months: at least {work.policy.min_cycle_months}")


def _check_sku(catalog: Catalog, sku: str, kinds: object, otherwise: str) -> None:
    if sku not in catalog:
        raise Refused("4.1", f"there is no SKU {sku}")
    if catalog.kind(sku) not in kinds:  # type: ignore[operator]
        raise Refused("4.1", f"{sku} {otherwise}: it is of kind {catalog.kind(sku)}")
