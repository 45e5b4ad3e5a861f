# Two commands on a fresh machine: `make demo` and `make test`. Both install into .venv what they need.
# A file .venv/.installed-EXTRA stands for an installed extra; pyproject.toml, when it changes, makes it stale.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help refresh demo docs test test-all check format bench bench-large soak notebooks notebook-outputs \
	deploy-tools rie-tools package synth-inputs synth template lock clean

BIN := .venv/bin
CODE := $(wildcard triage.py scoring training lambda benchmarks tests)
TO_LINT := $(CODE) notebooks

help: ## show this help
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 18

demo: .venv/.installed-demo ## run the main job on an embedded AWS; leaves report.html in demo-out
	$(BIN)/triage demo

docs: .venv/.installed-dev ## build the documentation site into docs/_build/html
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html

test: check ## check and run the tests, all but the slow ones
	$(BIN)/python -m pytest -n auto --dist loadfile

test-all: check ## check and run all tests
	$(BIN)/python -m pytest -n auto --dist loadfile -m ""

check: .venv/.installed-dev ## lint, check the format, check the types
	$(BIN)/ruff check $(TO_LINT)
	$(BIN)/ruff format --check --quiet $(TO_LINT)
	$(BIN)/mypy $(CODE)

soak: .venv/.installed-dev ## send 20,000 events through the handlers while AWS fails; exits 1 if one is lost or done twice
	@PYTHONPATH=.:lambda $(BIN)/python -m benchmarks.soak $(if $(EVENTS),--events $(EVENTS))

bench: .venv/.installed-bench ## measure: every file of benchmarks that can be run; DATA=FOLDER adds real data
	@for file in $$(grep -l __main__ benchmarks/*.py | grep -v -e soak -e accuracy); do \
	    $(BIN)/python -m benchmarks.$$(basename $$file .py) || exit; \
	done
	@$(BIN)/python -m benchmarks.accuracy $(if $(DATA),--data "$(DATA)")

bench-large: .venv/.installed-bench ## measure training on a million records too
	$(BIN)/python -m benchmarks.training_scale --large

notebooks: .venv/.installed-lab ## open the notebooks in JupyterLab
	$(BIN)/jupyter lab notebooks

notebook-outputs: .venv/.installed-lab ## run the notebooks and write them with what they show
	$(BIN)/jupytext --quiet --update --to ipynb notebooks/*.py
	$(BIN)/jupyter nbconvert --log-level WARN --to notebook --execute --inplace \
	    --ExecutePreprocessor.record_timing=False notebooks/*.ipynb

# The CDK takes 600 MB: an environment of its own. `cdk` itself is in lambda/node_modules/.bin.
ZIP := build/access-triage.zip
CDK := .venv-deploy/bin/python
PACKED := $(shell find lambda/handlers scoring -name '*.py' -o -name '*.toml' -o -name '*.json' -o -name '*.j2' -o -name '*.css')
INFRA := lambda/app.py lambda/cdk.json pyproject.toml $(shell find lambda/infra scoring/aws/enrich -name '*.py')

deploy-tools: .venv-deploy/.installed lambda/node_modules/.bin/cdk ## install what `cdk deploy` needs

rie-tools: .venv-rie/bin/rie ## install the real Lambda runtime and its emulator (Linux)

package: $(ZIP) ## pack the functions' code, the same bytes each time

synth-inputs: $(ZIP) # what `cdk` needs before it runs the app (lambda/cdk.json)

synth: lambda/cdk.out/manifest.json ## synthesize all templates into lambda/cdk.out; needs no credentials

template: synth ## write the template and the zip for the console into dist
	@mkdir -p dist
	@cp lambda/cdk.out/assembly-Console/*.template.json dist/access-triage.template.json
	@cp $(ZIP) dist/access-triage.zip
	@wc -c dist/access-triage.template.json dist/access-triage.zip

lock: .venv-deploy/.installed ## lock the versions of the packages in the functions' zip
	.venv-deploy/bin/uv pip compile --quiet --upgrade --generate-hashes --no-header --no-emit-index-url \
	    --python-version 3.13 --python-platform aarch64-manylinux2014 --only-binary :all: \
	    lambda/requirements.in --output-file lambda/requirements.txt

lambda/cdk.out/manifest.json: $(INFRA) $(ZIP) .venv-deploy/.installed
	@cd lambda && CDK_OUTDIR=cdk.out ../$(CDK) app.py
	@touch $@
	@wc -c lambda/cdk.out/AccessTriage.template.json

$(ZIP): $(PACKED) lambda/requirements.txt lambda/infra/package.py lambda/infra/runtime_files.py | .venv-deploy/.installed
	@cd lambda && ../$(CDK) -m infra.package ../$@

.venv-deploy/.installed: pyproject.toml | .venv/bin/python
	@test -x $(CDK) || $(BIN)/python -m venv .venv-deploy
	$(call install,deploy,.venv-deploy)
	@touch $@

# Of aws-sam-cli only the emulator that it brings along is used: none of its packages is needed.
.venv-rie/bin/rie: | .venv/bin/python
	@echo "Installing the Lambda runtime and its emulator into .venv-rie"
	@$(BIN)/python -m venv .venv-rie
	@.venv-rie/bin/python -m pip install --quiet --disable-pip-version-check awslambdaric==4.2.2
	@.venv-rie/bin/python -m pip install --quiet --disable-pip-version-check --no-deps aws-sam-cli==1.170.0
	@ln -s "$$(ls -d "$(CURDIR)"/.venv-rie/lib/python*/site-packages)/samcli/local/rapid/aws-lambda-rie-$$(uname -m | sed s/aarch64/arm64/)" $@
	@chmod +x "$$(readlink $@)"

