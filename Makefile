# Firewatch. GNU make 3.81 (macOS) and later; nothing needed beforehand but Python 3.11+, make and git.
PYTHON ?=
VENV   := .venv
BIN    := $(VENV)/bin
# What has been installed: firewatch with its sandbox; then, on top of it, what tests and checks need.
INSTALLED     := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev
PYTEST := $(BIN)/python -m pytest --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help install test proof check format bench drill sandbox settings manifest lock clean

help: ## show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(INSTALLED) ## put firewatch and its sandbox into .venv; done again only when the locks change

sandbox: $(INSTALLED) ## open the whole product in a browser page
	@$(BIN)/firewatch sandbox $(ARGS)

drill: $(INSTALLED) ## play the replay of failed jobs on a real Redis and print the conversation
	@$(BIN)/firewatch drill $(ARGS)

test: $(INSTALLED_DEV) ## pass the tests; ARGS="tests/settings -x" chooses, SEEDS=20 gives the tests of chance more seeds
	@$(BIN)/python -m tests.prepare
	$(PYTEST) -n 3 $(ARGS)

proof: $(INSTALLED_DEV) ## pass the tests that take long, with twenty seeds; SEEDS=50 for more
	@$(BIN)/python -m tests.prepare
	SEEDS=$(or $(SEEDS),20) $(PYTEST) -n 2 -m "seeded or proof" $(ARGS)

check: $(INSTALLED_DEV) ## format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(INSTALLED_DEV) ## put the code into the form that check asks for
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

# Goes on without a browser or Node: the rows that need them say so.
bench: $(INSTALLED_DEV) ## measure against the yardsticks: a Markdown table; ARGS=door chooses
	@$(BIN)/python -m tests.prepare >&2 || true
	@$(BIN)/python -m tests.bench $(ARGS)

settings: $(INSTALLED) ## write .env.example and docs/settings.md anew, after a setting was added or renamed
	$(BIN)/python -c "from pathlib import Path; from bot.outside.parts import find; \
	from bot.settings.listing import write; write(find(), Path())"

manifest: $(INSTALLED) ## write manifest.yml anew, after a command was added or renamed
	$(BIN)/firewatch manifest > manifest.yml

# One resolution for all locks, so that what is tested is what the image holds.
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate
OF_DEV := --constraint requirements-dev.lock $(ARGS) --output-file

lock: | $(BIN)/python ## choose versions anew and write the locks; ARGS=--upgrade for the latest
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet uv
	$(LOCK) pyproject.toml --extra sandbox --extra dev $(ARGS) --output-file requirements-dev.lock
	$(LOCK) pyproject.toml --extra sandbox $(OF_DEV) requirements-sandbox.lock
	$(LOCK) pyproject.toml $(OF_DEV) requirements.lock
	echo hatchling | $(LOCK) - $(OF_DEV) requirements-build.lock

clean: ## remove the environment and everything that tests and tools left
	rm -rf $(VENV) .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist node_modules tests/node/node_modules

# An existing .venv is kept and brought to the lock. The newest macOS calls 3.9 "python3", hence the search.
$(BIN)/python:
	@for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
	  if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "making $(VENV) with $$("$$python" --version)"; \
	    "$$python" -m venv $(VENV) && exit 0; \
	    rm -rf $(VENV); \
	    echo "$$python could not make $(VENV): on Debian and Ubuntu, install python3-venv." >&2; exit 1; \
	  fi; \
	done; \
	echo "Firewatch needs Python 3.11 or newer; python3 is $$(python3 --version 2>&1). Or name one: make install PYTHON=/path/to/python3.12" >&2; \
	exit 1

# Installs these locks and names each package as it comes. pip's own output is two lines a package: it goes into a log,
# of which the errors are shown when it fails. Bytecode is left to the first import: most modules never have one.
PIP := $(BIN)/python -m pip --disable-pip-version-check install
LOG := $(VENV)/install.log
define from_locks
	@{ $(PIP) --require-hashes --no-compile --progress-bar off $(1) 2>&1 || echo Failed; } | tee $(LOG) | { \
	  printf 'fetching:'; \
	  while read -r word what rest; do case $$word in \
	    Collecting | Processing) what=$${what##*/}; what=$${what%%==*}; printf ' %s' "$${what%%-[0-9]*}" ;; \
	    Installing) printf '\nunpacking all of it into $(VENV) …' ;; \
	    Failed) echo; sed -n '/^ *ERROR/,$$p' $(LOG) >&2; exit 1 ;; \
	  esac; done; echo; }
endef

$(INSTALLED): requirements-sandbox.lock requirements-build.lock pyproject.toml | $(BIN)/python
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "$(VENV) was made with $$($(BIN)/python --version); Firewatch needs 3.11 or newer. Remove it: rm -rf $(VENV)" >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip --upgrade >/dev/null
	@echo "installing firewatch and what its sandbox needs (75 MB to fetch)"
	$(call from_locks,--requirement requirements-sandbox.lock --requirement requirements-build.lock)
	@$(PIP) --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(INSTALLED_DEV): requirements-dev.lock $(INSTALLED)
	@echo "installing what tests and checks need (165 MB to fetch)"
	$(call from_locks,--requirement requirements-dev.lock)
	@touch $@
