# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""
The state file of the event source: what was reported before a restart, without any key.

The first line is a snapshot. Each further line is a change that was reported after it, so a change is stored at once,
however many runners there are. A last line that is incomplete belongs to a change that is reported again.
"""

from __future__ import annotations

import dataclasses
import json
import os
import typing as t

from ..module_utils._account import Account
from ..module_utils._api.runner import Runner
from ..module_utils._errors import StatePathUnusable
from ..module_utils._key.atomic_write import TargetFile
from ._changes import Change, Snapshot, record, snapshot

# 100,000 runners are about 30 MB.
LARGEST = 256 * 1024 * 1024


class StateFile:
    """Without a path, nothing is stored. Raises V(state_path_unusable)."""

    def __init__(self, path: str | None, account: Account) -> None:
        self._file = None if path is None else TargetFile(path, StatePathUnusable)
        self._account = dataclasses.asdict(account)
        self._content: bytes | None = None

    def load(self) -> Snapshot | None:
        """What was reported before, or None if there is no file."""
        if self._file is None:
            return None
        self._file.check()
        content = self._file.read(largest=LARGEST)
        if content is None:
            return None
        first, *lines = content.split(b"\n")
        try:
            state = json.loads(first)
            account = {field: state[field] for field in self._account}
            reported = snapshot([Runner.from_dict(entry) for entry in state["runners"]], {})
            # The text after the last line break is incomplete.
            for line in lines[:-1]:
                change = json.loads(line)
                record(reported, Change(change["event"], Runner.from_dict(change["runner"])))
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as exc:
            raise self._file.unusable(
                "this event source did not write it; set another state_path, or remove the file to start again"
            ) from exc
        if account != self._account:
            raise self._file.unusable(
                "it belongs to another endpoint or Soda Cloud API key; set another state_path, or remove the file to"
                " start again"
            )
        return reported

    def replace(self, reported: Snapshot) -> None:
        """Write a snapshot if the file has another content."""
        if self._file is None:
            return
        content = _line({**self._account, "runners": [runner.to_dict() for runner in reported.values()]})
        if content != self._content:
            self._file.write(content)
            self._content = content

    def append(self, change: Change) -> None:
        """Add a change that was reported after the snapshot."""
        if self._file is None:
            return
        self._content = None
        try:
            fd = os.open(self._file.path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC)
            with open(fd, "ab") as file:
                file.write(_line({"event": change.event, "runner": change.runner.to_dict()}))
                file.flush()
                os.fsync(fd)
        except OSError as exc:
            raise self._file.unusable(exc) from exc


def _line(content: t.Any) -> bytes:
    return json.dumps(content).encode() + b"\n"
