# Does a facial-expression recogniser treat people differently? `make` prints help.

# --- Variables: set them on the command line, for example `make run PROFILE=smoke`

PROFILE ?= demo
PARAMS  ?= notebooks/params/$(PROFILE).yaml
PYTHON  ?= python3
VENV    ?= .venv
TORCH   ?= default
RUNS    ?= data/runs
WORKERS ?= 2

# For `make audit`: a CSV of predictions, the folder for the results, and what is decided before looking at them.
PREDICTIONS ?=
OUT     ?=
DELTA   ?= 0.05
ALPHA   ?= 0.05
CLUSTER ?= person

# PARAMS=path/name.yaml runs anyone's own parameter file as the profile "name".
ifneq ($(origin PARAMS),file)
PROFILE := $(basename $(notdir $(PARAMS)))
endif

# --- Code: what depends on what

SHELL := /bin/sh
.DELETE_ON_ERROR:
.SUFFIXES:
RUN := $(RUNS)/$(PROFILE)
BIN := $(VENV)/bin
NAMES := $(basename $(notdir $(sort $(wildcard notebooks/[0-9]*.ipynb))))
NOTEBOOKS := $(NAMES:%=notebooks/%.ipynb)
EXECUTED := $(NAMES:%=$(RUN)/executed/%.ipynb)
SOURCES := $(wildcard ferlib/*.py ferlib/*/*.py)
# The light core is enough to audit a CSV; an environment that has everything is not made twice.
CORE := $(if $(wildcard $(VENV)/.ready),$(VENV)/.ready,$(VENV)/.core)

# The kernel of this environment, not one of the same name installed for the user.
export JUPYTER_PREFER_ENV_PATH := 1
# Progress bars are text here: nobody need be told, in red, that there are no widgets.
export PYTHONWARNINGS ?= ignore:IProgress not found

# The order of the study. A notebook is executed anew when it, its parameters, a module that it imports, a file that it
# reads or a table of a notebook before it is newer, or when a file that it wrote has gone.
AFTER_01_data_prep :=
AFTER_02_embedding := 01_data_prep
AFTER_03_probing := 01_data_prep 02_embedding
AFTER_04_lmfm_prompting := 01_data_prep
AFTER_05_action_units := 01_data_prep 02_embedding
AFTER_06_bias_stats := 01_data_prep 03_probing 04_lmfm_prompting
AFTER_07_controlled_faces := 01_data_prep 03_probing 04_lmfm_prompting 06_bias_stats
AFTER_09_published_claims :=
AFTER_10_figures := 01_data_prep 06_bias_stats

# One file stands for all of data/raw/; it is brought up to date here, unless nothing is going to be run.
RAW := $(if $(filter-out help test lab lint clean clean-shards demo-faces demo-models,$(MAKECMDGOALS)),$(shell $(PYTHON) ferlib/pipeline/listing.py data/raw $(RUNS)/raw.listing))

