# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""
The names in an inventory of runners: groups, and a host for each runner. The inventory plugin, the audit and the event
source use the same names. Any text can be the name of a runner, but not of a host. No I/O.
"""

from __future__ import annotations

import collections
import dataclasses
import re
import typing as t

from ..module_utils._api.runner import Runner
from ..module_utils._wording import list_few

ALL_RUNNERS, ONLINE, OFFLINE = "soda_runners", "soda_online", "soda_offline"
GROUPS = (ALL_RUNNERS, ONLINE, OFFLINE)
"""The groups that exist in an empty account too."""

_GROUP_PREFIX = "soda_"
_ID_VARIABLE = "soda_id"

RESERVED = frozenset({"all", "ungrouped", "localhost", "127.0.0.1", *GROUPS})
"""Names that mean something else to Ansible than the host of a runner."""

_NO_HOST_NAME = re.compile(r"[^\w.-]|^[.-]")

_SHOWN = 5


@dataclasses.dataclass(frozen=True)
class Hosts:
    """Runners with unique host names."""

    named: list[tuple[str, Runner]]
    """In the order of the listing."""
    notes: list[str]
    """A sentence for each way in which host names differ from the wanted names."""


def group_names(runner: Runner) -> list[str]:
    """The groups that a runner is in."""
    groups = [ALL_RUNNERS]
    if runner.is_online is not None:
        groups.append(ONLINE if runner.is_online else OFFLINE)
    if runner.type:
        groups.append(type_group(runner.type))
    return groups


def type_groups(runners: t.Iterable[Runner]) -> list[str]:
    """The groups of all types of runners, in an order that does not change from run to run."""
    return sorted({type_group(runner.type) for runner in runners if runner.type})


def type_group(runner_type: str) -> str:
    """The name of the group of all runners of this type."""
    return f"{_GROUP_PREFIX}type_" + re.sub(r"\W", "_", runner_type.lower(), flags=re.ASCII)


def variables(runner: Runner) -> dict[str, t.Any]:
    """The variables of the host of a runner. Text from Soda Cloud is inert since it was read."""
    return {f"soda_{field}": value for field, value in runner.to_dict().items()}


def is_listed_host(variables_of_host: t.Mapping[str, t.Any]) -> bool:
    """Whether a host is in the inventory only because Soda Cloud lists its runner. Then it declares nothing."""
    if _ID_VARIABLE not in variables_of_host:
        return False
    groups = [group for group in variables_of_host.get("group_names", []) if group != "ungrouped"]
    return bool(groups) and all(group.startswith(_GROUP_PREFIX) for group in groups)


def name_hosts(
    wanted: t.Sequence[tuple[str | None, Runner]],
    reserved: t.Collection[str],
    taken: t.Mapping[str, t.Any] | None = None,
) -> Hosts:
    """
    Give each runner the name that is wanted for it, if it can be the name of a host and is unique.

    A runner without a wanted name gets its id. C(reserved) are names that mean something else, such as groups.
    C(taken) are the names of hosts of other accounts, with the ids of their runners.
    """
    others = taken or {}
    names = [host_name(name or runner.id or "") for name, runner in wanted]
    count = collections.Counter(names)
    unnamed: list[str] = []
    altered: list[str] = []
    shared: list[str] = []
    not_hosts: list[str] = []
    of_others: list[str] = []
    for index, (name, runner) in enumerate(wanted):
        sanitized = names[index]
        if not name:
            unnamed.append(sanitized or "one without an id")
        elif sanitized != name:
            altered.append(f"{name!r} as {sanitized}")
        is_of_another = sanitized in others and others[sanitized] != runner.id
        if sanitized and (count[sanitized] > 1 or sanitized in reserved or is_of_another):
            (not_hosts if sanitized in reserved else shared if count[sanitized] > 1 else of_others).append(sanitized)
            names[index] = host_name(f"{sanitized}-{runner.id}") if runner.id else ""

    count = collections.Counter(names)
    lost = [runner for (_name, runner), name in zip(wanted, names) if not name or count[name] > 1]
    named = [(name, runner) for (_name, runner), name in zip(wanted, names) if name and count[name] == 1]
    return Hosts(
        named=named,
        notes=[
            f"{sentence}: {list_few(list(dict.fromkeys(who)), _SHOWN)}."
            for sentence, who in (
                ("Runners without a name are listed under their id", unnamed),
                ("Names that cannot be host names are changed", altered),
                ("The id is added to names that several runners have", shared),
                ("The id is added to names that a runner of another account has too", of_others),
                ("The id is added to names of groups or of this machine", not_hosts),
                ("Runners that cannot be distinguished are left out", [repr(runner.name) for runner in lost]),
            )
            if who
        ],
    )


def host_name(text: str) -> str:
    """The text with an underscore for each character that the name of a host cannot have there."""
    return _NO_HOST_NAME.sub("_", text)
