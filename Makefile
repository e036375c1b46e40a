# make         set up .venv, run everything at the default scale, write the report
# make report  the report alone, from the tables of the run in results/reference/default
# make verify  set the run that `make` did beside that one
# make quick   set up .venv, then lint, types and every test but those that run the workflow
# make test    set up .venv, then lint, types and all tests
# make test-cluster   the workflow on a SLURM of one node, this machine; needs root, and Debian's slurm-wlm and munge
# make chaos   the smoke run under misfortunes, kills, full disks and the like; half an hour, best as root; writes docs/bad_luck.md
# make lint    lint, layout and types alone
# make smoke   the whole run at the smallest scale
# make mnist   the default scale on MNIST
# make bench   speed against a plain torch loop and against the machine's own limit
# make format  lay out the code
# make picture draw the rules and what they wait for into docs/rules.svg; needs graphviz

PYTHON ?= python3.11
CORES ?= $(shell $(PYTHON) -c "import os; print(os.cpu_count())")
BIN := .venv/bin
PATHS := src tests benchmarks examples workflow/scripts
SNAKEFILES := Snakefile workflow/Snakefile $(wildcard workflow/rules/*.smk)
PYTEST := pytest --numprocesses $(CORES)
APART := --ignore tests/cluster --ignore tests/chaos  # they have targets of their own

export PATH := $(CURDIR)/$(BIN):$(PATH)
export OMP_NUM_THREADS := 1
# keep freed memory, as the workflow's jobs do
export MALLOC_MMAP_THRESHOLD_ := 8589934592
export MALLOC_TRIM_THRESHOLD_ := 8589934592

.PHONY: run report verify smoke mnist quick test test-cluster chaos lint types-of-library types-of-tests bench format picture clean

run: .venv/ready
	snakemake --cores $(CORES)

report: .venv/ready
	snakemake --cores $(CORES) --configfile config/from_reference.yaml

verify: .venv/ready
	python -m movingtarget_workflow.verify

smoke: .venv/ready
	snakemake --cores $(CORES) --configfile config/smoke.yaml

mnist: .venv/ready
	snakemake --cores $(CORES) --configfile config/mnist.yaml

lint: .venv/ready
	ruff check $(PATHS)
	ruff format --check $(PATHS)
	snakefmt --check $(SNAKEFILES)
	$(MAKE) --no-print-directory --jobs 2 types-of-library types-of-tests

types-of-library: .venv/ready
	mypy

types-of-tests: .venv/ready
	mypy --config-file tests/mypy.ini

quick: lint
	$(PYTEST) --dist worksteal $(APART) --ignore tests/workflow

test: lint
	$(PYTEST) --dist loadfile $(APART)

test-cluster: .venv/slurm/ready
	PYTHONPATH=$(CURDIR)/.venv/slurm pytest tests/cluster --durations 0

chaos: .venv/ready
	pytest tests/chaos --override-ini python_files='chaos_*.py' --durations 0

bench: .venv/ready
	pytest benchmarks --benchmark-only --benchmark-json results/benchmarks.json -q -s

format: .venv/ready
	ruff check --fix $(PATHS)
	ruff format $(PATHS)
	snakefmt $(SNAKEFILES)

picture: .venv/ready
	snakemake --cores 1 --rulegraph dot | tred | sed 's/color="[^"]*",//' | dot -Tsvg \
	    -Grankdir=LR -Granksep=1.2 -Gnodesep=0.06 -Nheight=0.2 -Npenwidth=1 -Epenwidth=1 -o docs/rules.svg

# written last, so that an interrupted set-up starts again
.venv/ready: pyproject.toml requirements.txt requirements-no-deps.txt
	$(PYTHON) -m venv .venv
	pip install --quiet --disable-pip-version-check --requirement requirements.txt
	pip install --quiet --disable-pip-version-check --no-deps --requirement requirements-no-deps.txt
	pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

# beside the other packages, for where SLURM is installed and does not run, its plugin delays every snakemake
.venv/slurm/ready: .venv/ready requirements-slurm.txt
	pip install --quiet --disable-pip-version-check --no-deps --upgrade --target .venv/slurm \
	    --requirement requirements-slurm.txt
	touch $@

clean:
	rm -rf .venv .snakemake
	find results -mindepth 1 -maxdepth 1 ! -name .gitkeep ! -name reference -exec rm -rf {} +
