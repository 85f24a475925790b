# One command per chore, the same for people and CI. Needs Python 3.11, pip and make. Serving and
# training also run on 3.12 and 3.13: make serve PYTHON=python3.13
PYTHON ?= $(shell command -v python3.11 || command -v python3)
PY := .venv/bin/python
TRACES ?= $(PBA_TRACES)
TRAIN = $(PY) -m train --traces $(TRACES) --output models --plot --workers 2

.DEFAULT_GOAL := help
.PHONY: help serve serve-secure test coverage check unit fuzz train evaluate bench chaos soak soak-cluster docs site dashboards monitoring proto proto-go lock dist sbom clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 15

serve: .venv/serve.stamp ## start the service with the shipped models, on 127.0.0.1:8000
	@exec $(PY) -m deployments

serve-secure: .venv/serve.stamp ## the same with TLS and keys: makes certificates and an admin key in data/secure
	@exec $(PY) -m deployments --secure data/secure

test: check ## check everything and run all tests
	$(PY) -m pytest $(IN_TWO) --durations=25 --durations-min=5

# Measuring costs two thirds of the processor time again, so it is not done each time.
coverage: .venv/dev.stamp ## run all tests, and print the coverage
	rm -f .coverage .coverage.* .coverage-*
	$(PY) -m pytest $(IN_TWO) --cov --cov-report=
	$(PY) -m tests.support.coverage_report

# Two processes: one runs the tests that start Ray, which mostly wait, the other computes.
IN_TWO := --numprocesses=2 --dist=loadscope --no-loadscope-reorder

check: .venv/dev.stamp ## style, types, layers
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports

unit: .venv/dev.stamp ## the tests that take seconds
	$(PY) -m pytest $(IN_TWO) -m "not ray and not tf and not slow"

fuzz: .venv/dev.stamp ## send 100 000 random requests and gRPC messages without keys and with, and let schemathesis try
	PBA_FUZZ_REQUESTS=100000 $(PY) -m pytest tests/deployments/ingress/test_fuzz.py tests/deployments/grpc/test_fuzz.py --timeout=0

train: .venv/train.stamp ## train all models on real traces: make train TRACES=DIR
	@test -n "$(TRACES)" || { echo "say where the traces are: make train TRACES=DIR"; exit 2; }
	$(TRAIN) --teachers 2 --mode datacenter --epochs 14 --batch-size 128
	$(TRAIN) --teachers 3 --mode internet --epochs 13 --learning-rate 0.0015
	$(TRAIN) --mode v1 --windows-per-set 10000

