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
MIN_PEOPLE ?= 5
# How the file is read: our names of columns = the file's, labels in the order of class numbers; verdicts that make it fail.
# `:=`, not `?=`: a terminal keeps its width in the environment under the same name.
COLUMNS :=
CLASSES ?=
FAIL_ON ?=
# What it is about, where that is not the study's: labels, attributes of people, measures, groups that others are held against.
LABELS :=
ATTRIBUTES :=
MEASURES :=
REFERENCE :=

# For `make plan`; what is empty has the default of `ferlib/pipeline/planner.py`.
PEOPLE :=
IMAGES :=
RACES :=
GENDERS :=
ACCURACY :=
ICC :=
MODEL :=

# For `make compare`: the predictions of the same images before and after a remedy; the rest as for `make audit`.
BEFORE :=
AFTER :=

# For `make replay`: a file of stored answers.
ARCHIVE ?=

# A misspelt variable would be ignored, and the result another than was asked for.
OPTIONS := PROFILE PARAMS PYTHON VENV TORCH RUNS WORKERS PREDICTIONS OUT DELTA ALPHA CLUSTER MIN_PEOPLE COLUMNS CLASSES FAIL_ON LABELS ATTRIBUTES MEASURES REFERENCE ARCHIVE PEOPLE IMAGES RACES GENDERS ACCURACY ICC MODEL BEFORE AFTER
UNKNOWN := $(foreach name,$(.VARIABLES),$(if $(filter command,$(word 1,$(origin $(name)))),$(filter-out $(OPTIONS),$(name))))
ifneq ($(strip $(UNKNOWN)),)
$(error Error: unknown variable $(strip $(UNKNOWN)). Known: $(OPTIONS))
endif

# make takes a blank for the end of a name. The folder of the repository itself may hold some.
ifneq ($(words $(VENV)) $(words $(RUNS)),1 1)
$(error Error: VENV=$(VENV) and RUNS=$(RUNS) must be one name each, without a blank)
endif

# PARAMS=path/name.yaml runs anyone's own parameter file as the profile "name".
ifneq ($(origin PARAMS),file)
PROFILE := $(basename $(notdir $(PARAMS)))
endif

# --- Code: what depends on what

SHELL := /bin/sh
.DELETE_ON_ERROR:
.SUFFIXES:
.DEFAULT_GOAL := help
RUN := $(RUNS)/$(PROFILE)
BIN := $(VENV)/bin
NAMES := $(basename $(notdir $(sort $(wildcard notebooks/[0-9]*.ipynb))))
# 08 takes longest of those that nobody waits for: two at once end soonest if it is the first of them to start.
EXECUTED := $(patsubst %,$(RUN)/executed/%.ipynb,$(filter 08%,$(NAMES)) $(filter-out 08%,$(NAMES)))
# The light core is enough to audit a CSV; an environment that has everything is not made twice.
CORE := $(if $(wildcard $(VENV)/.ready),$(VENV)/.ready,$(VENV)/.core)

# The kernel of this environment, not one of the same name installed for the user.
export JUPYTER_PREFER_ENV_PATH := 1
# Progress bars are text here: nobody need be told, in red, that there are no widgets; nor what a package should call.
export PYTHONWARNINGS ?= ignore:IProgress not found,ignore:`torch.jit.script` is deprecated

