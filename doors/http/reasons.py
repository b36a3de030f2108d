"""Why something is as it is, with rules and rows: balances, renewals, invoices, fees, refusals."""

from doors.http.callers import Calling
from doors.http.parameters import InvoiceNumber, PathId, PathNumber
from doors.http.routes import Routes
from doors.queries.balance_reasons import balance_of
from doors.queries.cycle_reasons import renewals_since_purchase
from doors.queries.invoice_reasons import lines_of_invoice
from doors.queries.number_reasons import fees_of_number
from doors.queries.reasons import Reasons
from doors.queries.refusals import refusals_about

routes = Routes("reasons")


@routes.get("/reasons/balances/{account:path}", "explain_balance", Reasons)
async def explain_balance(caller: Calling, account: PathId) -> Reasons:
    """What the balance of an account is made of, its newest movements, and refused commands."""
    return await caller.read(balance_of, account)


@routes.get("/reasons/renewals/{subscription:path}", "explain_renewals", Reasons)
async def explain_renewals(caller: Calling, subscription: PathId) -> Reasons:
    """What was unusual about the renewals of a subscription since its purchase."""
    return await caller.read(renewals_since_purchase, subscription)


@routes.get("/reasons/invoices/{invoice}", "explain_invoice", Reasons)
async def explain_invoice(caller: Calling, invoice: InvoiceNumber) -> Reasons:
    """Each line of an invoice with what has charged it (Rule 11.4)."""
    return await caller.read(lines_of_invoice, str(invoice))


@routes.get("/reasons/fees/{number}", "explain_fees", Reasons)
async def explain_fees(caller: Calling, number: PathNumber) -> Reasons:
    """Why each use of a number had an activation fee or none (Rule 10.2)."""
    return await caller.read(fees_of_number, number)


@routes.get("/reasons/refusals/{asked:path}", "explain_refusals", Reasons)
async def explain_refusals(caller: Calling, asked: PathId) -> Reasons:
    """The commands that were refused, by which rule, and what is allowed.

    `asked`: an account, a subscription, or the idempotency key of a refused command.
    """
    return await caller.read(refusals_about, asked)
