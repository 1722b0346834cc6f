# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The kinds of findings, the states of a row, and the one term that table and page use for each. No I/O."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of finding."""

    code: str
    title: str
    meaning: str
    remedy: str
    urgent: bool
    """Whether the runner does not work, or would not work after the next run of the role."""


KINDS: tuple[Kind, ...] = (
    Kind(
        "duplicate_name",
        "Duplicate name",
        "Several runners of the account have this name, or several hosts declare it. A name must be unique.",
        "Delete the duplicates by name and id, or give each host its own soda_runner_name.",
        True,
    ),
    Kind(
        "name_taken",
        "Name taken",
        "The host declares the name of a runner that is not self-hosted. A hosted runner takes no key.",
        "Give the host another soda_runner_name.",
        True,
    ),
    Kind(
        "key_of_another_runner",
        "Key of another runner",
        "The key store of the host has the key of another runner or endpoint.",
        "Check the path or name of the secret that the host declares. See the guide on key stores.",
        True,
    ),
    Kind(
        "no_key",
        "No key",
        "No runner key is stored for the host.",
        "If the runner is not registered, run community.soda.provision. If it is registered, adopt its key:"
        " see the guide on adoption.",
        True,
    ),
    Kind(
        "not_registered",
        "Not registered",
        "The key was issued, but no runner of this name has registered within the allowed time.",
        "Read the runner's own log on the host, and start the runner. It needs no other key.",
        True,
    ),
    Kind(
        "offline",
        "Offline",
        "The runner is registered, but it is not connected.",
        "Start the runner. If it is gone for good, decommission it.",
        True,
    ),
    Kind(
        "account_not_listed",
        "Account not listed",
        "The runners of the account could not be listed with the Soda Cloud API key of the host.",
        "Fix the cause that the finding names, then run the audit again.",
        True,
    ),
    Kind(
        "unreachable",
        "Host unreachable",
        "Ansible could not connect to the host, so its key and configuration are unknown.",
        "Fix the connection, or remove the host from the inventory if it is gone.",
        True,
    ),
    Kind(
        "role_fails",
        "Role fails",
        "The role would fail on the host.",
        "Follow the message, then run community.soda.provision.",
        True,
    ),
    Kind(
        "key_not_removed",
        "Key not removed",
        "The host declares soda_runner_state: absent, but a key or configuration of the runner is still stored.",
        "Run community.soda.decommission for the host.",
        False,
    ),
    Kind(
        "secret_changed",
        "Secret changed",
        "Somebody edited the key in the key store.",
        "Restore the key that the finding names, or keep the edited one with soda_runner_adopt_store=true.",
        True,
    ),
    Kind(
        "release_not_upgraded",
        "Release not upgraded",
        "The Helm release is not installed, or it still has the key version from before a rotation.",
        "Run community.soda.deploy.",
        True,
    ),
    Kind(
        "drift",
        "Drift",
        "The key file or the configuration on the host differs from the declaration.",
        "Run community.soda.provision --check --diff to see the difference, then run it without these options.",
        False,
    ),
    Kind(
        "not_in_inventory",
        "Not in inventory",
        "The runner is registered, but no host of the inventory declares it.",
        "Add its host to the inventory, or decommission the runner.",
        False,
    ),
    Kind(
        "outdated",
        "Outdated",
        "A part of the runner has a lower version than the newest release in the fleet.",
        "Upgrade the runner.",
        False,
    ),
)
"""The kinds of findings, most severe first. The most severe finding of a row is its state."""

CODES = tuple(kind.code for kind in KINDS)

FROM_STORES = frozenset({"key_of_another_runner", "secret_changed", "release_not_upgraded"})
"""The findings that a key store reports itself, see C(Observation.problems)."""

IN_ORDER, WAITING, HOSTED = "in_order", "waiting", "hosted"
STATES: dict[str, str] = {
    **{kind.code: kind.title for kind in KINDS},
    WAITING: "Waiting to register",
    HOSTED: "Hosted by Soda",
    IN_ORDER: "In order",
}
"""Every state of a row, with its title."""

CONTACTS: dict[str, str] = {
    "online": "Online now",
    "hour": "Within an hour",
    "day": "Within a day",
    "week": "Within a week",
    "month": "Within 30 days",
    "longer": "Longer ago",
    "unknown": "Unknown",
    "none": "Not registered",
}
"""Classes of last contact, with their titles."""

STALE_MEANING = (
    "A runner is stale if it is self-hosted and not online, and either exceeds the offline limit or is in no"
    " inventory. A runner whose last contact is unknown is never stale."
)