# The order of the study. What else a notebook depends on its own rules say, which its last cell writes: the files that it
# read, the modules that it loaded; and what it made, so that it is executed again when something of that has gone. One
# that has not got all that it asked for leaves the file that UNFINISHED names.
$(RUN)/executed/02_embedding.ipynb: $(RUN)/executed/01_data_prep.ipynb
$(RUN)/executed/03_probing.ipynb: $(RUN)/executed/02_embedding.ipynb
$(RUN)/executed/04_lmfm_prompting.ipynb: $(RUN)/executed/01_data_prep.ipynb
$(RUN)/executed/05_action_units.ipynb: $(RUN)/executed/02_embedding.ipynb
$(RUN)/executed/08_mitigation.ipynb: $(RUN)/executed/02_embedding.ipynb $(RUN)/executed/04_lmfm_prompting.ipynb
$(RUN)/executed/12_networks_in_use.ipynb: $(RUN)/executed/01_data_prep.ipynb
$(RUN)/executed/06_bias_stats.ipynb: $(RUN)/executed/03_probing.ipynb $(RUN)/executed/04_lmfm_prompting.ipynb $(RUN)/executed/12_networks_in_use.ipynb
$(RUN)/executed/07_controlled_faces.ipynb $(RUN)/executed/10_figures.ipynb: $(RUN)/executed/06_bias_stats.ipynb
# An order of time alone, for two at once: 06 keeps others waiting, 08 nobody, and as good as nothing runs alone at the end.
$(RUN)/executed/08_mitigation.ipynb: | $(RUN)/executed/06_bias_stats.ipynb
UNFINISHED_04_lmfm_prompting := $(RUN)/unanswered.csv

-include $(NAMES:%=$(RUN)/depends/%.mk)
lost = $(filter-out $(wildcard $(OUTPUTS_$(1))),$(OUTPUTS_$(1)))
anew = $(if $(call lost,$(1))$(wildcard $(UNFINISHED_$(1))),lost-output)

# --- Rules

.PHONY: help demo run audit compare plan calibrate test mutants lab demo-faces demo-models demo-again outside demo-figures teaching teaching-tables release bench lmfm-estimate responses replay lint clean clean-shards lost-output

help: ## print this help
	@$(PYTHON) -c 'import re; print("\n".join("make %-22s %s" % m for m in re.findall(r"^([a-z -]+):.*?## (.*)", open("Makefile").read(), re.M)))'

# Notebooks side by side, each on one core: two that share all cores wait for each other.
demo: ## run the whole analysis on the faces shipped here (sets up .venv first; no network, key or GPU after that)
	@OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(MAKE) --no-print-directory -j$(WORKERS) run PROFILE=demo

run: $(RUN)/report/index.html ## run a profile: PROFILE=name (notebooks/params/name.yaml) or PARAMS=path.yaml
	@$(BIN)/python -m ferlib.pipeline.summary $(RUN)

