# `make setup test` is all that a fresh machine needs; `make check` runs every check.
PYTHON ?= .venv/bin/python
YLS_VERSION ?= 1.25.0

.PHONY: setup check lint format types test editor-test fuzz fuzz-errors generated docs dist light

setup:
	test -x .venv/bin/python || python3 -m venv .venv
	.venv/bin/python -m pip install --quiet --no-compile torch==2.13.0 --constraint constraints.txt
	.venv/bin/python -m pip install --quiet --no-compile --constraint constraints.txt --editable '.[dev]'
	.venv/bin/python -m compileall -qq -j 0 .venv/lib || true  # pip does so on one core

check: lint types test

lint:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m rescompile fmt --check specs rescompile/starters

format:
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .
	$(PYTHON) -m rescompile fmt specs rescompile/starters

types:
	$(PYTHON) -m mypy

test:
	$(PYTHON) -m pytest -n 2 --dist loadfile

# What needs no framework, in an environment that has none: for other Pythons than the pinned one.
light: LIGHT ?= build/light
light:
	python -m venv $(LIGHT)
	$(LIGHT)/bin/python -m pip install --quiet --editable '.[light]' $$(grep '^ruff==' constraints.txt)
	$(LIGHT)/bin/python -m pytest -n 2 --dist loadfile tests/errors tests/layers tests/unit

# The real yaml-language-server from npm, into a folder that git ignores.
editor-test:
	npm install --silent --no-audit --no-fund --prefix build/editor yaml-language-server@$(YLS_VERSION)
	$(PYTHON) -m pytest tests/editors

# Random networks, RESCOMPILE_FUZZ of them, one for each seed from SEED on.
fuzz: SEED = 0
fuzz:
	SEED=$(SEED) RESCOMPILE_FUZZ=$${RESCOMPILE_FUZZ:-5000} $(PYTHON) -m pytest -n 2 -q \
		tests/properties/test_networks.py -k random_network

# Wrong specs and random bytes through the commands; SEED tells which.
SEED ?= 6
fuzz-errors:
	RESCOMPILE_FUZZ_ERRORS=$${RESCOMPILE_FUZZ_ERRORS:-10000} $(PYTHON) -m pytest tests/hostile/test_fuzz.py \
		-n 0 --hypothesis-seed=$(SEED)

# An sdist and, from that, a wheel; both are checked, and the wheel is tried on every Python that is here.
dist:
	rm -rf dist
	$(PYTHON) -m build
	$(PYTHON) -m twine check --strict dist/*
	$(PYTHON) -m check_wheel_contents dist/*.whl
	$(PYTHON) scripts/try_wheel.py dist/*.whl

docs:
	$(PYTHON) docs/generate.py
	$(PYTHON) -m pytest -q tests/docs/test_tour.py --rewrite

generated:
	for backend in backends/rescompile_*; do \
		$(PYTHON) -m rescompile build specs --quiet --backend $${backend#backends/rescompile_} || exit 1; done
	$(PYTHON) -m rescompile report specs --format json --output specs/overview.json
	for spec in $$(find specs -name '*.yaml' -not -path 'specs/blocks/*' | sort); do $(PYTHON) -m rescompile report $$spec --format markdown \
		--output generated/reports/$$(basename $$spec .yaml).md || exit 1; done
	$(PYTHON) -m rescompile figure specs --output generated/figures
	$(PYTHON) -m rescompile figure specs/*.yaml --style paper --output generated/figures/paper
	$(PYTHON) -m rescompile figure vgg19 plain34 resnet34 --style paper --output generated/figures/paper/fig3.svg
	$(PYTHON) docs/gallery.py
