# Perennial. `make demo` and `make test` are all one needs; both set up what is missing first.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.perennial-stamp
# Test processes: one for each processor, at most four (each has a PostgreSQL and a Temporal server of its own).
JOBS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); echo $$(( n > 4 ? 4 : n )))
# More for pytest, such as ARGS="-k purchase".
ARGS ?=
# The Python to build .venv with: PYTHON=..., else the first of these that is 3.11 or later.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done)

.PHONY: help setup demo test coverage lint bench requirements clean

help:  ## what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

setup: $(STAMP)  ## build .venv, find or build a Temporal server (first time: minutes; then at once)
	@$(PY) -m local.temporal

$(STAMP): requirements-dev.txt
	@if [ -z "$(PYTHON)" ]; then \
		echo "Perennial needs Python 3.11 or later; $$(python3 --version 2>/dev/null || echo 'no python3') was found." >&2; \
		echo "Install one (Debian, Ubuntu: apt install python3.11 python3.11-venv) and run: make setup PYTHON=python3.11" >&2; exit 1; fi
	@if ! $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then \
		echo "Perennial needs Python 3.11 or later; PYTHON=$(PYTHON) is not: $$($(PYTHON) --version 2>&1 || true)" >&2; exit 1; fi
	@if ! $(PYTHON) -c 'import venv, ensurepip' 2>/dev/null; then \
		echo "$(PYTHON) cannot build virtual environments: its venv or ensurepip module is missing." >&2; \
		echo "Install it (Debian, Ubuntu: apt install python3-venv) and run make again." >&2; exit 1; fi
	@echo "Building $(VENV) with $$($(PYTHON) --version)"
	@test -x $(PY) && $(PY) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@$(PY) -m pip install --disable-pip-version-check --no-input --require-hashes --no-deps -r requirements-dev.txt \
		| awk '/^Collecting/ { print "  " $$2; fflush() } /^Installing/ { print "Installing them"; fflush() }' || { \
		echo "The packages could not be installed. Is a package index to be reached? Run make again: what was fetched is kept." >&2; exit 1; }
	@touch $@

demo: setup  ## 200 customers, three months, on real workflows, with progress and tables (about three minutes)
	@$(PY) starter.py demo

test: setup  ## all tests: rules, ledger, workflows, replay, crashes, stories
	@$(PY) -m pytest -n $(JOBS) --dist worksteal $(ARGS)

coverage: setup  ## the rules alone: every line and branch of core/domain/ is run by tests/domain
	@$(PY) -m pytest -q -n $(JOBS) tests/domain --cov=core.domain --cov-branch --cov-fail-under=100 --cov-report=term-missing:skip-covered

lint: setup  ## style, formatting, types, import rules
	@$(VENV)/bin/ruff check
	@$(VENV)/bin/ruff format --check
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports --no-logo

bench: setup  ## what a renewal costs; a table, and JSON in bench/results/
	@$(PY) -m bench

requirements:  ## pin the packages again (UPGRADE=--upgrade: to their newest versions)
	@command -v uv >/dev/null || { echo "This needs uv: pip install uv" >&2; exit 1; }
	uv pip compile $(UPGRADE) --quiet --universal --generate-hashes --no-header --no-emit-index-url --python-version 3.11 \
		pyproject.toml -o requirements.txt
	uv pip compile $(UPGRADE) --quiet --universal --generate-hashes --no-header --no-emit-index-url --python-version 3.11 \
		--extra local --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt

clean:  ## stop the embedded stack, remove .venv and caches (the data in .perennial/ stays)
	@if [ -x $(PY) ] && [ -d .perennial ]; then $(PY) -c 'from local import stack; stack.down()'; fi
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
