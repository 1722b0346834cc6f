# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""soda_runner_config in plays: the key and the configuration that it puts on a host, and what it never shows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.community.soda.plugins.module_utils._account import Account
from ansible_collections.community.soda.plugins.module_utils._key.key_file import KeyFile
from ansible_collections.community.soda.tests.unit.plugins.harness import (
    COLLECTIONS,
    FAILURE_KEYS,
    Json,
    mode_of,
    needs_root,
    snapshot,
)

NAME = "warehouse-eu"
ENDPOINT = "https://cloud.soda.io"
FORMATS = ("helm_values", "kubernetes_secret", "dotenv", "soda_core")

# What ansible-core brings along prints results for people only.
CALLBACK = """
import json, os
from ansible.plugins.callback import CallbackBase

class CallbackModule(CallbackBase):
    CALLBACK_VERSION, CALLBACK_TYPE, CALLBACK_NAME = 2.0, "aggregate", "results"

    def v2_runner_on_ok(self, result, **_ignored):
        self.said(result, failed=False)

    def v2_runner_on_failed(self, result, **_ignored):
        self.said(result, failed=True)

    def said(self, result, failed):
        with open(os.environ["RESULTS"], "a") as file:
            file.write(json.dumps([result._task.get_name(), {**result._result, "failed": failed}], default=str) + "\\n")
"""


