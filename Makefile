.DEFAULT_GOAL := help
.PHONY: help setup run verify sandbox check lint types layers test test-clients mutants bench format

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEV := $(VENV)/.dev
CLIENTS := $(VENV)/.clients
# they want older packages than the others
APART := tests/clients/test_instructor.py tests/clients/test_litellm.py

help: ## what can be typed here
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: $(DEV) ## the virtual environment in .venv, with everything that the checks need

$(READY): setup.cfg pyproject.toml deploy/setup.sh
	@PYTHON="$(PYTHON)" VENV="$(VENV)" sh deploy/setup.sh
	@touch $@

$(DEV): $(READY)
	@PYTHON="$(PYTHON)" VENV="$(VENV)" sh deploy/setup.sh dev
	@touch $@

run: $(READY) ## the gateway, with the settings of .env
	@exec $(BIN)/python -m app

verify: $(READY) ## settings, certificate, key and model of your GigaChat, tried one by one
	@exec $(BIN)/python -m app check

sandbox: $(READY) ## a GigaChat that runs locally, and the gateway in front of it: no credentials needed
	@exec $(BIN)/python -m app sandbox --with-gateway $(SANDBOX)

check: lint types layers test ## lint, types, import rules, tests, coverage

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(DEV)
	$(BIN)/mypy

layers: $(DEV)
	$(BIN)/lint-imports --no-cache

test: $(DEV) ## the tests, with coverage
	$(BIN)/python -m pytest -n 2 --cov --cov-report=term

test-clients: $(CLIENTS) ## the tests with clients that need Node or a large installation: it is downloaded
	$(BIN)/python -m pytest -n 2 --dist loadfile -m heavy tests/clients $(APART:%=--ignore=%)
	$(CLIENTS)-apart/bin/python -m pytest -n 2 --dist loadfile -m heavy $(APART)

$(CLIENTS): $(DEV) deploy/test-clients.sh tests/clients/node/package-lock.json
	@VENV="$(VENV)" sh deploy/test-clients.sh
	@touch $@

mutants: $(BIN)/mutmut ## changes to app/translate that its tests do not notice, from a sample; MUTANTS=--help
	$(BIN)/python -m tests.mutants $(MUTANTS)

$(BIN)/mutmut: $(READY)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[mutants]'
	@touch $@

bench: $(DEV) ## CPU per request and per chunk, as a ratio to bare aiohttp in the same run
	$(BIN)/python -m tests.bench

format: $(DEV) ## the code, formatted
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
