# The project's tasks. `make` alone lists them.

.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
PYTHON ?= python3
RUN := .venv/bin
T ?= tests

.PHONY: help install system demo test lint format bench lock clean

help:  ## List the tasks
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 20

install: system .venv/installed  ## Install the server's packages and the Python environment

system:
	@db/install.sh

# pip brings uv, and uv brings exactly what the lock file names, by hash.
.venv/installed: requirements.lock pyproject.toml | system
	$(PYTHON) -m venv .venv
	$(RUN)/python -m pip install --quiet --disable-pip-version-check uv
	$(RUN)/uv pip install --quiet --python $(RUN)/python --require-hashes \
	    --requirements requirements.lock
	$(RUN)/uv pip install --quiet --python $(RUN)/python --no-deps --editable .
	touch $@

demo: install  ## Build image-text pairs of central Helsinki, and look at them
	examples/helsinki/demo.sh

test: install  ## Run the test suite against a PostgreSQL that it starts
	$(RUN)/python -m pytest -n 2 --dist loadfile $(T)

lint: install  ## Check style, types and the direction of imports
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy
	$(RUN)/lint-imports

format: install  ## Put the code into shape
	$(RUN)/ruff check --fix .
	$(RUN)/ruff format .

bench: install  ## Measure, side by side with peers; see docs/benchmarks.md
	$(RUN)/python -m benchmarks

lock: .venv/installed  ## Renew the lock file
	$(RUN)/uv pip compile --quiet pyproject.toml --extra dev --python-version 3.11 \
	    --generate-hashes --no-header --no-annotate --upgrade -o requirements.lock

clean:  ## Remove what the tasks made
	rm -rf .venv demo
