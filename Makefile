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
HELM := $(VENV)/helm/.ready
FORGES := $(VENV)/forge-descriptions/.ready
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq

# Tests to run, and options of pytest: make test T=tests/unit/cli ARGS="-k completion -x"
T ?=
# One worker more than processors: a fifth of their time tests wait for servers, leases and children.
ARGS ?= -n $(shell echo $$(( $$(getconf _NPROCESSORS_ONLN) + 1 )))

.PHONY: help venv helm forge-descriptions demo test test-slow lint package format bench eval docs clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | awk -F ':.*## ' '{ printf "  make %-18s %s\n", $$1, $$2 }'
	@echo '  make test T=tests/unit/cli ARGS="-k completion" runs a part; PYTHON=/path/to/python3 names the interpreter'

venv: $(READY) ## create .venv from requirements.lock

helm: $(HELM) ## install the engine that renders the chart

forge-descriptions: $(FORGES) ## fetch what requests to forges are tested against

demo: $(READY) ## build a small world and show the main job on it, step by step
	@$(BIN)/krate-gitops demo

test: $(READY) $(HELM) $(FORGES) ## run the tests, without the slow ones
	$(BIN)/python -m pytest -m "not slow" $(ARGS) $(T)

# Exit status 5 says that no test is marked slow, which is no failure.
test-slow: $(READY) $(HELM) $(FORGES) ## run the slow tests
	$(BIN)/python -m pytest -m slow $(T) || [ $$? -eq 5 ]

lint: $(READY) $(HELM) ## check style, types, import floors, and that generated docs are current
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	MYPYPATH=docs $(BIN)/mypy docs/generate.py docs/raised_errors.py
	$(BIN)/mypy charts/generate.py
	$(BIN)/mypy charts/check.py
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check
	$(BIN)/python charts/generate.py --check
	$(BIN)/python charts/check.py

package: $(READY) $(HELM) ## check that definitions, chart, examples and code agree
	$(BIN)/python charts/generate.py --check
	$(BIN)/python charts/check.py

format: $(READY) ## format the code and mend what ruff can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(READY) ## run the benchmarks
	$(BIN)/python -m tests.bench

eval: $(READY) ## measure retrieval quality on the judged questions
	$(BIN)/python -m tests.eval.run $(EVAL)

docs: $(READY) $(HELM) ## write docs/reference and what of the chart comes from the code
	$(BIN)/python docs/generate.py
	$(BIN)/python charts/generate.py

# Not there after a failure, which is told and no error: what needs it says so too.
$(HELM): charts/requirements.lock scripts/helm.sh | $(READY)
	@scripts/helm.sh $(VENV)

$(FORGES): tests/integration/forges/descriptions.lock scripts/forge_descriptions.sh | $(READY)
	@scripts/forge_descriptions.sh $(VENV)

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
