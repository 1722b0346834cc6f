# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``community.soda.awx``: the published modules of awx.awx set up a stand-in for the platform."""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from automation.controller import Json, environment_of
from automation.stand_in_platform import Platform
from tooling import packaged, tree
from tooling.environment import private_environment
from tooling.leaks import Credential, search

KEY = Credential("key-of-the-account", "-secret-of-the-account-9FpLQ2")
OTHER_KEY = Credential("another-key-id", "another-secret-of-the-account-4hRw")
PROVISION, DECOMMISSION = "Provision Soda runners", "Decommission Soda runners"
AUDIT, DELETE = "Audit Soda runners", "Delete stale Soda runners"
TEMPLATES = {PROVISION, DECOMMISSION, AUDIT, DELETE}


class Run(t.NamedTuple):
    """A run of the playbook that has ended."""

    returncode: int
    output: str

    @property
    def changed(self) -> int:
        return int(re.findall(r"^localhost .*\bchanged=(\d+)", self.output, re.MULTILINE)[0])

    def succeeded(self) -> Run:
        assert self.returncode == 0, self.output
        return self


Setup = t.Callable[..., Run]


@pytest.fixture
def platform() -> Iterator[Platform]:
    """A platform before the first run."""
    with Platform().served() as served:
        yield served


def playbook(platform: Platform, folder: Path, *arguments: str, key: Credential = KEY, **variables: t.Any) -> Run:
    """Run the playbook in *folder* with those variables. *key* is the Soda Cloud API key in the environment."""
    own = {
        "soda_awx_image": "registry.example.org/soda-ee:1",
        "soda_awx_hosts_inventory": "Warehouses",
        "soda_awx_machine_credential": "Warehouse hosts",
        "soda_awx_escrow": "node",
        "soda_awx_sync_timeout": 20,
    } | variables
    environment = {
        **private_environment(home=folder / "home", temporary=folder / "tmp"),
        "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(map(str, (packaged.collections(), tree.linked_collections()))),
        "ANSIBLE_PIPELINING": "1",  # The playbook runs some thirty modules.
        "CONTROLLER_HOST": platform.url,
        "SODA_CLOUD_API_KEY_ID": key.api_key_id,
        "SODA_CLOUD_API_KEY_SECRET": key.api_key_secret,
    }
    command = ["ansible-playbook", "-i", "localhost,", "-vv", "community.soda.awx", "-e", json.dumps(own), *arguments]
    finished = subprocess.run(
        command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    output = finished.stdout + finished.stderr
    (folder / "output.txt").write_text(output, "utf-8")
    return Run(finished.returncode, output)


@pytest.fixture
def set_up(platform: Platform, tmp_path: Path) -> Setup:
    return functools.partial(playbook, platform, tmp_path)


@pytest.fixture(scope="module")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Platform, Path]]:
    """A platform after one run, for tests that only read, and the folder in which the playbook ran."""
    folder = tmp_path_factory.mktemp("first")
    with Platform().served() as served:
        playbook(served, folder).succeeded()
        yield served, folder


@pytest.fixture
def complete(first_run: tuple[Platform, Path]) -> Platform:
    return first_run[0]


@pytest.fixture
def again(complete: Platform, tmp_path: Path) -> Iterator[tuple[Platform, Setup]]:
    """A copy of the platform after one run, and another run on it."""
    with complete.copy().served() as served:
        yield served, functools.partial(playbook, served, tmp_path)


def answers(template: Json) -> dict[str, Json]:
    """The questions of a job template's survey by variable."""
    return {question["variable"]: question for question in template["survey"].get("spec", [])}


def templates(platform: Platform) -> list[Json]:
    """The job templates with their surveys."""
    return [
        {**each, "survey": platform.surveys.get(each["related"]["survey_spec"], {})}
        for each in platform.of("job_templates")
    ]


def template(platform: Platform, name: str) -> Json:
    (found,) = [each for each in templates(platform) if each["name"] == name]
    return found


def test_second_run_changes_nothing(again: tuple[Platform, Setup]) -> None:
    platform, set_up = again
    assert set_up().succeeded().changed == 0
    assert platform.changes == []


