# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks under ansible-runner, as the platform runs them: alone, in slices, in a container that is killed."""

from __future__ import annotations

import json
import subprocess
import time
import typing as t
from pathlib import Path

import pytest

from automation.controller import Job, Json, Launch, sliced, started
from emulator.client import Account
from tooling import tree
from tooling.environment import private_environment
from tooling.leaks import Credential, search

Fleet = t.Callable[[int], dict[str, Json]]
SLICES = 4
WAIT = 120.0


def held_keys(hosts: t.Mapping[str, Json]) -> list[Credential]:
    """The runner key of each host."""
    keys = [json.loads(Path(host["soda_runner_dir"], "key.json").read_text("utf-8")) for host in hosts.values()]
    return [Credential(key["api_key_id"], key["api_key_secret"]) for key in keys]


def assert_no_secret_kept(account: Account, hosts: t.Mapping[str, Json], jobs: t.Iterable[Job]) -> None:
    """Neither key is in what the platform keeps of the jobs: their events, and with them all that was printed."""
    secrets = [Credential(account.api_key_id, account.api_key_secret), *held_keys(hosts)]
    for job in jobs:
        assert list(job.folder.rglob("job_events/*.json"))
        assert search(secrets, job.folder, lambda _path: False).found == ()


def escrow(folder: Path) -> dict[str, str]:
    """The job template's variables that name a folder which outlives containers."""
    return {"soda_runner_escrow_dir": str(folder / "mounted" / "escrow")}


def test_job_gets_the_account_from_the_credential_and_the_next_has_nothing_to_do(
    account: Account, environment: dict[str, str], fleet: Fleet, tmp_path: Path
) -> None:
    hosts = fleet(1)
    answers = {"soda_runner_reissue": "false"}
    first = Launch(tmp_path / "job-1", "playbooks/provision.yml", hosts, environment, answers, escrow(tmp_path)).run()
    assert first.status == "successful", first.output
    assert account.stats()["keys_issued"] == len(hosts)
    assert not any(tmp_path.glob("mounted/escrow/*.json"))

    before = len(account.journal())
    second = Launch(tmp_path / "job-2", "playbooks/provision.yml", hosts, environment, answers, escrow(tmp_path)).run()
    assert second.status == "successful", second.output
    assert second.count("changed") == 0
    assert len(account.journal()) == before
    assert_no_secret_kept(account, hosts, [first, second])


def test_inventory_source_lists_the_runners_with_the_credential_alone(
    account: Account, environment: dict[str, str], tmp_path: Path
) -> None:
    account.seed({"name": "edge-01", "isOnline": True}, {"name": "edge 02", "isOnline": False})
    source = tree.ROOT / "extensions" / "awx" / "soda_runners.yml"
    command = ["ansible-inventory", "--inventory", str(source), "--list", "--export"]
    env = {**private_environment(home=tmp_path / "home", temporary=tmp_path / "tmp"), **environment}
    finished = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, check=True)
    listed = json.loads(finished.stdout)
    assert listed["soda_offline"]["hosts"] == ["edge_02"]
    variables = listed["_meta"]["hostvars"]
    # A name from Soda Cloud must not choose where a machine credential logs in.
    addresses = {json.dumps(host["ansible_host"]) for host in variables.values()}
    assert len(addresses) == 1
    assert "not-a-connection-target.invalid" in addresses.pop()
    assert {host: variables[host]["soda_runner_name"] for host in variables} == {
        "edge-01": "edge-01",
        "edge_02": "edge 02",
    }


def test_check_job_predicts_and_writes_nothing(
    account: Account, environment: dict[str, str], fleet: Fleet, tmp_path: Path
) -> None:
    hosts = fleet(1)
    job = Launch(tmp_path / "job", "playbooks/provision.yml", hosts, environment, arguments=("--check", "--diff")).run()
    assert job.status == "successful", job.output
    assert "1 host would get a new runner key" in job.output
    assert account.stats()["keys_issued"] == 0
    assert not (tmp_path / "hosts").exists()


def test_answer_to_a_survey_is_never_a_template(environment: dict[str, str], fleet: Fleet, tmp_path: Path) -> None:
    answers = {"soda_runner_api_host": "{{ inventory_hostname }}"}
    job = Launch(tmp_path / "job", "playbooks/provision.yml", fleet(1), environment, answers).run()
    assert job.status == "failed"
    assert "soda_runner_api_host is '{{ inventory_hostname }}', but it must be localhost" in job.output


def test_job_template_can_have_keys_issued_on_the_hosts_without_escrow(
    account: Account, environment: dict[str, str], fleet: Fleet, tmp_path: Path
) -> None:
    hosts = fleet(1)
    variables = {"soda_runner_api_host": "{{ inventory_hostname }}"}
    job = Launch(tmp_path / "job", "playbooks/provision.yml", hosts, environment, {}, variables).run()
    assert job.status == "successful", job.output
    assert len({key.api_key_id for key in held_keys(hosts)}) == account.stats()["keys_issued"] == len(hosts)


