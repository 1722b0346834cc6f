# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kills plays that use the role, before each task and at the most important points of the modules."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import os
import shutil
import subprocess
import tempfile
import time
import typing as t
from pathlib import Path

import yaml

from emulator.client import Account, Emulator
from tooling import tree
from tooling.environment import private_environment

from .modules import contents_of
from .outcome import Outcome

HERE = Path(__file__).parent
FOLDER = tree.BUILD / "crash"
HOST = "one"
TIMEOUT = 240.0
"""Seconds that a play may take. It takes a hundredth of it on an idle machine."""

EVERYBODY = ("module", "parent alone", "whole tree")
# Where each module of the play is killed, and which process.
MODULE_POINTS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("soda_runner", "before POST sendall", ("parent alone",)),
    ("soda_runner", "after POST sendall", EVERYBODY),
    ("soda_runner", "before write in AtomicWrite.commit", ("module",)),
    ("soda_runner", "after write in AtomicWrite.commit", EVERYBODY),
    ("soda_runner", "after replace in AtomicWrite.commit", ("whole tree",)),
    ("soda_runner_files", "before write in AtomicWrite.commit", ("whole tree",)),
    ("soda_runner_files", "after write in AtomicWrite.commit", ("module", "parent alone")),
    ("soda_runner_files", "after replace in AtomicWrite.commit", ("whole tree",)),
    ("controller", "before unlink in TargetFile.remove", ("module", "parent alone")),
    ("controller", "after unlink in TargetFile.remove", ("module",)),
)
IN_DOUBT = ("after POST sendall", "before write in AtomicWrite.commit")
Case = t.Callable[[Emulator], Outcome]


@dataclasses.dataclass(frozen=True)
class Controller:
    """A folder with an inventory of one host, which is this machine and has a folder for itself."""

    folder: Path
    account: Account

    def __post_init__(self) -> None:
        host = {
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "host_folder": str(self.host),
            "crash_path": os.pathsep.join(map(str, (HERE / "inside", *tree.TESTS))),
            "soda_runner_dir": str(self.host / "etc"),
            "soda_runner_escrow_dir": str(self.escrow),
        }
        (self.host).mkdir(parents=True)
        (self.folder / "inventory.yml").write_text(yaml.safe_dump({"all": {"hosts": {HOST: host}}}), "utf-8")

    @property
    def host(self) -> Path:
        return self.folder / HOST

    @property
    def escrow(self) -> Path:
        return self.folder / "escrow"

    @property
    def mark(self) -> Path:
        return self.folder / "mark"

    def start(self, **crash: str) -> subprocess.Popen[bytes]:
        """Start the play, which ends at the chosen point."""
        env = private_environment(self.folder / "home", self.folder / "tmp")
        env.update(
            PYTHONPATH=os.pathsep.join(map(str, tree.TESTS)),
            SODA_CLOUD_ENDPOINT=self.account.endpoint,
            SODA_CLOUD_API_KEY_ID=self.account.api_key_id,
            SODA_CLOUD_API_KEY_SECRET=self.account.api_key_secret,
            SODA_CLOUD_RETRY_BUDGET="60",
            ANSIBLE_CALLBACK_PLUGINS=str(HERE / "inside" / "callback"),
            ANSIBLE_CALLBACKS_ENABLED="crash",
            ANSIBLE_LOCALHOST_WARNING="0",
            CRASH_DRIVER=str(os.getpid()),
            CRASH_MARK=str(self.mark),
            **crash,
        )
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                ["ansible-playbook", "-i", "inventory.yml", str(HERE / "play.yml")],
                cwd=self.folder,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def said(self) -> str:
        """The last lines of the plays."""
        return (self.folder / "log").read_text("utf-8", "replace")[-1500:]

    def stray(self) -> set[str]:
        """Files that are on the host or in escrow, and should not be."""
        names = ("etc/key.json", "etc/.key.json.state", "etc/values.yml", "restarted")
        expected = {self.host / name for name in names}
        found = {path for folder in (self.host, self.escrow) for path in folder.rglob("*") if path.is_file()}
        return {str(path.relative_to(self.folder)) for path in found - expected}

    def known(self) -> set[str]:
        """The ids of the keys on disk. Searches the bytes."""
        contents = contents_of(self.host, self.escrow)
        issued = self.account.stats()["runner_key_ids"]
        return {key_id for key_id in issued if any(key_id.encode() in content for content in contents)}


