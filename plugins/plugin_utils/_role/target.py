# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Which runners a run of the playbook community.soda.decommission may delete. No I/O and no Ansible."""

from __future__ import annotations

import dataclasses
import enum
import typing as t

from ...module_utils._errors import InvalidTarget

HOSTS, REPORT, RUNNERS = "soda_runner_hosts", "soda_decommission_audit", "soda_decommission_runners"
MAX_AGE = "soda_decommission_max_age_hours"
TARGETS = (HOSTS, REPORT, RUNNERS)
KNOWN = (REPORT, RUNNERS, MAX_AGE)
PREFIX = "soda_decommission_"
DECLARING = ("soda_runner_name", "soda_runner_state")


class Kind(enum.Enum):
    HOSTS = "hosts"
    STALE = "stale"


@dataclasses.dataclass(frozen=True)
class Target:
    kind: Kind
    pattern: t.Any
    """Ansible's pattern of the hosts on which the play runs. Their variables have the Soda Cloud API keys."""


def choose_target(variables: t.Mapping[str, t.Any]) -> Target:
    """
    The target that the variables name. Raises V(invalid_target).

    C(variables) has only the names that are defined. A variable that is defined but empty is a mistake, such as an
    unset variable in the shell of the caller, and never means all hosts.
    """
    unknown = sorted(name for name in variables if name.startswith(PREFIX) and name not in KNOWN)
    if unknown:
        raise InvalidTarget(
            f"Unknown variables: {', '.join(unknown)}. This playbook has the variables {', '.join((HOSTS, *KNOWN))}.",
        )
    empty = [name for name in TARGETS if name in variables and _is_empty(variables[name])]
    if empty:
        raise InvalidTarget(f"{empty[0]} is empty. Nothing was deleted. Set it to a value, or do not set it.")
    if REPORT in variables and RUNNERS in variables:
        raise InvalidTarget(f"{REPORT} and {RUNNERS} are both set. Set one of them.")
    if REPORT in variables or RUNNERS in variables:
        return Target(Kind.STALE, variables.get(HOSTS, "all"))
    if HOSTS in variables:
        return Target(Kind.HOSTS, variables[HOSTS])
    raise InvalidTarget(
        f"No target is set. Set {HOSTS} to the hosts to decommission, or {REPORT} to the report of an audit.",
    )


def refuse_extra_variables(names: t.Collection[str]) -> None:
    """Raise V(invalid_target) for extra variables that hide which stale runners hosts declare."""
    for name in DECLARING:
        if name in names:
            raise InvalidTarget(
                f"{name} is an extra variable, which hides what each host declares. Nothing was deleted. Set it in the"
                " inventory, because stale runners that a host declares are not deleted."
            )


def _is_empty(value: t.Any) -> bool:
    # The audit returns an empty list as JSON text.
    return value.strip() in ("", "[]") if isinstance(value, str) else not value
