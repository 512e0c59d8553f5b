# Every target works in an environment of its own: nothing outside .venv and .venv-* is used or changed.
PYTHON ?= python3
WORKERS ?= 2

# A named interpreter has an environment of its own beside the usual one: make test PYTHON=python3.13.
# Types are checked in the usual one only, as they depend on the stubs of one release of NumPy.
ifeq ($(origin PYTHON),file)
VENV := .venv
CHECKS := lint types layers
else
CHECKS := lint layers
VENV := .venv-$(shell $(PYTHON) -c 'import sys; print("{}.{}".format(*sys.version_info))' 2>/dev/null)
endif
BIN := $(VENV)/bin
INSTALL := -m pip install --disable-pip-version-check -qq
PINNED := -c constraints.txt -e '.[test,docs]'
OLDEST := -c constraints-oldest.txt -e '.[test]'
NEWEST := --upgrade --upgrade-strategy eager -e '.[test]'
SLOW := -c constraints.txt -e '.[test,slow,docs]'

# What computes numbers: the tests whose results another processor could change.
NUMERIC := $(addprefix tests/,augmentation classification dsp embedding engine metrics nets parity preprocessing tokenization)
# The slow tests in parts, the longest of which takes less than half an hour on two cores.
SLOW_PARTS := slow-parity slow-estimators slow-checks slow-rest

export PYTHONNOUSERSITE := 1
export SCIPY_ARRAY_API := 1
export OMP_NUM_THREADS ?= 1
# PYTHONDONTWRITEBYTECODE would have every process compile all modules and tests anew.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test coverage test-oldest test-newest test-portable test-slow $(SLOW_PARTS)
.PHONY: lint types layers format docs bench clean clean-all

help: ## Show what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

# $(call install,ENVIRONMENT,ARGUMENTS OF PIP). The stamp is written last, so an interrupted installation is taken up again.
define install
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "sklearn-audio needs Python 3.11 or newer, and '$(PYTHON)' is not; name one with: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Installing into $(1) (some minutes the first time) ..."
	@$(1)/bin/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(1)
	@$(1)/bin/python $(INSTALL) $(2)
endef

$(VENV)/.installed: pyproject.toml setup.py constraints.txt
	$(call install,$(VENV),$(PINNED))
	@touch $@

.venv-oldest/.installed: pyproject.toml setup.py constraints-oldest.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' || { \
	  echo "The oldest versions run on Python 3.11 and 3.12, and '$(PYTHON)' is neither; name one with: make PYTHON=/path/to/python3.11 test-oldest" >&2; exit 1; }
	$(call install,.venv-oldest,$(OLDEST))
	@touch $@

.venv-newest/.installed: pyproject.toml setup.py
	$(call install,.venv-newest,$(NEWEST))
	@touch $@

# Without what they ask for: musicnn, of which only weights and network are used, pins versions of 2019, and
# audiomentations a soxr below 1.0.
.venv-slow/.installed: pyproject.toml setup.py constraints.txt
	$(call install,.venv-slow,$(SLOW))
	@.venv-slow/bin/python $(INSTALL) --no-deps audiomentations==0.43.1 musicnn==0.1.0
	@touch $@

# Recordings beside a checkout, for what asks for them; the library itself looks at its cache only.
demo bench: export SKLEARN_AUDIO_DATA := $(or $(SKLEARN_AUDIO_DATA),$(wildcard ../shared/data))

demo: $(VENV)/.installed ## Train, report and predict on recordings of spoken digits
	@$(BIN)/python -m sklearn_audio demo

test: $(CHECKS) ## Lint, types, layers, then all tests
	$(BIN)/python -m pytest -n $(WORKERS)

coverage: $(VENV)/.installed ## All tests, and which lines they do not reach
	$(BIN)/python -m pytest -n $(WORKERS) --cov --cov-report=term

test-oldest: .venv-oldest/.installed ## The tests on the oldest supported versions (scikit-learn 1.6)
	.venv-oldest/bin/python -m pytest -n $(WORKERS)

test-newest: .venv-newest/.installed ## The tests on the newest releases, without constraints
	.venv-newest/bin/python -m pip list --disable-pip-version-check --format=freeze
	.venv-newest/bin/python -m pytest -n $(WORKERS)

test-portable: $(VENV)/.installed ## The numeric tests under narrower instruction sets, on one thread and two
	@set -e; for processor in ATEN_CPU_CAPABILITY=default ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2; do \
	  for threads in 1 2; do echo "== $$processor, threads: $$threads"; \
	    env $$processor OMP_NUM_THREADS=$$threads $(BIN)/python -m pytest -q -n $(WORKERS) $(NUMERIC); done; done

test-slow: $(SLOW_PARTS) ## The slow tests, with TensorFlow, transformers, audiomentations and the weights of MusiCNN

slow-parity: .venv-slow/.installed
	.venv-slow/bin/python -m pytest -n $(WORKERS) -m slow tests/parity

slow-estimators: .venv-slow/.installed
	.venv-slow/bin/python -m pytest -n $(WORKERS) -m slow tests/classification tests/embedding tests/stories

slow-checks: .venv-slow/.installed
	.venv-slow/bin/python -m pytest -n $(WORKERS) -m slow tests/test_audio_checks.py tests/test_sklearn_checks.py

slow-rest: .venv-slow/.installed
	.venv-slow/bin/python -m pytest -n $(WORKERS) -m slow \
	  $(foreach part,parity classification embedding stories test_audio_checks.py test_sklearn_checks.py,--ignore=tests/$(part))

lint: $(VENV)/.installed ## Check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed ## Check types (mypy, strict)
	$(BIN)/mypy

layers: $(VENV)/.installed ## Check that imports point down only
	$(BIN)/lint-imports --no-cache

format: $(VENV)/.installed ## Format the code and mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.installed ## Build the documentation into docs/_build/html and run its code
	$(BIN)/python -m pytest -q -m "not slow" README.md docs/*.rst docs/guide docs/contributing
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	$(BIN)/python -m docs.check_pages docs/_build/html
	@echo "Documentation: docs/_build/html/index.html"

bench: $(VENV)/.installed ## Run every benchmark
	@set -e; for script in benchmarks/[!_]*.py; do echo "== $$script"; $(BIN)/python "$$script"; done

clean: ## Remove what builds and tests leave behind
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.* coverage.xml
	rm -rf docs/_build docs/auto_examples docs/api docs/sg_execution_times.rst
	find sklearn_audio tests docs benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

clean-all: clean ## The same, and the environments
	rm -rf .venv .venv-* sklearn_audio.egg-info
