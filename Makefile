# Every target installs what it needs, and can be run again.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV ?= .venv
PYTHON := $(VENV)/bin/python
PYTEST := $(PYTHON) -m pytest
INSTALL := VMSHARE_VENV=$(VENV) scripts/install.sh
# Two at a time: every journey starts a hub and a browser of its own.
WORKERS ?= 2
PARALLEL := -n $(WORKERS) --dist loadscope
# How long `make test-stress` takes.
MINUTES ?= 60
# Further arguments for pytest: make test ARGS="-k invitation"
ARGS ?=
SOURCES := jupyter_vmshare hub_service tests bench deploy scripts docs
MYPY_SOURCES := jupyter_vmshare hub_service tests bench

.PHONY: help
help: ## Say what there is to make
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | expand -t 18

.PHONY: install
install: ## Install everything into .venv and node_modules
	@$(INSTALL)

.PHONY: demo
demo: ## Start a JupyterHub on this machine with people and something to share
	@$(INSTALL) hub
	exec $(PYTHON) deploy/demo/run.py $(ARGS)

.PHONY: test
test: test-ui ## Unit and API tests, one smoke on PostgreSQL, one journey in the browser
	@$(PYTEST) tests $(PARALLEL) -m "not slow and not browser_all and not postgres_all and not machines and not vm" $(ARGS)

.PHONY: test-ui
test-ui: ## The unit tests of the panel
	@$(INSTALL) test
	npm test --silent

.PHONY: test-postgres
test-postgres: ## The tests of the hub service on PostgreSQL (the slow ones: make test-all)
	@$(INSTALL) test
	status=0
	$(PYTEST) tests $(PARALLEL) -m "(postgres or postgres_all) and not journey and not slow" $(ARGS) || status=$$?
	scripts/none-is-fine.sh $$status "on PostgreSQL"

.PHONY: test-browser
test-browser: ## Every journey in the browser
	@$(INSTALL) test
	status=0
	$(PYTEST) tests $(PARALLEL) -m "journey or browser_all" $(ARGS) || status=$$?
	scripts/none-is-fine.sh $$status "in the browser"

.PHONY: test-mounts
test-mounts: ## Every test of the mounts, as root: what the guard lets through, also for minutes
	@$(INSTALL) test mounts
	$(PYTEST) tests $(PARALLEL) -m mounts $(ARGS)

.PHONY: test-machines
test-machines: ## Every test on real sandboxes, as root (the first time an image is built: a minute)
	@$(INSTALL) test machines
	$(PYTEST) tests $(PARALLEL) -m machines $(ARGS)

.PHONY: test-vm
test-vm: ## Real virtual machines under QEMU, as root; where it has to emulate, 20 minutes (VM_ALL=1: every kill)
	@$(INSTALL) test qemu
	$(PYTEST) tests/relay tests/cloud tests/shown tests/bench -n 0 -m vm $(ARGS)

.PHONY: test-stress
test-stress: ## Two sessions at random in one folder, for an hour (MINUTES=3 SEED=… KEEP=1)
	@$(INSTALL) test
	export VMSHARE_STRESS_MINUTES=$(MINUTES)
	$(PYTEST) tests/stress -n 0 $(ARGS)

.PHONY: test-hub55
test-hub55: ## The journeys on JupyterHub 5.5.1, in an environment of its own
	@VMSHARE_VENV=.venv-hub55 VMSHARE_HUB="jupyterhub==5.5.1" scripts/install.sh test
	status=0
	.venv-hub55/bin/python -m pytest tests $(PARALLEL) -m "journey and not slow" $(ARGS) || status=$$?
	scripts/none-is-fine.sh $$status "on JupyterHub 5.5.1"

.PHONY: test-rights
test-rights: ## Every cell of the permission tables, the attacks, and what runs on real hubs
	@$(INSTALL) test
	$(PYTEST) tests/api/test_permissions.py tests/attacks tests/configure tests/pages tests/server \
	  $(PARALLEL) -m slow $(ARGS)

.PHONY: guard
guard: ## Build the share guard into build/guard
	@$(INSTALL) guard

.PHONY: test-guard
test-guard: guard ## Unit tests of the share guard, with sanitizers too, and a minute of fuzzing
	@hub_service/guard/test.sh $(ARGS)

.PHONY: test-all
test-all: test-ui ## Everything: both databases, every journey, the oldest hub and the newest
	@$(PYTEST) tests $(PARALLEL) -m "not vm" $(ARGS)
	$(MAKE) test-hub55

.PHONY: lint
lint: ## ruff, mypy, shellcheck, ESLint, prettier and the TypeScript compiler
	@$(INSTALL) lint
	VENV=$(VENV) scripts/lint.sh

.PHONY: scenarios
scenarios: ## List the scenarios that no test carries
	@$(INSTALL) test
	$(PYTHON) scripts/scenarios.py

.PHONY: docs
docs: ## Build the documentation into docs/_build/html
	@$(INSTALL) docs
	$(PYTHON) -m sphinx -W --keep-going -b html docs docs/_build/html
	echo "Open docs/_build/html/index.html"

.PHONY: bench
bench: ## Run the benchmarks (ten minutes; see bench/README.md)
	@$(INSTALL) test
	$(PYTHON) -m bench $(ARGS)

.PHONY: build
build: ## Build the wheel and the source distribution into dist/
	@$(INSTALL) hub
	PATH="$$PWD/$(VENV)/bin:$$PATH" npm run --silent build:prod
	rm -rf dist jupyter_vmshare/labextension/build_log.json
	$(VENV)/bin/uv build --quiet --out-dir dist || $(VENV)/bin/pip wheel --quiet --no-deps --wheel-dir dist .
	ls -l dist

.PHONY: clean
clean: ## Remove what was installed and built
	@rm -rf .venv .venv-hub55 node_modules build dist docs/_build docs/_generated .install.lock
	rm -rf hub_service/guard/builddir
	rm -rf labextension/lib jupyter_vmshare/labextension .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
