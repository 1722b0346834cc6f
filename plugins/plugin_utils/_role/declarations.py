# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""One declaration per runner: which hosts declare a runner. No Ansible."""

from __future__ import annotations

import typing as t

from ...module_utils._account import Account
from ...module_utils._errors import DuplicateDeclaration
from ...module_utils._names import validate_name
from .._declared import Declared
from .._parameters import to_plain

Declarations = dict[str, list[str]]
"""Hosts by the identity of the runner that they declare."""

NAME, STATE, LABEL = "soda_runner_name", "soda_runner_state", "soda_runner_account"
ENDPOINT, API_KEY_ID = "soda_runner_cloud_endpoint", "soda_runner_cloud_api_key_id"


def published(entries: t.Mapping[str, t.Any]) -> Declarations:
    """What the hosts of this play have declared, from the files that their actions share."""
    hosts: Declarations = {}
    for entry in entries.values():
        if entry["wanted"]:
            hosts.setdefault(entry["identity"], []).append(entry["host"])
    return hosts


def of_inventory(
    hosts_variables: t.Iterable[tuple[str, t.Mapping[str, t.Any]]],
    in_play: t.Collection[str],
    extra_variables: t.Collection[str],
    account: Account,
) -> Declarations:
    """
    What the inventory declares, by the variables of its hosts.

    The variables of a play are not among them, so C(account) is used for a host without an own account. A host outside
    of the play counts only if the inventory names its runner. An extra variable names the runners of the play.
    """
    hosts: Declarations = {}
    for host, variables in hosts_variables:
        try:
            if host not in in_play and (NAME not in variables or NAME in extra_variables):
                continue
            if to_plain(variables.get(STATE, "present")) == "absent":
                continue
            name = validate_name(to_plain(variables.get(NAME, host)))
            endpoint = to_plain(variables.get(ENDPOINT)) or account.endpoint
            api_key_id = to_plain(variables.get(API_KEY_ID)) or account.api_key_id
            label = to_plain(variables.get(LABEL)) or ""
        except Exception:  # pylint: disable=broad-except
            # A template that needs variables of the play. The host publishes what it declares when its turn comes.
            continue
        whose = Account(str(endpoint), str(api_key_id))
        identity = "\n".join((whose.endpoint, whose.api_key_id, str(label), name))
        hosts.setdefault(identity, []).append(host)
    return hosts


def refuse_shared_name(declared: Declared, *declarations: Declarations) -> None:
    """Raise V(duplicate_declaration) if another host declares the same runner."""
    others = sorted(
        {host for each in declarations for host in each.get(declared.identity(), ()) if host != declared.host}
    )
    if others:
        shown = [declared.host, *others[:3]]
        last = f"{len(others) - 3} more" if len(others) > 3 else shown.pop()
        raise DuplicateDeclaration(
            f"The hosts {', '.join(shown)} and {last} declare the same runner: {declared.name!r}. No key was requested."
            " Give each host its own soda_runner_name.",
        )
