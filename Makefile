# Two commands do everything: `make demo` and `make test`. They need Python 3.11 or newer, and git.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PLUGINS := $(sort $(wildcard plugins/*))
export HF_HUB_OFFLINE ?= 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Threads that wait for work burn a core each by default, and slow everything else on it down several times.
export OMP_WAIT_POLICY ?= PASSIVE
export GOMP_SPINCOUNT ?= 0

# Two test processes of one thread each do more than one process of two threads. Files go to them in conftest.py's order.
WORKERS := -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: demo test test-slow lint types imports docs package bench clean

demo: $(VENV)/installed ## install, run the toy-world recipe end to end, print where the report is
	$(BIN)/pairsmith run toyworld

test: $(VENV)/installed-dev ## install what the tests need and run them, but for the slow ones
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" $(WORKERS) $(ARGS)

test-slow: $(VENV)/installed-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m slow $(WORKERS) $(ARGS)

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/installed-dev
	$(BIN)/mypy

imports: $(VENV)/installed-dev
	$(BIN)/lint-imports

docs: $(VENV)/installed-dev
	$(BIN)/mkdocs build --strict --quiet

package: $(VENV)/installed-dev
	$(BIN)/python .ci/package.py

bench: $(VENV)/installed-dev
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/store.py
	$(BIN)/python benchmarks/experts.py
	$(BIN)/python benchmarks/tree.py
	$(BIN)/python benchmarks/scoring.py

clean:
	rm -rf $(VENV) .tox .mypy_cache .ruff_cache .pytest_cache .import_linter_cache site

$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "pairsmith needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Try: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
		|| { echo "$(PYTHON) lacks venv; on Debian: apt-get install python3-venv"; exit 2; }
	$(PYTHON) -m venv $(VENV)

# All first-party distributions by glob: a new folder under plugins/ needs no edit here.
# What is after "|" must be there and may be newer: the tests' own pip replaces it, which is no reason to install again.
EDITABLE := -e . $(addprefix -e ./,$(PLUGINS)) -e ./recipes

# Python compiles what is imported; pip would compile a gigabyte of what is not, which is half the time of an installation.
INSTALL := $(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt

$(VENV)/installed: constraints.txt pyproject.toml recipes/pyproject.toml $(addsuffix /pyproject.toml,$(PLUGINS)) | $(VENV)/bin/pip
	$(INSTALL) $(EDITABLE)
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(INSTALL) "pip>=25.1"
	$(INSTALL) --group dev
	@touch $@
