# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that the action plugins of one play share."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible import constants

from ansible_collections.community.soda.plugins.module_utils._errors import SodaError
from ansible_collections.community.soda.plugins.plugin_utils._run_files import RunFiles
from ansible_collections.community.soda.tests.unit.plugins.harness import mode_of

FORK = multiprocessing.get_context("fork")

ACTION = """
from ansible.plugins.action import ActionBase
from ansible_collections.community.soda.plugins.plugin_utils._run_files import RunFiles

class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        files = RunFiles.of_task(self._task)
        host = task_vars["inventory_hostname"]
        before = list(files.collect("hosts"))
        files.publish("hosts", host, {"of": host})
        with files.once("count", "once") as entry:
            first = not entry.is_published
            if first:
                entry.publish(host)
        return {"before": before, "first": first, "whose": entry.data, "after": files.collect("hosts")}
"""

PLAYBOOK = """
- hosts: all
  gather_facts: false
  tasks:
    - share:
    - share:
      register: shared
    - ansible.builtin.copy:
        content: "{{ shared | to_json }}"
        dest: "{{ folder }}/first-{{ inventory_hostname }}.json"
- hosts: all
  gather_facts: false
  serial: 2
  tasks:
    - ansible.builtin.include_tasks: share.yml
"""

INCLUDED = """
- block:
    - share:
      register: shared
    - ansible.builtin.copy:
        content: "{{ shared | to_json }}"
        dest: "{{ folder }}/second-{{ inventory_hostname }}.json"
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary folder of an ansible run."""
    made = tmp_path / "ansible-local-1"
    made.mkdir(mode=0o700)
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(made))
    return made


def test_published_data_is_collected_by_topic_and_in_order() -> None:
    files = RunFiles("play")
    for key in ("b", "a", "../c", "\ud800"):
        files.publish("topic", key, {"key": key, "text": "{{ é }}"})
    files.publish("other", "a", 1)
    files.publish("topic", "b", None)
    assert RunFiles("play").collect("topic") == {
        "../c": {"key": "../c", "text": "{{ é }}"},
        "a": {"key": "a", "text": "{{ é }}"},
        "b": None,
        "\ud800": {"key": "\ud800", "text": "{{ é }}"},
    }
    assert RunFiles("play").collect("none") == {}


def test_another_play_starts_fresh() -> None:
    RunFiles("one").publish("topic", "a", 1)
    assert RunFiles("two").collect("topic") == {}
    with RunFiles("two").once("topic", "a") as entry:
        assert not entry.is_published


def test_files_are_private(folder: Path) -> None:
    mask = os.umask(0)
    try:
        files = RunFiles("play")
        files.publish("topic", "a", 1)
        with files.once("topic", "a"):
            pass
    finally:
        os.umask(mask)
    modes = {path.is_dir(): set() for path in folder.rglob("*")}  # type: dict[bool, set[int]]
    for path in folder.rglob("*"):
        modes[path.is_dir()].add(mode_of(path))
    assert modes == {True: {0o700}, False: {0o600}}


def test_one_process_computes_and_the_others_read() -> None:
    def work(number: int) -> None:
        with RunFiles("play").once("topic", "key") as entry:
            if not entry.is_published:
                RunFiles("play").publish("first", str(number), None)
                entry.publish(number)
            RunFiles("play").publish("read", str(number), entry.data)

    workers = [FORK.Process(target=work, args=(number,)) for number in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    (first,) = RunFiles("play").collect("first")
    assert RunFiles("play").collect("read") == {str(number): int(first) for number in range(8)}


def test_after_a_failed_or_killed_computation_the_next_process_computes() -> None:
    def work() -> None:
        with RunFiles("play").once("topic", "key"):
            os._exit(1)

    killed = FORK.Process(target=work)
    killed.start()
    killed.join(60)
    with pytest.raises(KeyError), RunFiles("play").once("topic", "key") as entry:
        raise KeyError
    with RunFiles("play").once("topic", "key") as entry:
        assert not entry.is_published
        entry.publish(None)
    with RunFiles("play").once("topic", "key") as entry:
        assert entry.is_published


def test_data_that_json_cannot_express_leaves_nothing_behind(folder: Path) -> None:
    with pytest.raises(TypeError):
        RunFiles("play").publish("topic", "key", object())
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_the_play_is_that_of_the_nearest_block() -> None:
    play = SimpleNamespace(_uuid="uuid")
    task = SimpleNamespace(_parent=SimpleNamespace(_parent=SimpleNamespace(_play=play)))
    RunFiles.of_task(task).publish("topic", "key", 1)
    assert RunFiles("uuid").collect("topic") == {"key": 1}
    with pytest.raises(SodaError):
        RunFiles.of_task(SimpleNamespace(_parent=None))


def test_in_a_play_all_hosts_share_and_ansible_removes_the_files(tmp_path: Path) -> None:
    (tmp_path / "action_plugins").mkdir()
    (tmp_path / "action_plugins" / "share.py").write_text(ACTION, "utf-8")
    (tmp_path / "play.yml").write_text(PLAYBOOK, "utf-8")
    (tmp_path / "share.yml").write_text(INCLUDED, "utf-8")
    local = tmp_path / "local"
    collections = Path(sys.modules["ansible_collections.community.soda.plugins.plugin_utils._run_files"].__file__ or "")
    command = [sys.executable, "-m", "ansible.cli.playbook", "-i", "h1,h2,h3,h4,", "-c", "local", "play.yml"]
    ended = subprocess.run(
        [*command, "-e", f"folder={tmp_path}", "-e", f"ansible_python_interpreter={sys.executable}"],
        cwd=tmp_path,
        env={
            **os.environ,
            "ANSIBLE_LOCAL_TEMP": str(local),
            "ANSIBLE_COLLECTIONS_PATH": str(collections.parents[5]),
            "ANSIBLE_FORKS": "4",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert list(local.iterdir()) == []
    hosts = [f"h{number}" for number in range(1, 5)]

    def shared(play: str) -> dict[str, dict[str, object]]:
        return {host: json.loads((tmp_path / f"{play}-{host}.json").read_bytes()) for host in hosts}

    first, second = shared("first"), shared("second")
    assert all(list(found["after"]) == hosts for found in first.values())  # type: ignore[call-overload]
    assert len({found["whose"] for found in first.values()}) == 1
    # The second play starts fresh, and its batches share.
    assert sum(bool(found["first"]) for found in second.values()) == 1
    assert len({found["whose"] for found in second.values()}) == 1
    assert {"h1", "h2"} <= set(second["h4"]["before"]) <= {"h1", "h2", "h3"}  # type: ignore[call-overload]
