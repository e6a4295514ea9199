# Every command of the book; `make` alone lists them. PYTHON=/path/to/python3.12 chooses the interpreter for .venv.
.DEFAULT_GOAL := help
ifeq ($(OS),Windows_NT)
VENV := .venv/Scripts/python.exe
else
VENV := .venv/bin/python
endif
PORT ?= 8000

.PHONY: help env book serve check test format hooks pins lowest repository clean

help: ## list the commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-18s%s\n", $$1, $$2 }'

env: ## make or repair .venv with the pinned packages
	@python="$$(PYTHON='$(PYTHON)' sh tools/find_python.sh)" && \
	"$$python" tools/environment.py $(if $(PYTHON),--this-python)

book: env ## execute the notebooks and build the pages into _build/html
	@$(VENV) -m tools.book

serve: env ## serve the built pages on this machine (PORT=8000)
	@$(VENV) -m tools.serve $(PORT)

check: env ## the developer's loop, under a minute: style and the quick tests of arithmetic and modules
	@$(VENV) -m tools.layers check

test: env ## every layer of tests, a real browser included
	@$(VENV) -m tools.layers test

format: env ## sort imports, mend what ruff can mend, strip notebooks of outputs
	@$(VENV) -m tools.style mend

hooks: env ## check the style before every git commit, too
	@$(VENV) -m tools.style install

pins: env ## update requirements.txt and show what changed (SHOW=1 only shows)
	@$(VENV) -m tools.pins $(if $(SHOW),--show)

lowest: env ## test with the lowest versions that pyproject.toml allows, in _build/lowest
	@$(VENV) -m tools.lowest

repository: env ## write a fork's address everywhere (URL=https://github.com/owner/name)
	@$(VENV) -m tools.repository $(if $(URL),'$(URL)')

clean: ## remove what was built; .venv stays
	rm -rf _build .pytest_cache .ruff_cache build *.egg-info
