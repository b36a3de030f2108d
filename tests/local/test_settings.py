"""Settings are documented, checked, and read from one place."""

import ast
import re
import sys
from pathlib import Path

import pytest

import settings as module
from settings import PREFIX, PROJECT, Settings, SettingsError, read_settings, settings

EXAMPLE = (PROJECT / ".env.example").read_text()
LINES = dict(re.findall(rf"^# ({PREFIX}[A-Z0-9_]+)=(.*)$", EXAMPLE, re.MULTILINE))


def test_every_setting_is_in_the_example_in_the_same_order() -> None:
    assert list(LINES) == [PREFIX + name.upper() for name in Settings.model_fields]


def test_the_example_shows_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("PERENNIAL_CACHE", raising=False)
    monkeypatch.delenv("PERENNIAL_TEMPORAL_PROGRAM", raising=False)
    monkeypatch.delenv("PERENNIAL_WORKFLOW_SANDBOX")
    monkeypatch.delenv("PERENNIAL_PAYLOAD_PASSES", raising=False)
    defaults = Settings().model_dump()
    for name, value in LINES.items():
        monkeypatch.setenv(name, value)
    assert Settings().model_dump() == defaults


def test_every_setting_has_a_line_that_says_what_it_is() -> None:
    for name in LINES:
        above = EXAMPLE[: EXAMPLE.index(f"# {name}=")].rstrip("\n").rsplit("\n", 1)[-1]
        assert re.match(r"# [A-Z`].*\.$|# .*[a-z].*", above), name


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("DATABASE_URL", "mysql://x", "must be a URL such as"),
        ("TEMPORAL_ADDRESS", "temporal.example", "must be host:port"),
        ("TEMPORAL_ADDRESS", "http://temporal:7233/x", "must be host:port"),
        ("CYCLES_PER_RUN", "0", "greater than or equal to 1"),
        ("CHARGES_PER_SECOND", "nan", "finite"),
        ("CHARGES_PER_SECOND", "0", "greater than 0"),
        ("JITTER_SECONDS", "-1", "greater than or equal to 0"),
        ("WORKFLOW_CACHE", "-1", "greater than or equal to 0"),
        ("STICKY_SECONDS", "0.5", "greater than or equal to 1"),
        ("LOG_LEVEL", "loud", "DEBUG"),
        ("METRICS_PORT", "70000", "65535"),
        ("HOME", "~no-user-of-this-name/x", "write the whole path"),
    ],
)
def test_a_bad_value_is_refused_with_its_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(PREFIX + name, value)
    with pytest.raises(SettingsError) as refused:
        read_settings()
    assert str(refused.value).startswith(f"{PREFIX}{name}: ")
    assert says in str(refused.value)


def test_a_refusal_does_not_show_the_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERENNIAL_DATABASE_URL", "mysql://user:hunter2@host/db")
    with pytest.raises(SettingsError) as refused:
        read_settings()
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_usual_database_urls_are_understood(scheme: str) -> None:
    assert (
        Settings(database_url=f"{scheme}://u:p@h/d").database_url == "postgresql+psycopg://u:p@h/d"
    )


def test_secrets_do_not_appear_in_logs() -> None:
    text = repr(Settings(database_url="postgresql://u:hunter2@h/d", temporal_api_key="hunter3"))
    assert "hunter" not in text


def test_an_empty_value_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERENNIAL_DATABASE_URL", "")
    assert read_settings().database_url is None


def test_the_environment_comes_before_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / ".env"
    file.write_text(
        'PERENNIAL_SELLER="of the file"\nperennial_task_queue=file\nPERENNIAL_SMTP_HOST=\n'
    )
    monkeypatch.setitem(Settings.model_config, "env_file", file)
    monkeypatch.setenv("PERENNIAL_SELLER", "")
    assert read_settings().seller == "of the file"
    monkeypatch.setenv("perennial_seller", "of the environment")
    monkeypatch.delenv("PERENNIAL_SELLER")
    read = read_settings()
    assert (read.seller, read.task_queue, read.smtp_host) == (
        "of the environment",
        "file",
        "localhost",
    )
    assert Settings(seller="given").seller == "given"


def test_the_cache_is_outside_the_work_tree_and_the_home_inside() -> None:
    config = Settings()
    assert not config.cache.is_relative_to(PROJECT)
    assert Settings(home="somewhere").home == PROJECT / "somewhere"


def test_an_api_key_implies_tls() -> None:
    assert Settings(temporal_api_key="k").tls
    assert not Settings().tls


def test_settings_are_read_once() -> None:
    assert settings() is settings()


def test_the_settings_import_nothing_of_ours() -> None:
    tree = ast.parse(Path(module.__file__).read_text())
    names = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in names} <= {
        *sys.stdlib_module_names,
        "pydantic",
        "pydantic_settings",
    }
