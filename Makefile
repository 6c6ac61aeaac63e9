# `make` or `make help` lists the targets. Everything runs in the virtual environment $(VENV), which `make setup` makes.

PYTHON ?= python3
VENV ?= .venv
# For the installation of PyTorch only: on Linux the default wheel of the package index brings several GB of CUDA
# libraries; TORCH_PIP_ARGS="--index-url https://download.pytorch.org/whl/cpu" takes the small one of the same version.
TORCH_PIP_ARGS ?=
# Passed on to pytest, for example PYTEST_ARGS="-x tests/ir".
PYTEST_ARGS ?=

SHELL := /bin/sh
BIN := $(VENV)/bin
STAMP := $(VENV)/.drawloom-setup
PIP := $(BIN)/python -m pip --disable-pip-version-check

# How long `make fuzz` runs.
SECONDS ?= 600

.DEFAULT_GOAL := help
.PHONY: help setup search test check format bench fuzz clean

help: ## list the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

setup: $(STAMP) ## make the virtual environment with the drawloom command and everything pinned

$(STAMP): pyproject.toml constraints.txt
	@command -v "$(PYTHON)" >/dev/null 2>&1 || { \
	  echo "drawloom: there is no '$(PYTHON)'; install Python 3.11 or newer or name one: make setup PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "drawloom: Python 3.11 or newer is needed, and '$(PYTHON)' is `"$(PYTHON)" -V 2>&1`; name another: make setup PYTHON=python3.11" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "drawloom: '$(PYTHON)' cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@$(BIN)/python -c 'import pip' 2>/dev/null || "$(PYTHON)" -m venv --clear $(VENV)
	@echo 'Installing PyTorch, then Drawloom and the rest of its dependencies into $(VENV): some minutes the first time.'
	$(PIP) install --quiet --constraint constraints.txt $(TORCH_PIP_ARGS) torch==2.13.0
	$(PIP) install --quiet --constraint constraints.txt --no-build-isolation --editable '.[dev]'
	@touch $(STAMP)

search: setup ## search the mobile space on Fashion-MNIST for accuracy and latency (results in runs/)
	$(BIN)/drawloom search zoo/spaces/mobile_fashion.loom --budget 24 --objective accuracy --objective latency

test: setup check ## run the static checks and all tests
	$(BIN)/python -m pytest $(PYTEST_ARGS)

check: setup ## ruff, and mypy strict over every layer
	$(BIN)/ruff check .
	$(BIN)/python tools/link_farm.py
	$(BIN)/mypy

format: setup ## let ruff format and sort imports
	$(BIN)/ruff check --select I --fix .
	$(BIN)/ruff format .

bench: setup ## run the benchmarks (minutes; results are kept by hand in benchmarks/README.md)
	@for script in benchmarks/bench_*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

fuzz: setup ## fuzz the front end for SECONDS (600); what breaks it is kept in fuzz-findings/
	$(BIN)/python tools/fuzz.py --seconds $(SECONDS)

clean: ## remove the environment, caches and build outputs; runs/ stays
	rm -rf $(VENV) typecheck build dist drawloom.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -not -path './.git/*' -exec rm -rf {} +
