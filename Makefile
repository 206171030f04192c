# What there is to do here. `make` alone lists it.

PYTHON ?= python3
BIN := .venv/bin
PATHS := deploy examples gateway services shared tests
LOCK := uv pip compile --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --no-emit-find-links --quiet pyproject.toml

.DEFAULT_GOAL := help
.PHONY: help run demo test soak lint fmt bench migrate lock clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: .venv/complete ## Run the whole system here, until Ctrl-C; SITEWARD_PORT chooses its port (8080)
	@$(BIN)/python -m deploy.local.run

demo: .venv/complete ## Tell the story of a purchase, step by step, to the running system
	@$(BIN)/python -m deploy.local.demo

test: .venv/complete ## Run the tests: unit, contract, integration, e2e, fault
	@$(BIN)/python -m deploy.local.fetch
	@$(BIN)/pytest tests/unit tests/contract tests/integration tests/e2e tests/fault

soak: .venv/complete ## Kill parts of the running system for minutes (SITEWARD_SOAK_SECONDS, 300)
	@$(BIN)/python -m deploy.local.fetch
	@$(BIN)/pytest tests/fault -m soak

lint: .venv/complete ## Check style, types, and who may import whom
	@$(BIN)/ruff check $(PATHS)
	@$(BIN)/ruff format --check $(PATHS)
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m shared.events.generate --check

fmt: .venv/complete ## Format, and mend what can be mended
	@$(BIN)/ruff check --fix $(PATHS)
	@$(BIN)/ruff format $(PATHS)

bench: .venv/complete ## Measure against limits of this machine; writes bench.json
	@$(BIN)/python -m tests.bench

migrate: .venv/complete ## Bring schema and topics up to date at DATABASE_URL and KAFKA_BOOTSTRAP_SERVERS
	@$(BIN)/python -m services.licensing migrate
	@$(BIN)/python -m services.plans migrate

lock: ## Pin the packages that pyproject.toml names, with their hashes (needs uv)
	@$(LOCK) -o requirements/runtime.txt
	@$(LOCK) --group dev -o requirements/dev.txt

clean: ## Remove all that was made here: data, keys, jars, the environment, caches
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m deploy.local.clean; fi
	@rm -rf .venv .mypy_cache .ruff_cache .hypothesis .import_linter_cache bench.json

.venv/complete: requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed; name one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "This Python cannot make an environment; on Debian or Ubuntu: apt install python3-venv"; exit 1; }
	@echo "installing Python packages into .venv (once)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@
