# Everything lives in .venv at the root; nothing is installed outside it.
SHELL := /bin/bash
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# Tools that call other tools (protoc its plug-ins) find them here.
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help

.PHONY: help
help: ## Say what there is to make.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(STAMP) ## Make .venv from the lock.

$(STAMP): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("dearena needs Python 3.11 or newer; set PYTHON=…") if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# An arena on this machine

.PHONY: run up replay
run: setup ## Rank 12 sparring models in two dimensions, say how well, and end. ARGS="--world-seeds 0,1,2"
	@$(BIN)/python -m dearena.local.demo $(ARGS)

up: setup $(if $(TRACES),traces) ## The same, and stay until Ctrl-C; data are kept in .dearena. TRACES=1 shows traces, too.
	@$(BIN)/python -m dearena.local.demo --stay $(if $(TRACES),--traces-python $(TRACES_VENV)/bin/python) $(ARGS)

replay: setup ## Replay recorded votes of real models: DATA=folder DIMENSION=code
	@test -n "$(DATA)" -a -n "$(DIMENSION)" || { echo "usage: make replay DATA=folder DIMENSION=code" >&2; exit 2; }
	@$(BIN)/python -m dearena.local.replay --data "$(DATA)" --dimension "$(DIMENSION)" $(ARGS)

# Real models on a real server, in an environment apart: 700 MB that nothing else needs.
LLM_VENV  := .venv-llm
LLM_STAMP := $(LLM_VENV)/.installed

.PHONY: run-llm
run-llm: setup $(LLM_STAMP) ## Let two small real models answer and judge beside sparring models, minutes. ARGS="--json"
	@$(BIN)/python -m dearena.local.llm --llm-python $(LLM_VENV)/bin/python $(ARGS)

