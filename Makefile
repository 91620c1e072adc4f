# Everything a person or CI runs. Two of them are the README's promise: `make demo` and `make test`.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
SUDO   := $(shell [ "$$(id -u)" = 0 ] || command -v sudo)

# The locks are complete, so nothing is resolved: a newer release of a dependency changes nothing (pip check looks).
LOCKED := -q --disable-pip-version-check --no-deps --require-hashes

.DEFAULT_GOAL := help
.PHONY: help demo soft-card test check unit bench lock clean packages

help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

## make demo          the whole round trip on this machine, then stays up (Ctrl-C stops it)
## make demo ONCE=1   the same, stops after the round trip; exit 0 only if the document came back identical
## make demo CARD=1   the practitioner opens the mailbox with a card: SoftHSM2 in the place of a CPS
demo: $(VENV)/.run $(if $(CARD),soft-card)
	$(BIN)/python -m connector demo $(if $(ONCE),--once) $(if $(CARD),--card)

# Debian and Ubuntu; elsewhere the demo says what is missing.
soft-card:
	@if command -v apt-get >/dev/null && ! command -v softhsm2-util >/dev/null; then \
	  $(SUDO) apt-get update -qq && \
	  $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends softhsm2; \
	fi

## make test          installs what the tests need, then style, types, layers and all tests
test: packages $(VENV)/.dev
	$(MAKE) check unit

## make check         style, types, layers
check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

## make unit          all tests (PYTEST_ARGS= narrows them)
unit: $(VENV)/.dev
	$(BIN)/python -m pytest $(PYTEST_ARGS)

## make bench         speed, as ratios measured side by side
bench: packages $(VENV)/.dev
	$(BIN)/python -m benchmarks

## make lock          resolve the dependencies again for every platform
lock: $(VENV)/.dev
	$(BIN)/python -m pip install -q uv
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-strip-extras --no-annotate --no-header pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-strip-extras --no-annotate --no-header --extra dev pyproject.toml -o requirements-dev.lock

clean:
	rm -rf $(VENV) demo-run .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage

# Debian and Ubuntu only; elsewhere the tests that need a server say why they are skipped.
DEBIAN_PACKAGES := $(shell sed 's/\#.*//' tests/debian-packages.txt 2>/dev/null)
packages:
	@if command -v apt-get >/dev/null && ! dpkg -s $(DEBIAN_PACKAGES) >/dev/null 2>&1; then \
	  $(SUDO) apt-get update -qq && \
	  $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(DEBIAN_PACKAGES); \
	fi

# A Debian without python3-venv has no ensurepip: install it once.
$(BIN)/python:
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq python3-venv; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.lock pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install $(LOCKED) -r requirements.lock
	$(BIN)/python -m pip check -q --disable-pip-version-check
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install $(LOCKED) -r requirements-dev.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-build-isolation --no-deps -e .
	$(BIN)/python -m pip check -q --disable-pip-version-check
	@touch $(VENV)/.run $@