@dataclass
class Host:
    """A host that is this machine with a separate folder, and the results of plays on it."""

    root: Path
    secrets: list[str] = field(default_factory=list)
    results: dict[str, Json] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    output: str = ""

    def __post_init__(self) -> None:
        self.folder = self.root / "host"
        self.key_path = self.folder / "key.json"
        self.key_from = self.root / "escrow.json"
        self.files = [{"format": each, "path": str(self.folder / each)} for each in FORMATS]
        for folder in (self.folder, self.root / "home", self.root / "plugins"):
            folder.mkdir()
        (self.root / "plugins" / "results.py").write_text(CALLBACK, encoding="utf-8")

    def key(self, path: Path, version: int = 1, **fields: Any) -> Json:
        """Put a key file in a place; returns what it says."""
        secret = f"-secret_{len(self.secrets)}-that-nobody-may-see-in-any-output-at-all"
        self.secrets.append(secret)
        content = {
            "endpoint": ENDPOINT,
            "name": NAME,
            "api_key_id": f"0000000{len(self.secrets)}",
            "api_key_secret": secret,
            "key_version": version,
            "issued_at": "2026-01-01T12:00:00Z",
            "runner_id": None,
            **fields,
        }
        path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        path.chmod(0o600)
        return content

    def config(self, **options: Any) -> Json:
        """The arguments of the module; None leaves an option out."""
        given = {
            "name": NAME,
            "endpoint": ENDPOINT,
            "key_path": str(self.key_path),
            "key_from": str(self.key_from),
            "config_files": self.files,
            **options,
        }
        return {option: value for option, value in given.items() if value is not None}

    def task(self, title: str, /, check: bool = False, task: Mapping[str, Any] | None = None, **options: Any) -> Json:
        """A task with the module, which may fail without ending the play."""
        return {
            "name": title,
            "community.soda.soda_runner_config": self.config(**options),
            "check_mode": check,
            "ignore_errors": True,
            **(task or {}),
        }

    def play(self, *tasks: Mapping[str, Any]) -> None:
        """Run tasks with diffs and with all that Ansible can say; their results are in ``results``, by name."""
        playbook = [{"hosts": "all", "gather_facts": False, "tasks": list(tasks)}]
        (self.root / "play.yml").write_text(json.dumps(playbook), encoding="utf-8")
        (self.root / "results").write_text("", encoding="utf-8")
        command = [sys.executable, "-m", "ansible", "playbook", "-vvvv", "--diff", "-i", "host,", "play.yml"]
        ended = subprocess.run(
            command, cwd=self.root, env=self._environment(), capture_output=True, text=True, check=False, timeout=300
        )
        self.output = ended.stdout + ended.stderr
        assert ended.returncode == 0, self.output[-5000:]
        for line in (self.root / "results").read_text(encoding="utf-8").splitlines():
            name, result = json.loads(line)
            self.results[name] = result
        self._assert_nothing_was_shown()

    def __getitem__(self, task: str) -> Json:
        return self.results[task]

    def changed(self, task: str) -> bool:
        assert not self[task].get("failed"), self[task].get("msg")
        changed = self[task]["changed"]
        assert isinstance(changed, bool)
        return changed

    def code(self, task: str) -> str:
        """Why a task failed."""
        result = self[task]
        assert result.get("failed") is True, result
        assert set(result["failure"]) == FAILURE_KEYS
        assert result["failure"]["message"] == result["msg"]
        code: str = result["failure"]["code"]
        return code

    def read(self, file_format: str) -> Any:
        """A configuration file, read back."""
        text = (self.folder / file_format).read_text(encoding="utf-8")
        if file_format == "dotenv":
            return dict(line.split("=", 1) for line in text.splitlines())
        return yaml.safe_load(text)

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "SODA_"))}
        return {
            **kept,
            "HOME": str(self.root / "home"),
            "LC_ALL": "C.UTF-8",
            "RESULTS": str(self.root / "results"),
            "ANSIBLE_CALLBACK_PLUGINS": str(self.root / "plugins"),
            "ANSIBLE_CALLBACKS_ENABLED": "results",
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_HOME": str(self.root / "home" / ".ansible"),
            "ANSIBLE_REMOTE_TEMP": str(self.root / "home" / "remote"),
            "ANSIBLE_LOCAL_TEMP": str(self.root / "home" / "local"),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "ANSIBLE_TRANSPORT": "local",
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_NOCOLOR": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            **self.env,
        }

    def _assert_nothing_was_shown(self) -> None:
        files = [path for path in self.root.rglob("*") if path.is_file() and self.folder not in path.parents]
        left = [path for path in files if path.parent != self.root or path.name == "results"]
        for secret in self.secrets:
            assert secret not in self.output, "there is a secret in the output"
            assert [path for path in left if secret.encode() in path.read_bytes()] == []


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_the_life_of_a_configuration(host: Host) -> None:
    key = host.key(host.key_from)
    host.play(
        host.task("check before", check=True),
        host.task("put"),
        host.task("put again"),
        host.task("check after", check=True),
        {"name": "empty escrow", "ansible.builtin.file": {"path": str(host.key_from), "state": "absent"}},
        host.task("put without escrow"),
    )
    # Check mode predicts, and writes nothing: else nothing would be left to change.
    assert host.changed("check before") is True
    assert host.changed("put") is True
    assert host.changed("put again") is False
    assert host.changed("check after") is False
    # The host's own key is enough.
    assert host.changed("put without escrow") is False

    for task in ("check before", "put", "put again", "check after", "put without escrow"):
        assert host[task]["key"] == {
            "api_key_id": key["api_key_id"],
            "path": str(host.key_path),
            "key_version": 1,
            "issued_at": key["issued_at"],
        }
        changed = task in ("check before", "put")
        assert host[task]["files"] == [{**file, "changed": changed} for file in host.files]

    assert host.names() == sorted([".key.json.state", "key.json", *FORMATS])
    assert {mode_of(path) for path in host.folder.iterdir()} == {0o600}
    assert json.loads(host.key_path.read_bytes()) == key
    assert host.read("helm_values")["soda"]["apikey"] == {"id": key["api_key_id"], "secret": key["api_key_secret"]}
    assert host.read("helm_values")["soda"]["agent"] == {"name": NAME}
    assert host.read("kubernetes_secret")["stringData"]["SODA_API_KEY_SECRET"] == key["api_key_secret"]
    assert host.read("dotenv") == {
        "SODA_API_KEY_ID": key["api_key_id"],
        "SODA_API_KEY_SECRET": key["api_key_secret"],
    }
    assert host.read("soda_core")["soda_cloud"]["api_key_secret"] == key["api_key_secret"]


def test_the_diff_shows_the_files_with_the_secret_masked(host: Host) -> None:
    key = host.key(host.key_from)
    host.play(host.task("check", check=True), host.task("put"))
    for task in ("check", "put"):
        shown = {diff["after_header"]: diff for diff in host[task]["diff"]}
        assert set(shown) == {file["path"] for file in host.files}
        for diff in shown.values():
            assert diff["before"] == ""
            assert key["api_key_id"] in diff["after"]
            assert "********" in diff["after"]
    assert key["api_key_id"] in host.output


