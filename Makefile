# One command runs every check: `make check`.
PYTHON ?= python

.PHONY: check lint format types test golden

check: lint types test

lint:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

format:
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

types:
	$(PYTHON) -m mypy

test:
	$(PYTHON) -m pytest -n 2

golden:
	$(PYTHON) -m pytest tests/golden --rewrite
