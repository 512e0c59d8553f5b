# Every target works in its own environment: nothing outside .venv (or .venv-oldest) is used or changed.
PYTHON ?= python3
WORKERS ?= 2

BIN := .venv/bin
OLDEST := .venv-oldest/bin
PIP_INSTALL := -m pip install --disable-pip-version-check -qq

export PYTHONNOUSERSITE := 1
export SCIPY_ARRAY_API := 1
export OMP_NUM_THREADS ?= 1
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test test-oldest lint types layers format docs bench clean clean-all

help: ## Show what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

# The stamp is written last, so an interrupted installation is taken up again.
.venv/.installed: pyproject.toml setup.py constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "sklearn-audio needs Python 3.11 or newer, and '$(PYTHON)' is not; name one with: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Installing into .venv (some minutes the first time) ..."
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@$(BIN)/python $(PIP_INSTALL) -c constraints.txt -e '.[test,docs]'
	@touch $@

.venv-oldest/.installed: pyproject.toml setup.py constraints-oldest.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' || { \
	  echo "The oldest versions run on Python 3.11 and 3.12, and '$(PYTHON)' is neither; name one with: make PYTHON=/path/to/python3.11 test-oldest" >&2; exit 1; }
	@echo "Installing into .venv-oldest (some minutes the first time) ..."
	@$(OLDEST)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv-oldest
	@$(OLDEST)/python $(PIP_INSTALL) -c constraints-oldest.txt -e '.[test]'
	@touch $@

demo: .venv/.installed ## Train, report and predict on recordings of spoken digits
	@$(BIN)/python -m sklearn_audio demo

test: lint types layers ## Lint, types, layers, then all tests with coverage
	$(BIN)/python -m pytest -n $(WORKERS) --cov --cov-report=term

test-oldest: .venv-oldest/.installed ## The tests on the oldest supported versions (scikit-learn 1.6)
	$(OLDEST)/python -m pytest -n $(WORKERS)

lint: .venv/.installed ## Check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.installed ## Check types (mypy, strict)
	$(BIN)/mypy

layers: .venv/.installed ## Check that imports point down only
	$(BIN)/lint-imports --no-cache

format: .venv/.installed ## Format the code and mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: .venv/.installed ## Build the documentation into docs/_build/html and run its code
	$(BIN)/python -m pytest -q -m "not slow" README.md docs/*.rst docs/guide docs/contributing
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "Documentation: docs/_build/html/index.html"

bench: .venv/.installed ## Run every benchmark
	@set -e; for script in benchmarks/[!_]*.py; do echo "== $$script"; $(BIN)/python "$$script"; done

clean: ## Remove what builds and tests leave behind
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.* coverage.xml
	rm -rf docs/_build docs/auto_examples docs/api docs/sg_execution_times.rst
	find sklearn_audio tests docs benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

clean-all: clean ## The same, and the environments
	rm -rf .venv .venv-oldest sklearn_audio.egg-info
