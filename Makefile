# The newcomer's two commands are `make demo` and `make test`; both need Python 3.11, git and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# The official RO-Crate validator pins old releases of what we use: it gets an environment of its own.
ROCRATE := .venv-rocrate/.ready
# So do the databases that the bench measures beside ours: no test is to wait for them, or to find them.
BENCH := .venv-bench/.ready
NEO4J := $(PYTHON) tools/neo4j/server.py

# Containers often set it: every command that a test runs would compile all that it imports anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-all tools-of-tests lint format schema reference docs lock bench dagster neo4j-start neo4j-stop clean
.DELETE_ON_ERROR:

$(READY): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one with PYTHON=...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { echo "this Python cannot make virtual environments: install its venv module" >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement tools/uv.lock
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

$(ROCRATE): tools/rocrate/requirements.lock | $(READY)
	@test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	@$(BIN)/uv pip sync --quiet --python $(@D)/bin/python --require-hashes $<
	@touch $@

$(BENCH): bench/requirements.lock requirements.lock pyproject.toml | $(READY)
	@test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	@$(BIN)/uv pip sync --quiet --python $(@D)/bin/python --require-hashes requirements.lock $<
	@$(BIN)/uv pip install --quiet --python $(@D)/bin/python --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY) ## make a small real project and ask it everything
	@$(BIN)/lineage demo
	@echo "Before that, so that the command 'lineage' is found: . $(BIN)/activate"

# Two workers or more share the tests; those of one Neo4j server stay together.
PYTEST := -m pytest --numprocesses auto --maxprocesses 4 --dist loadgroup --no-loadscope-reorder

test: $(READY) $(ROCRATE) tools-of-tests ## memory, SQLite and the newest Neo4j; COVERAGE=1 says which lines no test runs
ifdef COVERAGE
	@$(BIN)/coverage erase
	@$(BIN)/coverage run $(PYTEST)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report
	@$(BIN)/python tools/ratchet.py
else
	@$(BIN)/python $(PYTEST)
endif

test-all: $(READY) $(ROCRATE) tools-of-tests ## what make test leaves out: Neo4j 5.26, large random sets, installs
	@$(BIN)/python $(PYTEST) --deep
	@$(BIN)/python tools/installs.py lowest
	@$(BIN)/python tools/installs.py newest

# Chromium, Node and curl are the machine's own. Where they lack, CI installs them; people are told.
tools-of-tests:
	@lacks=""; \
	command -v chromium >/dev/null || command -v chromium-browser >/dev/null || \
	  command -v google-chrome >/dev/null || lacks="$$lacks chromium"; \
	command -v npm >/dev/null || lacks="$$lacks nodejs npm"; \
	command -v curl >/dev/null || lacks="$$lacks curl"; \
	if [ -n "$$lacks" ] && [ -n "$$CI" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get -q update >/dev/null && apt-get install -qy --no-install-recommends $$lacks >/dev/null; \
	elif [ -n "$$lacks" ]; then \
	  echo "not on this machine, tests that need it are left out:$$lacks" >&2; \
	fi

lint: $(READY) ## formatting, style, types, floors, types of public names
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/lineage decision check decisions
	@$(BIN)/python tools/public_types.py

format: $(READY)
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

schema: $(READY) ## write graphql_schema/schema.graphql anew, where a change of it is meant
	@$(BIN)/python -m graphql_schema

reference: $(READY) ## write docs/reference anew, out of the code
	@$(BIN)/python -m tools.reference

docs: $(READY) ## build the site of the documentation into site/; a broken link or anchor fails
	@$(BIN)/zensical build --strict --clean

bench: $(BENCH) ## measure the tables of docs/performance.md anew; BENCH_EDGES=20000 for a quick look
	@$(<D)/bin/python -m bench

dagster: $(READY) ## ask Dagster itself anew what the recorded selections select
	@test -x .venv-dagster/bin/python || $(PYTHON) -m venv .venv-dagster
	@$(BIN)/uv pip install --quiet --python .venv-dagster/bin/python dagster==1.13.29
	@.venv-dagster/bin/python -W ignore tools/dagster/answers.py > tests/query/dagster.json
	@$(BIN)/python -m pytest -q tests/query/test_dagster.py

neo4j-start: ## a real Neo4j Community server, without Docker or Java
	@$(NEO4J) start
	@$(NEO4J) env

neo4j-stop:
	@$(NEO4J) stop

lock: ## write the locks anew
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-annotate --no-header --all-extras --group dev pyproject.toml \
	  --output-file requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-annotate --no-header tools/rocrate/requirements.in \
	  --output-file tools/rocrate/requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-annotate --no-header --group bench --constraints requirements.lock \
	  --output-file bench/requirements.lock

clean:
	@rm -rf $(VENV) .venv-dagster .venv-rocrate .venv-bench .venv-lowest .venv-newest build dist site .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