lambda/node_modules/.bin/cdk: lambda/package-lock.json
	@echo "Installing the CDK's command into lambda/node_modules"
	@npm ci --prefix lambda --omit=optional --silent --no-audit --no-fund
	@touch $@

refresh: .venv/.installed-dev ## take anew what packages know of AWS: access levels of actions, shapes of the API
	$(BIN)/python -m scoring.findings.access.generate_access_levels
	$(BIN)/python -m scoring.aws.generate_api_shapes

format: .venv/.installed-dev ## bring the code into its format
	$(BIN)/ruff format $(TO_LINT)
	$(BIN)/ruff check --fix --quiet $(TO_LINT)

clean: ## remove what was installed and built
	rm -rf .venv .venv-deploy .venv-rie lambda/node_modules lambda/cdk.out demo-out build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

# dev has all that demo has, so that `make demo` after `make test` installs nothing.
.venv/.installed-dev: pyproject.toml | .venv/bin/python
	$(call install,dev)
	@touch .venv/.installed-demo $@

.venv/.installed-%: pyproject.toml | .venv/bin/python
	$(call install,$*)
	@touch $@

.venv/bin/python:
	@for python in "$$PYTHON" python3 python3.14 python3.13 python3.12 python3.11 python; do \
	    test -n "$$python" || continue; \
	    python=$$("$$python" -c 'import sys; sys.version_info < (3, 11) or print(sys.executable)' 2>/dev/null); \
	    test -n "$$python" || continue; \
	    echo "Making .venv with $$python"; \
	    "$$python" -m venv .venv && exit; \
	    if command -v uv >/dev/null; then uv venv --quiet --clear --seed --python "$$python" .venv && exit; fi; \
	    echo "$$python cannot make a virtual environment; on Debian and Ubuntu install python3-venv." >&2; \
	    exit 1; \
	done; \
	echo "Python 3.11 or newer is needed, and none was found; name one with make PYTHON=/path/to/python." >&2; \
	exit 1

# uv where it is there, pip where it is not or cannot.
define install
	@echo "Installing access-triage[$(1)] into $(or $(2),.venv)"
	@python=$(or $(2),.venv)/bin/python; \
	if command -v uv >/dev/null && uv pip install --quiet --python $$python -e '.[$(1)]'; then :; else \
	    $$python -m pip install --quiet --disable-pip-version-check -e '.[$(1)]'; fi
endef
