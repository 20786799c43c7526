# Everything here sets itself up in .venv. The Python that makes it: `make PYTHON=/usr/bin/python3.11 test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.depthkit-set-up
DEMO := work_dirs/demo

.PHONY: help setup environment quick test hostile kills demo clean
.DEFAULT_GOAL := help

help:
	@echo "make setup   virtual environment in .venv: dependencies (constraints.txt) and depthkit, editable"
	@echo "make quick   the tests that are not slow (90 seconds on 2 cores)"
	@echo "make test    ruff (check and format) and all tests"
	@echo "make hostile 6,000 damaged or absurd inputs to the real commands (an hour or more on 2 cores)"
	@echo "make kills   40 trainings, killed and resumed, compared bit by bit (20 minutes on 2 cores)"
	@echo "make demo    train a small model on generated rooms, evaluate it, predict an image (under 10 minutes on 2 cores)"
	@echo "make clean   remove the environment and the demo's output"
	@echo "Options: PYTHON=... the interpreter for .venv (3.10 or newer; now: $(PYTHON))"

setup: environment
	@echo "$(VENV) is ready; use it with: source $(VENV)/bin/activate"

# A stamp says that .venv was set up from these files; an environment that cannot start is made again.
environment:
	@if [ -e $(STAMP) ] && ! $(BIN)/python -I -c "import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, ('torch', 'mmengine', 'mmcv', 'mmseg', 'click', 'pydantic', 'depthkit'))))" 2>/dev/null; then \
		echo "$(VENV) is broken: making it again"; rm -rf $(VENV); fi
	@$(MAKE) --silent --no-print-directory $(STAMP)

$(STAMP): setup.cfg setup.py pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "error: $(PYTHON) is not there; name a Python >= 3.10: make PYTHON=/path/to/python3 setup" >&2; exit 2; }
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 10))" || { \
		echo "error: depthkit needs Python >= 3.10, $(PYTHON) is $$($(PYTHON) -V 2>&1); name a newer one: make PYTHON=/path/to/python3 setup" >&2; exit 2; }
	@if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
		rm -rf $(VENV); \
		$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
			echo "error: $(PYTHON) cannot make a virtual environment; install its venv module (Debian, Ubuntu: apt install python3-venv)" >&2; exit 2; }; fi
	@echo "installing depthkit and its dependencies into $(VENV) (a few minutes, about 6 GB) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input -c constraints.txt -e ".[exr,export,test]"
	@touch $@

quick: environment
	$(BIN)/python -m pytest -q -n 2 --dist worksteal -m "not slow"

test: environment
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m pytest -q -n 2 --dist worksteal

hostile: environment
	$(BIN)/python -m tests.hostile --seed 1,2,3 --count 2000 --jobs 2 --keep work_dirs/hostile

kills: environment
	$(BIN)/python -m tests.kills --seed 1 --count 40

demo: environment
	$(BIN)/python tools/demo.py --work-dir $(DEMO)

clean:
	rm -rf $(VENV) $(DEMO)
