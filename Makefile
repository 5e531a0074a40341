# `make` alone lists the targets. Logic lives in scripts/; this file only names it.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
PRODUCT := .venv/product/bin
SPARK := .venv/spark/bin
SPARK4 := .venv/spark4/bin
INFRA := .venv/infra/bin
CHECKOV := .venv/checkov/bin
PYTEST := $(PRODUCT)/python -m pytest
CONTRACTS := $(addprefix tests/integration/test_,store_contract.py lists_contract.py lists_under_change.py cost_of_lists.py cost_of_jobs.py)
# Two processes. One that has nothing left takes over tests that wait for the other: tests of a few seconds, side by side
# in one file, would leave it idle for minutes.
STEALING := -n 2 --dist worksteal
# Two processes, each with local clouds of its own. Files stay whole, since their tests share what they started.
TWO_CLOUDS := -n 2 --dist loadfile --no-loadscope-reorder
COVERAGE := --cov --cov-append --cov-report=
# The calls of AWS that the processes under test make, for make iam.
RECORDED := .recorded
RECORDING := RECORD_AWS_CALLS="$(CURDIR)/$(RECORDED)" PYTHONPATH="$(CURDIR)/tests/recording"

.DEFAULT_GOAL := help
.PHONY: help setup node infra iam iam-record deploy-plan deploy images rotate-key demo run observe test unit integration schemathesis smoke simulation spark spark4 acceptance chaos mutants contracts api-changes coverage lint format docs examples postman newman lock bench bench-scale bench-spark clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## make the three Python environments under .venv
	@"$(PYTHON)" scripts/set_up.py

demo: setup ## run the main job for real, on a local cloud of its own, and show its answer
	@$(PRODUCT)/python scripts/demo.py

run: setup ## start the local cloud, the API and the workers; Ctrl-C ends them
	@exec $(PRODUCT)/python -m local up

observe: setup ## start a local cloud of its own, and show traces and metrics of an example job and of yours
	@exec $(PRODUCT)/python -m local.observe

test: setup lint ## every check and every tier of tests, then the coverage
	@$(PRODUCT)/coverage erase
	@rm -rf $(RECORDED)
	@$(MAKE) --no-print-directory unit simulation spark integration acceptance iam coverage

unit: setup ## milliseconds each, no network
	$(PYTEST) -q -n 2 tests/unit tests/repository $(COVERAGE)

simulation: setup ## the worker cut at every call, on fakes and a virtual clock
	$(PYTEST) -q $(STEALING) tests/simulation

node: setup ## make the environment of the Node packages that tests use
	@"$(PYTHON)" scripts/set_up.py node

integration: setup node ## real HTTP, MiniStack and the local EMR Serverless service
	$(RECORDING) $(PYTEST) -q $(TWO_CLOUDS) tests/integration $(COVERAGE)

schemathesis: setup node ## search the API for wrong answers: make schemathesis SECONDS=600 EXAMPLES=500 SEED=7
	$(PYTEST) -q -s --timeout 0 tests/integration/outside/test_schemathesis.py \
		$(if $(SECONDS),--search-seconds $(SECONDS)) $(if $(EXAMPLES),--search-examples $(EXAMPLES)) \
		$(if $(SEED),--search-seed $(SEED))

smoke: setup ## try a deployment: make smoke URL=http://127.0.0.1:8000 [TOKEN_FILE=...] [JOB=body.json]
	$(PYTEST) -q tests/smoke --url "$(URL)" $(if $(TOKEN_FILE),--token-file "$(TOKEN_FILE)") \
		$(if $(JOB),--job-file "$(JOB)")

spark: setup ## the Spark programs on a real session
	$(SPARK)/python -m pytest -q -n 2 tests/spark

spark4: ## the same on Spark 4, in an environment of its own (needs Java 17)
	@"$(PYTHON)" scripts/set_up.py spark4
	@java_home=$$(scripts/java_17.sh /usr/lib/jvm) && set -x && \
		JAVA_HOME="$$java_home" $(SPARK4)/python -m pytest -q -n 2 tests/spark

acceptance: setup ## the whole platform in real processes, seen through HTTP
	$(RECORDING) $(PYTEST) -q $(TWO_CLOUDS) tests/acceptance --ignore tests/acceptance/chaos $(COVERAGE)

chaos: setup ## killed, stopped and cut-off processes, by a seed: make chaos SEED=7
	$(PYTEST) -q tests/acceptance/chaos $(if $(SEED),--chaos-seed $(SEED))

coverage: ## print the coverage of api, worker, shared and deployment; fails below 90 %
	@$(PRODUCT)/coverage report --fail-under=90

