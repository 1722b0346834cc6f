# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""
The state that the collection records on a host: the configuration files of a runner, and whether a restart is owed.

The state of a runner is in a file beside its key file. It contains no secret. In other folders with configuration files
of the runner there is a reference to it, so that another runner that declares the same file finds it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import stat
import typing as t

from .._errors import ConfigPathUnusable, KeyPathUnusable, SodaError
from .._key.atomic_write import TargetFile

LARGEST = 64 * 1024
MOST_FILES = 200
"""State files that are read in one folder."""
_STATE_FILE = re.compile(r"\..+\.state")


@dataclasses.dataclass(frozen=True)
class HostState:
    """What the collection has written for one runner."""

    endpoint: str
    name: str
    account: str
    key_path: str
    config_paths: tuple[str, ...] = ()
    """Resolved paths of the configuration files that were written."""
    restart_owed: bool = False
    """Whether the configuration changed and no restart was acknowledged since."""

    def is_of(self, endpoint: str, name: str, account: str) -> bool:
        return (self.endpoint, self.name, self.account) == (endpoint, name, account)

    def to_json(self) -> bytes:
        return (json.dumps(dataclasses.asdict(self), indent=2) + "\n").encode()

    @classmethod
    def from_json(cls, content: bytes) -> HostState | None:
        """The state in a file, or None if it is not one."""
        try:
            data = json.loads(content)
        except (ValueError, RecursionError):
            return None
        if not isinstance(data, dict):
            return None
        texts = {field: data.get(field) for field in ("endpoint", "name", "account", "key_path")}
        paths, owed = data.get("config_paths"), data.get("restart_owed")
        if not all(isinstance(text, str) for text in texts.values()) or not isinstance(owed, bool):
            return None
        if not isinstance(paths, list) or not all(isinstance(path, str) and os.path.isabs(path) for path in paths):
            return None
        return cls(**t.cast("dict[str, str]", texts), config_paths=tuple(paths), restart_owed=owed)


class StateFile:
    """The state file of the runner whose key file is at C(key_path), which is resolved."""

    def __init__(self, key_path: str) -> None:
        folder, name = os.path.split(key_path)
        self._key_path = key_path
        self.target = TargetFile(os.path.join(folder, f".{name}.state"), KeyPathUnusable)

    def read(self) -> HostState | None:
        return _read(self.target)

    def write(self, state: HostState) -> None:
        """Write the state, then a reference to it in each other folder that has files of the runner."""
        for folder in sorted({os.path.dirname(path) for path in state.config_paths} - {self.target.folder}):
            _update(self._reference(folder), json.dumps({"key_path": self._key_path}).encode())
        _update(self.target, state.to_json())

    def remove(self, state: HostState | None) -> None:
        for path in () if state is None else state.config_paths:
            folder = os.path.dirname(path)
            if folder != self.target.folder and os.path.isdir(folder):
                reference = self._reference(folder)
                reference.remove()
                reference.remove_temporary()
        self.target.remove()
        self.target.remove_temporary()

    def has_leftovers(self) -> bool:
        return self.target.has_temporary()

    def _reference(self, folder: str) -> TargetFile:
        digest = hashlib.sha256(self._key_path.encode(errors="surrogateescape")).hexdigest()[:16]
        return TargetFile(os.path.join(folder, f".soda-runner-{digest}.state"), ConfigPathUnusable)


def _update(target: TargetFile, content: bytes) -> None:
    if _trusted_content(target) == content:
        target.remove_temporary()
    else:
        target.write(content)


def states_in(folder: str) -> list[HostState]:
    """The states of the runners that have a key file or a configuration file in a folder."""
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if _STATE_FILE.fullmatch(entry.name))
    except OSError:
        return []
    found = []
    for name in names[:MOST_FILES]:
        target = TargetFile(os.path.join(folder, name), ConfigPathUnusable)
        state = _read(target) or _read_reference(target)
        if state is not None:
            found.append(state)
    return found


def _read_reference(target: TargetFile) -> HostState | None:
    content = _trusted_content(target)
    try:
        key_path = None if content is None else json.loads(content).get("key_path")
    except (ValueError, RecursionError, AttributeError):
        return None
    return StateFile(key_path).read() if isinstance(key_path, str) and os.path.isabs(key_path) else None


def _read(target: TargetFile) -> HostState | None:
    content = _trusted_content(target)
    return None if content is None else HostState.from_json(content)


def _trusted_content(target: TargetFile) -> bytes | None:
    """The content, unless another user may have written it: paths in it are removed."""
    try:
        there = os.lstat(target.path)
        if there.st_uid not in (0, os.geteuid()) or stat.S_IMODE(there.st_mode) & 0o022:
            return None
        return target.read(LARGEST)
    except (OSError, SodaError):
        return None