def test_changes_on_the_host_are_fixed(host: Host) -> None:
    host.key(host.key_from)
    helm, dotenv = host.folder / "helm_values", host.folder / "dotenv"
    write = {"ansible.builtin.copy": {"dest": str(helm), "content": "soda: {apikey: {secret: hunter2}}\n"}}
    host.play(
        host.task("put"),
        {"name": "write over a file", **write, "diff": False},
        host.task("check the content", check=True),
        host.task("fix the content"),
        {"name": "open a file", "ansible.builtin.file": {"path": str(dotenv), "mode": "0644"}},
        {"name": "open the key", "ansible.builtin.file": {"path": str(host.key_path), "mode": "0640"}},
        host.task("check the modes", check=True),
        host.task("fix the modes"),
        host.task("once more"),
        host.task("declare a value", values={"soda": {"agent": {"loglevel": "DEBUG"}}}),
    )
    for task in ("check the content", "fix the content"):
        assert host.changed(task) is True
        assert [file["format"] for file in host[task]["files"] if file["changed"]] == ["helm_values"]
        # Nor does it show what was there before.
        assert "hunter2" not in json.dumps(host[task])
    for task in ("check the modes", "fix the modes"):
        assert host.changed(task) is True
        assert [file["format"] for file in host[task]["files"] if file["changed"]] == ["dotenv"]
    assert host.changed("once more") is False
    assert [file["format"] for file in host["declare a value"]["files"] if file["changed"]] == ["helm_values"]
    assert host.read("helm_values")["soda"]["agent"] == {"name": NAME, "loglevel": "DEBUG"}
    assert {mode_of(path) for path in host.folder.iterdir()} == {0o600}


def test_the_newer_of_two_keys_is_configured_and_of_two_equals_the_hosts(host: Host) -> None:
    equal, newer = host.root / "equal.json", host.root / "newer.json"
    on_host = host.key(host.key_path, version=2)
    host.key(equal, version=2)
    carried = host.key(newer, version=3, runner_id="7f9d1c1e")
    older = host.root / "older.json"
    host.key(older, version=1)
    host.play(
        host.task("older", key_from=str(older)),
        host.task("equal", key_from=str(equal)),
        host.task("check newer", check=True, key_from=str(newer)),
        host.task("newer", key_from=str(newer)),
        host.task("newer again", key_from=str(newer)),
    )
    assert host["older"]["key"]["api_key_id"] == on_host["api_key_id"]
    assert host["equal"]["key"]["api_key_id"] == on_host["api_key_id"]
    assert host.changed("equal") is False
    for task in ("check newer", "newer"):
        assert host.changed(task) is True
        assert host[task]["key"]["api_key_id"] == carried["api_key_id"]
    assert host.changed("newer again") is False
    assert json.loads(host.key_path.read_bytes()) == carried
    assert host.read("helm_values")["soda"]["agent"]["id"] == "7f9d1c1e"
    assert host.read("dotenv")["SODA_AGENT_ID"] == "7f9d1c1e"
    # Only what is masked differs in some files; that it does is shown.
    assert all(diff["before"] != diff["after"] for diff in host["newer"]["diff"])
    assert len(host["newer"]["diff"]) == len(FORMATS)


def test_versions_and_keys_that_are_missing(host: Host) -> None:
    host.play(
        host.task("no key"),
        host.task("no key, and one is required", key_required=True),
        host.task("check: no key, and one is required", check=True, key_required=True),
    )
    assert host.changed("no key") is False
    assert host["no key"]["key"] is None
    assert host["no key"]["key_needed"] is True
    assert [file["changed"] for file in host["no key"]["files"]] == [False] * len(FORMATS)
    assert host.code("no key, and one is required") == "key_missing"
    assert str(host.key_path) in host["no key, and one is required"]["msg"]
    # An earlier task of the check run would have issued it.
    assert host.changed("check: no key, and one is required") is True
    assert host["check: no key, and one is required"]["key"] is None
    assert host.names() == []

    key = host.key(host.key_path, version=2)
    host.play(
        host.task("an older one is wanted", key_version=1),
        host.task("a newer one is wanted", key_version=3),
        host.task("a newer one is wanted and required", key_version=3, key_required=True),
        host.task("check: a newer one is wanted and required", check=True, key_version=3, key_required=True),
        host.task("this one is wanted and required", key_version=2, key_required=True),
    )
    assert host.code("an older one is wanted") == "key_version_too_low"
    assert host.changed("a newer one is wanted") is False
    assert host["a newer one is wanted"]["key"]["api_key_id"] == key["api_key_id"]
    assert host["a newer one is wanted"]["key_needed"] is True
    assert host.code("a newer one is wanted and required") == "key_missing"
    assert host.changed("check: a newer one is wanted and required") is True
    assert host.changed("this one is wanted and required") is True
    assert host["this one is wanted and required"]["key_needed"] is False