$(LLM_STAMP): requirements-llm.lock
	@test -x $(LLM_VENV)/bin/python || $(PYTHON) -m venv $(LLM_VENV)
	$(LLM_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-llm.lock
	@touch $@

# A trace viewer, in an environment apart: 850 MB that nothing else needs.
TRACES_VENV  := .venv-traces
TRACES_STAMP := $(TRACES_VENV)/.installed

.PHONY: traces
traces: $(TRACES_STAMP)

$(TRACES_STAMP): requirements-traces.lock
	@test -x $(TRACES_VENV)/bin/python || $(PYTHON) -m venv $(TRACES_VENV)
	$(TRACES_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-traces.lock
	@touch $@

# Tests

.PHONY: test
test: setup ## All tests, on real servers. ARGS="tests/unit -x"
	$(BIN)/pytest -n 4 --dist loadfile $(ARGS)

# Benchmarks: figures to compare, each beside a peer or a limit

BENCHMARK_VENV  := .venv-benchmark
BENCHMARK_STAMP := $(BENCHMARK_VENV)/.installed
LITELLM_VENV    := .venv-litellm
LITELLM_STAMP   := $(LITELLM_VENV)/.installed

.PHONY: bench-scoring
bench-scoring: $(BENCHMARK_STAMP) ## Time the scorer beside its peers, about five minutes. ARGS="--rounds 3 --json FILE"
	$(BENCHMARK_VENV)/bin/python -m benchmarks.scoring_speed $(ARGS)

.PHONY: bench-whole-system
bench-whole-system: setup ## Rank 40 models through all services and in memory, minutes. ARGS="--queries 40 --json"
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.whole_system $(ARGS)

.PHONY: bench-footprint
bench-footprint: setup ## Bytes a document and a message, and memory, that a ranking leaves, a minute. ARGS="--models 12 --json"
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.footprint $(ARGS)

.PHONY: bench-ledger
bench-ledger: setup ## Sums over 1,000,000 charged calls on a real mongod, minutes to write them. ARGS="--calls 100000"
	$(BIN)/python -m benchmarks.ledger $(ARGS)

.PHONY: bench-neighbours
bench-neighbours: setup ## Completions a second beside bad endpoints over those alone, some minutes. ARGS="--json"
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.bad_neighbours $(ARGS)

.PHONY: bench-gateway bench-slow bench-slow-judging bench-judge-calls
bench-gateway: setup $(LITELLM_STAMP) ## The gateway beside LiteLLM's proxy and bare clients, two minutes. ARGS="--json"
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.gateway_speed --peers-python $(LITELLM_VENV)/bin/python $(ARGS)

bench-slow: setup ## 20,000 completions of 2 s, 1,000 in flight, beside the ideal. ARGS="--calls 5000"
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.slow_endpoints completions $(ARGS)

bench-slow-judging: setup ## 10,080 judge calls of 10 s through all services, beside the ideal. ARGS="--queries 6"
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.slow_endpoints judging $(ARGS)

bench-judge-calls: setup ## CPU of all services per judge call beside plain httpx, and where it goes. ARGS="--profile"
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.judge_calls $(ARGS)

.PHONY: bench-tracing
bench-tracing: setup ## CPU of all services per judge call without telemetry, with it, with less. ARGS="--rounds 3"
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.tracing $(ARGS)

.PHONY: bench-coverage bench-hostile bench-leaderboard bench-juries bench-jury-rounds bench-jury-error bench-jury-makers bench-jury-growth
bench-coverage: setup ## How often intervals cover what is planted. ARGS="--worlds 400 --weighting all"
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.coverage $(ARGS)

bench-hostile: setup ## What hostile judges do to a board, by weighting. ARGS="--worlds 40"
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.hostile_judges $(ARGS)

bench-leaderboard: setup ## Time a board of 2,000,000 votes: read, made anew, made again. ARGS="--json"
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.leaderboard $(ARGS)

bench-juries: setup ## Rank by so many judge calls, beside rivals in the same worlds. ARGS="--seeds 10 --json FILE"
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.juries calls $(ARGS)

bench-jury-rounds: setup ## Count rounds and calls of insertions without a target. ARGS="--seeds 10"
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.juries rounds $(ARGS)

bench-jury-error: setup ## How often a jury decides pairs of equals, and others. ARGS="--pairs 2000"
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.juries error $(ARGS)

bench-jury-makers: setup ## Calls at 200 models beside the makers' rule. ARGS="--seeds 2"
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.juries makers $(ARGS)

bench-jury-growth: setup ## Calls of an insertion at 400 models over those at 25, minutes a seed. ARGS="--seeds 3"
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.juries growth $(ARGS)

.PHONY: bench-selection bench-selection-growth
bench-selection: setup ## Choose queries of planted pools by each method, minutes. ARGS="--votes 1 --reading skill"
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.query_selection planted $(ARGS)

bench-selection-growth: setup ## Pilots that grow beside one fixed part of the pool, minutes. ARGS="--seeds 4 --size 20"
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.query_selection growth $(ARGS)

.PHONY: bench-selection-flow
bench-selection-flow: setup ## From 500 questions to a board of 12 models through all services, minutes. ARGS="--pool 200 -k 20"
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.selection_flow $(ARGS)

.PHONY: bench-near-duplicates
bench-near-duplicates: setup ## Count false and planted near-duplicates, two minutes. ARGS="--size 3000 --peers"
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.near_duplicates $(ARGS)

.PHONY: bench-single-seats
bench-single-seats: setup ## Single seats beside both orders where judges lean to the first. ARGS="--worlds 200 --json"
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.single_seats $(ARGS)

# An environment apart: a peer pins a NumPy older than ours. The arena itself is imported from here.
$(BENCHMARK_STAMP): requirements-benchmark.lock
	@test -x $(BENCHMARK_VENV)/bin/python || $(PYTHON) -m venv $(BENCHMARK_VENV)
	$(BENCHMARK_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-benchmark.lock
	@touch $@

# Apart too: a peer of 100 packages, at versions of its own.
$(LITELLM_STAMP): requirements-litellm.lock
	@test -x $(LITELLM_VENV)/bin/python || $(PYTHON) -m venv $(LITELLM_VENV)
	$(LITELLM_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-litellm.lock
	@touch $@

# Checks: what can be told without running anything

.PHONY: check-image sizes
check-image: setup ## Build the image for real and hold it to its promises, minutes; needs buildah, debootstrap and root.
	$(BIN)/pytest -m image -s tests/deploy/test_image.py $(ARGS)

sizes: setup ## Sizes and costs by calculation, from what was measured. ARGS="--write" puts them into the page
	$(BIN)/python -m benchmarks.sizes $(ARGS)

.PHONY: check check-code check-types check-imports check-protos check-stubs check-deploy check-locks
check: check-code check-types check-imports check-protos check-stubs check-deploy check-locks ## Everything but tests.

check-code: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check --quiet

check-types: setup
	$(BIN)/mypy

check-imports: setup
	$(BIN)/lint-imports

check-protos: setup
	$(BIN)/buf lint protos
	$(BIN)/buf format protos --diff --exit-code
	$(BIN)/buf breaking protos --against $(BASELINE)

check-stubs: setup
	@fresh=$$(mktemp -d) && trap 'rm -rf "$$fresh"' EXIT && $(call generate,$$fresh) \
		&& diff --recursive --brief --exclude=__init__.py --exclude=__pycache__ "$$fresh/dearena/v1" dearena/v1 \
		|| { echo "the stubs differ from the contracts: run make protos, and commit both" >&2; exit 1; }

check-deploy: setup
	$(BIN)/docker-compose --profile '*' config --quiet
	$(BIN)/hadolint Dockerfile
	$(BIN)/pytest --quiet tests/deploy tests/unit/deploy

check-locks:
	@! grep -nE 'https?://' requirements.lock requirements-dev.lock requirements-benchmark.lock requirements-llm.lock requirements-litellm.lock requirements-traces.lock || { echo "a lock names an address" >&2; exit 1; }

# Contracts

BASELINE := protos/baseline.binpb
# $(call generate,folder): the stubs of all contracts, below a folder.
generate = $(BIN)/python -m grpc_tools.protoc -Iprotos --python_out=$(1) --grpc_python_out=$(1) --mypy_out=quiet:$(1) --mypy_grpc_out=quiet:$(1) protos/dearena/v1/*.proto

.PHONY: protos protos-baseline
protos: setup ## Make the stubs anew from protos/.
	$(BIN)/buf format protos --write
	$(call generate,.)

protos-baseline: setup ## Take today's contracts as those that must not break. Needs a decision record.
	$(BIN)/buf build protos --output $(BASELINE)

# Dashboards of Grafana and its copies of the runbooks: a test says when they differ from their code.

.PHONY: dashboards
dashboards: setup ## Write Grafana's dashboards anew from deploy/observability/dashboards.
	@$(BIN)/python -m deploy.observability.dashboards

.PHONY: clean
clean: ## Remove the environment and caches; data in .dearena stay.
	rm -rf $(VENV) $(BENCHMARK_VENV) $(LLM_VENV) $(LITELLM_VENV) $(TRACES_VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .grimp_cache .hypothesis .benchmarks dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
