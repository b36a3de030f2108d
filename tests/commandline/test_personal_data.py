"""`account export` and `account erase`: a file, a preview, a confirmation, a receipt."""

import json
import stat
from pathlib import Path

from tests.commandline.conftest import Shop


def test_an_account_is_exported_and_erased(shop: Shop, tmp_path: Path) -> None:
    acme, to = shop.acme, tmp_path / "acme.json"
    told = shop.run("account", "export", acme, "--to", str(to))
    assert told.code == 0, told.err
    assert "for its owner to read only" in told.out
    assert stat.S_IMODE(to.stat().st_mode) == 0o600
    assert json.loads(to.read_text())["accounts"][0]["owner"] == "Ada Lim"
    refused = shop.run("account", "erase", acme, "--yes")
    assert refused.code == 1
    assert f"account {acme} is open; close it first" in refused.err
    assert shop.run("adjust", acme, "--take", "100.00", "--reason", "paid out").code == 0
    assert shop.run("account", "close", acme).code == 0
    shown = shop.run("account", "erase", acme, "--preview")
    assert shown.code == 0
    assert "erased" in shown.out
    asked = shop.run("account", "erase", acme)
    assert asked.code == 2
    assert "Confirm with --yes" in asked.err
    assert shop.run("account", "show", acme, "--json").json["erased_on"] is None
    done = shop.run("account", "erase", acme, "--yes")
    assert done.code == 0, done.err
    assert f"The personal data of {acme} is erased, for good." in done.out
    account = shop.run("account", "show", acme, "--json").json
    assert (account["owner"], account["billing_email"]) == ("erased", None)
    assert "its personal data was erased on" in shop.run("account", "show", acme).out
    again = shop.run("account", "erase", acme, "--yes")
    assert again.code == 1
    assert "was erased on" in again.err
    assert shop.run("account", "export", "nobody", "--to", str(to)).code == 1
    acts = [record["act"] for record in shop.run("audit", "list", "--json").json]
    assert {"export_account", "erase_account"} <= set(acts)