READS_01_data_prep := $(RAW) $(foreach set,people crossed light_pose,$(wildcard data/demo/$(set)/manifest.csv data/demo/$(set)/images/*)) $(wildcard data/conventions/* data/published/composition.csv)
READS_02_embedding := $(wildcard data/demo/models/demo-clip-*/*)
READS_03_probing := $(wildcard data/demo/models/demo-clip-*/*) data/published/accuracy.csv
READS_09_published_claims := $(wildcard data/published/*.csv)
READS_05_action_units := $(wildcard data/demo/models/demo-aunet-*/*.json data/demo/models/demo-aunet-*/*.safetensors) $(wildcard data/demo/action_units/manifest.csv data/demo/action_units/regions.csv data/demo/people/manifest.csv)
READS_04_lmfm_prompting := $(wildcard data/demo/models/demo-paligemma-*/* data/prompts/* data/prices/*)

# A file that is there as long as a notebook has not got all that it asked for.
UNFINISHED_04_lmfm_prompting := $(RUN)/responses/unanswered.csv

# Written by ferlib/pipeline/dependencies.py: MODULES_<notebook> := the modules that it imports.
-include $(RUNS)/modules.mk

outputs = $(shell cat $(RUN)/provenance/$(1).outputs 2>/dev/null)
lost = $(filter-out $(wildcard $(1)),$(1))

define notebook_rule
$(RUN)/executed/$(1).ipynb: notebooks/$(1).ipynb $(RUN)/params/$(1).yaml $(MODULES_$(1)) $(READS_$(1)) \
  ferlib/pipeline/execution.py $(foreach name,$(AFTER_$(1)),$(RUN)/executed/$(name).ipynb $(wildcard $(call outputs,$(name)))) \
  $(if $(call lost,$(call outputs,$(1)))$(wildcard $(UNFINISHED_$(1))),lost-output) | $(VENV)/.ready
	@echo "Executing $(1) ..."
	@$(BIN)/python -m ferlib.pipeline.execution $$< --run-dir $(RUN)
	@touch $(RUN)/.changed

$(RUN)/params/$(1).yaml: $(RUN)/params/.checked ; @:
endef

# --- Rules

.PHONY: help demo run audit calibrate test lab demo-faces demo-models bench lmfm-estimate responses replay lint clean clean-shards lost-output

help: ## print this help
	@$(PYTHON) -c 'import re; print("\n".join("make %-12s %s" % m for m in re.findall(r"^([a-z-]+):.*?## (.*)", open("Makefile").read(), re.M)))'

# Notebooks side by side, each on one core: two that share all cores wait for each other.
demo: ## run the whole analysis on the faces shipped here (sets up .venv first; no network, key or GPU after that)
	@OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(MAKE) --no-print-directory -j$(WORKERS) run PROFILE=demo

run: $(RUN)/.summary ## run a profile: PROFILE=name (notebooks/params/name.yaml) or PARAMS=path.yaml
	@if [ -f $(RUN)/.changed ]; then rm $(RUN)/.changed; else echo "Nothing to do: $(RUN) is up to date."; fi
	@cat $(RUN)/.summary

$(RUN)/.summary: $(RUN)/report/index.html ferlib/pipeline/summary.py
	@$(BIN)/python -m ferlib.pipeline.summary $(RUN) > $@

$(RUN)/report/index.html: $(EXECUTED) ferlib/pipeline/report.py
	@$(BIN)/python -m ferlib.pipeline.report $(RUN)

$(foreach name,$(NAMES),$(eval $(call notebook_rule,$(name))))

$(RUN)/params/.checked: $(PARAMS) $(NOTEBOOKS) ferlib/pipeline/parameters.py | $(VENV)/.ready
	@mkdir -p $(@D)
	@$(BIN)/python -m ferlib.pipeline.parameters $(PARAMS) --run-dir $(RUN) $(NOTEBOOKS)
	@touch $@

$(RUNS)/modules.mk: $(NOTEBOOKS) $(SOURCES)
	@mkdir -p $(@D)
	@$(PYTHON) ferlib/pipeline/dependencies.py $(NOTEBOOKS) > $@.partial && mv $@.partial $@

$(PARAMS):
	@echo "Error: $@ does not exist, so there is no profile '$(PROFILE)'." >&2
	@echo "Profiles here: $(basename $(notdir $(wildcard notebooks/params/*.yaml))). Your own: make run PARAMS=path.yaml" >&2
	@exit 1

audit: $(CORE) ## audit a CSV: PREDICTIONS=file.csv OUT=dir [DELTA=0.05] [ALPHA=0.05] [CLUSTER=none]; needs no torch
	@[ -n "$(PREDICTIONS)" ] && [ -n "$(OUT)" ] || { echo "Error: say make audit PREDICTIONS=file.csv OUT=folder" >&2; exit 1; }
	@$(BIN)/python -m ferlib.pipeline.audit "$(PREDICTIONS)" --out "$(OUT)" --delta $(DELTA) --alpha $(ALPHA) --cluster $(CLUSTER)

calibrate: $(CORE) ## measure the statistics on simulated audits of known truth, 2,000 a design (about 10 minutes on two cores)
	@$(BIN)/python tests/calibration/calibrate.py --out $(RUNS)/calibration/calibration.csv

test: $(VENV)/.ready ## run all tests, the notebooks on a few people among them (sets up .venv first)
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

bench: $(VENV)/.bench ## measure at full size what the tests hold at a small one (minutes; prints the figures)
	@$(BIN)/python -m pytest -m bench -s -q

lmfm-estimate: $(RUN)/executed/01_data_prep.ipynb $(RUN)/params/04_lmfm_prompting.yaml ## requests, tokens, price and time of a PROFILE's models; asks nothing
	@$(BIN)/python -m ferlib.pipeline.estimate $(RUN)

responses: $(RUN)/executed/01_data_prep.ipynb $(RUN)/params/04_lmfm_prompting.yaml ## export a PROFILE's stored answers to one file to publish
	@$(BIN)/python -m ferlib.pipeline.responses export $(RUN)

replay: $(VENV)/.ready ## prediction tables from such a file, without images or keys: ARCHIVE=file.zip OUT=dir
	@$(BIN)/python -m ferlib.pipeline.responses replay $(ARCHIVE) --out $(OUT)

lab: $(VENV)/.ready ## open JupyterLab on the notebooks
	@$(BIN)/jupyter lab --notebook-dir=. notebooks

demo-faces: $(VENV)/.faces ## render the demo faces anew (needs the extra `faces`; see data/demo/README.md)
	@$(BIN)/python -m ferdemo.faces demo

demo-models: $(VENV)/.faces ## render the training faces and train the demo models anew (two to three hours on one core)
	@$(BIN)/python -m ferdemo.faces train --out data/build/train
	@$(BIN)/python -m ferdemo.faces holdout --out data/build/holdout
	@$(BIN)/python -m ferdemo.faces units_train --out data/build/units_train
	@$(foreach kind,clip paligemma,$(foreach state,balanced half skewed,$(call train,$(kind),$(state),data/demo/models,) &&)) true
	@$(foreach kind,clip paligemma,$(foreach seed,1 2,$(call train,$(kind),skewed,data/build/models/$(seed),--seed $(seed)) &&)) true
	@$(foreach version,balanced skewed shortcut,$(call train_units,$(version)) &&) true
	@$(BIN)/python -m ferdemo.training.truth

DOSE_balanced := --drop 0 --flip 0
DOSE_half := --drop 0.4 --flip 0.35
train = $(BIN)/python -m ferdemo.training.train_$(1) --held-out data/build/holdout data/demo/people --out $(3)/demo-$(1)-$(2) $(DOSE_$(2)) $(4)
train_units = $(BIN)/python -m ferdemo.training.train_units --version $(1) --images data/build/units_train --held-out data/demo/action_units data/demo/people --out data/demo/models/demo-aunet-$(1)

lint: $(VENV)/.ready ## check the style of the code
	@$(BIN)/ruff check ferlib tests && $(BIN)/ruff format --check ferlib tests

clean: ## remove the files of the run PROFILE (never what you brought to data/raw, a stored response, or kept embeddings)
	rm -rf $(addprefix $(RUN)/,manifest.parquet rejected.csv composition_check.csv embeddings predictions tables figures executed params provenance report .summary)

clean-shards: ## remove the embeddings kept for all runs; they are computed anew when they are wanted
	rm -rf $(RUNS)/embedding-shards

# One environment; the lock pins its versions. TORCH=cpu takes the small CPU build from PyTorch's own index.
$(VENV)/.ready: EXTRAS := models,lab,dev
$(VENV)/.faces: EXTRAS := models,lab,dev,faces
$(VENV)/.bench: EXTRAS := models,lab,dev,bench
$(VENV)/.core: EXTRAS :=
$(VENV)/.core $(VENV)/.ready $(VENV)/.faces $(VENV)/.bench: pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit("Error: Python %d.%d found, 3.11 to 3.13 needed. Name another: make PYTHON=python3.12" % v[:2])'
	@[ -x $(BIN)/python ] || { echo "Setting up $(VENV) ..."; $(PYTHON) -m venv $(VENV); }
	@[ $(TORCH) != cpu ] || [ -z '$(EXTRAS)' ] || $(BIN)/python -m pip install -q --disable-pip-version-check -c requirements.lock --index-url https://download.pytorch.org/whl/cpu torch torchvision
	@echo "Installing $(or $(EXTRAS),the light core) (a few minutes the first time) ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c requirements.lock -e '.$(if $(EXTRAS),[$(EXTRAS)])'
	@touch $@