def test_four_slices_at_once_give_every_host_one_key(
    account: Account, environment: dict[str, str], fleet: Fleet, tmp_path: Path
) -> None:
    hosts = fleet(12)
    launches = [
        Launch(
            tmp_path / f"slice-{number}",
            "playbooks/provision.yml",
            sliced(hosts, number, SLICES),
            environment,
            {},
            escrow(tmp_path),
        )
        for number in range(1, SLICES + 1)
    ]
    assert sorted(host for launch in launches for host in launch.hosts) == sorted(hosts)
    with started(*launches):
        jobs = [launch.finish() for launch in launches]
    assert [job.status for job in jobs] == ["successful"] * SLICES, "\n".join(job.output for job in jobs)
    assert [job.count("failures") + job.count("dark") for job in jobs] == [0] * SLICES

    keys = held_keys(hosts)
    assert len({key.api_key_id for key in keys}) == len(hosts)
    assert account.stats()["keys_issued"] == len(hosts)
    # The limit did strike, and it was one limit for all of them.
    refused = [entry for entry in account.journal(operation="createRunner") if entry["status"] == 429]
    assert refused
    # All were under way before any had ended.
    begun = [job.events[0]["created"] for job in jobs]
    ended = [job.events[-1]["created"] for job in jobs]
    assert max(begun) < min(ended)

    assert_no_secret_kept(account, hosts, jobs)


def test_keys_issued_in_a_container_that_was_killed_reach_their_hosts_in_the_next(
    account: Account, environment: dict[str, str], fleet: Fleet, tmp_path: Path
) -> None:
    hosts = fleet(11)
    first = Launch(tmp_path / "job-1", "playbooks/provision.yml", hosts, environment, {}, escrow(tmp_path))
    with started(first):
        # The limit is 10 keys a window: after so many, the last host waits for its key.
        wait_until(lambda: account.stats()["keys_issued"] == 10)
    assert len(list(tmp_path.glob("hosts/*/soda-runner/key.json"))) < len(hosts)

    second = Launch(tmp_path / "job-2", "playbooks/provision.yml", hosts, environment, {}, escrow(tmp_path)).run()
    assert second.status == "successful", second.output
    assert len({key.api_key_id for key in held_keys(hosts)}) == account.stats()["keys_issued"] == len(hosts)


def wait_until(reached: t.Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT
    while not reached():
        assert time.monotonic() < deadline, f"not reached within {WAIT:.0f} s"
        time.sleep(0.01)


def artifacts(job: Job) -> Json:
    """What set_stats gave to the platform, which the next job of a workflow gets as variables."""
    (last,) = [event["event_data"] for event in job.events if event["event"] == "playbook_on_stats"]
    return t.cast(Json, last.get("artifact_data", {}))


def audit_job(folder: Path, hosts: dict[str, Json], environment: dict[str, str], objects: Json) -> Job:
    (template,) = [each for each in objects["soda_awx_job_templates"] if each["playbook"] == "playbooks/audit.yml"]
    (node,) = [each for each in objects["soda_awx_workflow_nodes"] if each["identifier"] == "audit"]
    defaults = {each["variable"]: each["default"] for each in template["survey_spec"]["spec"]}
    # Ansible's loader marks where each value comes from; the platform stores plain values.
    answers = json.loads(json.dumps({**defaults, **node["extra_data"]}))
    files = {"soda_audit_json": "", "soda_audit_html": ""}
    return Launch(folder, "playbooks/audit.yml", hosts, environment, answers, files).run()


def test_workflow_deletes_the_runners_that_its_audit_named_and_that_are_still_stale(
    account: Account, environment: dict[str, str], fleet: Fleet, objects: Json, tmp_path: Path
) -> None:
    long_ago = 1_000_000
    account.seed(
        {"name": "named-stale", "isOnline": False, "last_seen_seconds_ago": long_ago},
        {"name": "back-online", "isOnline": False, "last_seen_seconds_ago": long_ago},
    )
    hosts = fleet(1)
    audit = audit_job(tmp_path / "audit", hosts, environment, objects)
    # The finding fails the audit, and that leads to the approval.
    assert audit.status == "failed", audit.output
    assert "[ERROR]: Unexpected" not in audit.output
    passed_on = artifacts(audit)
    # It is text, so that no platform and no ansible-core changes the types of its values.
    named = json.loads(passed_on["soda_decommission_runners"])
    assert {runner["name"] for runner in named} == {"named-stale", "back-online"}

    # While a person decides, one runner comes back and another becomes stale.
    (back,) = [runner for runner in account.runners() if runner["name"] == "back-online"]
    account.set_online(back["id"], True)
    account.seed({"name": "stale-later", "isOnline": False, "last_seen_seconds_ago": long_ago})

    deletion = Launch(tmp_path / "delete", "playbooks/decommission.yml", hosts, environment, passed_on).run()
    assert deletion.status == "successful", deletion.output
    assert {runner["name"] for runner in account.runners()} == {"back-online", "stale-later"}


def test_deletion_without_the_artifacts_of_an_audit_fails_before_any_request(
    account: Account, environment: dict[str, str], fleet: Fleet, tmp_path: Path
) -> None:
    job = Launch(tmp_path / "job", "playbooks/decommission.yml", fleet(1), environment).run()
    assert job.status == "failed", job.output
    assert account.journal() == []


@pytest.mark.parametrize("pattern", ["", "no-such-host"])
def test_decommission_of_no_host_fails_before_any_request(
    account: Account, environment: dict[str, str], fleet: Fleet, tmp_path: Path, pattern: str
) -> None:
    answers = {"soda_runner_hosts": pattern}
    job = Launch(tmp_path / "job", "playbooks/decommission.yml", fleet(1), environment, answers).run()
    assert job.status == "failed", job.output
    assert account.journal() == []