def cases(emulator: Emulator) -> list[Case]:
    """Every task of a play that is not killed, then the points of its modules."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    with controller_of(emulator) as controller:
        log = controller.folder / "points"
        if controller.start(CRASH_LOG=str(log)).wait(TIMEOUT):
            raise AssertionError(f"The play does not work without a kill:\n{controller.said()}")
        points = list(dict.fromkeys(log.read_text("utf-8").splitlines()))
    return [
        *(functools.partial(kill, "-", point, "whole tree") for point in points),
        *(
            functools.partial(kill, module, point, victim)
            for module, point, victims in MODULE_POINTS
            for victim in victims
        ),
    ]


def kill(module: str, point: str, victim: str, emulator: Emulator) -> Outcome:
    """One kill in a play, and the same play again: at once where the module outlives the first."""
    with controller_of(emulator) as controller:
        first = controller.start(CRASH_MODULE=module, CRASH_POINT=point, CRASH_VICTIM=victim)
        first.wait(TIMEOUT)
        if not controller.mark.exists():
            raise AssertionError(f"The play never came to {point}:\n{controller.said()}")
        known, before = controller.known(), controller.account.stats()["keys_issued"]
        status = controller.start().wait(TIMEOUT)
        _wait_for(int(controller.mark.read_text("utf-8").split()[0]))
        if victim == "parent alone" and status:
            # It may have failed because another run is at work.
            status = controller.start().wait(TIMEOUT)
        return _judged(controller, module, point, victim, known, before, status)


@contextlib.contextmanager
def controller_of(emulator: Emulator) -> t.Iterator[Controller]:
    """A separate controller. Its files are removed at the end, unless a test on it failed."""
    folder = Path(tempfile.mkdtemp(prefix="play-", dir=FOLDER))
    account = emulator.account(window_factor=0)
    yield Controller(folder, account)
    account.remove()
    shutil.rmtree(folder)


def _judged(
    controller: Controller, module: str, point: str, victim: str, known: set[str], before: int, status: int
) -> Outcome:
    issued = set(controller.account.stats()["runner_key_ids"])
    etc = controller.host / "etc"
    stored = json.loads((etc / "key.json").read_bytes()) if (etc / "key.json").exists() else {}
    values = yaml.safe_load((etc / "values.yml").read_bytes()) if (etc / "values.yml").exists() else {}
    configured = values.get("soda", {}).get("apikey", {}) == {
        "id": stored.get("api_key_id"),
        "secret": stored.get("api_key_secret"),
    }
    lacking = len(issued - {stored.get("api_key_id")})
    explained = int(victim != "parent alone" and module == "soda_runner" and point in IN_DOUBT)
    orphaned = min(lacking, explained)
    # If the module is still running, the next play must have taken its key.
    allowed = 0 if known or (before and victim == "parent alone") else 1
    problem = f"the play after it ended with {status}: {controller.said()}" if status else ""
    if controller.stray():
        problem = problem or f"left behind: {', '.join(sorted(controller.stray()))}"
    return Outcome(
        what="play",
        victim=victim,
        point=f"{point} ({module})" if module != "-" else point,
        kills=1,
        issued=len(issued),
        stored=len(issued & {stored.get("api_key_id")}),
        orphaned=orphaned,
        lost=lacking - orphaned,
        doubled=max(0, len(issued) - before - allowed),
        converged=not status and configured,
        problem=problem,
        unnotified=not (controller.host / "restarted").exists(),
    )


def _wait_for(pid: int) -> None:
    """Wait for a process that is not a child of this one."""
    deadline = time.monotonic() + TIMEOUT
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        while Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z":
            if time.monotonic() > deadline:
                raise AssertionError(f"The module {pid} does not end.")
            time.sleep(0.05)
