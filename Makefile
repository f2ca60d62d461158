.DEFAULT_GOAL := help
.PHONY: help setup run verify sandbox check check-long lint types layers test test-short test-long test-clients mutants fuzz bench bench-streams bench-peers soak format lock digests audit sbom

PYTHON ?= python3
# hundreds of processes of the tests would each compile the program again
export PYTHONDONTWRITEBYTECODE :=
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEV := $(VENV)/.dev
CLIENTS := $(VENV)/.clients
TOOLS := $(VENV)/.tools
LOCKS := deploy/locks
SETUP := setup.cfg pyproject.toml deploy/setup.sh $(LOCKS)/build.txt $(LOCKS)/image.txt
# two cores: a third worker has something to do while others wait for a clock
WORKERS ?= 3
# which tests `make check` and `make test` run
M := not heavy and not long
# they want older packages than the others
APART := tests/clients/test_instructor.py tests/clients/test_litellm.py

help: ## what can be typed here
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: $(DEV) ## the virtual environment in .venv, with everything that the checks need

$(READY): $(SETUP)
	@PYTHON="$(PYTHON)" VENV="$(VENV)" sh deploy/setup.sh
	@touch $@

$(DEV): $(SETUP) $(LOCKS)/dev.txt
	@PYTHON="$(PYTHON)" VENV="$(VENV)" sh deploy/setup.sh dev
	@touch $(READY) $@

run: $(READY) ## the gateway, with the settings of .env
	@exec $(BIN)/python -m app

verify: $(READY) ## settings, certificate, key and model of your GigaChat, tried one by one
	@exec $(BIN)/python -m app check

sandbox: $(READY) ## a GigaChat that runs locally, and the gateway in front of it: no credentials needed
	@exec $(BIN)/python -m app sandbox --with-gateway $(SANDBOX)

check: lint types layers test-short ## lint, types, import rules, tests, coverage: at each change, about four minutes

check-long: lint types layers test-long ## the same with every test: before a release

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(DEV)
	$(BIN)/mypy

layers: $(DEV)
	$(BIN)/lint-imports --no-cache

test: $(DEV) ## a part of the tests, without coverage: T=tests/media, M="not heavy" with those that take long
	$(BIN)/python -m pytest -m "$(M)" --durations=5 --durations-min=2 $(T)

test-short: $(DEV)
	EXAMPLES_PERCENT=10 $(BIN)/python -m pytest -n $(WORKERS) -m "$(M)" --cov --cov-report=term --durations=15 --durations-min=2 \
	    -o cache_dir=$(abspath $(VENV))/.checked --cache-clear \
	|| { EXAMPLES_PERCENT=10 $(BIN)/python -m tests.again $(VENV)/.checked && $(BIN)/python -m coverage report --format=total; }

test-long: $(DEV)
	$(BIN)/python -m pytest -n 2 --cov --cov-report=term --durations=15 --durations-min=10

test-clients: $(CLIENTS) ## the tests with clients that need Node or a large installation: it is downloaded
	$(BIN)/python -m pytest -n 2 --dist loadfile -m heavy tests/clients $(APART:%=--ignore=%)
	$(CLIENTS)-apart/bin/python -m pytest -n 2 --dist loadfile -m heavy $(APART)

$(CLIENTS): $(DEV) deploy/test-clients.sh tests/clients/node/package-lock.json \
    $(LOCKS)/clients.txt $(LOCKS)/clients-apart.txt $(LOCKS)/node.txt
	@VENV="$(VENV)" sh deploy/test-clients.sh
	@touch $@

mutants: $(BIN)/mutmut ## changes to app/translate that its tests do not notice, from a sample; MUTANTS=--help
	$(BIN)/python -m tests.mutants $(MUTANTS)

$(BIN)/mutmut: $(DEV) $(LOCKS)/mutants.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes \
	    --requirement $(LOCKS)/mutants.txt
	@touch $@

fuzz: $(VENV)/.fuzz ## broken inputs for one target: TARGET=image_headers SECONDS=60
	$(BIN)/python -m tests.fuzz $(TARGET) --seconds $(or $(SECONDS),60)

$(VENV)/.fuzz: $(DEV) $(LOCKS)/fuzz.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes \
	    --requirement $(LOCKS)/fuzz.txt
	@touch $@

bench: $(DEV) ## CPU per request and per chunk, as a ratio to bare aiohttp in the same run; BENCH=--help
	$(BIN)/python -m tests.bench $(BENCH)

bench-streams: $(DEV) ## thousands of slow streams: delays, pauses, memory; BENCH=--docs writes docs/performance.md
	$(BIN)/python -m tests.bench.streams $(BENCH)

bench-peers: $(VENV)/.peers ## CPU beside gpt2giga and LiteLLM's proxy: they are downloaded, 1 GB
	$(BIN)/python -m tests.bench.peers $(BENCH)

$(VENV)/.peers: $(DEV) deploy/bench-peers.sh $(wildcard $(LOCKS)/peers-*.txt)
	@VENV="$(VENV)" sh deploy/bench-peers.sh
	@touch $@

soak: $(DEV) ## an hour of mixed traffic, and whether memory grows for it; BENCH="--minutes 5"
	$(BIN)/python -m tests.bench.soak $(BENCH)

format: $(DEV) ## the code, formatted
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(TOOLS)/.ready ## the locks, renewed; PACKAGES="aiohttp" only these, AGE="0 days" takes what came out today
	@UV=$(TOOLS)/bin/uv AGE="$(AGE)" PACKAGES="$(PACKAGES)" sh deploy/lock.sh

digests: ## the digests of the base images, written behind their tags: docker's buildx or skopeo is needed
	@sh deploy/digests.sh

audit: $(TOOLS)/.ready ## the locks, compared with the known vulnerabilities: it asks the network
	@$(TOOLS)/bin/python deploy/audit.py

sbom: $(DEV) ## the image's software bill of materials (CycloneDX), as gpt2giga-proxy.cdx.json
	@$(BIN)/python deploy/sbom.py gpt2giga-proxy.cdx.json

$(TOOLS)/.ready: deploy/setup.sh $(LOCKS)/build.txt $(LOCKS)/tools.txt
	@PYTHON="$(PYTHON)" VENV="$(TOOLS)" sh deploy/setup.sh tools
	@touch $@
