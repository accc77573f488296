# Every command of the project. On a fresh machine with Python 3.11 or later and make:
#   make demo    three nodes on this machine, with real data
#   make test    everything: checks, tests on SQLite and PostgreSQL, real browser, built wheel
# Both do all their own set-up. `make help` lists the rest.

PYTHON ?= python3
VENV := .venv
WHEEL_VENV := .venv-wheel
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PYTEST := $(WHEEL_VENV)/bin/python -m pytest
WORKERS ?= 2
VERSION := $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' src/liptako/__init__.py)
WHEEL := dist/liptako-$(VERSION)-py3-none-any.whl
SOURCES := $(shell find src/liptako -name '*.py' -o -name '*.html' -o -name '*.po' -o -name '*.css' -o -name '*.js' | grep -v /static/web/vendor/)

.DEFAULT_GOAL := help
.PHONY: help demo test check soak bench build wheel messages migrations docs lock clean test-sqlite \
    test-postgresql

help: ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 17

demo: $(VENV)/run build ## run three nodes with real data (RESET=1 begins anew, UNTIL_READY=1 stops by itself)
	$(BIN)/liptako demo --folder demo-nodes $(if $(RESET),--reset) $(if $(UNTIL_READY),--until-ready)

test: system check $(WHEEL_VENV)/installed ## everything, here and in CI
	$(MAKE) --no-print-directory test-sqlite
	$(MAKE) --no-print-directory test-postgresql
	@echo "All tests passed."

check: $(VENV)/dev build ## format, lint, types, imports, migrations, catalogue, docs, pure tests
	$(BIN)/ruff format --check --quiet src tests tools bench conftest.py
	$(BIN)/ruff check --quiet src tests tools bench conftest.py
	$(BIN)/python tools/project.py types
	$(BIN)/lint-imports > build/imports.txt || { cat build/imports.txt; exit 1; }
	$(BIN)/python tools/project.py migrations
	$(BIN)/python tools/catalogue.py check
	$(BIN)/python -m pytest tests/docs -q -n $(WORKERS)
	$(BIN)/python -m pytest tests/core -q -p no:django -p tests.pure \
	    --cov --cov-report=
	$(BIN)/coverage report --include='*/liptako/core/*' --fail-under=100 --skip-covered

test-sqlite: ## the tests on SQLite with the built wheel, and the coverage
	$(PYTEST) -n $(WORKERS) --dist loadfile --no-loadscope-reorder --cov --cov-report=term --cov-fail-under=95 tests src
	$(WHEEL_VENV)/bin/python tools/project.py coverage

test-postgresql: ## the same tests on a PostgreSQL of their own
	$(WHEEL_VENV)/bin/python tests/with_postgres.py \
	    $(PYTEST) -n $(WORKERS) --dist loadfile --no-loadscope-reorder --ignore=tests/core --ignore=tests/docs tests src

# The full run: COUNT histories from seed FIRST on, then INPUTS changed bytes for the parsers, then real
# processes that are killed at KILLS moments. It can be stopped at any time and goes on where it was; what
# it finds is printed with the command that shows it.
COUNT ?= 10000
FIRST ?= 0
INPUTS ?= 1000000
KILLS ?= 200

soak: $(VENV)/dev build ## many histories of faults and a million hostile inputs (COUNT, FIRST, INPUTS, KILLS)
	$(BIN)/python -m tests.simulator --first $(FIRST) --count $(COUNT) --jobs $(WORKERS)
	$(BIN)/python -m tests.fuzz --count $(INPUTS) --jobs $(WORKERS)
	$(BIN)/python -m tests.links --first $(FIRST) --count $(KILLS)

bench: $(VENV)/dev build ## measure beside peers (ONLY=link: one, KEEP=1 keeps it; FULL=1: a million)
	@tools/system.sh postgresql
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python bench/run.py $(ONLY)

build: build/static build/catalogue ## what pages need: map script, typeface, outlines, catalogue

wheel: $(WHEEL) ## build the wheel that a node is installed from, into dist/
	@echo $(WHEEL)

messages: $(VENV)/dev ## collect new texts into the French catalogue
	$(BIN)/python tools/catalogue.py update

migrations: $(VENV)/dev ## write the migrations of models that have changed
	$(BIN)/python tools/project.py makemigrations

docs: $(VENV)/dev build ## write the reference pages and the test vector again from the code
	$(BIN)/python tools/project.py reference

lock: $(VENV)/dev ## pin all dependencies again, with hashes and without addresses
	$(BIN)/python tools/project.py lock

clean: ## delete what was built and installed
	rm -rf $(VENV) $(WHEEL_VENV) build dist node_modules .mypy_cache .ruff_cache .pytest_cache \
	    .import_linter_cache .hypothesis .coverage src/liptako/web/static/web/vendor \
	    src/liptako/web/outlines src/liptako/locale/*/LC_MESSAGES/*.mo

# Set-up. Each step leaves a stamp, so that it is done once. The locks name every package, so pip
# resolves nothing (--no-deps): a release made today cannot break a set-up; `pip check` proves them whole.

.PHONY: system
system:
	@tools/system.sh postgresql chromium gettext softhsm2 age

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed; make PYTHON=python3.x …"; exit 1; }
	@$(PYTHON) -m venv $(VENV) 2> /dev/null || \
	    { rm -rf $(VENV); tools/system.sh venv && $(PYTHON) -m venv $(VENV); } || \
	    { rm -rf $(VENV); exit 1; }  # half of one would look like a whole one the next time

$(VENV)/run: requirements/run.txt requirements/build.txt pyproject.toml | $(VENV)/bin/python
	$(PIP) install --no-deps --require-hashes -r requirements/run.txt -r requirements/build.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	@$(PIP) check
	@touch $@

$(VENV)/dev: $(VENV)/run requirements/dev.txt
	@tools/system.sh gettext
	$(PIP) install --no-deps --require-hashes -r requirements/dev.txt
	@$(PIP) check
	@touch $@

build/static: package-lock.json tools/build_static.mjs src/liptako/web/scripts/map.js | $(VENV)/run
	@mkdir -p build
	@command -v npm > /dev/null || $(PIP) install --no-deps --require-hashes -r requirements/node.txt
	PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --silent
	PATH="$(CURDIR)/$(BIN):$$PATH" node tools/build_static.mjs
	@touch $@

build/catalogue: src/liptako/locale/fr/LC_MESSAGES/django.po | $(VENV)/run
	@mkdir -p build
	$(BIN)/python tools/catalogue.py compile
	@touch $@

$(WHEEL): $(VENV)/run build/static build/catalogue pyproject.toml $(SOURCES)
	rm -rf dist
	$(BIN)/python -m build --wheel --no-isolation --outdir dist > build/wheel.txt || { cat build/wheel.txt; exit 1; }
	@touch $@

# The wheel is tested, not the tree: this environment sees the dependencies but not src/.
$(WHEEL_VENV)/installed: $(VENV)/dev $(WHEEL)
	rm -rf $(WHEEL_VENV)
	$(BIN)/python -m venv --without-pip $(WHEEL_VENV)
	$(BIN)/python tools/project.py link $(VENV) $(WHEEL_VENV)
	$(PIP) --python $(WHEEL_VENV)/bin/python install --no-deps --no-index $(WHEEL)
	@touch $@
