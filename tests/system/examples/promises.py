# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shared by the tests of examples: the examples that run here, and the vault of the reader."""

from __future__ import annotations

import re
import shlex

import pytest
import yaml

from emulator.client import Account
from examples.collect import Example, collected
from examples.elsewhere import ELSEWHERE
from examples.sandbox import Sandbox
from tooling.leaks import Credential

PRIVATE = "0600"
# Each command of a console has its own entry.
EXAMPLES = [example for example in collected() if example.kind == "console" or example.name not in ELSEWHERE]


def of_kind(kind: str) -> pytest.MarkDecorator:
    """A parameter ``example`` for each example of a kind that is run here."""
    found = [example for example in EXAMPLES if example.kind == kind]
    return pytest.mark.parametrize("example", found, ids=lambda example: example.name)


def keys_issued(account: Account) -> int:
    return int(account.stats()["keys_issued"])


def provision(group: str) -> str:
    return f"ansible-playbook -i inventory community.soda.provision -e soda_runner_hosts={group}"


def fill_the_vault(example: Example, sandbox: Sandbox) -> list[str]:
    """
    An encrypted file of variables with a key for each account whose key an example takes from variables.

    Returns the arguments that give the file to a command; the accounts are in ``sandbox.of_vault``.
    """
    names = re.findall(r"\b((?:vault|our)_soda_\w+)_id\b", example.text)
    if not names:
        return []
    stored: dict[str, str] = {}
    for name in dict.fromkeys(names):
        account = sandbox.account.emulator.account(window_factor=0)
        sandbox.of_vault.append(account)
        sandbox.secrets.append(Credential(account.api_key_id, account.api_key_secret))
        stored |= {f"{name}_id": account.api_key_id, f"{name}_secret": account.api_key_secret}
    vault = sandbox.write("vault.yml", yaml.safe_dump(stored))
    open_vault(sandbox)
    sandbox.ends_well(f"ansible-vault encrypt {shlex.quote(str(vault))}")
    return ["-e", "@vault.yml"]


def open_vault(sandbox: Sandbox) -> None:
    """Give Ansible the password of the vault."""
    sandbox.env["ANSIBLE_VAULT_PASSWORD_FILE"] = str(sandbox.write("../vault-password", "correct horse\n"))