def test_a_key_waits_in_escrow_under_the_name_that_the_filter_gives(host: Host) -> None:
    # Where keys may stay when the play has ended.
    escrow = host.folder / "escrow"
    escrow.mkdir()
    ours = {"key_from": None, "escrow_dir": str(escrow), "cloud_api_key_id": "of-ours", "empty_escrow": True}
    waiting = host.key(escrow / Account(ENDPOINT, "of-ours").escrow_name(NAME))
    theirs = escrow / Account(ENDPOINT, "of-another").escrow_name(NAME)
    host.key(theirs)
    host.play(
        # As it is read from the role's variables, and written in another way than the filter's input.
        host.task("carried", **ours, endpoint="HTTPS://cloud.soda.io:443/"),
        host.task("again", **ours),
        host.task("nowhere", **{**ours, "escrow_dir": ""}),
        host.task("both", **{**ours, "key_from": str(theirs)}),
        host.task("whose", **{**ours, "cloud_api_key_id": None}),
    )
    assert host.changed("carried") is True
    assert host["carried"]["key"]["api_key_id"] == waiting["api_key_id"]
    assert host["carried"]["escrow_emptied"] is True
    assert host.changed("again") is False
    assert host.changed("nowhere") is False
    assert (host.code("both"), host.code("whose")) == ("invalid_arguments", "invalid_arguments")
    assert list(escrow.iterdir()) == [theirs]


def test_missing_folders_are_created_once_there_is_something_to_write(host: Host) -> None:
    elsewhere = host.folder / "not" / "there"
    apart = {
        "key_path": str(elsewhere / "key.json"),
        "config_files": [
            {"format": "dotenv", "path": str(elsewhere / "dotenv")},
            {"format": "helm_values", "path": str(host.folder / "missing" / "values.yml")},
        ],
    }
    missing = [str(elsewhere), str(host.folder / "missing")]
    host.play(host.task("no key", **apart), host.task("check folders", check=True, create_folders=True, **apart))
    assert host.changed("no key") is False
    assert host["no key"]["missing_folders"] == missing
    assert host.changed("check folders") is True
    assert host.names() == []
    host.key(host.key_from)
    host.play(host.task("check", check=True, **apart), host.task("put", **apart), host.task("again", **apart))
    for task in ("check", "put"):
        assert host.changed(task) is True
        assert host[task]["missing_folders"] == missing
    assert host.changed("again") is False
    assert host["again"]["missing_folders"] == []
    assert (elsewhere / "key.json").exists()
    host.play(host.task("folders", create_folders=True, key_path=str(host.folder / "new" / "key.json"), key_from=None))
    assert host.changed("folders") is True
    assert (host.folder / "new").is_dir()


def test_a_host_can_neither_set_facts_nor_return_other_shapes(host: Host) -> None:
    """The interpreter is the host's: it can answer whatever it likes."""
    hostile = {
        "changed": True,
        "ansible_facts": {"soda_runner_cloud_endpoint": "http://attacker", "ansible_become": True},
        "warnings": ["\x1b[2Jwarned {{ 7 * 7 }}", *(f"more {number}" for number in range(100))],
        "deprecations": [{"msg": "old"}],
        "key": None,
        "key_needed": False,
        "files_changed": [False] * len(host.files),
        "diff": [{"path": "\x1b[31mp", "before": "", "after": "\x07a\n" * 3}],
        "hostile": "field",
    }
    answers: dict[str, Json] = {
        "facts": hostile,
        "a list": {**hostile, "key_needed": [1]},
        "a number of files": {**hostile, "files_changed": [True]},
        "a key": {**hostile, "key": {"api_key_id": {"a": 1}}},
        "a failure": {"failed": True, "msg": "\x1b[2Jno", "failure": {"code": "runner_in_use", "message": [1]}},
        "another code": {"failed": True, "msg": "no", "failure": {"code": "invented", "message": "no"}},
        "a diff": {**hostile, "diff": "x" * 100_000},
    }
    tasks = []
    for number, (name, answer) in enumerate(answers.items()):
        interpreter = host.root / f"python{number}"
        interpreter.write_text(f"#!/bin/sh\ncat > /dev/null\ncat <<'END'\n{json.dumps(answer)}\nEND\n", "utf-8")
        interpreter.chmod(0o755)
        tasks.append(host.task(name, task={"vars": {"ansible_python_interpreter": str(interpreter)}}))
    host.play(*tasks)
    facts = host["facts"]
    assert not facts.get("failed"), facts.get("msg")
    assert "ansible_facts" not in facts
    assert "hostile" not in facts
    assert "deprecations" not in facts
    assert len(facts["warnings"]) == 10
    assert "\x1b" not in json.dumps(facts, ensure_ascii=False)
    assert "{{" not in json.dumps(facts)
    assert facts["diff"][0]["after"].count("\n") == 3
    for name in ("a list", "a number of files", "a key", "a diff", "another code"):
        assert host.code(name) == "module_failed"
    assert host.code("a failure") in ("module_failed", "runner_in_use")
    assert "\x1b" not in host["a failure"]["msg"]