def test_check_mode_reports_what_it_cannot_compare_on_an_empty_platform(platform: Platform, set_up: Setup) -> None:
    checked = set_up("--check").succeeded()
    assert platform.changes == []
    assert checked.changed > 0
    assert "The platform does not have Soda, Soda Cloud API key" in checked.output


def test_check_mode_finds_no_difference_after_a_run(again: tuple[Platform, Setup]) -> None:
    platform, set_up = again
    checked = set_up("--check").succeeded()
    assert platform.changes == []
    assert checked.changed == 0
    assert "Check mode cannot compare" not in checked.output


def test_failed_project_sync_is_repeated_until_it_succeeds(platform: Platform, set_up: Setup) -> None:
    platform.syncs = ["failed", "failed"]
    failed = set_up()
    assert failed.returncode != 0
    assert platform.of("job_templates") == []
    # The message names the cause and what to correct.
    assert "fatal: could not read from remote repository" in failed.output
    assert "soda_awx_project_url or soda_awx_project_branch" in failed.output
    assert len(re.findall(r"^fatal:", failed.output, re.MULTILINE)) == 1
    set_up().succeeded()
    assert {each["name"] for each in platform.of("job_templates")} == TEMPLATES


def test_canceled_sync_is_repeated_in_the_same_run(platform: Platform, set_up: Setup) -> None:
    platform.syncs = ["canceled"]
    set_up().succeeded()


def test_run_without_a_key_keeps_the_credential(again: tuple[Platform, Setup]) -> None:
    platform, set_up = again
    before = dict(platform.one("credentials", "Soda Cloud")["inputs"])
    assert set_up(key=Credential("", "")).succeeded().changed == 0
    assert platform.one("credentials", "Soda Cloud")["inputs"] == before


@pytest.mark.parametrize(
    "key", [Credential("", KEY.api_key_secret), Credential(KEY.api_key_id, "")], ids=["id", "secret"]
)
def test_half_a_key_is_refused_before_any_change(platform: Platform, set_up: Setup, key: Credential) -> None:
    run = set_up(key=key)
    assert run.returncode != 0
    assert "Only one of SODA_CLOUD_API_KEY_ID and SODA_CLOUD_API_KEY_SECRET is set" in run.output
    assert KEY.api_key_secret not in run.output
    assert platform.changes == []


def test_new_key_replaces_both_parts(again: tuple[Platform, Setup]) -> None:
    platform, set_up = again
    assert set_up(key=OTHER_KEY).succeeded().changed == 1
    inputs = platform.one("credentials", "Soda Cloud")["inputs"]
    assert (inputs["api_key_id"], inputs["api_key_secret"]) == (OTHER_KEY.api_key_id, OTHER_KEY.api_key_secret)


def test_secret_of_the_same_key_is_replaced_on_request(again: tuple[Platform, Setup]) -> None:
    platform, set_up = again
    platform.one("credentials", "Soda Cloud")["inputs"]["api_key_secret"] = "a-mistyped-secret"
    set_up(soda_awx_update_secret=True).succeeded()
    assert platform.one("credentials", "Soda Cloud")["inputs"]["api_key_secret"] == KEY.api_key_secret


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"soda_awx_image": ""}, "Set soda_awx_image, soda_awx_hosts_inventory and soda_awx_escrow"),
        ({"soda_awx_escrow": "elsewhere"}, "Set soda_awx_image, soda_awx_hosts_inventory and soda_awx_escrow"),
        ({"soda_awx_hosts_inventory": "Depots"}, "The platform has no inventory Depots."),
        ({"soda_awx_machine_credential": "Depots"}, "The platform has no credential Depots."),
        ({"soda_awx_organization": "Depots"}, "The platform has no organization Depots."),
        ({"key": Credential("", "")}, "The platform has no credential Soda Cloud. Set SODA_CLOUD_API_KEY_ID"),
    ],
)
def test_missing_value_or_object_is_named_before_any_change(
    platform: Platform, set_up: Setup, variables: dict[str, t.Any], message: str
) -> None:
    run = set_up(**variables)
    assert run.returncode != 0
    assert message in run.output
    assert platform.changes == []


