# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The sentences that a run ends with, and those that announce how long it takes."""

from __future__ import annotations

import typing as t

from ...module_utils._wording import count

PER_WINDOW = 10
"""How many keys Soda Cloud issues, and how many runners it deletes, in 60 seconds for one account."""

Outcomes = t.Sequence[t.Mapping[str, t.Any]]


def duration(numbers: t.Iterable[int]) -> str:
    """How long the limits make it take, for so many requests in each account."""
    minutes = max(((number - 1) // PER_WINDOW for number in numbers), default=0)
    return "less than a minute" if minutes < 1 else f"at least {count(minutes, 'minute')}"


def announce_keys(needed: t.Mapping[str, int], check_mode: bool) -> str:
    total = sum(needed.values())
    verb = "would need" if check_mode else "need" if total != 1 else "needs"
    return (
        f"{count(total, 'host')} {verb} a new runner key. Soda Cloud issues {PER_WINDOW} keys in 60 seconds for an"
        f" account, so this {'would take' if check_mode else 'takes'} {duration(needed.values())}."
    )


def report_changes(names: t.Sequence[str], check_mode: bool) -> str:
    change = "would change" if check_mode else "changed"
    if not names:
        return f"The configuration of a runner {change}."
    *others, last = sorted(names)
    runners = f"runners {', '.join(others)} and {last}" if others else f"runner {last}"
    return f"The configuration of the {runners} {change}."


def summarize_provision(outcomes: Outcomes, check_mode: bool) -> str:
    by_origin: dict[str, list[t.Mapping[str, t.Any]]] = {}
    for one in outcomes:
        if one.get("origin"):
            by_origin.setdefault(one["origin"], []).append(one)
    configured = [one for one in outcomes if one.get("changed") and not one.get("origin")]
    not_current = ("changed", "skipped", "deployed", "failed")
    current = [one for one in outcomes if not any(one.get(field) for field in not_current)]
    skipped = sorted(one["host"] for one in outcomes if one.get("skipped"))
    would = check_mode
    parts = [
        _part(by_origin.get("issued", ()), "would get" if would else "got", "a new runner key"),
        _part(by_origin.get("existing", ()), "would keep" if would else "kept", "an existing runner key"),
        _part(by_origin.get("moved", ()), "would move" if would else "moved", "a runner key to the key store"),
        _part(configured, "would get" if would else "got", "a new configuration"),
        f"{count(len(current), 'host')} {'was' if len(current) == 1 else 'were'} up to date" if current else "",
    ]
    sentences = [", ".join(filter(None, parts)) + "."] if any(parts) else []
    if skipped:
        sentences.append(
            f"{count(len(skipped), 'host')} {'was' if len(skipped) == 1 else 'were'} skipped, because soda_runner_state"
            f" is absent: {', '.join(skipped)}. community.soda.decommission removes runners."
        )
    deployed = sorted(one["host"] for one in outcomes if one.get("deployed"))
    if deployed:
        sentences.append(
            f"{count(len(deployed), 'host')} {'was' if len(deployed) == 1 else 'were'} skipped, because"
            f" soda_runner_deploy is true: {', '.join(deployed)}. community.soda.deploy deploys these runners."
        )
    if not would and (configured or "issued" in by_origin or any(one.get("restart") for one in outcomes)):
        sentences.append("Start or restart the runners whose key or configuration changed.")
    return " ".join(sentences) or "No host was provisioned."


def summarize_deployment(outcomes: Outcomes, hosts: int, check_mode: bool) -> str:
    skipped = sorted(one["host"] for one in outcomes if one.get("skipped"))
    deployed = [one for one in outcomes if not one.get("skipped")]
    changed = [one for one in deployed if one.get("changed")]
    sentences = [
        f"{len(deployed)} of {count(hosts - len(skipped), 'runner')}"
        f" {'would be' if check_mode else 'is' if len(deployed) == 1 else 'are'} deployed, {len(changed)} changed."
    ]
    if skipped:
        sentences.append(
            f"{count(len(skipped), 'host')} {'was' if len(skipped) == 1 else 'were'} skipped, because"
            f" soda_runner_deploy is not true or soda_runner_state is absent: {', '.join(skipped)}."
        )
    return " ".join(sentences)


def summarize_decommission(outcomes: Outcomes, hosts: int, check_mode: bool) -> str:
    deleted = [one for one in outcomes if one.get("deleted")]
    removed = [one for one in outcomes if one.get("removed")]
    behind = sorted(one["host"] for one in outcomes if one.get("left_behind"))
    would = "would be" if check_mode else None
    sentences = [
        f"{count(len(deleted), 'runner')} of {count(hosts, 'host')}"
        f" {would or ('was' if len(deleted) == 1 else 'were')} deleted from Soda Cloud."
    ]
    sentences.append(
        f"Key and configuration {would or 'were'} removed from {count(len(removed), 'host')}." if removed else ""
    )
    if behind:
        sentences.append(
            f"{count(len(behind), 'host')} could not be reached and may still store a key: {', '.join(behind)}. Run the"
            " playbook again when they are back."
        )
    if deleted and check_mode:
        sentences.append(_deletions(deleted))
    return " ".join(filter(None, sentences))


def summarize_stale(outcomes: Outcomes, reported: int, unclaimed: int, check_mode: bool) -> list[str]:
    deleted = [one for one in outcomes if one.get("deleted")]
    would = "would be" if check_mode else "was" if len(deleted) == 1 else "were"
    first = f"{len(deleted)} of {count(reported, 'stale runner')} {would} deleted from Soda Cloud."
    if deleted and check_mode:
        first += f" {_deletions(deleted)}"
    lines = [first, *sorted(f"{one['name']} ({one['id']})" for one in deleted)]
    lines += sorted(one["reason"] for one in outcomes if one.get("reason"))
    if unclaimed:
        lines.append(
            f"{count(unclaimed, 'runner')} of the report {'belongs' if unclaimed == 1 else 'belong'} to an account that"
            " no host of this run declares."
        )
    return lines


def _deletions(deleted: Outcomes) -> str:
    accounts: dict[str, int] = {}
    for one in deleted:
        accounts[one["account"]] = accounts.get(one["account"], 0) + 1
    return (
        f"Soda Cloud deletes {PER_WINDOW} runners in 60 seconds for an account, so this takes"
        f" {duration(accounts.values())}."
    )


def _part(outcomes: Outcomes, verb: str, what: str) -> str:
    return f"{count(len(outcomes), 'host')} {verb} {what}" if outcomes else ""
