# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run says about itself."""

from __future__ import annotations

import pytest

from ansible_collections.community.soda.plugins.plugin_utils._role import messages


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ([], "less than a minute"),
        ([10, 3], "less than a minute"),
        ([11], "at least 1 minute"),
        ([20, 21], "at least 2 minutes"),
    ],
)
def test_the_account_with_most_requests_decides_how_long_it_takes(numbers: list[int], expected: str) -> None:
    assert messages.duration(numbers) == expected


def test_keys_are_announced() -> None:
    assert messages.announce_keys({"a": 11, "b": 1}, check_mode=False) == (
        "12 hosts need a new runner key. Soda Cloud issues 10 keys in 60 seconds for an account, so this takes"
        " at least 1"
        " minute."
    )
    assert messages.announce_keys({"a": 1}, check_mode=False).startswith("1 host needs a new runner key.")
    assert messages.announce_keys({"a": 1}, check_mode=True).startswith("1 host would need a new runner key.")


def test_a_provisioning_is_summarized() -> None:
    outcomes = [
        {"host": "a", "changed": True, "origin": "issued"},
        {"host": "b", "changed": True, "origin": "existing"},
        {"host": "m", "changed": True, "origin": "moved"},
        {"host": "c", "changed": True},
        {"host": "d", "changed": False},
        {"host": "e", "changed": False},
        {"host": "f", "skipped": True},
    ]
    assert messages.summarize_provision(outcomes, check_mode=False) == (
        "1 host got a new runner key, 1 host kept an existing runner key, 1 host moved a runner key to the key"
        " store, 1 host got a new configuration, 2"
        " hosts were up"
        " to date. 1 host was skipped, because soda_runner_state is absent: f. community.soda.decommission removes"
        " runners. Start or restart the runners whose key or configuration changed."
    )
    assert messages.summarize_provision(outcomes[:1], check_mode=True) == "1 host would get a new runner key."
    assert messages.summarize_provision(outcomes[2:3], check_mode=True) == (
        "1 host would move a runner key to the key store."
    )
    assert messages.summarize_provision([], check_mode=False) == "No host was provisioned."


@pytest.mark.parametrize("origin", ["existing", "moved"])
@pytest.mark.parametrize("restart", [True, False])
def test_a_key_that_is_kept_needs_a_restart_only_if_the_configuration_changed(origin: str, restart: bool) -> None:
    outcomes = [{"host": "a", "changed": True, "origin": origin, "restart": restart}]
    assert ("Start or restart" in messages.summarize_provision(outcomes, check_mode=False)) is restart
    assert "Start or restart" not in messages.summarize_provision(outcomes, check_mode=True)


def test_a_decommissioning_is_summarized() -> None:
    outcomes = [
        {"host": "a", "account": "k", "deleted": True, "removed": True},
        {"host": "b", "account": "k", "deleted": True, "left_behind": True},
        {"host": "c", "account": "k"},
    ]
    assert messages.summarize_decommission(outcomes, 3, check_mode=False) == (
        "2 runners of 3 hosts were deleted from Soda Cloud. Key and configuration were removed from 1 host. 1"
        " host could"
        " not be reached and may still store a key: b. Run the playbook again when they are back."
    )
    assert messages.summarize_decommission(outcomes[:1], 1, check_mode=True) == (
        "1 runner of 1 host would be deleted from Soda Cloud. Key and configuration would be removed from 1 host. Soda"
        " Cloud deletes 10 runners in 60 seconds for an account, so this takes less than a minute."
    )
    assert (
        messages.summarize_decommission([], 1, check_mode=False) == "0 runners of 1 host were deleted from Soda Cloud."
    )


def test_a_clean_up_is_summarized() -> None:
    outcomes = [
        {"id": "2", "name": "b", "account": "k", "deleted": True, "reason": None},
        {"id": "1", "name": "a", "account": "k", "deleted": True, "reason": None},
        {"id": "3", "name": "c", "account": "k", "deleted": False, "reason": "c was not deleted."},
    ]
    assert messages.summarize_stale(outcomes, 5, 2, check_mode=False) == [
        "2 of 5 stale runners were deleted from Soda Cloud.",
        "a (1)",
        "b (2)",
        "c was not deleted.",
        "2 runners of the report belong to an account that no host of this run declares.",
    ]
    assert messages.summarize_stale(outcomes[:1], 1, 1, check_mode=True) == [
        "1 of 1 stale runner would be deleted from Soda Cloud. Soda Cloud deletes 10 runners in 60 seconds for"
        " an account,"
        " so this takes less than a minute.",
        "b (2)",
        "1 runner of the report belongs to an account that no host of this run declares.",
    ]


def test_a_deployment_is_summarized() -> None:
    outcomes = [{"host": "a", "changed": True}, {"host": "b", "changed": False}, {"host": "c", "skipped": True}]
    assert messages.summarize_deployment(outcomes, hosts=4, check_mode=False) == (
        "2 of 3 runners are deployed, 1 changed. 1 host was skipped, because soda_runner_deploy is not true or"
        " soda_runner_state is absent: c."
    )
    one = outcomes[:1]
    assert messages.summarize_deployment(one, hosts=1, check_mode=False) == "1 of 1 runner is deployed, 1 changed."
    assert messages.summarize_deployment(one, hosts=1, check_mode=True) == "1 of 1 runner would be deployed, 1 changed."


def test_provisioning_leaves_deployed_runners_alone() -> None:
    outcomes = [{"host": "b", "deployed": True}, {"host": "a", "deployed": True}, {"host": "c", "changed": False}]
    assert messages.summarize_provision(outcomes, check_mode=False) == (
        "1 host was up to date. 2 hosts were skipped, because soda_runner_deploy is true: a, b. community.soda.deploy"
        " deploys these runners."
    )


@pytest.mark.parametrize(
    ("names", "check_mode", "message"),
    [
        (["a"], False, "The configuration of the runner a changed."),
        (["c", "a", "b"], True, "The configuration of the runners a, b and c would change."),
        ([], False, "The configuration of a runner changed."),
    ],
)
def test_all_runners_of_a_host_that_changed_are_named(names: list[str], check_mode: bool, message: str) -> None:
    assert messages.report_changes(names, check_mode) == message