def test_login_without_administrator_rights_is_refused_before_any_change(platform: Platform, set_up: Setup) -> None:
    platform.administrator = False
    run = set_up()
    assert run.returncode != 0
    assert "not a system administrator of the platform" in run.output
    assert platform.changes == []


def test_secret_goes_into_the_credential_and_nowhere_else(first_run: tuple[Platform, Path]) -> None:
    platform, folder = first_run
    requests = [path for _method, path, data in platform.changes if KEY.api_key_secret in json.dumps(data)]
    assert requests == ["/api/v2/credentials/"]
    assert search([KEY], folder, lambda _path: False).found == ()


def test_platform_renders_the_injectors(complete: Platform, tmp_path: Path) -> None:
    kind = complete.one("credential_types", "Soda Cloud API key")
    environment = environment_of(kind, complete.one("credentials", "Soda Cloud")["inputs"], tmp_path)
    assert environment.injected == {
        "SODA_CLOUD_ENDPOINT": "https://cloud.soda.io",
        "SODA_CLOUD_API_KEY_ID": KEY.api_key_id,
        "SODA_CLOUD_API_KEY_SECRET": KEY.api_key_secret,
    }
    assert KEY.api_key_secret not in json.dumps(environment.shown)


def test_every_field_of_the_credential_is_required_and_only_the_secret_is_secret(objects: Json) -> None:
    inputs = objects["soda_awx_credential_type"]["inputs"]
    assert inputs["required"] == [field["id"] for field in inputs["fields"]]
    assert [field["id"] for field in inputs["fields"] if field.get("secret")] == ["api_key_secret"]
    assert all(field["type"] == "string" for field in inputs["fields"])
    assert list(objects["soda_awx_credential_type"]["injectors"]) == ["env"]


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_playbook_accepts_every_variable_of_its_job_template(complete: Platform, name: str) -> None:
    """The role's argument specs, which also check the defaults, or the comment at the head of the playbook."""
    specs = yaml.safe_load((tree.ROOT / "roles/soda_runner/meta/argument_specs.yml").read_text("utf-8"))
    options = specs["argument_specs"]["main"]["options"]
    each = template(complete, name)
    documented = set(
        re.findall(r"\bsoda_(?:runner_hosts|audit_\w+)", (tree.ROOT / each["playbook"]).read_text("utf-8"))
    )
    given = {variable: question.get("default") for variable, question in answers(each).items()}
    given |= json.loads(each["extra_vars"])
    assert set(given) <= documented | set(options)
    known = {variable: value for variable, value in given.items() if variable in options}
    assert ArgumentSpecValidator(options).validate(known).error_messages == []


def test_no_launch_decommissions_hosts_that_were_not_named(complete: Platform) -> None:
    questions = answers(template(complete, DECOMMISSION))
    question = questions["soda_runner_hosts"]
    assert (question["required"], question["min"]) == (True, 1)
    assert "default" not in question
    assert questions["soda_runner_delete_online"]["default"] == "false"


def test_every_job_runs_on_the_inventory_of_the_hosts(complete: Platform) -> None:
    hosts = complete.one("inventories", "Warehouses")["id"]
    assert {each["name"]: each["inventory"] for each in templates(complete)} == dict.fromkeys(TEMPLATES, hosts)
    for name in TEMPLATES:
        assert set(complete.associated("job_templates", name, "credentials")) == {"Soda Cloud", "Warehouse hosts"}


def test_workflow_goes_from_the_audit_through_the_approval_to_the_deletion(complete: Platform) -> None:
    nodes = {node["identifier"]: node for node in complete.of("workflow_job_template_nodes")}
    assert set(nodes) == {"audit", "approve", "delete"}
    links = {
        (name, kind): complete.associated("workflow_job_template_nodes", name, kind)
        for name in nodes
        for kind in ("success_nodes", "failure_nodes", "always_nodes")
    }
    assert {link: targets for link, targets in links.items() if targets} == {
        ("audit", "failure_nodes"): ["approve"],
        ("approve", "success_nodes"): ["delete"],
    }
    assert nodes["audit"]["unified_job_template"] == template(complete, AUDIT)["id"]
    assert nodes["delete"]["unified_job_template"] == template(complete, DELETE)["id"]
    (approval,) = complete.of("workflow_approval_templates")
    assert nodes["approve"]["unified_job_template"] == approval["id"]
    assert approval["timeout"] < 24 * 3600