@pytest.mark.parametrize(
    "stderr",
    [
        "SyntaxError: future feature annotations is not defined",
        "ansible-core requires a minimum of Python version 3.9. Current version: 3.6.8",
        "File \"/usr/lib/python3.8/runpy.py\", line 1\nTypeError: 'type' object is not subscriptable",
    ],
)
def test_an_old_python_on_the_host_is_one_sentence(host: Host, stderr: str) -> None:
    interpreter = host.root / "python"
    interpreter.write_text(f"#!/bin/sh\ncat > /dev/null\ncat >&2 <<'END'\n{stderr}\nEND\nexit 1\n", "utf-8")
    interpreter.chmod(0o755)
    host.play(host.task("old", task={"vars": {"ansible_python_interpreter": str(interpreter)}}))
    assert host.code("old") == "python_too_old"
    assert "Python 3.9" in host["old"]["msg"]
    assert "Traceback" not in json.dumps(host["old"])


def test_kept_remote_files_are_refused_before_a_key_leaves_the_controller(host: Host) -> None:
    host.key(host.key_from)
    host.env["ANSIBLE_KEEP_REMOTE_FILES"] = "1"
    host.play(host.task("put"))
    assert host.code("put") == "invalid_arguments"
    assert "ANSIBLE_KEEP_REMOTE_FILES" in host["put"]["msg"]
    assert host.names() == []


def test_pipelining_is_used_although_it_is_not_configured(host: Host) -> None:
    host.key(host.key_from)
    host.env["ANSIBLE_PIPELINING"] = "0"
    host.play(host.task("put"))
    assert host.changed("put") is True
    assert "AnsiballZ_soda_runner_files" not in host.output


def test_the_restart_that_is_owed_is_reported_until_it_is_acknowledged(host: Host) -> None:
    host.key(host.key_from)
    acknowledge = {"acknowledge_restart": True, "config_files": None, "key_from": None}
    host.play(
        host.task("put", track_restart=True),
        host.task("owed", track_restart=True),
        host.task("acknowledge", **acknowledge),
        host.task("done", track_restart=True),
    )
    assert [host.changed(task) for task in ("put", "owed", "acknowledge", "done")] == [True, True, False, False]
    assert [host[task]["restart_owed"] for task in ("put", "owed", "done")] == [True, True, False]


def test_a_key_is_adopted_from_the_configuration_of_the_host(host: Host) -> None:
    key = host.key(host.key_from)
    host.play(host.task("put"))
    for path in (host.key_path, host.folder / ".key.json.state"):
        path.unlink()
    helm = str(host.folder / "helm_values")
    adopt: Json = {"key_from": None, "import_from": helm, "track_restart": True}
    host.play(
        host.task("possible", **adopt),
        host.task("check", check=True, key_required=True, **adopt),
        host.task("adopt", key_required=True, **adopt),
        host.task("again", key_required=True, **adopt),
        host.task(
            "missing",
            key_from=None,
            config_files=None,
            import_from=f"{helm}.missing",
            key_path=str(host.folder / "other.json"),
        ),
    )
    assert [host.changed(task) for task in ("possible", "check", "adopt", "again")] == [False, True, True, False]
    assert (host["possible"]["key_needed"], host["possible"]["key_adoptable"]) == (True, True)
    for task in ("check", "adopt"):
        assert host[task]["restart_owed"] is False
        assert [file["changed"] for file in host[task]["files"]] == [False] * len(FORMATS)
    assert json.loads(host.key_path.read_bytes())["api_key_secret"] == key["api_key_secret"]
    assert host.code("missing") == "import_failed"
    assert f"{helm}.missing" in host["missing"]["msg"]


def test_a_key_that_was_issued_elsewhere_is_adopted_with_the_id_of_its_runner(host: Host) -> None:
    host.secrets.append("-secret-that-was-issued-elsewhere")
    existing = {"api_key_id": "mine", "api_key_secret": host.secrets[0]}
    adopt: Json = {"key_from": None, "existing_key": existing, "key_required": True, "runner_id": "r1"}
    host.play(
        host.task("empty", key_from=None, existing_key={"api_key_id": "", "api_key_secret": ""}),
        host.task("half", key_from=None, existing_key={"api_key_id": "mine", "api_key_secret": ""}),
        host.task("adopt", **adopt),
        host.task("again", **adopt),
    )
    assert host["empty"]["key_needed"] is True
    assert host.code("half") == "invalid_arguments"
    assert [host.changed(task) for task in ("adopt", "again")] == [True, False]
    assert host.read("helm_values")["soda"]["agent"]["id"] == "r1"


