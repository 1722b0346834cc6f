# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``community.soda.awx``: each call by awx.awx's own argument specs, and its objects by the platform's rules."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from automation.controller import Json, environment_of
from tooling import tree
from tooling.leaks import Credential, search

ESCROWS = ("node", "claim", "none")
KEY = Credential("key-of-the-account", "-secret-of-the-account-9FpLQ2")
AWX = Path(os.environ["AWX_COLLECTION"])
OUR_VARIABLES = {
    "soda_awx_image": "registry.example.org/soda-ee:1",
    "soda_awx_hosts_inventory": "Warehouses",
    "soda_awx_machine_credential": "Warehouse hosts",
}
# AWX 24.6.1, awx/main/models/base.py and awx/api/views/__init__.py.
SURVEY_TYPES: dict[str, type | tuple[type, ...]] = {
    "text": str,
    "textarea": str,
    "password": str,
    "multiplechoice": str,
    "multiselect": str,
    "integer": int,
    "float": (int, float),
}

Calls = list[tuple[str, Json]]


@pytest.fixture(scope="session")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The modules of awx.awx as they are, which end as soon as they were called."""
    folder = tmp_path_factory.mktemp("collections")
    copy = folder / "ansible_collections" / "awx" / "awx"
    shutil.copytree(AWX, copy)
    utilities = copy / "plugins" / "module_utils"
    (utilities / "controller_api.py").rename(utilities / "real_controller_api.py")
    shutil.copy2(Path(__file__).with_name("recording_api.py"), utilities / "controller_api.py")
    return folder


class Setup(t.NamedTuple):
    """What a run of the playbook called, and where its output is."""

    escrow: str
    calls: Calls
    folder: Path

    def of(self, module: str) -> list[Json]:
        return [given for name, given in self.calls if name == f"awx.awx.{module}"]


@pytest.fixture(scope="session", params=ESCROWS)
def setup(request: pytest.FixtureRequest, collections: Path, tmp_path_factory: pytest.TempPathFactory) -> Setup:
    """One run for each place of escrow, by the first of pytest's workers that needs it."""
    this_run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    shared = tmp_path_factory.getbasetemp().parent / f"awx-{this_run}"
    folder, calls = shared / request.param, shared / f"{request.param}.calls"
    shared.mkdir(exist_ok=True)
    with (shared / f"{request.param}.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            folder.mkdir()
            playbook(collections, folder, calls, {**OUR_VARIABLES, "soda_awx_escrow": request.param})
    assert re.search(r"^localhost .* failed=0 ", output := (folder / "output.txt").read_text("utf-8"), re.M), output
    made = [tuple(json.loads(line)) for line in calls.read_text("utf-8").splitlines()]
    return Setup(request.param, made, folder)


def playbook(
    collections: Path, folder: Path, calls: Path, variables: t.Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    env = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join([str(collections), str(tree.linked_collections())]),
        "AWX_CALLS": str(calls),
        "CONTROLLER_HOST": "https://127.0.0.1:1",
        "SODA_CLOUD_API_KEY_ID": KEY.api_key_id,
        "SODA_CLOUD_API_KEY_SECRET": KEY.api_key_secret,
    }
    command = ["ansible-playbook", "-i", "localhost,", "-vvv", "community.soda.awx", "-e", json.dumps(variables)]
    finished = subprocess.run(
        command, env=env, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    (folder / "output.txt").write_text(finished.stdout + finished.stderr, "utf-8")
    return finished


def test_every_object_is_given_to_its_module_by_that_modules_own_argument_spec(setup: Setup) -> None:
    modules = [name.removeprefix("awx.awx.") for name, _given in setup.calls]
    assert sorted(set(modules) - {"settings", "instance_group"}) == [
        "credential",
        "credential_type",
        "execution_environment",
        "inventory",
        "inventory_source",
        "job_template",
        "project",
        "schedule",
        "workflow_job_template",
    ]
    assert modules.count("job_template") == 3


def test_what_an_object_refers_to_was_made_before(setup: Setup) -> None:
    made = {"Warehouses", "Warehouse hosts", "Default"}
    for name, given in setup.calls:
        single = ("organization", "project", "source_project", "inventory", "credential", "execution_environment")
        referred = [given[option] for option in (*single, "credential_type", "unified_job_template") if option in given]
        referred += [*given.get("credentials", []), *given.get("instance_groups", [])]
        for node in given.get("workflow_nodes", []):
            template = node["unified_job_template"]
            referred += [template["name"]] if template["type"] == "job_template" else []
        assert set(referred) <= made, name
        made.add(given.get("name", ""))


def test_the_secret_goes_into_the_credential_and_nowhere_else(setup: Setup) -> None:
    (credential,) = setup.of("credential")
    assert credential["inputs"]["api_key_secret"] == KEY.api_key_secret
    others = [given for name, given in setup.calls if name != "awx.awx.credential"]
    assert KEY.api_key_secret not in json.dumps(others)
    assert search([KEY], setup.folder, lambda _path: False).found == ()


def test_the_injectors_reach_the_platform_as_templates_and_are_rendered_there(setup: Setup, tmp_path: Path) -> None:
    (kind,) = setup.of("credential_type")
    (credential,) = setup.of("credential")
    environment = environment_of(kind, credential["inputs"], tmp_path)
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


def test_every_survey_follows_the_platforms_rules(setup: Setup) -> None:
    for template in setup.of("job_template"):
        survey = template["survey_spec"]
        assert template["survey_enabled"]
        assert survey["name"]
        assert survey["spec"]
        for question in survey["spec"]:
            assert question["question_name"]
            assert isinstance(question["required"], bool)
            assert "default" not in question or isinstance(question["default"], SURVEY_TYPES[question["type"]])
            if question["type"] in ("multiplechoice", "multiselect"):
                assert set(question.get("default", "").splitlines()) <= set(question["choices"])
                assert all(isinstance(choice, str) for choice in question["choices"])


def test_every_variable_of_a_job_template_is_one_that_its_playbook_takes(setup: Setup) -> None:
    """By the role's argument specs, which also check each default, or as the playbook's head documents."""
    specs = yaml.safe_load((tree.ROOT / "roles/soda_runner/meta/argument_specs.yml").read_text("utf-8"))
    options = specs["argument_specs"]["main"]["options"]
    for template in setup.of("job_template"):
        file = tree.ROOT / template["playbook"]
        if not file.exists():
            continue
        documented = set(re.findall(r"\bsoda_(?:runner_hosts|audit_\w+)", file.read_text("utf-8")))
        answers = {
            question["variable"]: question.get("default") for question in template["survey_spec"]["spec"]
        } | template.get("extra_vars", {})
        assert set(answers) <= documented | set(options), template["name"]
        known = {name: value for name, value in answers.items() if name in options}
        assert ArgumentSpecValidator(options).validate(known).error_messages == []


def test_no_launch_decommissions_hosts_that_were_not_named(setup: Setup) -> None:
    (decommission,) = [each for each in setup.of("job_template") if each["playbook"] == "playbooks/decommission.yml"]
    (hosts,) = decommission["survey_spec"]["spec"]
    assert (hosts["variable"], hosts["required"]) == ("soda_runner_hosts", True)
    assert "default" not in hosts


def test_the_workflow_goes_from_audit_by_approval_to_decommission(setup: Setup) -> None:
    documentation = re.search(
        r'DOCUMENTATION = (?:"""|\'\'\')(.*?)(?:"""|\'\'\')',
        (AWX / "plugins/modules/workflow_job_template.py").read_text("utf-8"),
        re.DOTALL,
    )
    assert documentation
    nodes = yaml.safe_load(documentation[1])["options"]["workflow_nodes"]
    (workflow,) = setup.of("workflow_job_template")
    validated = ArgumentSpecValidator({"workflow_nodes": spec(nodes)}).validate(
        {"workflow_nodes": workflow["workflow_nodes"]}
    )
    assert validated.error_messages == []
    audit, approve, decommission = workflow["workflow_nodes"]
    assert audit["related"] == {"failure_nodes": [{"identifier": approve["identifier"]}]}
    assert approve["unified_job_template"]["type"] == "workflow_approval"
    assert approve["related"] == {"success_nodes": [{"identifier": decommission["identifier"]}]}
    asked = {
        template["name"]: {question["variable"] for question in template["survey_spec"]["spec"]}
        for template in setup.of("job_template")
    }
    for node in (audit, decommission):
        assert set(node["extra_data"]) <= asked[node["unified_job_template"]["name"]]


def spec(documented: Json) -> Json:
    """An argument spec from the documentation of an option: awx.awx checks no deeper than a list of dictionaries."""
    made: Json = {name: documented[name] for name in ("type", "elements", "choices", "required") if name in documented}
    if "suboptions" in documented:
        made["options"] = {name: spec(option) for name, option in documented["suboptions"].items()}
    return made


def test_escrow_is_mounted_where_the_job_templates_look_for_it(setup: Setup) -> None:
    (provision,) = [each for each in setup.of("job_template") if each["playbook"] == "playbooks/provision.yml"]
    if setup.escrow == "none":
        assert provision["extra_vars"] == {"soda_runner_api_host": "{{ inventory_hostname }}"}
        assert not setup.of("settings")
        assert not setup.of("instance_group")
        return
    folder = Path(provision["extra_vars"]["soda_runner_escrow_dir"])
    if setup.escrow == "node":
        (settings,) = setup.of("settings")
        kept, ours = settings["settings"]["AWX_ISOLATION_SHOW_PATHS"]
        assert kept == "/etc/pki/ca-trust:/etc/pki/ca-trust:O"
        _on_node, mounted, _option = ours.split(":")
    else:
        (group,) = setup.of("instance_group")
        pod = yaml.safe_load(group["pod_spec_override"])
        (container,) = pod["spec"]["containers"]
        (mount,) = container["volumeMounts"]
        (volume,) = pod["spec"]["volumes"]
        assert container["name"] == "worker"
        assert mount["name"] == volume["name"]
        assert provision["instance_groups"] == [group["name"]]
        mounted = mount["mountPath"]
    # The role makes the folder, of mode 0700, so it is one in what is mounted.
    assert folder.parent == Path(mounted)


def test_the_schedule_is_a_rule_that_the_platform_takes(setup: Setup) -> None:
    (schedule,) = setup.of("schedule")
    assert re.fullmatch(r"DTSTART:\d{8}T\d{6}Z RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=MO", schedule["rrule"])


def test_the_inventory_source_is_a_file_of_the_project_that_the_plugin_takes(setup: Setup) -> None:
    (source,) = setup.of("inventory_source")
    file = tree.ROOT / source["source_path"]
    assert file.name.endswith(("soda_runners.yml", "soda_runners.yaml"))
    assert yaml.safe_load(file.read_text("utf-8"))["plugin"] == "community.soda.soda_runners"


def test_the_playbook_says_what_it_was_not_told(collections: Path, tmp_path: Path) -> None:
    finished = playbook(collections, tmp_path, tmp_path / "calls", {})
    assert finished.returncode != 0
    assert "Say soda_awx_image, soda_awx_hosts_inventory and soda_awx_escrow" in finished.stdout
    assert not (tmp_path / "calls").exists()
