# Every command of the book; `make` alone lists them. PYTHON=/path/to/python3.12 chooses the interpreter for .venv.
.DEFAULT_GOAL := help
ifeq ($(OS),Windows_NT)
VENV := .venv/Scripts/python.exe
else
VENV := .venv/bin/python
endif
PORT ?= 8000

.PHONY: help env book serve check test format address clean

help: ## list the commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-16s%s\n", $$1, $$2 }'

env: ## make or repair .venv with the pinned packages
	@python="$$(PYTHON='$(PYTHON)' sh tools/find_python.sh)" && \
	"$$python" tools/environment.py $(if $(PYTHON),--this-python)

book: env ## execute the notebooks and build the pages into _build/html
	@$(VENV) -m tools.book

serve: env ## serve the built pages on this machine (PORT=8000)
	@$(VENV) -m tools.serve $(PORT)

check: env ## the developer's loop, under a minute: ruff and the quick tests of arithmetic and modules
	@$(VENV) -m tools.layers check

test: env ## every layer of tests, a real browser included
	@$(VENV) -m tools.layers test

format: env ## sort imports and mend what ruff can mend
	@$(VENV) -m ruff check --fix .

address: env ## write another repository address everywhere (ADDRESS=owner/name)
	@$(VENV) -m tools.address $(ADDRESS)

clean: ## remove what was built; .venv stays
	rm -rf _build .pytest_cache .ruff_cache build *.egg-info