def test_a_format_that_is_no_longer_declared_is_removed(host: Host) -> None:
    host.key(host.key_from)
    host.play(
        host.task("put"),
        host.task("check", check=True, config_files=host.files[:3]),
        host.task("fewer", config_files=host.files[:3]),
        host.task("again", config_files=host.files[:3]),
        host.task("absent", config_files=None, state="absent"),
    )
    for task in ("check", "fewer"):
        assert host.changed(task) is True
        assert host[task]["removed"] == [str(host.folder / FORMATS[3])]
        assert host[task]["diff"][-1]["after"] == ""
    assert host.changed("again") is False
    assert host.names() == []


def test_impossible_request_fails_before_anything_is_written(host: Host) -> None:
    host.key(host.key_from)
    ours = host.root / "ours.json"
    host.key(ours, name="another")
    other_region = host.root / "us.json"
    host.key(other_region, endpoint="https://cloud.us.soda.io")
    file = host.files[0]
    below = "/dev/null/file"
    fails: dict[str, tuple[str, Json]] = {
        "an empty name": ("invalid_name", {"name": ""}),
        "no name": ("invalid_arguments", {"name": None}),
        "an unknown option": ("invalid_arguments", {"colour": "blue"}),
        "an unknown state": ("invalid_arguments", {"state": "paused"}),
        "an unknown format": ("config_format_unknown", {"config_files": [{**file, "format": "xml"}]}),
        "a file without a path": ("invalid_arguments", {"config_files": [{"format": "dotenv"}]}),
        "one path twice": ("config_path_twice", {"config_files": [file, {**file, "format": "dotenv"}]}),
        "the key's path twice": ("config_path_twice", {"config_files": [{**file, "path": str(host.key_path)}]}),
        "a name that no Secret has": ("config_not_expressible", {"existing_secret": "Upper"}),
        "no endpoint": ("invalid_endpoint", {"endpoint": "nonsense"}),
        "clear text": ("insecure_endpoint", {"endpoint": "http://cloud.soda.io"}),
        "a key of another runner": ("key_file_of_another_runner", {"key_from": str(ours)}),
        "a key of another region": ("key_file_of_another_runner", {"key_from": str(other_region)}),
        "below what is no folder": ("config_path_unusable", {"config_files": [file, {**file, "path": below}]}),
        "the same path in other words": (
            "config_path_twice",
            {"config_files": [file, {"format": "dotenv", "path": f"{host.folder}/./helm_values"}]},
        ),
        "a version below 1": ("invalid_arguments", {"key_version": -1}),
        "a boolean as a name": ("invalid_name", {"name": True}),
        "a decimal number as a name": ("invalid_name", {"name": 1e5}),
        "a folder as a file": ("config_path_unusable", {"config_files": [{**file, "path": str(host.root)}]}),
        "below what is no folder, without a key": ("key_path_unusable", {"key_path": below, "key_from": None}),
    }
    before = snapshot(host.folder)
    host.play(*(host.task(name, **options) for name, (_unused, options) in fails.items()))
    assert host["a version below 1"]["msg"].startswith("key_version is -1. ")
    assert {name: host.code(name) for name in fails} == {name: code for name, (code, _unused) in fails.items()}
    assert "helm_values" in host["an unknown format"]["msg"]
    assert host["an unknown option"]["msg"].startswith("Unsupported parameters: colour. ")
    assert snapshot(host.folder) == before


def test_other_file_at_the_key_path_is_not_changed(host: Host) -> None:
    host.key(host.key_from)
    link = host.folder / "link"
    link.symlink_to(host.root / "escrow.json")
    notes, another = host.folder / "notes", host.folder / "another"
    notes.write_text("somebody's notes", encoding="utf-8")
    host.key(another, name="another")
    before = snapshot(host.folder)
    host.play(
        host.task("a link", key_path=str(link)),
        host.task("notes", key_path=str(notes)),
        host.task("another's key", key_path=str(another)),
        host.task("check: a link", check=True, key_path=str(link)),
        host.task("check: notes", check=True, key_path=str(notes)),
        host.task("absent: notes", key_path=str(notes), state="absent"),
        host.task("absent: another's key", key_path=str(another), state="absent"),
        host.task("a link as a file", config_files=[{**host.files[0], "path": str(link)}]),
    )
    for task in ("a link", "check: a link"):
        assert host.code(task) == "key_path_unusable"
    for task in ("notes", "check: notes", "absent: notes"):
        assert host.code(task) == "key_file_not_ours"
    for task in ("another's key", "absent: another's key"):
        assert host.code(task) == "key_file_of_another_runner"
    assert host.code("a link as a file") == "config_path_unusable"
    assert snapshot(host.folder) == before