evaluate: .venv/train.stamp ## score the models and every rival on test traces, into docs/evaluation
	@test -n "$(TRACES)" || { echo "say where the traces are: make evaluate TRACES=DIR"; exit 2; }
	.venv/bin/pba evaluate --traces $(TRACES) --output build/evaluation
	mkdir -p docs/evaluation && cp build/evaluation/report.md build/evaluation/*.png docs/evaluation/

bench: .venv/dev.stamp ## measure latency and throughput against a bare server
	$(PY) -m benchmarks

chaos: .venv/dev.stamp ## kill nodes and replicas of a test bed of three nodes under load; needs root, and 10 minutes
	$(PY) -m benchmarks.cluster chaos

MINUTES ?= 30
soak: .venv/dev.stamp ## leave the console open during a replay: make soak MINUTES=30; does memory grow?
	$(PY) -m benchmarks.console_soak $(MINUTES)

soak-cluster: .venv/dev.stamp ## measure for an hour what grows on the three nodes of the test bed
	$(PY) -m benchmarks.cluster soak

docs: .venv/dev.stamp ## write the generated tables of README and docs
	$(PY) -m docs.fill

site: .venv/dev.stamp ## build the documentation as a site in build/site; a broken link is an error
	NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build

dashboards: .venv/dev.stamp ## write cluster/grafana/dashboards from their program
	$(PY) -m cluster.grafana.write_dashboards

monitoring: ## start Prometheus, and Grafana where it is installed, beside make serve
	@exec cluster/monitoring.sh

proto: .venv/dev.stamp ## write deployments/grpc/*_pb2* from proto/
	$(PY) -m grpc_tools.protoc --proto_path=deployments/grpc=proto --python_out=$(PROTO_OUT) \
		--pyi_out=$(PROTO_OUT) --grpc_python_out=$(PROTO_OUT) $(PROTOS:%=deployments/grpc/%.proto)
	sed -i 's/^from deployments\.grpc import /from . import /' $(PROTOS:%=$(PROTO_OUT)/deployments/grpc/%_pb2_grpc.py)
PROTOS := pba inference
PROTO_OUT := .

proto-go: .venv/dev.stamp ## write clients/go/pbav1 from proto/pba.proto; needs protoc-gen-go 1.28 and protoc-gen-go-grpc
	$(PY) -m grpc_tools.protoc --proto_path=proto --go_out=clients/go/pbav1 --go_opt=paths=source_relative \
		--go-grpc_out=clients/go/pbav1 --go-grpc_opt=paths=source_relative pba.proto

lock: .venv/dev.stamp ## choose versions anew and write requirements/; make lock UPGRADE= keeps those it can
	mkdir -p build
	$(COMPILE) pyproject.toml -o requirements/dev.txt --python-version 3.11 --extra dev
	$(COMPILE) pyproject.toml -o requirements/train.txt --python-version 3.11 --extra train -c requirements/dev.txt
	$(COMPILE) pyproject.toml -o requirements/serve.txt --python-version 3.11 --extra serve -c requirements/dev.txt
	$(COMPILE) pyproject.toml -o requirements/client.txt --python-version 3.11 -c requirements/dev.txt
	for version in 3.12 3.13; do \
		cp requirements/train.txt build/train-$$version.txt; \
		$(COMPILE) pyproject.toml -o build/train-$$version.txt --python-version $$version --extra train -c requirements/dev.txt || exit; \
		cmp requirements/train.txt build/train-$$version.txt || { echo "Python $$version needs a lock of its own"; exit 1; }; \
	done
	$(COMPILE) requirements/fracast.in -o requirements/fracast.txt --python-version 3.11
	$(COMPILE) requirements/tritonclient.in -o requirements/tritonclient.txt --python-version 3.11
UPGRADE := --upgrade
COMPILE = .venv/bin/uv pip compile --quiet $(UPGRADE) --generate-hashes --no-emit-index-url --no-header --no-annotate

dist: .venv/dev.stamp sbom ## build the wheel, the sdist and the bills of materials into dist/
	$(PY) -m build --no-isolation --outdir $(DIST)

sbom: .venv/dev.stamp ## write what each extra installs as CycloneDX into dist/
	mkdir -p $(DIST)
	for extra in client serve train; do \
		$(PY) -W ignore -m cyclonedx_py requirements requirements/$$extra.txt --pyproject pyproject.toml --short-PURLs \
			--output-reproducible -o $(DIST)/pba-forecast-$$extra.cdx.json || exit; \
	done
DIST := dist

clean: ## remove what the commands made, the environment too
	rm -rf .venv build dist *.egg-info .coverage* .*_cache .hypothesis

# Each lock holds the smaller ones with the same versions, so one environment grows as it is needed.
# A lock is complete: with --no-deps nothing is looked up beside it, so no newer release can matter.
# In compat mode the checkout itself is on the path: `deployments` and `train`, which a wheel installs
# as `pba_serve` and `pba_train`, import from any folder, as `serve deploy` and Ray's workers need.
# `pba` was the project's name before its first release; PyPI's `pba` is another project.
.venv/%.stamp: requirements/%.txt pyproject.toml | .venv
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	$(PY) -m pip check
	$(PY) -m pip uninstall --quiet --quiet --yes pba
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation \
		--config-settings editable_mode=compat -e .
	touch $@

.venv:
	$(PYTHON) -m venv .venv
