# make demo     set up, ingest the sample data, find its topics, serve http://127.0.0.1:8000
# make test     all tests but the long ones        make check    ruff, mypy, import-linter
# make bench    benchmarks                          make install  only .venv, complete
PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
INSTALLED := .venv/installed

.PHONY: install demo test test-long check format bench clean

install: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else "cxnlp needs Python 3.11 to 3.13; call make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: export CXNLP_HOME := $(CURDIR)/.cxnlp-demo
demo: install
	$(BIN)/cxnlp ingest data --shift-dates
	-@$(BIN)/cxnlp topics versions | grep -q '^\*' || $(BIN)/cxnlp topics fit
	@echo
	@echo "Open http://127.0.0.1:$(PORT) to search, http://127.0.0.1:$(PORT)/dashboard for figures, http://127.0.0.1:$(PORT)/docs for the API. Stop with Ctrl-C."
	@echo
	$(BIN)/cxnlp serve --port $(PORT)

test: install
	$(BIN)/pytest -m "not long" --numprocesses 2 --dist loadfile --durations 25 --cov --cov-report=term:skip-covered

test-long: install
	$(BIN)/pytest -m long

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: install
	$(BIN)/python -m benchmarks

clean:
	rm -rf .venv .cxnlp-demo
