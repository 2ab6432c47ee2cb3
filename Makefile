# Everything that people and CI run; each recipe works from a clean clone.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCAL := PYTHONPATH=kind $(PYTHON) -m localcluster
DEMO := PYTHONPATH=kind:operator $(BIN)/python -m demo
# pytest's processes for the tests without a cluster; those on the cluster share it and run in order
TEST_WORKERS ?= 2
# The shell for tests on the cluster: its tools on PATH, the operator installed once, the sample
# model's tags for tests/e2e/conftest.py (which installs by itself where nobody set them)
ON_CLUSTER := eval "$$($(LOCAL) env)" && DAVYLAMP_TAGS="$$($(LOCAL) install)" && export DAVYLAMP_TAGS
CRD := crds/davylamp.dev_modeldeployments.yaml
POD_FIELDS := operator/davylamp/api/template/fields.py
CHART_CRD := charts/davylamp/files/crds/davylamp.dev_modeldeployments.yaml

.DEFAULT_GOAL := help
.PHONY: help
help: ## Show the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-16s %s\n", $$1, $$2}'

.PHONY: demo
demo: venv cluster ## A bad model is rolled back, a good one promoted, on a local cluster it sets up itself
	@eval "$$($(LOCAL) env)" && $(DEMO)

.PHONY: demo-clean
demo-clean: venv ## Remove from the cluster what the demo made
	@eval "$$($(LOCAL) env)" && $(DEMO) --clean

.PHONY: test
test: venv ## Lint, types and every test: unit, property, process, chart, images, registries, rights, integration, e2e
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory unit
	@$(MAKE) --no-print-directory cluster
	@$(ON_CLUSTER) && $(BIN)/pytest --ignore=tests/unit --ignore=tests/property --ignore=tests/process

.PHONY: unit
unit: venv ## Tests that need no cluster
	@$(BIN)/pytest --numprocesses=$(TEST_WORKERS) tests/unit tests/property tests/process

.PHONY: chart
chart: venv ## Tests of the Helm chart (need helm)
	@eval "$$($(LOCAL) env)" && $(BIN)/pytest tests/chart

.PHONY: rights
rights: venv ## Tests of who may do what, on an API server of their own (built once, as for `make cluster`)
	@eval "$$($(LOCAL) env)" && $(BIN)/pytest tests/rights

.PHONY: images
images: venv ## Tests of the sample model's images (need docker)
	@$(LOCAL) base-image > /dev/null && $(BIN)/pytest tests/images

.PHONY: registries
registries: venv ## Tests against a real registry, which is built once (need go, or PyPI's)
	@$(BIN)/pytest tests/registries

.PHONY: rebuild-check
rebuild-check: ## Build the sample model's images twice, once without a cache, and compare all files
	@base="$$($(LOCAL) base-image)" && $(PYTHON) sample_model/rebuild_check.py "$$base"

.PHONY: e2e
e2e: venv cluster ## Tests on the local cluster
	@$(ON_CLUSTER) && $(BIN)/pytest tests/integration tests/e2e

.PHONY: lint
lint: venv ## Style, types, import contracts, generated files
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/zizmor --offline --quiet .github
	@PYTHONPATH=operator $(BIN)/lint-imports > .import_linter.log || { cat .import_linter.log; exit 1; }
	@$(MAKE) --no-print-directory crds-check

.PHONY: crds
crds: venv ## Generate the CRD from the models
	@PYTHONPATH=operator $(BIN)/python -m davylamp crd > $(CRD)
	@cp $(CRD) $(CHART_CRD)

.PHONY: pod-fields
pod-fields: venv cluster ## Generate the table of a pod template's fields from the cluster's API server
	@eval "$$($(LOCAL) env)" && kubectl get --raw /openapi/v3/api/v1 | PYTHONPATH=. $(BIN)/python -m tests.support.podfields > $(POD_FIELDS).new
	@mv $(POD_FIELDS).new $(POD_FIELDS)

.PHONY: crds-check
crds-check: venv
	@PYTHONPATH=operator $(BIN)/python -m davylamp crd | diff -u $(CRD) - || { echo "the CRD differs from the models: run make crds"; exit 1; }
	@cmp $(CRD) $(CHART_CRD) || { echo "the chart's CRD differs from crds/: run make crds"; exit 1; }

.PHONY: cluster
cluster: ## A working local kind cluster with Prometheus (idempotent)
	@$(LOCAL) up

.PHONY: cluster-down
cluster-down: ## Delete the local cluster
	@$(LOCAL) down

.PHONY: install
install: cluster ## Build all images and install the operator into the local cluster
	@$(LOCAL) install

.PHONY: stack
stack: ## The sample model with its feature store, on this machine (compose)
	@$(LOCAL) stack

.PHONY: stack-down
stack-down: ## Remove the stack with its volume
	@$(LOCAL) stack-down

.PHONY: reproduce
reproduce: venv ## Train again here and in the image, serve, compare with what is published; then break it on purpose
	@base=$$($(LOCAL) base-image) && PYTHONPATH=sample_model:operator $(BIN)/python -m reproduce --base-image "$$base"

.PHONY: bench
bench: venv cluster install ## Measure serving and rollback on the cluster, count the operator's work
	@PYTHONPATH=sample_model:. $(BIN)/python -m bench.serving
	@eval "$$($(LOCAL) env)" && PYTHONPATH=operator:kind:. $(BIN)/python -m bench.reconcile && PYTHONPATH=operator:kind:. $(BIN)/python -m bench.rollback

.PHONY: bench-scale
bench-scale: venv ## Measure the operator with 500 models on fake nodes, on a control plane of its own
	@PYTHONPATH=operator:kind:. $(BIN)/python -m bench.scale

.PHONY: gates
gates: venv ## Print the operating characteristics of the gate, simulated with its own code
	@PYTHONPATH=operator $(BIN)/python -m bench.gates.simulate

.PHONY: audit
audit: venv ## Look the locked packages up in the database of known vulnerabilities (needs the network)
	@mkdir -p .audit
	@$(BIN)/uv export --quiet --frozen --no-emit-local --all-groups --all-extras --output-file .audit/requirements.txt
	@UV_PROJECT_ENVIRONMENT=.audit/venv $(BIN)/uv run --quiet --frozen --only-group audit pip-audit --disable-pip --require-hashes --strict -r .audit/requirements.txt

.PHONY: venv
venv: $(VENV)/.ready
$(VENV)/.ready: pyproject.toml uv.lock requirements/uv.txt
	@$(PYTHON) -m venv $(VENV) 2>/dev/null || { apt-get update -qq && apt-get install -qq -y python3-venv >/dev/null && $(PYTHON) -m venv $(VENV); }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@UV_PYTHON_DOWNLOADS=never $(BIN)/uv sync --quiet --frozen
	@touch $@
