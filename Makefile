# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Everything is installed into this checkout: packages in $(VENV), downloads in .cache, results in build.
# PYTHON=python3.12 chooses the interpreter. VENV=.venv-3.12 uses another environment.
PYTHON ?=
VENV ?= .venv
VERBOSE ?=
ARGS ?=

SHELL := /bin/sh
export PIP_CACHE_DIR := $(CURDIR)/.cache/pip
export UV_CACHE_DIR := $(CURDIR)/.cache/uv
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONPATH := $(CURDIR)/tests:$(CURDIR)/tests/system
export PYTHONDONTWRITEBYTECODE := 1

PARTS := lint sanity units integration molecule platform
PLANS := ci release-check nightly
SETS := $(patsubst tests/requirements/%.in,%,$(wildcard tests/requirements/*.in))
INSTALL := tests/tooling/install.sh $(VENV)

.DEFAULT_GOAL := help
.PHONY: help demo test bench format changelog pins dist docs matrix clean distclean $(PARTS) $(PLANS)

help:
	@echo 'make demo         give three hosts their runner keys, with an emulated Soda Cloud'
	@echo 'make test         run the tests for every change: 8 minutes, without root or containers'
	@echo 'make ci           run all parts that every change must pass on a server: 50 minutes'
	@echo 'make PART         run one part: $(PARTS)'
	@echo '                  ARGS="..." passes arguments, such as test names'
	@echo 'make test-crash   kill modules and plays at every step, and check every key; ARGS="--only issue"'
	@echo 'make test-hosts   rotation and recovery on two hosts with systemd, in containers; root on Debian, or SODA_HOST_IMAGE'
	@echo 'make test-leaks   search all output and files of Ansible, and the system log, for secrets'
	@echo 'make test-attack  attacks by a hostile host, API and local user, and mistakes of operators; ARGS="--core 2.16" chooses ansible-core'
	@echo 'make test-browser the audit page in Chromium: keyboard, phone and accessibility'
	@echo 'make test-mutation  mutation testing of module_utils and plugin_utils, one hour; ARGS="_runner/plan" chooses files'
	@echo 'make test-deep    the long property tests: 10,000 steps, 15 minutes'
	@echo 'make test-eda     the event source and the rulebook under ansible-rulebook; needs Java 17'
	@echo 'make test-limits  50 hosts at once at the rate limits of Soda Cloud, a few minutes'
	@echo 'make test-adoption  300 hosts with running runners are adopted: no key is issued, no runner restarted; 20 minutes'
	@echo 'make test-examples  run every example of the documentation as printed; Linux, in separate namespaces'
	@echo 'make test-vault   runner keys in a real OpenBao; Linux, as root or with user namespaces'
	@echo 'make test-kubernetes  runner keys in a real kube-apiserver, and Helm; builds the server once on Debian 12, or uses KUBECONFIG'
	@echo 'make test-kills   kill a hundred runs in each key store, at each request and at random moments; an hour'
	@echo 'make test-vendor  the vendor'"'"'s client and a Kubernetes validator read the files of the role'
	@echo 'make test-nox     the checks of the Ansible community and of Galaxy'
	@echo 'make bench        measure the performance, for docs/benchmarks.md; ARGS="converged", ARGS=--quick'
	@echo 'make matrix       run the parts on each ansible-core, and the unit tests on each Python; ARGS="2.16", "molecule-2.18 units-3.9" chooses rows'
	@echo 'make dist         build the release of the commit in build/dist; test-tarball: build it twice and use it'
	@echo 'make docs         build the documentation as a site in build/docs/html'
	@echo 'make release-check  run all parts that a release must pass: 75 minutes; make nightly: the parts that take hours'
	@echo 'make format       format the Python files'
	@echo 'make changelog    release the fragments as the version in galaxy.yml; ARGS=--update-existing: release it again'
	@echo 'make pins         pin the packages of tests/requirements/*.in with hashes; ARGS=--upgrade: the newest versions'
	@echo 'make clean        remove build results; distclean: remove installed packages too'

demo: $(VENV)/.demo
	@$(VENV)/bin/python -m demo $(VERBOSE)

test $(PLANS): $(VENV)/.test
	@$(VENV)/bin/python -m tooling $@

$(PARTS): $(VENV)/.test
	@$(VENV)/bin/python -m tooling $@ $(ARGS)

bench: $(VENV)/.test
	@$(VENV)/bin/python -m bench $(ARGS)

# Each part on its own.
test-%: $(VENV)/.test
	@$(VENV)/bin/python -m tooling $* $(ARGS)

docs matrix: %: test-%

# The build uses its own pinned tools, so that no package of the tests can change the release.
dist: .venv-dist/.dist
	@.venv-dist/bin/python -m tooling.dist $(ARGS)

format: $(VENV)/.test
	@$(VENV)/bin/ruff check --fix .
	@$(VENV)/bin/ruff format .

# The section of a release in the changelog, from the fragments.
changelog: $(VENV)/.test
	@$(VENV)/bin/python -m tooling.changelog $(ARGS)

pins: $(VENV)/.test
	@cd tests/requirements && for set in uv demo test $(filter-out uv demo test,$(SETS)); do \
	    $(CURDIR)/$(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	        --no-annotate --no-header --output-file $$set.txt $(ARGS) $$set.in || exit 1; \
	done

$(VENV)/.python: tests/tooling/install.sh tests/tooling/find_python.sh tests/requirements/uv.txt
	@sh tests/tooling/find_python.sh $(PYTHON) > /dev/null
	@sh $(INSTALL) python "$$(sh tests/tooling/find_python.sh $(PYTHON))"

$(VENV)/.demo: $(VENV)/.python tests/requirements/demo.txt
	@sh $(INSTALL) demo

$(VENV)/.test: $(VENV)/.demo tests/requirements/test.txt
	@sh $(INSTALL) test

.venv-dist/.dist: tests/tooling/install.sh tests/requirements/uv.txt tests/requirements/dist.txt
	@sh tests/tooling/install.sh .venv-dist python "$$(sh tests/tooling/find_python.sh $(PYTHON))"
	@sh tests/tooling/install.sh .venv-dist dist

clean:
	rm -rf build tests/output .coverage .mypy_cache .pytest_cache .ruff_cache

distclean: clean
	rm -rf .venv .venv-dist .cache
