# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files for the inventory plugin list the runners without a warning, and use the cache if they enable it."""

from __future__ import annotations

import re

import yaml

from emulator.client import Account
from examples.collect import Example
from examples.conftest import Enter
from examples.promises import EXAMPLES, fill_the_vault, of_kind, open_vault
from examples.sandbox import Sandbox


@of_kind("inventory")
def test_file_is_an_inventory_of_the_runners(example: Example, enter: Enter, ours: Account, account: Account) -> None:
    """The vaulted value and the variables of a vault are supplied."""
    sandbox = enter(ours).with_account() if "our-key" in example.text else enter(account).with_account()
    text = with_vaulted_secret(example.text, sandbox)
    arguments = fill_the_vault(example, sandbox)
    (chosen,) = sandbox.of_vault or [sandbox.account]
    chosen.seed(
        {"name": "warehouse-eu", "label": "Europe", "last_seen_seconds_ago": 90_000},
        {"name": "warehouse-us", "label": "America", "isOnline": True},
    )
    sandbox.write("soda_runners.yml", text)
    command = " ".join(["ansible-inventory -i soda_runners.yml --graph", *arguments])
    shown = sandbox.ends_well(command).output
    assert "[WARNING]" not in shown
    for expected in INVENTORIES.get(example.name, ["warehouse-eu", "warehouse-us"]):
        assert expected in shown
    before = len(chosen.journal())
    assert sandbox.ends_well(command).output == shown
    cached = yaml.safe_load(text.replace("!vault", "")).get("cache", False)
    assert bool(chosen.journal()[before:]) is not cached


INVENTORIES: dict[str, list[str]] = {
    "plugins/inventory/soda_runners.py: # Self-hosted runners without contact for a day, named by their label. "
    "The secret is vaulted in extra variables:": ["Europe"],
    "plugins/inventory/soda_runners.py: # Groups by version, and a listing that is cached for ten minutes.": [
        "@warehouses:",
        "@soda_version_",
    ],
}
"""The content of the graph, if it is not both hosts."""


def with_vaulted_secret(text: str, sandbox: Sandbox) -> str:
    """The placeholder of a vaulted value replaced by the secret of the account."""
    if "$ANSIBLE_VAULT" not in text:
        return text
    open_vault(sandbox)
    sandbox.env["PLAIN"] = sandbox.account.api_key_secret
    vaulted = sandbox.ends_well('printf %s "$PLAIN" | ansible-vault encrypt --output -').output
    del sandbox.env["PLAIN"]
    lines = "".join(f"  {line}\n" for line in vaulted.splitlines() if re.match(r"\$ANSIBLE_VAULT|[0-9a-f]+$", line))
    return re.sub(r"^  \$ANSIBLE_VAULT.*\n  …\n", lambda match: lines, text, flags=re.MULTILINE)


def test_promises_name_existing_files() -> None:
    assert set(INVENTORIES) <= {example.name for example in EXAMPLES}
