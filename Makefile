# Every task a person does on Throughline. `make` lists them; CI runs only these.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory --no-builtin-rules

include deploy/compose/.env          # the versions of Collector, Elasticsearch, Jaeger and Grafana, for native and compose alike
# Relative: make's targets cannot hold the spaces that the repository's own path may have.
PARTS := .parts
UV_VERSION := 0.13.9
UV := $(PARTS)/uv/bin/uv
PYTHON := .venv/bin/python

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  \033[1m%-18s\033[0m %s\n", $$1, $$2}'

## --- running -----------------------------------------------------------------------------------------------------

.PHONY: demo
demo: setup parts ## the main job on real parts: stack, mixed traffic, what a user sees; DEMO_ONCE=1 ends by itself
	@$(PYTHON) -m native demo

.PHONY: stack
stack: setup parts ## start the native stack without traffic and stay until Ctrl-C
	@$(PYTHON) -m native up

.PHONY: up
up: ## start the same stack from official images (needs a Docker engine)
	@docker compose --project-directory deploy/compose up --build --detach --wait
	@deploy/compose/access.sh .run/compose
	@echo "page    http://127.0.0.1:$${GATEWAY_PORT:-8080}"
	@echo "Grafana http://127.0.0.1:$${GRAFANA_PORT:-3000}"
	@echo "Jaeger  https://127.0.0.1:$${JAEGER_PORT:-16686}"

.PHONY: down
down: ## stop it; its data volumes stay
	@docker compose --project-directory deploy/compose down

.PHONY: preview
preview: setup ## pictures of the dashboards, of what the running stack answers, in .run/preview; PREVIEW="--board overview --since 15m"
	@$(PYTHON) grafana-dashboards/preview $(PREVIEW)

.PHONY: certificates
certificates: setup ## a development authority and a certificate for each part of the native stack, in .run/tls
	@$(PYTHON) -m native.certificates

## --- checking ----------------------------------------------------------------------------------------------------

.PHONY: test
test: setup clients parts ## every test, on the real Collector, Jaeger and Elasticsearch
	@PYTHONHASHSEED=0 $(PYTHON) -m pytest -n 2 --dist loadgroup

.PHONY: unit
unit: setup clients ## the fast tests only: no Collector, no Elasticsearch, no processes
	@PYTHONHASHSEED=0 $(PYTHON) -m pytest -n 2 tests/instrumentation tests/services -m "not stack"

.PHONY: bench
bench: setup clients ## CPU added per call, for every client, beside the rivals, each in an environment of its own
	@$(PYTHON) tests/benchmarks

.PHONY: bench-memory
bench-memory: setup ## memory over 100,000 calls and 50,000 abandoned streams
	@$(PYTHON) tests/benchmarks/memory.py

.PHONY: bench-evidence
bench-evidence: setup ## CPU of a record as evidence, beside the SDK's own way
	@$(PYTHON) tests/benchmarks/records.py

.PHONY: bench-verify
bench-verify: setup elasticsearch ## how fast a log is verified, and in how much memory
	@PYTHONPATH=tests $(PYTHON) tests/benchmarks/verify.py

.PHONY: bench-compare
bench-compare: setup elasticsearch ## how fast variants of a prompt are compared, and in how much memory
	@PYTHONPATH=tests $(PYTHON) tests/benchmarks/compare.py

.PHONY: lint
lint: setup ## style, import contracts, generated files up to date
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/lint-imports --no-cache
	@$(PYTHON) instrumentation/registry/generate.py --check
	@$(PYTHON) instrumentation/registry/prices.py --check
	@$(PYTHON) services/proto/generate.py --check
	@$(PYTHON) grafana-dashboards --check

.PHONY: types
types: setup ## strict static types
	@.venv/bin/mypy
	@cd grafana-dashboards && ../.venv/bin/mypy --config-file ../pyproject.toml --cache-dir ../.mypy_cache .

.PHONY: format
format: setup ## rewrite the code in the house's format
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

## --- generating --------------------------------------------------------------------------------------------------

.PHONY: names
names: setup ## names.py from the pinned conventions and our own registry
	@$(PYTHON) instrumentation/registry/generate.py

.PHONY: prices
prices: setup ## prices.json and its NOTICE from the installed genai-prices
	@$(PYTHON) instrumentation/registry/prices.py

.PHONY: proto
proto: setup ## Python stubs of the gRPC contracts
	@$(PYTHON) services/proto/generate.py

.PHONY: dashboards
dashboards: setup ## the Grafana dashboards' JSON from their Python
	@$(PYTHON) grafana-dashboards

.PHONY: lock
lock: $(UV) ## resolve all Python dependencies anew into requirements.lock, and the image's share of them
	@$(UV) lock --quiet --upgrade
	@$(UV) export --quiet --all-packages --all-groups --all-extras --no-emit-workspace --no-header --output-file requirements.lock
	@$(UV) export --quiet --all-packages --no-dev --all-extras --no-emit-workspace --no-header --output-file deploy/compose/runtime.lock
	@echo hatchling | $(UV) pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --output-file deploy/compose/build.lock -

.PHONY: collector-modules
collector-modules: ## resolve builder.yaml anew into the committed go.mod and go.sum
	@collector-config/resolve.sh collector $(COLLECTOR_VERSION)

.PHONY: jaeger-modules
jaeger-modules: ## resolve Jaeger's modules anew into its committed go.mod and go.sum
	@collector-config/resolve.sh jaeger

## --- installing, into .venv and .parts ---------------------------------------------------------------------------

.PHONY: setup
setup: .venv/.complete ## the Python environment, as pinned in requirements.lock

.PHONY: clients
clients: $(patsubst tests/instrumentation/versions/requirements/%.txt,$(PARTS)/clients/%/.complete,$(wildcard tests/instrumentation/versions/requirements/*.txt)) ## clients for the tests that cannot be installed beside the others: older generations, narrow needs

$(PARTS)/clients/%/.complete: tests/instrumentation/versions/requirements/%.txt | $(UV)
	@echo "installing $*"
	@rm -rf $(@D)
	@$(UV) pip install --quiet --require-hashes --no-deps --python python3 --target $(@D) --requirement $<
	@touch $@

.PHONY: parts
parts: collector jaeger elasticsearch ## the native Collector, Jaeger and Elasticsearch

.PHONY: elasticsearch
elasticsearch: setup ## fetch Elasticsearch from Maven Central (needs mvn and a JDK 21 or later)
	@$(PYTHON) -m native.elasticsearch.fetch $(ELASTICSEARCH_VERSION)

.PHONY: collector
collector: $(PARTS)/otelcol-throughline ## build the native Collector from builder.yaml and the committed modules

$(PARTS)/otelcol-throughline: collector-config/builder.yaml collector-config/go.mod collector-config/go.sum
	@mkdir -p $(PARTS)
	@collector-config/gobuild.sh Collector collector-config . "$(CURDIR)/$@"

.PHONY: jaeger
jaeger: $(PARTS)/jaeger ## build the native Jaeger from its committed modules

$(PARTS)/jaeger: deploy/native/jaeger/go.mod deploy/native/jaeger/go.sum
	@mkdir -p $(PARTS)
	@collector-config/gobuild.sh Jaeger deploy/native/jaeger github.com/jaegertracing/jaeger/cmd/jaeger "$(CURDIR)/$@"

$(UV):
	@command -v python3 >/dev/null || { echo "missing: python3 (3.11 or later)" >&2; exit 1; }
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11) and "missing: Python 3.11 or later; python3 is " + sys.version.split()[0])'
	@echo "installing uv $(UV_VERSION)"
	@python3 -m venv $(PARTS)/uv && $(PARTS)/uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.venv/.complete: requirements.lock pyproject.toml services/pyproject.toml | $(UV)
	@echo "installing the Python environment"
	@$(UV) venv --quiet --allow-existing --python python3 .venv
	@$(UV) pip sync --quiet --require-hashes requirements.lock
	@$(UV) pip install --quiet --no-deps --editable . --editable services
	@echo "$(CURDIR)/deploy" > "$$($(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/throughline-native.pth"
	@touch $@

## --- cleaning ----------------------------------------------------------------------------------------------------

.PHONY: clean
clean: ## remove the stack's data, logs and all caches; keep what was installed
	@rm -rf .run .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -not -path './.venv/*' -not -path './.parts/*' -prune -exec rm -rf {} +

.PHONY: distclean
distclean: clean ## remove what was installed, too
	@rm -rf .venv .parts