mutants: setup ## break the worker's protocol in each known way, and see which test notices
	$(PRODUCT)/python scripts/mutants.py

contracts: setup ## what the stores rely on, tried on DynamoDB Local (needs Java 17 and Maven)
	@scripts/dynamodb_local.sh
	$(PYTEST) -q $(STEALING) $(CONTRACTS) --dynamodb-local .venv/dynamodb-local -k dynamodb-local

api-changes: setup ## whether the API keeps what the last release promised (needs Go)
	@scripts/oasdiff.sh
	$(PYTEST) -q tests/released --oasdiff .venv/oasdiff/oasdiff

rotate-key: setup ## take a step of a signing key's rotation: make rotate-key ENV=dev KEY=cursor STEP=add [NOW=yes]
	@$(PRODUCT)/python -m deployment.rotate_key "$(ENV)" "$(KEY)" "$(STEP)" $(if $(NOW),--now)

infra: setup ## lint and scan the templates and the Dockerfile, and hold them to what no linter finds
	@"$(PYTHON)" scripts/set_up.py infra checkov
	$(INFRA)/cfn-lint -c I -- cloudformation/*.yaml
	$(INFRA)/hadolint Dockerfile
	$(CHECKOV)/checkov --directory cloudformation --framework cloudformation --skip-download --compact --quiet
	$(PYTEST) -q tests/infra
	$(INFRA)/python -m pytest -q -c tests/moto/pytest.ini tests/moto

iam: ## whether integration and acceptance made the calls of AWS that the roles are proven by, and no others
	@$(PRODUCT)/python -m tests.infra.iam.calls check $(RECORDED)

iam-record: ## keep the calls that integration and acceptance have just made, for the proof of the roles
	@$(PRODUCT)/python -m tests.infra.iam.calls keep $(RECORDED)

deploy-plan: setup ## show what a deployment would change: make deploy-plan ENV=dev [STACKS=app,watch]
	@$(PRODUCT)/python -m deployment plan "$(ENV)" $(if $(STACKS),--stacks "$(STACKS)")

deploy: setup ## change an AWS account: make deploy ENV=dev [STACKS=app] [ALLOW_REPLACE=LogicalId]
	@$(PRODUCT)/python -m deployment apply "$(ENV)" $(if $(STACKS),--stacks "$(STACKS)") \
		$(if $(ALLOW_REPLACE),--allow-replace "$(ALLOW_REPLACE)") \
		$(if $(ROLL_BACK_ON_ALARM),--roll-back-on-alarm "$(ROLL_BACK_ON_ALARM)")

images: setup ## build and push the images that the registry lacks (needs Docker): make images ENV=dev
	@commands="$$($(PRODUCT)/python -m deployment images "$(ENV)")" && sh -euxc "$$commands"

lint: setup ## ruff and mypy, changing nothing
	$(PRODUCT)/ruff format --check --quiet .
	$(PRODUCT)/ruff check --quiet .
	$(PRODUCT)/mypy

format: setup ## let ruff mend what it can
	$(PRODUCT)/ruff format .
	$(PRODUCT)/ruff check --fix .

docs: setup ## make again the documents that are made from code
	$(PRODUCT)/python scripts/configuration_doc.py > docs/configuration.md
	$(PRODUCT)/python scripts/job_types_doc.py > docs/job-types.md
	$(PRODUCT)/python -m api.document.openapi > docs/api/openapi.json
	$(PRODUCT)/python -m api.document.errors_page > docs/api/errors.md

examples: setup ## send the requests of examples/scenario.py and record the answers; then make docs
	@$(PRODUCT)/python -m examples

postman: setup node ## make docs/api/postman_collection.json again, from the document and the scenario
	@$(PRODUCT)/python scripts/postman_collection.py > docs/api/postman_collection.json.new
	@mv docs/api/postman_collection.json.new docs/api/postman_collection.json

newman: node ## run the Postman collection: make newman URL=http://127.0.0.1:8000 [TOKEN_FILE=...]
	@scripts/newman.sh "$(URL)" $(TOKEN_FILE)

lock: setup ## resolve requirements/*.in again and write the lock files
	@sh scripts/lock.sh

bench-scale: setup ## one worker process and 10,000 jobs: memory, threads, calls, pacing
	$(PRODUCT)/python -m benchmarks.scale

bench-spark: setup ## our csv-to-parquet against a bare PySpark script: time and memory
	$(SPARK)/python -m benchmarks.spark_overhead

bench: setup ## measure ratios, in one run: against bare calls, and of logs, metrics and traces against none
	$(PRODUCT)/python -m benchmarks.submit
	$(PRODUCT)/python -m benchmarks.observability_cost

clean: ## remove what was built, but not the environments
	rm -rf .local $(RECORDED) .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
