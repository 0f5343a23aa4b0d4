# Commands of the repository; `make` alone lists them. Each sets up what it needs, once.
PYTHON ?= python3
STORE ?= local
ARGS ?=

VENV := .venv$(if $(filter-out python3,$(PYTHON)),-$(notdir $(PYTHON)))
RUN := $(VENV)/bin/python
PREPARE := python3 .ci/environment.py prepare --venv $(VENV) --python $(PYTHON)

.DEFAULT_GOAL := help
.PHONY: help demo test proof bench lock format clean

help: ## list the commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

demo: ## build a lake from a year of real flights (STORE=s3: on a local S3 server)
	@$(PREPARE)
	$(if $(filter s3,$(STORE)),$(RUN) -m tests.servers seaweedfs -- )$(RUN) examples/flights.py --config examples/flights$(if $(filter-out local,$(STORE)),-$(STORE)).toml

test: ## lint, type-check and test (PYTHON=3.12: with another Python; ARGS="-k s3": for pytest)
	@$(PREPARE) --servers
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	$(RUN) -m pytest -n 2 --dist loadgroup $(ARGS)

proof: ## verify the contract in sdd/formal with Dafny, and refuse its deliberate mistakes
	@$(PREPARE)
	$(RUN) -m sdd.formal.verify

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
