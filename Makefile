# Firewatch. GNU make 3.81 (macOS) and later; nothing needed beforehand but Python 3.11+, make and git.
PYTHON ?=
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
SOURCE := bot handlers tests

.DEFAULT_GOAL := help
.PHONY: help install test check format bench drill sandbox settings manifest lock clean

help: ## show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP) ## put firewatch and all it needs into .venv; done again only when the locks change

test: $(STAMP) ## pass the tests; ARGS="tests/test_settings.py -x" chooses
	$(BIN)/python -m pytest -n 3 --dist worksteal $(ARGS)

check: $(STAMP) ## format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(STAMP) ## put the code into the form that check asks for
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: $(STAMP) ## measure against the yardsticks: a Markdown table
	$(BIN)/python -m tests.bench $(ARGS)

drill: $(STAMP) ## play the replay of failed jobs on a real Redis and print the conversation
	$(BIN)/firewatch drill $(ARGS)

sandbox: $(STAMP) ## open the whole product in a browser page
	$(BIN)/firewatch sandbox $(ARGS)

settings: $(STAMP) ## write .env.example and docs/settings.md anew, after a setting was added or renamed
	$(BIN)/python -c "from pathlib import Path; from bot.outside.parts import find; \
	from bot.settings.listing import write; write(find(), Path())"

manifest: $(STAMP) ## write manifest.yml anew, after a command was added or renamed
	$(BIN)/firewatch manifest > manifest.yml

# One resolution for all locks, so that what is tested is what the image holds.
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate

lock: | $(BIN)/python ## choose versions anew and write the locks; ARGS=--upgrade for the latest
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet uv
	$(LOCK) pyproject.toml --extra sandbox --extra dev --output-file requirements-dev.lock $(ARGS)
	$(LOCK) pyproject.toml --constraint requirements-dev.lock --output-file requirements.lock $(ARGS)
	echo hatchling | $(LOCK) - --constraint requirements-dev.lock --output-file requirements-build.lock $(ARGS)

clean: ## remove the environment and everything that tests and tools left
	rm -rf $(VENV) .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist node_modules

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

$(STAMP): requirements-dev.lock pyproject.toml | $(BIN)/python
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "$(VENV) was made with $$($(BIN)/python --version); Firewatch needs 3.11 or newer. Remove it: rm -rf $(VENV)" >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip --upgrade >/dev/null
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)
