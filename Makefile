# Perennial. Start with `make demo` or `make test`. Both first set up what is missing.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.perennial-stamp
# The number of test processes: one more than processors, at most five, because a test that kills
# processes waits most of its time. Each starts a PostgreSQL and a Temporal server of its own.
JOBS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); \
	echo $$(( n > 4 ? 5 : n + 1 )))
# Further arguments for pytest or the bench, such as ARGS="-k purchase" or ARGS="--only herd".
ARGS ?=
# The Python that builds .venv: the first of these that is 3.11 or later and has ensurepip, which
# Debian's python3-venv brings. The system's own comes first, because it is built with
# optimizations. One that was compiled on the machine often is not, and its workers need more CPU.
PYTHONS := /usr/bin/python3 python3 python3.13 python3.12 python3.11 python3.14
first_with = $(shell for p in $(PYTHONS); do \
	"$$p" -c 'import sys, $(1); sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo "$$p"; break; }; done)
PYTHON ?= $(or $(call first_with,ensurepip),$(call first_with,sys))

.PHONY: help setup demo api console browser pictures openapi client test coverage lint security \
	bench bench-dbos bench-production requirements clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

setup: $(STAMP)  ## build .venv, find or build a Temporal server (minutes, once)
	@$(PY) -m local.temporal

$(STAMP): requirements-dev.txt
	@if [ -z "$(PYTHON)" ]; then \
		found=$$(python3 --version 2>/dev/null || echo "no python3"); \
		echo "Perennial needs Python 3.11 or later. Found: $$found." >&2; \
		echo "Install one. On Debian and Ubuntu: apt install python3.11 python3.11-venv" >&2; \
		echo "Then run: make setup PYTHON=python3.11" >&2; exit 1; fi
	@if ! $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then \
		found=$$($(PYTHON) --version 2>&1 || true); \
		echo "Perennial needs Python 3.11 or later. PYTHON=$(PYTHON) is: $$found" >&2; exit 1; fi
	@if ! $(PYTHON) -c 'import venv, ensurepip' 2>/dev/null; then \
		echo "$(PYTHON) cannot build virtual environments." >&2; \
		echo "Its module venv or ensurepip is missing." >&2; \
		echo "Install it and run make again. On Debian and Ubuntu: apt install python3-venv" >&2; \
		exit 1; fi
	@echo "Building $(VENV) with $$($(PYTHON) --version)"
	@test -x $(PY) && $(PY) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@$(PY) -m pip install --disable-pip-version-check --no-input --require-hashes --no-deps \
		-r requirements-dev.txt \
		| awk '/^Collecting/ { print "  " $$2; fflush() } \
			/^Installing/ { print "Installing the packages"; fflush() }' || { \
		echo "The packages could not be installed. Can this machine reach a package index?" >&2; \
		echo "Run make again. The packages that were downloaded are kept." >&2; exit 1; }
	@touch $@

demo: setup  ## run 200 customers through three months on real workflows (three minutes)
	@$(PY) starter.py demo

api: setup  ## serve the HTTP API on the embedded stack, with all workers, and print a key
	@$(PY) starter.py stack up >/dev/null
	@$(PY) starter.py key create "make api" --role admin \
		--expires "$$(date -u -d '+1 day' +%Y-%m-%dT%H:%M:%SZ)"
	@echo "The key is valid for a day. Try it in another terminal when api_ready shows the address:"
	@echo
	@echo '    curl -H "Authorization: Bearer KEY" ADDRESS/v1/catalog'
	@echo
	@$(PY) worker.py all api

console: setup  ## serve the console of support with customers to try, and print a sign-in
	@$(PY) starter.py stack up >/dev/null
	@$(PY) starter.py account list --test-clocks --limit 1 --json 2>/dev/null | grep -q '"account"' \
		|| $(PY) starter.py demo --customers 60 --keep
	@echo "Sign in with this address and password when console_ready shows where:"
	@$(PY) starter.py staff password desk@example.com --generate 2>/dev/null \
		|| $(PY) starter.py staff add desk@example.com --name "The desk" --role admin --generate
	@$(PY) worker.py all console

# The tests also run in the larger package chromium, where that is installed.
browser:  ## install the browser in which the console is tested (Debian's chromium, by apt)
	@command -v chromium-headless-shell >/dev/null || { \
		command -v apt-get >/dev/null || { echo "Install chromium-headless-shell." >&2; exit 1; }; \
		apt-get install -y --no-install-recommends chromium-headless-shell; }
	@chromium-headless-shell --version

pictures: setup  ## take the pictures of docs/console.md anew, in a working day at the console
	@PICTURES=docs/pictures $(PY) -m pytest -q tests/console/test_working_day.py

openapi: setup  ## write docs/openapi.json anew from the endpoints
	@$(PY) -m doors.http.description

client: setup  ## write the generated files of clients/python/ anew
	@$(PY) -m clients.python.generate

# Tests start hundreds of processes that import the same modules. What they compile is kept.
test: setup  ## run all tests: rules, ledger, workflows, replay, crashes, stories
	@PYTHONDONTWRITEBYTECODE= $(PY) -m pytest -n $(JOBS) --dist worksteal $(ARGS)

coverage: setup  ## check that tests/domain runs every line and branch of core/domain/
	@$(PY) -m pytest -q -n $(JOBS) tests/domain --cov=core.domain --cov-branch \
		--cov-fail-under=100 --cov-report=term-missing:skip-covered

lint: setup  ## check style, formatting, types and import rules
	@$(VENV)/bin/ruff check
	@$(VENV)/bin/ruff format --check
	@$(VENV)/bin/mypy
	@PYTHONPATH=clients/python $(VENV)/bin/lint-imports --no-logo

security: setup .venv-security/stamp
security:  ## look for weak spots in the code, and known ones in the packages
	@.venv-security/bin/bandit --quiet --configfile pyproject.toml --severity-level medium \
		--recursive core workflows activities doors local clients bench \
		starter.py worker.py settings.py
	@echo "bandit: nothing of medium or high severity"
	@for list in requirements.txt requirements-dev.txt requirements-security.txt; do \
		said=$$(.venv-security/bin/pip-audit --strict --progress-spinner off --disable-pip \
			--require-hashes --requirement $$list 2>&1) && { echo "$$list: $$said"; continue; }; \
		if echo "$$said" | grep -Eiq \
			'not found on PyPI|ServiceError|ConnectionError|timed? ?out|HTTPError|Max retries'; \
		then echo "$$list: what is known to be weak could not be looked up, because the package" \
			"index does not tell it: $$(echo "$$said" | tail -n 1)" >&2; \
		else echo "$$said" >&2; exit 1; fi; done

# The auditors have packages of their own, so that these need not agree with those of Perennial.
# semgrep is not among them. It fetches its rules from a registry of its own at each run.
.venv-security/stamp: requirements-security.txt
	@$(PY) -m venv --clear .venv-security
	@.venv-security/bin/python -m pip install --quiet --disable-pip-version-check --no-input \
		--require-hashes --no-deps -r requirements-security.txt
	@touch $@

bench: setup  ## measure what a renewal costs (tables, and JSON in bench/results/)
	@$(PY) -m bench $(ARGS)

bench-dbos: setup .venv-dbos/stamp  ## measure renewals beside DBOS (installs it in .venv-dbos/)
	@$(PY) -m bench --only renewals

.venv-dbos/stamp: requirements.txt Makefile
	@$(PY) -m venv --clear .venv-dbos
	@.venv-dbos/bin/pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
		-r requirements.txt
	@.venv-dbos/bin/pip install --quiet --disable-pip-version-check dbos==3.4.0 psutil
	@touch $@

bench-production: setup  ## measure renewals on the production server (needs Go and PostgreSQL)
	@$(PY) -m bench --only production

requirements:  ## pin the packages again (newest versions: UPGRADE=--upgrade)
	@command -v uv >/dev/null || { echo "This needs uv: pip install uv" >&2; exit 1; }
	uv pip compile $(UPGRADE) --quiet --universal --generate-hashes --no-header \
		--no-emit-index-url --python-version 3.11 \
		pyproject.toml -o requirements.txt
	uv pip compile $(UPGRADE) --quiet --universal --generate-hashes --no-header \
		--no-emit-index-url --python-version 3.11 \
		--extra local --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt
	echo "bandit[toml]>=1.9 pip-audit>=2.10" | tr ' ' '\n' \
		| uv pip compile $(UPGRADE) --quiet --universal --generate-hashes --no-header \
		--no-emit-index-url --python-version 3.11 - -o requirements-security.txt

clean:  ## stop the embedded stack, remove .venv and caches (keeps the data in .perennial/)
	@if [ -x $(PY) ] && [ -d .perennial ]; then $(PY) -c 'from local import stack; stack.down()'; fi
	@rm -rf $(VENV) .venv-dbos .venv-security .pytest_cache .mypy_cache .ruff_cache .hypothesis \
		.import_linter_cache .coverage
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
