# `make demo` and `make test` do all their own set-up: they need Python 3.11 or later with pip, and nothing else.

PYTHON ?= python3
VENV ?= .venv
STORE ?= demo-store
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
INSTALLED := $(VENV)/.installed
BACKENDS := $(VENV)/.backends
RIVALS := .venv-rivals
ADVICE_DATA := build/advice-data

SIDE_BY_SIDE := --numprocesses auto --dist loadfile --no-loadscope-reorder

FAULTS := tests/test_outage.py tests/test_interruptions.py tests/test_stores.py tests/test_hostile.py \
	tests/test_damaged_journals.py tests/test_journal_life.py tests/test_verdict_in_the_table.py

.PHONY: help install demo ui check test bench rules splits scale advice doors kinds audits rivals inject d3 pictures gallery matrix soak format lint types unit fast wheel docs dist clean

help:  ## Show the targets
	@grep -E '^[a-z0-9]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

install: $(INSTALLED)  ## Make .venv with everything a developer needs

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[all,dev]"
	@touch $@

$(BACKENDS): $(INSTALLED)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[backends]"
	@touch $@

demo: $(INSTALLED)  ## Train six small networks and see what they suffer from
	$(BIN)/bvtrack demo --store $(STORE)
	@echo "Or type: make ui$(if $(filter-out demo-store,$(STORE)), STORE=$(STORE))"

ui: $(INSTALLED)  ## Open what the demo logged on the map, inside MLflow
	$(BIN)/bvtrack ui --tracking-uri sqlite:///$(STORE)/mlflow.db

check: lint  ## What to run before each commit, in three minutes: lint, types, and the tests that train nothing and start nothing
	@$(MAKE) --no-print-directory --jobs 2 types fast

test: lint types unit wheel  ## Everything that CI runs

docs: $(INSTALLED)  ## Build the documentation site, build/site/index.html
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

bench: export OMP_NUM_THREADS = 1
bench: $(INSTALLED)  ## Measure what docs/ says of speed and size, the quick ones first (two hours)
	$(BIN)/python tests/machine.py
	$(BIN)/python tests/benchmarks/import_time.py
	$(BIN)/python tests/benchmarks/verdict_cost.py
	PYTHONPATH=tests $(BIN)/python tests/benchmarks/install.py
	PYTHONPATH=tests $(BIN)/python tests/benchmarks/report.py
	PYTHONPATH=tests $(BIN)/python tests/benchmarks/map.py
	PYTHONPATH=tests/benchmarks/rules $(BIN)/python tests/benchmarks/splits/speed.py
	$(BIN)/python tests/benchmarks/log_split.py
	PYTHONPATH=tests $(BIN)/python tests/benchmarks/long_training.py
	PYTHONPATH=tests $(BIN)/python tests/benchmarks/short_epochs.py
	PYTHONPATH=tests $(BIN)/python tests/benchmarks/boosting_cost.py
	PYTHONPATH=tests $(BIN)/python tests/benchmarks/cost.py
	$(BIN)/python tests/benchmarks/outage.py --peers
	PYTHONPATH=tests $(BIN)/python tests/benchmarks/short_trainings.py

rules: $(INSTALLED)  ## Measure how often the rules and forecasts are right
	for part in contradictions false_alarms repeats chosen_epoch taskset stopping lcdb speed; do $(BIN)/python tests/benchmarks/rules/$$part.py || exit 1; done

splits: $(INSTALLED)  ## Measure how often splits are judged rightly, and what it costs
	for part in calibration peers speed repeat near_duplicates; do \
		PYTHONPATH=tests/benchmarks/rules $(BIN)/python tests/benchmarks/splits/$$part.py || exit 1; done

scale: $(INSTALLED)  ## Profiles on a local Ray and a local Spark (half a gigabyte to install, and a Java that Spark can use)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[ray,spark]"
	$(BIN)/python -m pytest tests/test_ray.py tests/test_spark.py
	OMP_NUM_THREADS=1 PYTHONPATH=tests/benchmarks/rules $(BIN)/python tests/benchmarks/splits/scale.py

