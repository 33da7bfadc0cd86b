# make app        the dashboard on the shipped checkpoints and clips
# make test       all tests, in a real browser too
# make test-unit  the tests that need no browser
# make bench      the benchmarks of speed; writes docs/performance.md
# make clean      removes the environment and rendered clips; results stay
# make lint       ruff, mypy and, where npm is, eslint
# Each makes its own virtual environment in .venv first.

PYTHON ?= python3
PORT ?= 8501
BIN := .venv/bin
# A process a core, one thread each; a file's tests stay together and share what they made.
UNIT_TESTS := $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder tests --ignore tests/browser
# One browser and its server keep two cores busy: two at a time were measured to be no faster.
BROWSER_TESTS := $(BIN)/python -m pytest tests/browser

# A set-up that was killed, or whose Python is gone or too old, is not gone on from.
ifneq ($(MAKECMDGOALS),clean)
ifneq ($(shell [ ! -e .venv ] || $(BIN)/python -c 'import sys, pip; assert sys.version_info >= (3, 11)' >/dev/null 2>&1 || echo broken),)
$(error .venv is unfinished, or its Python is gone or older than 3.11; remove it (rm -rf .venv) and run make again)
endif
endif

.PHONY: app test test-unit bench lint lint-javascript browser clean

app: .venv/app
	$(BIN)/python -m streamlit run app/streamlit_app.py --server.port $(PORT)

test: .venv/dev browser
	$(UNIT_TESTS)
	$(BROWSER_TESTS)

test-unit: .venv/dev
	$(UNIT_TESTS)

bench: .venv/dev browser
	$(BIN)/python -m benchmarks.performance

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory lint-javascript; \
	else echo "eslint: skipped, there is no npm here"; fi

lint-javascript: .venv/dev tests/javascript/node_modules
	$(BIN)/python tests/javascript/lint.py

tests/javascript/node_modules: tests/javascript/package.json tests/javascript/package-lock.json
	npm ci --prefix tests/javascript --silent --no-audit --no-fund
	@touch $@

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "error: $(PYTHON) is older than 3.11; name another one: make PYTHON=python3.11 ..."; exit 1; }
	$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

.venv/app: requirements.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/dev: requirements-dev.txt requirements.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@ .venv/app

# The browser of the tests: $$CHROMIUM, Debian's package where we may install it, else playwright's own.
browser: .venv/dev
	@if [ -n "$$CHROMIUM" ] || [ -x /usr/bin/chromium ]; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
		&& apt-get update -qq && apt-get install -y -qq chromium >/dev/null && [ -x /usr/bin/chromium ]; then :; \
	else $(BIN)/python -m playwright install chromium; fi

clean:
	rm -rf .venv cache
