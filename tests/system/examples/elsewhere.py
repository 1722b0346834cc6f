# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples that other tests run: each with the file of the test, and with text in this file that proves it."""

from __future__ import annotations

_TARBALL = ("tests/tooling/tarball.py", '"ansible-galaxy", "collection", "install"')
_REQUESTS = ("tests/requirements/runtime.in", "-r ../../requirements.txt")
_RECIPES = ("tests/unit/docs/test_recipes.py", '"decommissioning.md": "decommission.yml"')
_REMOVED = ("tests/system/hosts/test_decommissioning.py", 'ONE = ("--limit", HOST)')
_ROTATED = ("tests/system/hosts/test_rotation.py", "ROTATED")
_EVENT = ("tests/unit/plugins/event_source/test_soda_runners.py", "last_seen_timestamp")

_IN_VAULT = ("tests/system/vault/test_guides.py", "examples_of")
_MOVED = ("tests/system/vault/test_role.py", '"provision", "--check", "--diff"')
_ROLE_IN_VAULT = ("tests/system/vault/test_role.py", '"soda_runner_key_store": "vault_kv2"')
_REMOVED_FROM_VAULT = ("tests/system/vault/test_life.py", 'state="absent"')
_COLLECTIONS = ("tests/tooling/packaged.py", "kubernetes.core")
_LIBRARIES = ("tests/requirements/examples.in", "hvac")
_IN_KUBERNETES = ("tests/system/kubernetes/test_deploy.py", 'playbook: str = "deploy"')
_HELM = ("tests/system/kubernetes/test_guides.py", "$ helm repo add")
_REMOVED_RELEASE = ("tests/system/kubernetes/test_deploy.py", 'playbook="decommission"')

