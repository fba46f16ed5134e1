# `make sweep` measures this machine; `make test` checks the project. Each sets up what it needs.

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
# The first Python on the PATH that is new enough.
PYTHON := $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done)

.PHONY: sweep test lint types lock clean

sweep: $(READY)
	@$(BIN)/tpsprofile sweep

test: $(READY) lint types
	@$(BIN)/pytest -n 2

lint: $(READY)
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .

types: $(READY)
	@$(BIN)/mypy --no-error-summary

$(READY): pyproject.toml requirements.lock
	@test -n "$(PYTHON)" || { echo "tpsprofile needs Python 3.11 or newer, and there is none on the PATH."; exit 1; }
	@echo "Setting up $(VENV) with $$($(PYTHON) --version); a minute or two, once."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes \
		-r requirements.lock
	@$(BIN)/python -W ignore -m compileall -qq -j 0 $(VENV)/lib || true  # on all processors, which pip does not
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)

# Renew requirements.lock after a change of dependencies; needs uv.
lock:
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --no-annotate --quiet --output-file requirements.lock

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis
