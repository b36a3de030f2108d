"""What the role of the workers may do, and what PostgreSQL refuses it (docs/operations.md)."""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy.exc import DBAPIError

from activities.documents import invoice_document
from activities.number_invoices import number_invoices
from activities.reconciliation.reconcile import Reconciliation
from activities.reconciliation.workflow_port import Limits, Standing
from activities.registry import Activities
from activities.send_notices import notify
from core.domain import policy
from core.domain.commands.close_account import CloseAccount
from core.domain.commands.extend import Extend
from core.domain.commands.set_account import SetAccount
from core.domain.commands.set_billing import SetBilling
from core.domain.commands.terminate import Terminate
from core.domain.commands.top_up import TopUp
from core.domain.documents import Format
from core.domain.findings import Part, ReconcileRequest
from core.domain.profiles import SellerProfile
from core.domain.steps import Subject
from core.domain.taxes import TaxRate
from core.gateways.simulated_cards import SimulatedCards
from core.ledger import profiles, stored_terms
from core.ledger.database import connect
from core.ledger.due_steps import due_at
from core.ledger.ledger import Ledger
from doors.application.direct_engine import Direct
from doors.application.what_if import Assumptions, what_if
from doors.queries.list_names import WorkList
from doors.queries.work_lists import work_list
from local import postgres
from local.app_role import as_workers
from settings import PROJECT
from tests.ledger.conftest import DAY, LONG_AGO, PRO, Shop
from tests.shared_database import of_workers
from tests.simulation.test_examples import EXAMPLES, PLAYED, without_free_text
from tests.stories.story import tell


@pytest.fixture
def worker(shop: Shop) -> Iterator[Shop]:
    """The shop as the workers' role sees it. The fixture `shop` is its owner."""
    url = shop.ledger.engine.url.render_as_string(hide_password=False)
    ledger = Ledger(connect(of_workers(url)), machine_now=lambda: LONG_AGO, every_seller=True)
    yield replace(
        shop, ledger=ledger, engine=Direct(Activities(ledger, SimulatedCards(ledger.engine)))
    )
    ledger.engine.dispose()


def test_the_script_of_an_installation_makes_the_role_with_its_password(shop: Shop) -> None:
    """The second run is that of the next migration."""
    script = PROJECT / "deploy" / "postgres" / "roles.sh"
    owner = shop.ledger.engine.url.set(drivername="postgresql")
    shop.run("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM perennial_app")
    for password in ("first", 'it\'s "second"'):
        done = subprocess.run(
            ["/bin/sh", script],
            env={
                "OWNER_URL": owner.render_as_string(hide_password=False),
                "APP_PASSWORD": password,
                "PSQL": str(postgres.program("psql")),
            },
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert (done.returncode, done.stderr) == (0, "")
    granted = shop.value("SELECT has_table_privilege('perennial_app', 'steps', 'DELETE')")
    assert granted
    assert shop.value("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'perennial_app'")


@pytest.mark.parametrize("name", PLAYED)
def test_every_example_can_be_played_by_the_workers_role(name: str, database: str) -> None:
    story = tell((EXAMPLES / f"{name}.yaml").read_text(), of_workers(database))
    result = json.loads((EXAMPLES / f"{name}.json").read_text())
    assert without_free_text(story.result) == without_free_text(result)


def test_the_workers_role_can_forecast_under_assumptions(worker: Shop) -> None:
    """A copy of an account needs no right to create anything (docs/decisions/0022)."""
    worker.open(credits_="200.00")
    worker.buy("s1")
    worker.ledger.machine_now = lambda: DAY
    found = what_if(worker.ledger, "acme", Assumptions(), 2)
    assert found.assumed.events["renewed"] == 2


class Busy:
    """Workflows that all run and are busy."""

    async def standing(self, subject: Subject) -> Standing:
        """It is busy."""
        return Standing(runs=True, idle=False)

    async def known(self, subject: Subject) -> None:
        """It does not answer."""

    async def start(self, subject: Subject) -> None:
        """Nothing is started."""

    async def tell(self, snapshot: object) -> None:
        """Nothing is told."""


def test_the_workers_role_can_do_its_work(worker: Shop, shop: Shop) -> None:
    with worker.ledger.engine.begin() as connection:
        stored_terms.add_policy(connection, "main", policy.load({"retry_days": [2, 4]}))
        stored_terms.add_catalog(connection, "main", [PRO | {"sku": "NEW"}])
    worker.open(credits_="100.00", card="sim_ok", renew_by_card=True)
    worker.open("other", "0.00")
    assert worker.buy().refusal is None
    assert worker.buy("s2").refusal is None
    shop.put_on_clock()
    with worker.ledger.engine.connect() as connection:
        due = due_at(connection, "c", DAY + timedelta(days=24))
    for item in due:
        if item.kind is not None:
            asyncio.run(worker.engine.take(item, item.due))
    assert worker.value("SELECT count(*) FROM operations WHERE charge IS NOT NULL") >= 1
    messages = [row[0] for row in worker.rows("SELECT id FROM messages WHERE state = 'planned'")]
    notify(worker.ledger, DAY + timedelta(days=30), messages)
    later = DAY + timedelta(days=25)
    for command in (
        TopUp(account="acme", amount=Decimal("500.00")),
        SetAccount(account="acme", credit_limit=Decimal("5.00")),
        Extend(subscription="s1", cycles=1),
        Terminate(subscription="s1", reason="closed"),
        CloseAccount(account="other"),
    ):
        assert worker.do(command, later).refusal is None
    worker.run("UPDATE subscriptions SET workflow_started = true")
    assert number_invoices(worker.ledger) > 0
    assert len(work_list(worker.ledger, WorkList.ACTIVE)) == 1
    reconciliation = Reconciliation(
        worker.ledger, SimulatedCards(worker.ledger.engine), Busy(), Limits()
    )
    for part in Part:
        after: str | None = ""
        while after is not None:
            request = ReconcileRequest(part=part, now=later, after=after, full=True)
            result = asyncio.run(reconciliation.reconcile(request))
            assert result.findings == ()
            after = result.after


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts SET balance = 1",
        "UPDATE accounts SET currency = 'EUR'",
        "UPDATE accounts SET seller = 'rival'",
        "UPDATE accounts SET timezone = 'Asia/Tokyo'",
        "UPDATE accounts SET clock = 'c'",
        "UPDATE accounts SET reserved = 1",
        "UPDATE accounts SET liability = 1",
        "UPDATE subscriptions SET account = 'other'",
        "UPDATE subscriptions SET legacy = true",
        "UPDATE periods SET id = id + 1",
        "UPDATE periods SET expiry = expiry + 1",
        "UPDATE operations SET at = now()",
        "UPDATE postings SET amount = 0",
        "UPDATE invoices SET total = 0",
        "UPDATE history SET actor = 'me'",
        "UPDATE refusals SET rule = '2'",
        "UPDATE messages SET due = now()",
        "UPDATE card_charges SET amount = 1",
        "DELETE FROM accounts",
        "DELETE FROM card_charges",
        "DELETE FROM history",
        "DELETE FROM subscriptions",
        "TRUNCATE steps",
        "ALTER TABLE accounts DISABLE TRIGGER ALL",
        "SET session_replication_role = replica",
        "DROP TRIGGER post ON postings",
        "CREATE TABLE made_up (id int)",
    ],
)
def test_the_workers_role_cannot_do_this(worker: Shop, statement: str) -> None:
    """Rule 11.3: neither a right nor a guard lets it pass."""
    worker.open()
    worker.buy()
    with pytest.raises(DBAPIError):
        worker.run(statement)


