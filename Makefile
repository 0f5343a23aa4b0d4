# Commands of the repository; `make` alone lists them. Each sets up what it needs, once.
PYTHON ?= python3
STORE ?= local
ARGS ?=
# For two cores: of three workers one often waits for a server.
WORKERS ?= 3

VENV := .venv$(if $(filter-out python3,$(PYTHON)),-$(notdir $(PYTHON)))
RUN := $(VENV)/bin/python
CONFIG := examples/flights$(if $(filter-out local,$(STORE)),-$(STORE)).toml
PREPARE := python3 .ci/environment.py prepare --venv $(VENV) --python $(PYTHON)

.DEFAULT_GOAL := help
.PHONY: help demo demo-dagster demo-airflow demo-prefect test integrations proof mutation bench lock format clean

# Run a script in an environment of an orchestrator: $(1) its name, $(2) the script.
define demo-in
@python3 .ci/environment.py prepare --venv $(VENV)-$(1) --python $(PYTHON) --name $(1)
STORE=$(STORE) $(if $(filter s3,$(STORE)),$(VENV)-$(1)/bin/python -m tests.servers seaweedfs -- )$(VENV)-$(1)/bin/python $(2)
endef

# Type-check and test distributions of integrations/ in an environment of theirs: $(1) its name, $(2) their folders.
define test-integrations
@python3 .ci/environment.py prepare --venv $(VENV)-$(1) --python $(PYTHON) --name $(1)
$(RUN) -m mypy --python-executable $(VENV)-$(1)/bin/python --cache-dir .mypy_cache/$(1) --follow-imports silent $(2:%=integrations/%/src)
$(VENV)-$(1)/bin/python -m pytest -n 2 --dist loadgroup -o consider_namespace_packages=false -o testpaths="$(2:%=integrations/%/tests)" -o clause_specs=sdd/specs/$(1) $(ARGS) || { [ $$? = 5 ] && [ -n "$(ARGS)" ]; }
endef

help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 24

demo: ## build a lake from a year of real flights (STORE=s3: on a local S3 server)
	@$(PREPARE)
	$(if $(filter s3,$(STORE)),$(RUN) -m tests.servers seaweedfs -- )$(RUN) examples/flights.py --config $(CONFIG)

demo-dagster: export DAGSTER_DISABLE_TELEMETRY = 1
demo-dagster: ## the same lake as Dagster assets with monthly partitions (STORE=s3: on a local S3 server)
	$(call demo-in,dagster-airflow,examples/flights_dagster.py)

demo-airflow: ## the same lake as an Airflow DAG, run once (STORE=s3: on a local S3 server)
	$(call demo-in,dagster-airflow,examples/airflow_run.py --config $(CONFIG))

demo-prefect: export PREFECT_HOME = data/prefect-home
demo-prefect: export PREFECT_SERVER_ANALYTICS_ENABLED = false
demo-prefect: export PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS = 120
demo-prefect: ## the same lake as a Prefect flow (STORE=s3: on a local S3 server)
	@mkdir -p $(PREFECT_HOME) # Prefect makes the last folder of it only
	$(call demo-in,prefect,examples/flights_prefect.py --config $(CONFIG))

test: ## lint, type-check and test (PYTHON=3.12: with another Python; ARGS="-k s3": for pytest)
	@$(PREPARE) --servers
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	$(RUN) -m pytest -n $(WORKERS) --dist loadgroup $(ARGS)
	@$(MAKE) --no-print-directory integrations

integrations: ## type-check and test what stands in integrations/, a part of `make test`
	@$(PREPARE)
	$(call test-integrations,dagster-airflow,dagster airflow)
	$(call test-integrations,prefect,prefect)

proof: ## run proofs, oracle, planted bugs and mutants at length, and print one table (ARGS=--quick: in minutes)
	@$(PREPARE) --servers
	@$(RUN) -m sdd.proof $(ARGS)

mutation: ## make small mistakes in the kernel, one at a time; tests have to notice (ARGS="--only _ops/move")
	@$(PREPARE)
	$(RUN) -m sdd.mutation.run $(ARGS)

bench: ## measure against the bare SDKs and the peers (ARGS=--quick: in under three minutes)
	@$(PREPARE) --servers
	$(RUN) -m benchmarks $(ARGS)

lock: ## resolve the dependencies afresh into requirements/
	@python3 .ci/environment.py lock

format: ## rewrite the code in the one format
	@$(PREPARE)
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

clean: ## remove what these commands wrote
	rm -rf .venv .venv-* .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