def test_each_step_of_the_workflow_answers_every_required_question(complete: Platform) -> None:
    by_id = {each["id"]: each for each in templates(complete)}
    for node in complete.of("workflow_job_template_nodes"):
        if node["unified_job_template"] not in by_id:
            continue
        questions = answers(by_id[node["unified_job_template"]])
        given = node.get("extra_data", {})
        required = {variable for variable, question in questions.items() if question["required"]}
        assert required <= set(given) <= set(questions), node["identifier"]
        for variable, answer in given.items():
            if questions[variable]["type"] == "multiselect":
                assert set(answer) <= set(questions[variable]["choices"])


def test_ids_of_the_audit_reach_the_deletion_as_artifacts_only(complete: Platform) -> None:
    """No host pattern and no answer selects what is deleted, so the job fails without the artifacts of an audit."""
    deletion = template(complete, DELETE)
    assert answers(deletion) == {}
    assert not deletion["survey_enabled"]
    assert not deletion.get("ask_variables_on_launch")
    assert {variable for variable in json.loads(deletion["extra_vars"]) if "hosts" in variable} == set()


def test_first_run_creates_the_job_templates_and_mounts_a_folder_of_the_nodes(complete: Platform) -> None:
    assert {each["name"] for each in complete.of("job_templates")} == TEMPLATES
    kept, added = complete.settings["AWX_ISOLATION_SHOW_PATHS"]
    assert kept == "/etc/pki/ca-trust:/etc/pki/ca-trust:O"
    _on_node, mounted, _option = added.split(":")
    # The role creates the folder with mode 0700, so it is below the mount point.
    folder = json.loads(template(complete, PROVISION)["extra_vars"])["soda_runner_escrow_dir"]
    assert Path(folder).parent == Path(mounted)
    assert complete.of("instance_groups") == []


def test_claim_is_mounted_into_pods_with_resources(platform: Platform, set_up: Setup) -> None:
    set_up(soda_awx_escrow="claim").succeeded()
    (group,) = platform.of("instance_groups")
    assert platform.associated("job_templates", PROVISION, "instance_groups") == [group["name"]]
    pod = yaml.safe_load(group["pod_spec_override"])
    (container,) = pod["spec"]["containers"]
    (mount,) = container["volumeMounts"]
    (volume,) = pod["spec"]["volumes"]
    assert container["name"] == "worker"
    assert mount["name"] == volume["name"]
    assert set(container["resources"]["requests"]) == {"cpu", "memory"}
    folder = json.loads(template(platform, PROVISION)["extra_vars"])["soda_runner_escrow_dir"]
    assert Path(folder).parent == Path(mount["mountPath"])
    assert len(platform.settings["AWX_ISOLATION_SHOW_PATHS"]) == 1


def test_without_escrow_each_host_requests_its_key(objects: Json) -> None:
    assert objects["soda_awx_variables"]["none"] == {"soda_runner_api_host": "{{ inventory_hostname }}"}


def test_schedule_is_a_rule_of_the_platform(complete: Platform) -> None:
    (schedule,) = complete.of("schedules")
    assert re.fullmatch(r"DTSTART:\d{8}T\d{6}Z RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=MO", schedule["rrule"])
    assert schedule["unified_job_template"] == complete.of("workflow_job_templates")[0]["id"]


def test_inventory_source_is_a_file_that_the_inventory_plugin_accepts(complete: Platform) -> None:
    (source,) = complete.of("inventory_sources")
    file = tree.ROOT / source["source_path"]
    assert file.name.endswith(("soda_runners.yml", "soda_runners.yaml"))
    assert yaml.safe_load(file.read_text("utf-8"))["plugin"] == "community.soda.soda_runners"
