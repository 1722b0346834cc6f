# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""
A job as AWX and the automation controller run it: ansible-runner's transmit, worker and process.

The facts are those of AWX 24.6.1: ``awx/main/tasks/jobs.py`` for the private data directory and what is in it,
``awx/main/utils/safe_yaml.py`` for extra variables, ``awx/main/models/inventory.py`` for slices. Credentials are
injected by the platform's own code, which the package ``awx_plugins.interfaces`` carries.

There is no container: a folder stands in for it, with a home folder that is deleted with the job.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import subprocess
import typing as t
from pathlib import Path

import ansible_runner
import yaml
from awx_plugins.interfaces._temporary_private_api import ManagedCredentialType
from awx_plugins.interfaces._temporary_private_credential_api import Credential
from awx_plugins.interfaces._temporary_private_inject_api import inject_credential

from tooling import tree
from tooling.environment import private_environment
from tooling.process import stop

TIMEOUT = 300.0
Json = dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Environment:
    """What a credential puts into the environment of a job, and what the platform shows of that."""

    injected: dict[str, str]
    shown: dict[str, str]


def environment_of(credential_type: Json, inputs: t.Mapping[str, t.Any], folder: Path) -> Environment:
    """Inject a credential as the platform does, into the environment and nothing else."""
    injected: dict[str, t.Any] = {}
    shown: dict[str, t.Any] = {}
    arguments: list[str] = []
    kind = ManagedCredentialType(
        namespace="custom",
        name=credential_type["name"],
        kind=credential_type["kind"],
        inputs=credential_type["inputs"],
        injectors=credential_type["injectors"],
    )
    inject_credential(kind, Credential(dict(inputs)), injected, shown, arguments, str(folder))
    if arguments:
        raise ValueError(f"the credential adds arguments to the command line: {len(arguments)}")
    return Environment(injected, shown)


def sliced(hosts: t.Mapping[str, Json], number: int, count: int) -> dict[str, Json]:
    """The hosts of slice *number*, from 1: of the hosts by name, each *count*-th."""
    return {name: hosts[name] for name in sorted(hosts)[number - 1 :: count]}


def extra_variables(answers: Json, trusted: Json) -> str:
    """As the platform writes them: only what the job template itself declares may be a template."""
    merged = {**trusted, **answers}
    return "".join(
        yaml.dump({name: value}, Dumper=yaml.SafeDumper if trusted.get(name) == value else _Untrusted)
        for name, value in merged.items()
    )


class _Untrusted(yaml.SafeDumper):
    """Marks each text as one that Ansible must not template."""

    def represent_data(self, data: t.Any) -> yaml.Node:
        if isinstance(data, str):
            return self.represent_scalar("!unsafe", data)
        return super().represent_data(data)


@dataclasses.dataclass
class Job:
    """A job that has run: what it said, and what the platform keeps of it."""

    folder: Path
    status: str
    events: list[Json]

    @property
    def stats(self) -> Json:
        """Ansible's own counts by outcome and host, as the last event has them."""
        (last,) = [event["event_data"] for event in self.events if event["event"] == "playbook_on_stats"]
        return t.cast(Json, last)

    def count(self, outcome: str) -> int:
        """How many tasks had that outcome, on all hosts."""
        return int(sum(self.stats[outcome].values()))

    @property
    def output(self) -> str:
        return "\n".join(event["stdout"] for event in self.events if event.get("stdout"))


@contextlib.contextmanager
def started(*launches: Launch) -> t.Iterator[None]:
    """Start them all, to run at the same time, and leave none running."""
    with contextlib.ExitStack() as stack:
        for launch in launches:
            stack.callback(launch.kill)
            launch.start()
        yield


