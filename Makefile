.DEFAULT_GOAL := help
.PHONY: help setup run sandbox check lint types layers test test-clients mutants bench format

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
CLIENTS := $(VENV)/.clients
# they want older packages than the others
APART := tests/clients/test_instructor.py tests/clients/test_litellm.py

help: ## what can be typed here
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: $(READY) ## the virtual environment in .venv, with everything installed

$(READY): setup.cfg pyproject.toml deploy/setup.sh
	@PYTHON="$(PYTHON)" VENV="$(VENV)" sh deploy/setup.sh
	@touch $@

run: $(READY) ## the gateway, with the settings of .env
	@exec $(BIN)/python -m app

sandbox: $(READY) ## a GigaChat that runs locally, and the gateway in front of it: no credentials needed
	@exec $(BIN)/python -m app sandbox --with-gateway $(SANDBOX)

check: lint types layers test ## lint, types, import rules, tests, coverage

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

layers: $(READY)
	$(BIN)/lint-imports --no-cache

test: $(READY) ## the tests, with coverage
	$(BIN)/python -m pytest -n 2 --cov --cov-report=term

test-clients: $(CLIENTS) ## the tests with clients that need Node or a large installation: it is downloaded
	$(BIN)/python -m pytest -n 2 --dist loadfile -m heavy tests/clients $(APART:%=--ignore=%)
	$(CLIENTS)-apart/bin/python -m pytest -n 2 --dist loadfile -m heavy $(APART)

$(CLIENTS): $(READY) deploy/test-clients.sh tests/clients/node/package-lock.json
	@VENV="$(VENV)" sh deploy/test-clients.sh
	@touch $@

mutants: $(READY) ## changes to app/translate that its tests do not notice, from a sample; MUTANTS=--help
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[mutants]'
	$(BIN)/python -m tests.mutants $(MUTANTS)

bench: $(READY) ## CPU per request and per chunk, as a ratio to bare aiohttp in the same run
	$(BIN)/python -m tests.bench

format: $(READY) ## the code, formatted
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