ELSEWHERE: dict[str, tuple[str, str]] = {
    "README.md: $ git clone https://github.com/ansible-collections/community.soda.git": (
        "tests/tooling/tarball.py",
        '"clone", "--quiet"',
    ),
    "README.md: $ ansible-galaxy collection install ./community.soda": (
        "tests/tooling/tarball.py",
        '"ansible-galaxy", "collection", "install", WORK / "clone-1"',
    ),
    "README.md: $ ansible-galaxy collection install community.soda": _TARBALL,
    "README.md: $ python3 -m pip install requests": _REQUESTS,
    "docs/site/index.md: $ ansible-galaxy collection install community.soda": _TARBALL,
    "docs/guides/first-runner.md: $ ansible-galaxy collection install community.soda": _TARBALL,
    "docs/guides/first-runner.md: $ python3 -m pip install requests": _REQUESTS,
    "docs/guides/first-runner.md: $ helm repo add soda-agent https://helm.soda.io/soda-agent/": _HELM,
    "docs/guides/first-runner.md: $ helm upgrade --install warehouse-eu soda-agent/soda-agent --namespace soda"
    " --create-namespace --values values.yml": _HELM,
    "docs/guides/awx.md: $ ansible-builder build -f execution-environment.yml -t registry.example.org/soda-ee:1": (
        "tests/system/automation/test_execution_environment.py",
        '"ansible-builder", "create"',
    ),
    "docs/guides/awx.md: $ ansible-playbook community.soda.awx -e @soda-awx.yml": (
        "tests/system/automation/test_awx.py",
        '"community.soda.awx"',
    ),
    "docs/guides/awx.md: # soda-awx.yml": (
        "tests/system/automation/test_guides.py",
        "def test_examples_of_variables_say_what_the_playbook_needs_and_takes",
    ),
    # test_recipes.py checks that the plays of these pages are those of the scenario on hosts with systemd.
    "docs/guides/decommissioning.md: - name: Take each host's runner out of service": _RECIPES,
    "docs/guides/decommissioning.md: $ ansible-playbook -i inventory decommission.yml --limit warehouse-eu"
    " --check": _REMOVED,
    "docs/guides/decommissioning.md: $ ansible-playbook -i inventory decommission.yml --limit warehouse-eu": _REMOVED,
    "docs/guides/decommissioning.md: $ ansible localhost -m community.soda.soda_runner_store"
    ' -a "name=warehouse-eu store=vault_kv2 state=absent unless_online=true" --check': _REMOVED_FROM_VAULT,
    "docs/guides/decommissioning.md: $ ansible localhost -m community.soda.soda_runner_store"
    ' -a "name=warehouse-eu store=vault_kv2 state=absent unless_online=true"': _REMOVED_FROM_VAULT,
    "docs/guides/rotation-and-recovery.md: $ ansible-playbook -i inventory runners.yml -e at_a_time=1 --check --diff": (
        _ROTATED
    ),
    "docs/guides/rotation-and-recovery.md: $ ansible-playbook -i inventory runners.yml -e at_a_time=1": _ROTATED,
    "docs/guides/rotation-and-recovery.md: $ ansible-playbook -i inventory runners.yml --limit warehouse-eu"
    " -e soda_runner_reissue=true": (
        "tests/system/hosts/test_recovery.py",
        'REISSUE = ("-e", "soda_runner_reissue=true")',
    ),
    "docs/guides/vault.md: soda_runner_key_store: vault_kv2": _ROLE_IN_VAULT,
    "docs/guides/moving-to-a-store.md: soda_runner_key_store: vault_kv2": _ROLE_IN_VAULT,
    "docs/guides/kubernetes.md: soda_runner_key_store: kubernetes_secret": (
        "tests/system/kubernetes/test_role.py",
        '"soda_runner_key_store": "kubernetes_secret"',
    ),
    "docs/guides/vault.md: $ ansible-galaxy collection install community.hashi_vault": _COLLECTIONS,
    "docs/guides/vault.md: $ python3 -m pip install hvac": _LIBRARIES,
    "docs/guides/kubernetes.md: $ ansible-galaxy collection install kubernetes.core": _COLLECTIONS,
    "docs/guides/kubernetes.md: $ python3 -m pip install kubernetes": _LIBRARIES,
    "docs/guides/moving-to-a-store.md: $ ansible-playbook -i inventory community.soda.provision"
    " -e soda_runner_hosts=warehouses --become --check --diff": _MOVED,
    "docs/guides/moving-to-a-store.md: $ ansible-playbook -i inventory community.soda.provision"
    " -e soda_runner_hosts=warehouses --become": _MOVED,
    'docs/guides/vault.md: path "secret/data/soda/runners/*" {': _IN_VAULT,
    "docs/guides/vault.md: - name: Keep the runner keys in Vault": _IN_VAULT,
    "docs/guides/external-secrets.md: - name: Write the manifests for the External Secrets Operator": _IN_VAULT,
    "docs/guides/moving-to-a-store.md: - name: Move the runner keys to Vault": _IN_VAULT,
    "plugins/modules/soda_runner_store.py: - name: Keep the key of a runner in Vault": _IN_VAULT,
    "docs/guides/kubernetes.md: apiVersion: rbac.authorization.k8s.io/v1": (
        "tests/system/kubernetes/test_secrets.py",
        "role_of_the_guide",
    ),
    "docs/guides/kubernetes.md: all:": _IN_KUBERNETES,
    "docs/guides/kubernetes.md: $ ansible-playbook -i inventory.yml community.soda.deploy": _IN_KUBERNETES,
    "docs/guides/kubernetes.md: $ ansible-playbook -i inventory.yml community.soda.decommission"
    " -e soda_runner_hosts=warehouse-eu --check": _REMOVED_RELEASE,
    "docs/guides/kubernetes.md: $ ansible-playbook -i inventory.yml community.soda.decommission"
    " -e soda_runner_hosts=warehouse-eu": _REMOVED_RELEASE,
    "docs/guides/events.md: $ python3 -m pip install ansible-rulebook ansible-runner requests": (
        "tests/requirements/eda.in",
        "ansible-rulebook",
    ),
    "docs/guides/events.md: $ ansible-rulebook -r community.soda.offline -i inventory.yml --print-events": (
        "tests/system/eda/conftest.py",
        'RULEBOOK = "community.soda.offline"',
    ),
    "docs/guides/events.md: soda_runners:": _EVENT,
    "docs/guides/events.md: - name: Alert the team": ("tests/system/eda/test_offline.py", 'RULEBOOKS["guide"]'),
    "extensions/eda/plugins/event_source/soda_runners.py: - name: Report runners that go offline": (
        "tests/system/eda/test_offline.py",
        'RULEBOOKS["EXAMPLES"]',
    ),
}
"""By name: an example's, or for a command of a console, ``SOURCE: $ COMMAND``."""