@dataclasses.dataclass
class Launch:
    """
    A job that is about to run in *folder*, the playbook being one of this project's.

    *answers* are the survey's, *variables* the job template's own. *environment* is the credential's.
    """

    folder: Path
    playbook: str
    hosts: t.Mapping[str, Json]
    environment: t.Mapping[str, str]
    answers: Json = dataclasses.field(default_factory=dict)
    variables: Json = dataclasses.field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    _worker: subprocess.Popen[bytes] | None = None

    @property
    def controller(self) -> Path:
        """The private data directory on the controller."""
        return self.folder / "controller"

    @property
    def container(self) -> Path:
        """What stands in for the container of the execution environment."""
        return self.folder / "container"

    def start(self) -> None:
        """Lay out the private data directory, transmit it, and start a worker on it, without a terminal."""
        self._lay_out()
        with (self.folder / "transmitted").open("wb") as stream:
            ansible_runner.interface.run(
                streamer="transmit",
                _output=stream,
                private_data_dir=str(self.controller),
                ident="1",
                playbook=self.playbook,
                envvars={**self._platform_environment(), **self.environment},
                suppress_env_files=True,
                fact_cache_type="",
            )
        home = self.container / "home"
        env = private_environment(home=home, temporary=self.container / "tmp")
        with (
            (self.folder / "transmitted").open("rb") as received,
            (self.folder / "streamed").open("wb") as streamed,
            (self.folder / "worker.txt").open("wb") as said,
        ):
            self._worker = subprocess.Popen(
                ["ansible-runner", "worker", "--private-data-dir", str(self.container / "runner"), "--delete"],
                env=env,
                cwd=self.container,
                stdin=received,
                stdout=streamed,
                stderr=said,
                start_new_session=True,
            )
        # It contained the credential, and was only ever in a pipe.
        (self.folder / "transmitted").unlink()

    def finish(self) -> Job:
        """Wait for the worker, drop its container, and take in what it streamed."""
        assert self._worker is not None
        try:
            self._worker.wait(TIMEOUT)
        finally:
            self.kill()
        streamed = self.folder / "streamed"
        events: list[Json] = []

        def keep(event: Json) -> bool:
            events.append(event)
            return True

        with streamed.open("rb") as stream:
            done = ansible_runner.interface.run(
                streamer="process",
                _input=stream,
                private_data_dir=str(self.controller),
                ident="1",
                quiet=True,
                event_handler=keep,
            )
        # ansible-runner tells the worker's environment, in the stream and in this file. The platform drops both with
        # the private data directory, and shows of the environment what Environment.shown has.
        streamed.unlink()
        (self.controller / "artifacts" / "1" / "command").unlink()
        return Job(self.folder, done.status, events)

    def kill(self) -> None:
        """End the worker with all that it started, as the end of a container does, and drop the container."""
        if self._worker is not None and self._worker.poll() is None:
            stop(self._worker)
        shutil.rmtree(self.container, ignore_errors=True)

    def run(self) -> Job:
        with started(self):
            return self.finish()

    def _lay_out(self) -> None:
        for name in ("env", "inventory", "cp"):
            (self.controller / name).mkdir(parents=True, mode=0o700)
        self.container.mkdir()
        for name in tree.own_files():
            if name.startswith(("playbooks/", "extensions/awx/")):
                target = self.controller / "project" / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(tree.ROOT / name, target)
        groups = {"all": {"hosts": list(self.hosts)}, "_meta": {"hostvars": dict(self.hosts)}}
        script = f"#! /usr/bin/env python3\nprint({json.dumps(groups)!r})\n"
        self._write("inventory/hosts", script, 0o700)
        self._write("env/extravars", extra_variables({"awx_job_id": 1, **self.answers}, self.variables))
        self._write("env/cmdline", " ".join(("-u", "root", *self.arguments)))
        # The longest that a job may take here; a job template's own limit would stand in its place.
        settings = {"job_timeout": TIMEOUT, "suppress_ansible_output": True, "suppress_output_file": True}
        self._write("env/settings", json.dumps(settings))

    def _write(self, name: str, text: str, mode: int = 0o600) -> None:
        path = self.controller / name
        path.touch(mode)
        path.write_text(text, "utf-8")

    def _platform_environment(self) -> dict[str, str]:
        """Collections come from the project's requirements, else from the execution environment."""
        runner = self.container / "runner"
        return {
            "AWX_PRIVATE_DATA_DIR": str(self.controller),
            "JOB_ID": "1",
            "INVENTORY_ID": "1",
            "ANSIBLE_RETRY_FILES_ENABLED": "False",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(runner / "cp"),
            "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(
                [str(runner / "requirements_collections"), str(tree.linked_collections())]
            ),
        }