def test_the_workers_role_can_make_documents_and_change_profiles(worker: Shop) -> None:
    worker.open()
    worker.do(SetBilling(account="acme", name="Acme"))
    with worker.ledger.engine.begin() as connection:
        profile = SellerProfile(name="Northwind", country="DE")
        profiles.add_seller_profile(connection, "main", profile, at=LONG_AGO, actor="ann")
        rate = TaxRate(country="DE", since=DAY.date(), percent=Decimal(19), name="VAT")
        profiles.add_tax_rate(connection, "main", rate, at=LONG_AGO, actor="ann")
    worker.buy()
    number_invoices(worker.ledger)
    assert b"19 %" in invoice_document(worker.ledger, 1, Format.HTML).content


def test_functions_with_the_rights_of_the_owner_look_at_temporary_tables_last(shop: Shop) -> None:
    """PostgreSQL looks at them first otherwise. Their triggers would run as the owner."""
    others = shop.rows(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef"
        " AND coalesce(NOT 'search_path=public, pg_temp' = ANY (proconfig), true)"
    )
    assert others == []


_PLANTED = """
CREATE TEMP TABLE account_words (seller text, word text, account text);
CREATE FUNCTION pg_temp.planted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  EXECUTE 'ALTER TABLE public.audit DISABLE TRIGGER ALL';
  RETURN NEW;
END $$;
CREATE TRIGGER planted BEFORE INSERT ON account_words
  FOR EACH ROW EXECUTE FUNCTION pg_temp.planted();
UPDATE public.accounts SET owner = 'Mallory';
"""


def test_the_workers_role_plants_no_temporary_table(worker: Shop, shop: Shop) -> None:
    """A table that stands before the real one would deceive the guards, and run as the owner."""
    worker.open()
    url = shop.ledger.engine.url.render_as_string(hide_password=False)
    database = shop.ledger.engine.url.database
    shop.run(f'GRANT TEMPORARY ON DATABASE "{database}" TO PUBLIC, perennial_app')
    worker.run(_PLANTED)
    off = "SELECT count(*) FROM pg_trigger WHERE tgrelid = 'public.audit'::regclass"
    assert shop.value(f"{off} AND tgenabled <> 'O' AND NOT tgisinternal") == 0
    as_workers(url)
    with pytest.raises(DBAPIError, match="permission denied"):
        worker.run("CREATE TEMP TABLE postings (amount int)")
