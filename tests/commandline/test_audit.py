"""`audit`: records are listed, and their chains are checked."""

import json
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from tests.commandline.conftest import call


def test_acts_are_listed_and_an_attack_is_found(
    installation: str, database: str, tmp_path: Path
) -> None:
    assert "There is no record" in call("audit", "list").out
    made = call("key", "create", "shop", "--role", "platform", "--json").json
    call("key", "revoke", made["id"])
    listed = call("audit", "list", "--json").json
    assert [record["act"] for record in listed] == ["revoke_key", "create_key"]
    assert "@" in listed[0]["address"]
    assert "revoke_key" in call("audit", "list", "--subject", f"key/{made['id']}").out
    assert call("audit", "list", "--after", str(listed[0]["id"]), "--json").json == listed[1:]
    heads = tmp_path / "heads.json"
    heads.write_text(call("audit", "verify", "--json").out)
    assert json.loads(heads.read_text())["records"] == 2
    assert "as they were written" in call("audit", "verify", "--since", str(heads)).out
    engine = create_engine(database)
    with engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        connection.exec_driver_sql("UPDATE audit SET actor = 'Eve' WHERE act = 'revoke_key'")
    engine.dispose()
    found = call("audit", "verify")
    assert found.code == 1
    assert "it was changed" in found.out
    assert "tampered" in found.err


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"heads": [{}]}', '{"heads": [{"chain": 99}]}']
)
def test_a_file_that_is_no_list_of_heads_is_refused(
    installation: str, tmp_path: Path, content: str
) -> None:
    path = tmp_path / "heads.json"
    path.write_text(content)
    told = call("audit", "verify", "--since", str(path))
    assert told.code == 2
    assert "--since" in told.err
