PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# One thread for each process: a page, a worker and a test then share the cores evenly.
export OMP_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help run test nightly lint format bench clean

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.run ## Set up if needed, then serve the app at http://localhost:8501
	$(BIN)/streamlit run streamlit_app.py

test: lint ## Set up if needed, then check style and types and run the tests, except the slow ones
	$(call pytest,not slow and)

nightly: lint ## The same with the slow tests
	$(call pytest,)

lint: $(VENV)/.dev ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev ## Rewrite the code in the house's style
	$(BIN)/ruff check --fix --exit-zero .
	$(BIN)/ruff format .

bench: $(VENV)/.dev ## Run every benchmark; each prints one JSON object
	@for script in benchmarks/[!_]*.py; do PYTHONPATH=. $(BIN)/python "$$script" || exit 1; done

clean: ## Remove the virtual environment, caches and generated files
	rm -rf $(VENV) static/*.js build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Two rounds: what measures time or drives a browser has the machine to itself. Both run whatever the first says.
define pytest
	@status=0; \
	$(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile -m "$(1) not (browser or alone)" || status=1; \
	$(BIN)/pytest -m "$(1) (browser or alone)" || status=1; \
	exit $$status
endef

$(VENV)/.run: requirements.txt | $(BIN)/pip
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements.txt requirements-faces.txt requirements-dev.txt | $(BIN)/pip
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@ $(VENV)/.run

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Deep Atlas needs Python 3.11 or newer; name one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