def test_absent_removes_the_key_and_every_file_that_is_named(host: Host) -> None:
    host.key(host.key_from)
    (host.folder / "mine").write_text("stays", encoding="utf-8")
    host.play(
        host.task("put"),
        host.task("check", check=True, state="absent"),
        host.task("remove", state="absent"),
        host.task("remove again", state="absent"),
        host.task("check again", check=True, state="absent"),
    )
    paths = {str(host.key_path), *(file["path"] for file in host.files)}
    for task in ("check", "remove"):
        assert host.changed(task) is True
        assert set(host[task]["removed"]) == paths
        assert host[task]["key"] is None
        assert all(file["changed"] for file in host[task]["files"])
    for task in ("remove again", "check again"):
        assert host.changed(task) is False
        assert host[task]["removed"] == []
    assert host.names() == ["mine"]
    assert host.key_from.exists()  # Escrow is the role's.


def test_absent_is_no_failure_where_the_folder_is_gone(host: Host) -> None:
    gone = host.folder / "gone"
    host.play(
        host.task(
            "remove",
            state="absent",
            key_path=str(gone / "key.json"),
            config_files=[{"format": "dotenv", "path": str(gone / "env")}],
        )
    )
    assert host.changed("remove") is False


def test_check_mode_forgives_folders_that_an_earlier_task_would_have_made(host: Host) -> None:
    host.key(host.key_from)
    later = host.folder / "later"
    files = [{"format": "dotenv", "path": str(later / "env")}]
    host.play(host.task("check", check=True, key_path=str(later / "key.json"), config_files=files))
    assert host.changed("check") is True
    assert host.names() == []


def test_the_key_and_files_may_differ_in_mode_and_files_have_it_from_the_first_moment(host: Host) -> None:
    host.key(host.key_from)
    files = [{**host.files[0], "mode": "0640"}, {**host.files[2], "mode": "u=rw,g=,o="}]
    host.play(host.task("put", config_files=files), host.task("again", config_files=files))
    assert mode_of(host.folder / "helm_values") == 0o640
    assert mode_of(host.folder / "dotenv") == 0o600
    assert mode_of(host.key_path) == 0o600
    assert host.changed("again") is False


@needs_root
def test_owners_are_those_that_are_declared(host: Host) -> None:
    host.key(host.key_from)
    files = [{**host.files[0], "owner": "nobody"}, host.files[2]]
    host.play(
        host.task("put", config_files=files, owner="nobody"),
        host.task("again", config_files=files, owner="nobody"),
        host.task("nobody of that name", config_files=files, owner="no-such-user-here"),
    )
    assert host.key_path.owner() == "nobody"
    assert (host.folder / "helm_values").owner() == "nobody"
    assert (host.folder / "dotenv").owner() != "nobody"
    assert host.changed("again") is False
    assert host.code("nobody of that name")


def test_key_of_a_killed_run_on_the_host_is_committed(host: Host) -> None:
    left = host.folder / ".key.json.new"
    key = host.key(left)
    host.play(
        host.task("check", check=True, key_from=None),
        host.task("put", key_from=None),
        host.task("again", key_from=None),
    )
    assert host.changed("check") is True
    assert host.changed("put") is True
    assert host.changed("again") is False
    assert json.loads(host.key_path.read_bytes()) == key
    assert host.names() == sorted([".key.json.state", "key.json", *FORMATS])


def test_nothing_stays_on_the_host_of_what_a_killed_run_left_there(host: Host) -> None:
    host.key(host.key_path)
    host.play(host.task("first", key_from=None))
    left = [host.folder / name for name in (".key.json.lock", ".key.json.new", f".{FORMATS[0]}.new")]
    for path in left:
        path.write_text("torn", encoding="utf-8")
    host.play(host.task("check", check=True, key_from=None), host.task("again", key_from=None))
    assert host.changed("again") is False
    assert host.names() == sorted([".key.json.state", "key.json", *FORMATS])
    left[2].write_text("torn", encoding="utf-8")
    host.play(host.task("remove", key_from=None, state="absent"))
    assert host.names() == []


def test_escrow_is_emptied_whole_once_the_host_holds_the_key(host: Host) -> None:
    left = [host.root / name for name in (".escrow.json.lock", ".escrow.json.new")]
    key = host.key(left[1])
    left[0].write_text("", encoding="utf-8")
    host.play(
        host.task("check", check=True, empty_escrow=True),
        host.task("put", empty_escrow=True),
        host.task("again", empty_escrow=True),
    )
    assert [host.changed(task) for task in ("check", "put", "again")] == [True, True, False]
    assert json.loads(host.key_path.read_bytes()) == key
    assert [path for path in (host.key_from, *left) if path.exists()] == []


