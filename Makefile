# Two commands are enough: `make demo` and `make test`. Each sets up what it needs and reuses what is there.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
# Each test process, and each service that a test starts, would compile all modules anew.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help demo up check test lint format bench mutants attack fuzz setup venv kafka lock clean pristine

PYTHON ?= python3
export PYTHON
BIN := .venv/bin
STEP := .ci/step
# What a target may be given: make demo ARGS="--days 434", make test ARGS="tests/unit -k clock"
ARGS ?=
CODE := services libs deploy tests examples benchmarks
UV := 0.13.9

help: ## print this list
	@echo "make TARGET [ARGS=…]"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: setup ## set up, then the main job on the real register: recorded, watched, closed (ARGS="--days 434" for all of it)
	@$(STEP) "demo: the accounts of the Government of Canada" $(BIN)/python examples/canada-register/demo.py $(ARGS)

check: setup ## what every change must pass: lint, all tests and mutants, part by part (ARGS="lint pure" for some parts)
	@$(STEP) "parts" $(BIN)/python -m tests.parts $(ARGS)

test: setup ## set up, then all tests, on a real PostgreSQL and a real Kafka (ARGS="tests/unit" for some of them)
	@$(STEP) "tests" $(BIN)/python -m $(if $(strip $(ARGS)),pytest $(ARGS),tests.parts pure integration acceptance attack)

lint: venv ## style, types, arrows between modules, clocks, words, undeclared imports, migrations
	@$(STEP) "ruff check" $(BIN)/ruff check .
	@$(STEP) "ruff format" $(BIN)/ruff format --check .
	@$(STEP) "mypy" $(BIN)/mypy
	@$(STEP) "import contracts" $(BIN)/lint-imports --no-logo
	@$(STEP) "clocks, sizes, words, traces, SQL, rankings" $(BIN)/python -m tests.architecture
	@$(STEP) "imports of the services are declared" $(BIN)/deptry --config .ci/deptry.toml \
		--requirements-files requirements/runtime.in services libs
	@$(STEP) "imports of the local stack are declared" $(BIN)/deptry --config .ci/deptry.toml \
		--requirements-files requirements/local.in services libs deploy
	@$(STEP) "migrations" $(BIN)/python -m tests.architecture.migrations

format: venv ## let ruff put the code in order
	@$(STEP) "ruff" bash -c '$(BIN)/ruff check --fix . && $(BIN)/ruff format .'

bench: setup ## measure ingest and relay side by side with what one would take instead
	@$(STEP) "benchmarks" $(BIN)/python -m benchmarks $(ARGS)

mutants: setup ## break the code on purpose, each time requiring the one test that must notice
	@$(STEP) "mutants" $(BIN)/python -m tests.mutants $(ARGS)

attack: setup ## all that was tried against the promises, ten times as large, with counts
	@$(STEP) "attacks" $(BIN)/python -m pytest tests/attack --attack-size=10 $(ARGS)

fuzz: venv ## look for new counterexamples: every property of the pure domain on 3,000 fresh examples
	@$(STEP) "properties" $(BIN)/python -m pytest --hypothesis-profile=fuzz tests/unit $(ARGS)

up: setup ## start the whole stack here and print its addresses (Ctrl-C stops it, data stays)
	@exec $(BIN)/jianfu up $(ARGS)

setup: venv kafka ## make .venv from the pinned packages and fetch Kafka's jars; reuses what is there

venv:
	@.ci/setup

kafka: venv
	@$(STEP) "Kafka's jars, each checked against the committed lock" $(BIN)/jianfu fetch

lock: ## recompile requirements/*.txt from requirements/*.in, with hashes and without addresses
	@mkdir -p build
	@[ -x build/lock/bin/uv ] || { $(PYTHON) -m venv build/lock && build/lock/bin/pip install --quiet uv==$(UV); }
	@for set in runtime local dev; do \
		$(STEP) "requirements/$$set.txt" build/lock/bin/uv pip compile --quiet --universal --python-version 3.11 \
			--generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
			requirements/$$set.in --output-file requirements/$$set.txt; \
	done

clean: ## remove caches and build output; .venv, jars and data stay
	@rm -rf build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -path ./.venv -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "✔ clean"

pristine: clean ## remove .venv too
	@rm -rf .venv
	@echo "✔ pristine"