$(RUN)/report/index.html: $(EXECUTED) $(wildcard ferlib/pipeline/*.py data/report/*.* data/report/static/* data/teaching/*.md data/teaching/*.ipynb) ferlib/stats/scoreboard.py
	@$(BIN)/python -m ferlib.pipeline.report $(RUN)

.SECONDEXPANSION:
$(EXECUTED): $(RUN)/executed/%.ipynb: notebooks/%.ipynb $(RUN)/params/%.yaml ferlib/pipeline/execution.py $$(wildcard $(RUN)/provenance/$$*.json) $$(call anew,$$*) | $(VENV)/.ready
	@$(BIN)/python -m ferlib.pipeline.execution $< --run-dir $(RUN)

# A dry run (make -n) does these two as well: without them it could not know what has changed.
$(NAMES:%=$(RUN)/params/%.yaml): $(RUN)/params/.checked ; +@:

$(RUN)/params/.checked: $(PARAMS) $(wildcard notebooks/params/*.yaml) $(NAMES:%=notebooks/%.ipynb) ferlib/pipeline/parameters.py | $(VENV)/.ready
	+@[ ! -x $(BIN)/python ] || $(BIN)/python -m ferlib.pipeline.parameters $(PARAMS) --run-dir $(RUN) $(NAMES:%=notebooks/%.ipynb)

$(PARAMS):
	@echo "Error: $@ does not exist, so there is no profile '$(PROFILE)'." >&2
	@echo "Profiles here: $(basename $(notdir $(wildcard notebooks/params/*.yaml))). Your own: make run PARAMS=path.yaml" >&2
	@exit 1

audit: $(CORE) ## audit a CSV: PREDICTIONS=file.csv OUT=dir [DELTA=0.05] [ALPHA=0.05] [CLUSTER=none] ...; needs no torch
	@[ -n "$(PREDICTIONS)" ] && [ -n "$(OUT)" ] || { echo "Error: say make audit PREDICTIONS=file.csv OUT=folder" >&2; exit 1; }
	@$(BIN)/python -m ferlib.audit "$(PREDICTIONS)" --out "$(OUT)" --delta $(DELTA) --alpha $(ALPHA) --cluster $(CLUSTER) \
	  --min-people $(MIN_PEOPLE) --columns "$(COLUMNS)" --classes "$(CLASSES)" --fail-on "$(FAIL_ON)" \
	  --labels "$(LABELS)" --attributes "$(ATTRIBUTES)" --measures "$(MEASURES)" --reference "$(REFERENCE)"

compare: $(CORE) ## whom has a remedy helped or harmed? BEFORE=a.csv AFTER=b.csv OUT=dir [DELTA ALPHA CLUSTER COLUMNS ...]
	@[ -n "$(BEFORE)" ] && [ -n "$(AFTER)" ] && [ -n "$(OUT)" ] || { echo "Error: say make compare BEFORE=a.csv AFTER=b.csv OUT=folder" >&2; exit 1; }
	@[ -z "$(LABELS)$(ATTRIBUTES)$(MEASURES)$(REFERENCE)$(FAIL_ON)" ] || { echo "Error: make compare is about the seven emotions, race and gender; LABELS, ATTRIBUTES, MEASURES, REFERENCE and FAIL_ON are for make audit." >&2; exit 1; }
	@$(BIN)/python -m ferlib.pipeline.comparing "$(BEFORE)" "$(AFTER)" --out "$(OUT)" --delta $(DELTA) --alpha $(ALPHA) \
	  --cluster $(CLUSTER) --min-people $(MIN_PEOPLE) --columns "$(COLUMNS)" --classes "$(CLASSES)"

plan: $(CORE) ## what would an audit find? PEOPLE="12 48 192" IMAGES=7 [RACES GENDERS ACCURACY ICC MODEL OUT ...]; asks nothing
	@$(BIN)/python -m ferlib.pipeline.planner --alpha $(ALPHA) --delta $(DELTA) $(if $(OUT),--out "$(OUT)") \
	  $(foreach name,PEOPLE IMAGES RACES GENDERS ACCURACY ICC MODEL,$(if $($(name)),--$(shell echo $(name) | tr A-Z a-z) $($(name))))

calibrate: $(CORE) ## measure the statistics on simulated audits of known truth (about half an hour on two cores)
	@$(BIN)/python tests/calibration/calibrate.py --out $(RUNS)/calibration/calibration.csv

test: $(VENV)/.ready ## run all tests, the notebooks on a few people among them (sets up .venv first)
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup --no-loadscope-reorder

mutants: $(VENV)/.ready ## break the code on purpose in dozens of places, and say which breaks no test notices (about half an hour)
	@OMP_NUM_THREADS=1 $(BIN)/python tests/mutants.py

bench: $(VENV)/.bench ## measure at full size what the tests hold at a small one (minutes; prints the figures)
	@$(BIN)/python -m pytest -m bench -s -q

lmfm-estimate: $(RUN)/executed/01_data_prep.ipynb $(RUN)/params/04_lmfm_prompting.yaml ## requests, tokens, price and time of a PROFILE's models; asks nothing
	@$(BIN)/python -m ferlib.pipeline.estimate $(RUN)

responses: $(RUN)/executed/01_data_prep.ipynb $(RUN)/params/04_lmfm_prompting.yaml ## export a PROFILE's stored answers to one file to publish
	@$(BIN)/python -m ferlib.pipeline.responses export $(RUN)

replay: $(VENV)/.ready ## prediction tables from such a file, without images or keys: ARCHIVE=file.zip OUT=dir
	@$(BIN)/python -m ferlib.pipeline.responses replay $(ARCHIVE) --out $(OUT)

lab: $(VENV)/.ready ## open JupyterLab on the notebooks; what they make goes to data/runs/lab, a copy of the demo's run
	@[ "$$(id -u)" != 0 ] || echo "Warning: JupyterLab runs as root, so a notebook may do anything to this machine. Fine in a container." >&2
	@$(BIN)/jupyter lab $$([ "$$(id -u)" != 0 ] || echo --allow-root) --notebook-dir=. notebooks

teaching: $(CORE) ## make the exercises' versions for students (data/teaching) and for teachers (data/runs/teaching)
	@$(BIN)/python data/teaching/source/versions.py

teaching-tables: ## make the small tables of the exercises anew from the demo's run
	@$(BIN)/python data/teaching/source/excerpts.py $(RUNS)/demo

release: $(CORE) ## renew the metadata (CodeMeta, Croissant, codecheck.yml); pack committed files and the run; refuses what is stale
	@PYTHONPATH=. $(BIN)/python data/citation/release.py $(RUN)

demo-figures: ## keep the figures of the demo's run in figures/demo, for the README
	@rm -f $(patsubst %.txt,%.*,$(wildcard figures/demo/*.txt)) && cp $(RUNS)/demo/figures/*.png $(RUNS)/demo/figures/*.csv $(RUNS)/demo/figures/*.txt figures/demo/

demo-faces demo-models demo-again: $(VENV)/.faces ## render the demo's faces, train its models, or ask other people, anew (see data/demo/README.md)
	@$(MAKE) --no-print-directory -f data/demo/Makefile $@ PYTHON=$(BIN)/python

outside: $(VENV)/.outside ## ask networks in use about the demo's faces anew (installs them; needs npm; half an hour)
	@$(MAKE) --no-print-directory -f data/demo/Makefile $@ PYTHON=$(BIN)/python

lint: $(VENV)/.ready ## check the style of the code
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

clean: ## remove the files of the run PROFILE (never what you brought to data/raw, a stored response, or kept embeddings)
	rm -rf $(addprefix $(RUN)/,manifest.parquet rejected.csv unanswered.csv composition_check.csv embeddings predictions tables figures executed params provenance depends report book)

clean-shards: ## remove the embeddings kept for all runs; they are computed anew when they are wanted
	rm -rf $(RUNS)/embedding-shards

# One environment; the lock pins its versions. TORCH=cpu takes the small CPU build from PyTorch's own index.
SIZE_default := about 3.3 GB on Linux, most of it PyTorch for graphics cards; 7 GB on disk. Without a card say TORCH=cpu
SIZE_cpu := about 0.7 GB
$(VENV)/.core: EXTRAS :=
$(VENV)/.ready: EXTRAS := models,lab,dev
$(VENV)/.faces: EXTRAS := models,lab,dev,faces
$(VENV)/.bench: EXTRAS := models,lab,dev,bench
$(VENV)/.outside: EXTRAS := models,lab,dev,outside
$(VENV)/.core $(VENV)/.ready $(VENV)/.faces $(VENV)/.bench $(VENV)/.outside: pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit("Error: Python %d.%d found, 3.11 to 3.13 needed. Name another: make PYTHON=python3.12" % v[:2])'
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	@echo "Setting up $(VENV): $(if $(EXTRAS),$(EXTRAS). Downloaded once: $(SIZE_$(TORCH)).,the light core. Downloaded once: about 0.2 GB; 0.6 GB on disk.)"
	@[ $(TORCH) != cpu ] || [ -z '$(EXTRAS)' ] || $(BIN)/python -m pip install -q --disable-pip-version-check -c requirements.lock --index-url https://download.pytorch.org/whl/cpu torch torchvision
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c requirements.lock -e '.$(if $(EXTRAS),[$(EXTRAS)])'
	@touch $@
