# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Everything is installed into this checkout: packages in $(VENV), downloads in .cache, results in build.
# PYTHON=python3.12 chooses the interpreter, VENV=.venv-3.12 keeps it beside the usual one.
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
	@echo 'make demo         three hosts get their runner keys, from nothing, against an emulated Soda Cloud'
	@echo 'make test         the tests for every change: 8 minutes, without root or containers'
	@echo 'make ci           all parts that every change must pass on a server, in one table: 50 minutes'
	@echo 'make PART         one part of it: $(PARTS)'
	@echo '                  ARGS="..." passes arguments on, such as test names'
	@echo 'make test-crash   modules and plays killed at every step, and what became of every key; ARGS="--only issue"'
	@echo 'make test-hosts   two hosts with systemd, in containers: rotation, recovery, bad moments; root on Debian, or SODA_HOST_IMAGE'
	@echo 'make test-leaks   searches for every secret in all that Ansible prints and writes, and in the system log'
	@echo 'make test-attack  a hostile host, API, local user and careless operator; ARGS="--core 2.16" chooses ansible-core'
	@echo 'make test-browser the page of the audit in a headless Chromium, by keyboard, on a phone, by an accessibility checker'
	@echo 'make test-mutation  mutation testing of module_utils and plugin_utils, in an hour; ARGS="_runner/plan" chooses files'
	@echo 'make test-deep    the property tests at length: 10,000 steps, a quarter of an hour'
	@echo 'make test-eda     the event source and the rulebook under ansible-rulebook; needs Java 17'
	@echo 'make test-limits  50 hosts at once at the limits of Soda Cloud, a few minutes'
	@echo 'make test-examples  every example of the documentation, run as printed; Linux, in separate namespaces'
	@echo 'make test-vault   runner keys in a real OpenBao; Linux, as root or with user namespaces'
	@echo 'make test-kubernetes  runner keys in a real kube-apiserver, and Helm; builds the server once on Debian 12, or uses KUBECONFIG'
	@echo 'make test-vendor  the vendor'"'"'s client and a Kubernetes validator read what the role wrote'
	@echo 'make test-nox     what the Ansible community and Galaxy check in a collection'
	@echo 'make bench        performance against rivals, for docs/benchmarks.md; ARGS="converged", ARGS=--quick'
	@echo 'make matrix       all on each ansible-core, units on each Python; ARGS="2.16", "molecule-2.18 units-3.9" chooses rows'
	@echo 'make dist         what is released of the commit, in build/dist; test-tarball: builds it twice and tries it'
	@echo 'make docs         the documentation as a site, in build/docs/html'
	@echo 'make release-check  all parts that a release must pass: 75 minutes; make nightly: the parts that take hours'
	@echo 'make format       put the Python files into their common form'
	@echo 'make changelog    release what is in changelogs/fragments as the version in galaxy.yml; ARGS=--update-existing: once more'
	@echo 'make pins         pin what tests/requirements/*.in name, with hashes; ARGS=--upgrade: the newest of each'
	@echo 'make clean        remove what the two made; distclean: and what they installed'

demo: $(VENV)/.demo
	@$(VENV)/bin/python -m demo $(VERBOSE)

test $(PLANS): $(VENV)/.test
	@$(VENV)/bin/python -m tooling $@

$(PARTS): $(VENV)/.test
	@$(VENV)/bin/python -m tooling $@ $(ARGS)

bench: $(VENV)/.test
	@$(VENV)/bin/python -m bench $(ARGS)

# Each part alone.
test-%: $(VENV)/.test
	@$(VENV)/bin/python -m tooling $* $(ARGS)

docs matrix: %: test-%

# The build uses its own pinned tools, so that no package of the tests can change what is released.
dist: .venv-dist/.dist
	@.venv-dist/bin/python -m tooling.dist $(ARGS)

format: $(VENV)/.test
	@$(VENV)/bin/ruff check --fix .
	@$(VENV)/bin/ruff format .

# A release's part of the changelog, from the fragments.
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