doors: $(INSTALLED)  ## Trainings in Ray, Accelerate, Ignite, JAX, Flax and TRL: their tests and examples (half a gigabyte to install)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[doors]"
	RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S=240 $(BIN)/python -m pytest tests/test_elsewhere_*.py tests/test_transformers*.py tests/test_examples.py

$(ADVICE_DATA): $(INSTALLED) tests/benchmarks/advice/requirements.txt
	rm -rf $@
	$(BIN)/python -m pip install --quiet --no-deps --target $@ --requirement tests/benchmarks/advice/requirements.txt
	@touch $@

advice: $(INSTALLED) $(ADVICE_DATA)  ## Train what is missing of the intervention set, and say how often the advice helps
	$(BIN)/python tests/benchmarks/advice/collect.py
	$(BIN)/python tests/benchmarks/advice/report.py --part both

kinds: $(INSTALLED)  ## Log runs in every way there is, and say what an audit makes of each
	PYTHONPATH=tests $(BIN)/python tests/benchmarks/audit/kinds.py

audits: $(INSTALLED)  ## Measure what an audit of 10,000 runs takes, beside MLflow's own calls (half an hour)
	PYTHONPATH=tests $(BIN)/python tests/benchmarks/audit/speed.py

rivals: $(INSTALLED)  ## Judge curves and log files beside four small tools, in an environment of their own (ten minutes)
	$(PYTHON) -m venv $(RIVALS)
	$(RIVALS)/$(notdir $(BIN))/python -m pip install --quiet --requirement tests/benchmarks/rivals/requirements.txt
	test -e build/own_curves.npz || OMP_NUM_THREADS=1 $(BIN)/python tests/benchmarks/rivals/own_curves.py build/own_curves.npz
	PYTHONPATH=tests/benchmarks/rules $(BIN)/python tests/benchmarks/rivals/curves.py --rivals $(RIVALS) --own build/own_curves.npz
	OMP_NUM_THREADS=1 $(BIN)/python tests/benchmarks/logs/table.py --rivals $(RIVALS)

inject: $(BACKENDS)  ## Run Lightning's and Keras's own tests with our callback in them (LIGHTNING=checkout KERAS=checkout; half an hour)
	PYTHONPATH=tests $(BIN)/python -m inject $(if $(LIGHTNING),--lightning $(LIGHTNING)) $(if $(KERAS),--keras $(KERAS))

d3:  ## Make the map's d3.min.js anew of the modules it uses (needs npm)
	cd integrations/d3 && npm ci --ignore-scripts && npm run build

pictures: $(INSTALLED)  ## Take the pictures of the documentation anew (needs Chromium)
	PYTHONPATH=tests $(BIN)/python tests/verdict_pictures.py
	PYTHONPATH=tests $(BIN)/python tests/pictures.py

matrix:  ## A suite in an environment of its own for each set of versions and Python (CELLS="newest-3.13 …" WHOLE=1; gigabytes each)
	PYTHONPATH=tests $(PYTHON) -m matrix $(if $(CELLS),--only $(CELLS)) $(if $(WHOLE),--whole)

gallery: $(INSTALLED)  ## Train the eight runs of docs/gallery anew, and write their reports and pictures (needs Chromium)
	PYTHONPATH=tests OMP_NUM_THREADS=1 $(BIN)/python tests/gallery.py

soak: $(INSTALLED)  ## Faults at length: outages, kills, hostile cases, damaged journals, 200,000 steps of a journal's life (an hour)
	BVTRACK_SOAK=1 $(BIN)/python -m pytest --numprocesses auto --dist loadfile --timeout 7200 --durations 10 -rP $(FAULTS)

format: $(INSTALLED)  ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-logo

types: $(INSTALLED)
	$(BIN)/mypy
	$(BIN)/python tests/platforms.py

unit: $(BACKENDS)
	$(BIN)/python -m pytest $(SIDE_BY_SIDE)

fast: $(INSTALLED)
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) --fast-half

wheel: $(INSTALLED)
	$(BIN)/python tests/check_wheel.py

dist: $(INSTALLED)  ## Build sdist and wheel into dist/, checked as for a release
	$(BIN)/python tests/check_wheel.py dist

clean:  ## Remove what the other targets made
	rm -rf $(VENV) $(RIVALS) $(STORE) dist build .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