def test_escrow_keeps_what_the_host_does_not_hold(host: Host) -> None:
    host.key(host.key_path)
    newer = host.key(host.key_from, version=2)
    # The older is declared, as in a run that another one overtakes.
    host.play(host.task("older", empty_escrow=True, key_version=1), host.task("kept", key_version=2))
    assert host.code("older") == "key_version_too_low"
    assert json.loads(host.key_from.read_bytes()) == newer
    host.play(host.task("emptied", key_version=2, empty_escrow=True))
    assert not host.key_from.exists()


def test_escrow_that_cannot_be_emptied_is_a_failure_and_keeps_its_key(host: Host) -> None:
    key = host.key(host.key_from)
    (host.root / ".escrow.json.lock").mkdir()
    host.play(host.task("put", empty_escrow=True))
    assert host.code("put") == "key_path_unusable"
    assert [json.loads(path.read_bytes()) for path in (host.key_path, host.key_from)] == [key, key]


ODD_NAMES = (
    " ",
    'it\'s "quoted": # and/slashed\\',
    "Zürich ☂ 東京",
    "-dash",
    "new\nline",
    "{{ jinja }} ${env.HOME}",
    "1e5",
)
"""One of each sort, as each costs a task. The units try all of them."""


def test_any_name_but_the_empty_one_reaches_the_host(host: Host) -> None:
    for i, name in enumerate(ODD_NAMES):
        host.key(host.root / f"{i}.json", name=name)
    # Read from a file, so that a name is never taken for a template.
    (host.root / "names.json").write_text(json.dumps(list(enumerate(ODD_NAMES))), encoding="utf-8")
    options: Json = {
        "name": "{{ item.1 }}",
        "key_path": str(host.folder / "{{ item.0 }}.json"),
        "key_from": str(host.root / "{{ item.0 }}.json"),
        "config_files": [{"format": "helm_values", "path": str(host.folder / "{{ item.0 }}.yml")}],
    }
    loop = {"loop": f"{{{{ lookup('ansible.builtin.file', '{host.root}/names.json') | from_json }}}}"}
    host.play(host.task("put", task=loop, **options))
    assert not host["put"].get("failed"), host["put"].get("msg")
    for i, name in enumerate(ODD_NAMES):
        values = yaml.safe_load((host.folder / f"{i}.yml").read_text(encoding="utf-8"))
        assert values["soda"]["agent"]["name"] == name
        assert json.loads((host.folder / f"{i}.json").read_bytes())["name"] == name


def test_options_may_come_from_lookups_and_loops(host: Host) -> None:
    """What comes from outside, ansible-core marks as unsafe, in its own kinds of text."""
    host.key(host.key_from)
    given = {
        "name": NAME,
        "endpoint": ENDPOINT,
        "values": {"soda": {"env": ["{{ not a template }}", 5, True, None]}, "own": "text"},
        "section": "runner",
        "secret": "soda-key",
    }
    (host.root / "given.json").write_text(json.dumps([given]), encoding="utf-8")
    loop = {"loop": f"{{{{ lookup('ansible.builtin.file', '{host.root}/given.json') | from_json }}}}"}
    options: Json = {
        "name": "{{ item.name }}",
        "endpoint": "{{ item.endpoint }}",
        "values": "{{ item['values'] }}",
        "values_section": "{{ item.section }}",
        "existing_secret": "{{ item.secret }}",
    }
    host.play(host.task("put", task=loop, **options))
    assert not host["put"].get("failed"), host["put"].get("msg")
    values = host.read("helm_values")
    assert values["soda"]["env"] == ["{{ not a template }}", 5, True, None]
    assert values["own"] == "text"
    assert values["soda"]["runner"] == {"name": NAME}
    assert values["soda"]["apikey"]["existingSecret"] == "soda-key"
    assert host.read("kubernetes_secret")["metadata"]["name"] == "soda-key"


def test_a_key_that_another_run_is_at_work_with_stays_in_escrow(host: Host) -> None:
    key = host.key(host.key_path)
    host.key_from.write_bytes(host.key_path.read_bytes())
    host.key_from.chmod(0o600)
    with KeyFile(str(host.key_from), ENDPOINT, NAME).lock:
        host.play(host.task("beside another run", empty_escrow=True))
        assert host["beside another run"]["escrow_emptied"] is False
        assert host["beside another run"]["key"]["api_key_id"] == key["api_key_id"]
        assert json.loads(host.key_from.read_bytes()) == key
    host.play(host.task("after it", empty_escrow=True))
    assert host["after it"]["escrow_emptied"] is True
    assert not host.key_from.exists()
