# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs Ansible as a user would, and shows the changes and messages, or the whole output."""

from __future__ import annotations

import dataclasses
import json
import re
import shlex
import subprocess
import typing as t
from pathlib import Path

from tooling.process import ended

from .screen import DIM, Screen

_RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)")
_TASK = re.compile(r"^(?:TASK|RUNNING HANDLER) \[(?:[\w.]+ : )?(.*?)\]")
_CHANGED = re.compile(r"^changed: \[([^\] ]+)")
_MESSAGE = re.compile(r'^\s+"msg": (".*"),?$')


class Failed(Exception):
    """A step of the demo did not do what it should."""


@dataclasses.dataclass
class Recap:
    """The recap of a playbook."""

    changed: dict[str, int] = dataclasses.field(default_factory=dict)
    failed: int = 0

    @property
    def total_changed(self) -> int:
        """Changes on all hosts."""
        return sum(self.changed.values())


@dataclasses.dataclass(frozen=True)
class Ansible:
    """Runs Ansible in a folder that contains inventory.yml, with the verbosity that the user chose."""

    folder: Path
    logs: Path
    screen: Screen
    verbosity: str

    def playbook(self, *arguments: str) -> Recap:
        """Run ``ansible-playbook`` and show its changes and messages."""
        command = ["ansible-playbook", "-i", "inventory.yml", *arguments, *self._verbosity()]
        self.screen.command(shlex.join(command))
        recap, shown = Recap(), _Digest(self.screen)
        output = self._run(command, shown.line)
        for line in output.splitlines():
            match = _RECAP.match(line)
            if match:
                recap.changed[match[1]] = int(match[3])
                recap.failed += int(match[4]) + int(match[5])
        shown.end()
        if recap.failed or not recap.changed:
            raise Failed(f"{shlex.join(command)}: {recap.failed} failures on {len(recap.changed)} hosts")
        return recap

    def module(self, name: str, *, quietly: bool = False) -> dict[str, t.Any]:
        """Run one module on this machine with ``ansible`` and return its result."""
        command = ["ansible", "localhost", "-m", name, *self._verbosity()]
        if not quietly:
            self.screen.command(shlex.join(command))
        output = self._run(command, lambda line: None)
        match = re.search(r"^localhost \| SUCCESS => (\{.*^\})", output, re.DOTALL | re.MULTILINE)
        if not match:
            raise Failed(f"{shlex.join(command)} gave no result")
        result: dict[str, t.Any] = json.loads(match[1])
        return result

    def _verbosity(self) -> list[str]:
        return [self.verbosity] if self.verbosity else []

    def _run(self, command: list[str], digest: t.Callable[[str], None]) -> str:
        """Run a command. If it fails, show its output and raise Failed."""
        lines = []
        number = len(list(self.logs.iterdir())) + 1
        with (
            (self.logs / f"{number:02}-{command[0]}.log").open("w", encoding="utf-8") as log,
            subprocess.Popen(
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
            ) as process,
            ended(process),
        ):
            assert process.stdout is not None
            for line in process.stdout:
                log.write(line)
                lines.append(line)
                if self.verbosity:
                    self.screen.say(f"   {line.rstrip()}", DIM)
                else:
                    digest(line.rstrip())
        output = "".join(lines)
        if process.returncode:
            if not self.verbosity:
                self.screen.say(output)
            raise Failed(f"{shlex.join(command)} ended with exit status {process.returncode}")
        return output


class _Digest:
    """Shows the changes and messages of a playbook, one line for each task that has any."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._task = ""
        self._hosts: list[str] = []

    def line(self, line: str) -> None:
        task = _TASK.match(line)
        changed = _CHANGED.match(line)
        message = _MESSAGE.match(line)
        if task:
            self.end()
            self._task = task[1]
            self._screen.progress(self._task)
        elif changed:
            if changed[1] not in self._hosts:
                self._hosts.append(changed[1])
        elif message:
            self._screen.say(f"     {json.loads(message[1]).strip()}", DIM)

    def end(self) -> None:
        if self._hosts:
            self._screen.say(f"     {self._task}: {', '.join(sorted(self._hosts))}", DIM)
        self._hosts = []
