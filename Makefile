# Needs Python 3.11 or later with pip, Node 20 or later with npm, and make.
# Everything that it installs goes into this folder, at versions and hashes that
# the lock files pin: .tools/ (uv, caches), .venv/ (service), .venv-test/
# (service and test tools), .venv-slither/ and .venv-halmos/ (the contract's
# analysers), node_modules/ (chain, and compiler under contracts/).

PYTHON ?= python3
TOOLS := $(CURDIR)/.tools

# An installed uv is used when there is one.
UV := $(or $(shell command -v uv 2>/dev/null),$(TOOLS)/bin/uv)
export UV_CACHE_DIR ?= $(TOOLS)/cache/uv
# The interpreter is the system's; uv never fetches one.
export UV_PYTHON_DOWNLOADS := never
export UV_NO_MANAGED_PYTHON := 1
export UV_NO_PROGRESS := 1
export npm_config_cache ?= $(TOOLS)/cache/npm
export npm_config_update_notifier := false
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore
# Hundreds of processes of the suite import the same sources: where it is forbidden to keep their
# bytecode, each would compile them anew.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
TEST := .venv-test/bin
ANVIL := node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil
FORGE := contracts/node_modules/@foundry-rs/forge-linux-amd64/bin/forge

# One process more than the smallest machine has cores: many tests wait for blocks and for time limits.
PYTEST_WORKERS ?= 3
PYTEST_ARGS ?=
MODULES ?=
BENCH_ARGS ?=
SOAK_MINUTES ?= 10
SOAK_SEED ?=

# A wheel's entries carry this time (2026-01-01T00:00:00Z), so that the same
# sources always make the same bytes.
EPOCH := 1767225600

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup setup-test demo serve test check pytest bench soak blocks mutants foreign verifier artifact lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s  %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.stamp node_modules/.stamp ## install the service and the local chain

setup-test: .venv-test/.stamp .venv-slither/.stamp .venv-halmos/.stamp node_modules/.stamp contracts/node_modules/.stamp ## install the test tools as well

demo: setup ## show the whole path, from a record to verified evidence
	@echo "== demo"
	@$(BIN)/notary demo

serve: setup ## start the service
	@$(BIN)/notary serve

test: setup-test ## check style, types and import directions, then run the tests
	@$(MAKE) --no-print-directory check
	@$(MAKE) --no-print-directory pytest

check: .venv-test/.stamp .venv-slither/.stamp contracts/node_modules/.stamp ## check style, types, import directions and the contract
	@echo "== ruff format"
	@$(TEST)/ruff format --check .
	@echo "== ruff check"
	@$(TEST)/ruff check .
	@echo "== mypy"
	@$(TEST)/mypy --num-workers 2
	@echo "== lint-imports"
	@$(TEST)/lint-imports
	@echo "== slither"
	@cd contracts && PATH="$(dir $(CURDIR)/$(FORGE)):$$PATH" \
		FOUNDRY_OUT=out/slither FOUNDRY_CACHE_PATH=cache/slither $(CURDIR)/.venv-slither/bin/slither .

pytest: setup-test ## run the tests alone; PYTEST_ARGS='-k words' narrows them
	@echo "== pytest"
	@$(TEST)/python -m pytest -n $(PYTEST_WORKERS) --dist worksteal $(PYTEST_ARGS)

bench: setup-test ## measure against the bars; BENCH_ARGS=--long for all, --help for the rest
	@$(TEST)/python -m tests.bench $(BENCH_ARGS)

soak: setup-test tests/soak/hardhat/node_modules/.stamp ## run the long tests; SOAK_MINUTES and SOAK_SEED for random faults
	@NOTARY_SOAK_MINUTES=$(SOAK_MINUTES) NOTARY_SOAK_SEED=$(SOAK_SEED) \
		$(TEST)/python -m pytest -m soak -s $(PYTEST_ARGS)

blocks: setup-test ## prove real blocks by our own tries; BLOCKS=FOLDER adds block-N.json, receipts-N.json, proof-N.json
	@BLOCKS=$(abspath $(BLOCKS)) $(TEST)/python -m pytest -n 0 -rs tests/unit/format/test_mainnet.py $(PYTEST_ARGS)

mutants: setup-test ## put faults into MODULES='verifier.check.judge …' and name those that no test notices
	@$(TEST)/python -m tests.mutation $(MODULES)

foreign: setup-test ## run the tests that need other people's tools
	@$(TEST)/python -m pytest -m foreign $(PYTEST_ARGS)

