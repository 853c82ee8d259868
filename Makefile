# Plain `make` lists the targets. The first target that needs it creates .venv; later ones need no network.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

PYTHON ?=
VENV := .venv
BIN := $(VENV)/bin
CREATED := $(VENV)/.created
LOCKED := $(VENV)/.locked
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq

# Tests to run, and options of pytest: make test T=tests/unit/cli ARGS="-k completion -x"
T ?=
ARGS ?= -n auto

.PHONY: help venv demo test test-slow lint format bench eval docs clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | awk -F ':.*## ' '{ printf "  make %-10s %s\n", $$1, $$2 }'
	@echo '  make test T=tests/unit/cli ARGS="-k completion" runs a part; PYTHON=/path/to/python3 names the interpreter'

venv: $(READY) ## create .venv from requirements.lock

demo: $(READY) ## build a small brain and show the main job on it, step by step
	@$(BIN)/krate-gitops demo

test: $(READY) ## run the tests, without the slow ones
	$(BIN)/python -m pytest -m "not slow" $(ARGS) $(T)

# Exit status 5 says that no test is marked slow, which is no failure.
test-slow: $(READY) ## run the slow tests
	$(BIN)/python -m pytest -m slow $(T) || [ $$? -eq 5 ]

lint: $(READY) ## check style, types, import floors, and that generated docs are current
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	MYPYPATH=docs $(BIN)/mypy docs/generate.py docs/raised_errors.py
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

format: $(READY) ## format the code and mend what ruff can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(READY) ## run the benchmarks
	$(BIN)/python -m tests.bench

eval: $(READY) ## measure retrieval quality on the judged questions
	$(BIN)/python -m tests.eval.run $(EVAL)

docs: $(READY) ## write docs/reference from the code
	$(BIN)/python docs/generate.py

clean: ## remove caches and build products; rm -rf .venv starts from nothing
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find krate_gitops tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Three steps, so that a new lock file doesn't mean a new environment, nor an edited project new downloads.
$(CREATED): scripts/venv.sh
	@scripts/venv.sh $(VENV) $(PYTHON)
	@touch $@

$(LOCKED): requirements.lock | $(CREATED)
	@echo "installing the locked dependencies"
	@$(PIP) install --require-hashes --requirement requirements.lock
	@touch $@

$(READY): pyproject.toml $(LOCKED)
	@$(PIP) install --no-deps --no-build-isolation --no-index --editable .
	@touch $@
