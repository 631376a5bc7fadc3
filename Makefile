# Counterfoil. `make` lists the targets; each of them sets up what it needs (Python packages in .venv, the Solidity
# tools in node_modules) the first time and again when a lock file changed. Nothing outside this folder is touched but
# the caches of pip, uv and npm. Words for the command behind demo, serve and test go into ARGS: make test ARGS="-k split".

.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

BIN := .venv/bin
# The npm packages of anvil and forge exist for Linux on x86-64; elsewhere these folders do not exist and the PATH decides.
FOUNDRY := $(CURDIR)/node_modules/@foundry-rs
export PATH := $(FOUNDRY)/anvil-linux-amd64/bin:$(FOUNDRY)/forge-linux-amd64/bin:$(PATH)
# Where py-solc-x and ape find the compiler, and where ape keeps its data (otherwise ~/.ape).
export SOLCX_BINARY_PATH := $(CURDIR)/scripts/solc
export APE_DATA_FOLDER := $(CURDIR)/build/ape
# Each command is a process: with bytecode its imports take a second less, in the tests too.
unexport PYTHONDONTWRITEBYTECODE
ARGS ?=
# Compiles only the contracts that these tests import.
FORGE_TEST := FOUNDRY_SRC=tests/forge forge test
# Test processes, each with its own chain and database: they wait for these, so one more than there are cores.
JOBS ?= $(shell cores=$$(getconf _NPROCESSORS_ONLN) && echo $$((cores < 4 ? cores + 1 : 4)))
# The long files come first (tests/conftest.py), or the last of them would keep a single process busy at the end.
PARALLEL = -n $(JOBS) --dist loadfile --no-loadscope-reorder

# What only `make assurance` needs, in an environment of its own.
TOOLS := build/assurance/tools
SETUP := .venv/.stamp-project node_modules/.stamp
# Folders with Python in them (mypy refuses one without).
TYPED := registry api $(if $(wildcard scripts/*.py scripts/*/*.py),scripts)

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(SETUP) ## Walk through the life of a receivable on a chain and a database of its own
	@$(BIN)/counterfoil demo $(ARGS)

.PHONY: serve
serve: $(SETUP) ## Run the registry: chain, database, mirror, API
	@$(BIN)/counterfoil serve $(ARGS)

.PHONY: test
test: $(SETUP) ## Run all tests
	$(BIN)/pytest $(PARALLEL) -q $(ARGS)
# ape's tests start their own chain, so they are a run of their own, without the options in pyproject.toml; a selection
# given in ARGS is for pytest alone.
ifeq ($(ARGS),)
ifneq ($(wildcard tests/contracts/test_*.py),)
	$(BIN)/ape test tests/contracts $(PARALLEL) -q -o addopts=--import-mode=importlib
endif
	$(FORGE_TEST)
endif

.PHONY: assurance
assurance: $(SETUP) $(TOOLS)/.stamp ## Attack the contracts by every means (docs/assurance.md), for half an hour or more
	@$(BIN)/python -m scripts.assurance $(ARGS)

.PHONY: check check-python check-types check-layers check-solidity
check: check-python check-types check-layers check-solidity ## Lint, format, types, layers, compiler warnings

check-python: $(SETUP)
	$(BIN)/ruff check registry api scripts tests
	$(BIN)/ruff format --check registry api scripts tests

check-types: $(SETUP)
	$(BIN)/mypy $(TYPED)

check-layers: $(SETUP)
	$(BIN)/lint-imports --no-logo

check-solidity: $(SETUP)
	forge fmt --check
	$(BIN)/python -m registry.chain.compile

.PHONY: clean
clean: ## Remove build products and caches (not .venv, node_modules or the state of a running registry)
	rm -rf build .build contracts/.cache *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find registry api scripts tests -name __pycache__ -type d -exec rm -rf {} +

.PHONY: lock
lock: LOCK = $(BIN)/uv pip compile --quiet $(UPGRADE) --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command 'make lock'
lock: $(BIN)/uv ## Renew the lock files after a change of dependencies (UPGRADE=--upgrade takes newer versions)
	$(LOCK) --all-extras pyproject.toml -o requirements.lock
	echo uv | $(LOCK) --no-annotate - -o scripts/uv.lock
	$(LOCK) --no-annotate scripts/assurance/tools.in -o scripts/assurance/tools.lock
	echo setuptools | $(LOCK) --no-annotate - -o scripts/build.lock
	npm install --package-lock-only --omit-lockfile-registry-resolved --no-audit --no-fund
	@if grep -n '://' requirements.lock scripts/*.lock scripts/*/*.lock || grep -n '"resolved"' package-lock.json; then \
		echo 'A lock file names a download address: remove it.' >&2; exit 1; fi

.PHONY: setup
setup: $(SETUP)

$(BIN)/uv: scripts/uv.lock
	@set -eu; \
	for candidate in $(PYTHON) python3.12 python3.11 python3; do \
		if "$$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' \
			>/dev/null 2>&1; then python=$$candidate; break; fi; \
	done; \
	if [ -z "$${python-}" ]; then \
		echo 'Counterfoil needs Python 3.11 or 3.12 with its venv module, as python3.12, python3.11 or python3 on the' >&2; \
		echo 'PATH (Debian, Ubuntu: apt install python3-venv), or named: make PYTHON=/path/to/python3.12' >&2; exit 1; \
	fi; \
	echo "Setting up Python packages in .venv with $$python ..."; \
	"$$python" -m venv .venv; \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
		-r scripts/uv.lock
	@touch $@

# Of all packages only one, and this project, are no wheels: they are built with the locked setuptools.
.venv/.stamp-packages: $(BIN)/uv requirements.lock scripts/build.lock
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode \
		--build-constraints scripts/build.lock requirements.lock
	@touch $@

.venv/.stamp-project: .venv/.stamp-packages pyproject.toml
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --build-constraints scripts/build.lock --editable .
	@touch $@

$(TOOLS)/.stamp: $(BIN)/uv scripts/assurance/tools.lock
	@echo 'Setting up the tools of the assurance in $(TOOLS) ...'
	@rm -rf $(TOOLS)
	@$(BIN)/uv venv --quiet --python $(BIN)/python $(TOOLS)
	@$(BIN)/uv pip sync --quiet --python $(TOOLS)/bin/python --require-hashes --only-binary :all: --compile-bytecode \
		scripts/assurance/tools.lock
	@touch $@

node_modules/.stamp: package.json package-lock.json
	@node -e 'process.exit(parseInt(process.versions.node, 10) < 20 ? 1 : 0)' 2>/dev/null \
		|| { echo 'Counterfoil needs Node.js 20 or later with npm on the PATH.' >&2; exit 1; }
	@echo 'Setting up Solidity tools in node_modules ...'
	@npm ci --no-audit --no-fund --no-update-notifier --loglevel=error >/dev/null
	@touch $@
