# Everything goes through `.venv`, which the first command makes. `make help` lists the commands.

VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 2

# Python 3.11 or 3.12: the first of these that is one. `make PYTHON=/path/to/python3.12 demo` says which.
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3 python,$(if $(shell \
	$(name) -c 'import sys; print((3, 11) <= sys.version_info[:2] <= (3, 12) or "")' 2>/dev/null),$(name))))

.DEFAULT_GOAL := help
.PHONY: help demo test quick lint format bench clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.demo ## set up, then animate a photograph into out/demo.mp4
	@$(BIN)/python examples/demo.py

test: lint ## set up, then run every check and every test
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup

quick: $(VENV)/.dev ## run the tests that take no more than a few seconds each
	@$(BIN)/python -m pytest -n $(JOBS) -m "not slow"

lint: $(VENV)/.dev ## check style, formatting and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(VENV)/.dev ## put the code into the project's format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(VENV)/.dev ## measure speed and accuracy, and write docs/results.md
	@$(BIN)/python benchmarks/run.py

clean: ## remove the environment and everything that was made
	rm -rf $(VENV) out dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps are as old as the last installation; a change of what is required makes them stale.

$(VENV)/.demo: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing Kineograph into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[demo]"
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing Kineograph with what its tests need into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[demo,eyes,training,bench,study,test,dev]"
	@touch $@ $(VENV)/.demo

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Kineograph needs Python 3.11 or 3.12, and none was found; install one, or name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || { rm -rf $(VENV); echo "$(PYTHON) cannot make an environment; install its venv module (on Debian and Ubuntu: apt-get install python3-venv)" >&2; exit 1; }