verifier: $(UV) ## build the verifier with what it needs to install offline, in dist/verifier/
	@rm -rf dist/verifier && mkdir -p dist/verifier
	@SOURCE_DATE_EPOCH=$(EPOCH) $(UV) build --quiet --wheel --no-create-gitignore --python $(PYTHON) \
		--require-hashes --build-constraints requirements/build.txt \
		--out-dir dist/verifier verifier
	@$(PYTHON) -m pip download --quiet --no-cache-dir --no-deps --only-binary :all: \
		--require-hashes --requirement requirements/verifier.txt --dest dist/verifier
	@cd dist/verifier && sha256sum *.whl
	@echo "Install with: pip install --no-index --find-links dist/verifier evidence-verifier"

artifact: setup-test ## rebuild contracts/artifact/Anchors.json and the gas snapshot
	@$(TEST)/python contracts/artifact.py contracts/artifact/Anchors.json
	@cd contracts && FORGE_SNAPSHOT_CHECK=false $(CURDIR)/$(FORGE) test --offline --quiet
	@git --no-pager diff --stat -- contracts/artifact contracts/snapshots

# Each lock is constrained by the one before, so that what is tested is what is
# installed; but for the two analysers, which pin web3 7 and rich 14 and so stand
# apart. Versions move only with `make lock UPGRADE=--upgrade`.
COMPILE = $(UV) pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	--no-emit-index-url --no-header --no-annotate $(UPGRADE)

lock: $(UV) ## resolve the lock files anew; UPGRADE=--upgrade moves versions
	@$(COMPILE) verifier/pyproject.toml -o requirements/verifier.txt
	@$(COMPILE) pyproject.toml -c requirements/verifier.txt -o requirements/service.txt
	@$(COMPILE) pyproject.toml --group test -c requirements/service.txt -o requirements/test.txt
	@$(COMPILE) --group build -c requirements/test.txt -o requirements/build.txt
	@$(COMPILE) requirements/slither.in -o requirements/slither.txt
	@$(COMPILE) requirements/halmos.in -o requirements/halmos.txt
	@npm install --silent --package-lock-only --ignore-scripts
	@cd contracts && npm install --silent --package-lock-only --ignore-scripts
	@cd tests/soak/hardhat && npm install --silent --package-lock-only --ignore-scripts

clean: ## remove everything that was installed or built
	rm -rf .tools .venv .venv-test .venv-slither .venv-halmos node_modules contracts/node_modules contracts/out contracts/cache \
		tests/soak/hardhat/node_modules tests/soak/hardhat/cache dist
	find api contracts notary tests verifier -name __pycache__ -prune -exec rm -rf {} +

$(TOOLS)/bin/uv: requirements/uv.txt
	@echo "== installing uv into .tools"
	@$(PYTHON) -m pip install --quiet --no-cache-dir --upgrade --require-hashes --only-binary :all: \
		--target $(TOOLS) --requirement requirements/uv.txt
	@touch $@

define sync
	@echo "== installing $(1) from requirements/$(2).txt"
	@$(UV) venv --quiet --no-project --allow-existing --python $(PYTHON) $(1)
	@$(UV) pip sync --quiet --compile-bytecode --python $(1)/bin/python --require-hashes \
		--build-constraints requirements/build.txt requirements/$(2).txt
endef

# The project is installed without its dependencies, which the lock has brought.
define install
	$(call sync,$(1),$(2))
	@$(UV) pip install --quiet --python $(1)/bin/python --no-deps \
		--build-constraints requirements/build.txt --editable .
	@touch $(1)/.stamp
endef

.venv/.stamp: requirements/service.txt requirements/build.txt pyproject.toml | $(UV)
	$(call install,.venv,service)

.venv-test/.stamp: requirements/test.txt requirements/build.txt pyproject.toml | $(UV)
	$(call install,.venv-test,test)

.venv-slither/.stamp: requirements/slither.txt requirements/build.txt | $(UV)
	$(call sync,.venv-slither,slither)
	@touch $@

.venv-halmos/.stamp: requirements/halmos.txt requirements/build.txt | $(UV)
	$(call sync,.venv-halmos,halmos)
	@touch $@

node_modules/.stamp: package.json package-lock.json .npmrc
	@echo "== installing the local chain (anvil)"
	@npm ci --silent --ignore-scripts
	@test -x $(ANVIL) || { echo "anvil is missing: its npm package exists for Linux on x86-64 only, or its download failed" >&2; exit 1; }
	@touch $@

contracts/node_modules/.stamp: contracts/package.json contracts/package-lock.json contracts/.npmrc
	@echo "== installing the contract's compiler and test runner (solc, forge)"
	@cd contracts && npm ci --silent --ignore-scripts
	@test -x $(FORGE) || { echo "forge is missing: its npm package exists for Linux on x86-64 only, or its download failed" >&2; exit 1; }
	@touch $@

tests/soak/hardhat/node_modules/.stamp: tests/soak/hardhat/package.json tests/soak/hardhat/package-lock.json tests/soak/hardhat/.npmrc
	@echo "== installing a second implementation of a node (hardhat)"
	@cd tests/soak/hardhat && npm ci --silent --ignore-scripts
	@touch $@
