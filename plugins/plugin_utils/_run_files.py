# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""
What action plugins of one play share: files on the controller that no host can write.

Ansible runs each task of each host in its own process. Facts and registered results would carry data from one to
the next, but a host can return facts too, and Ansible copies them for each task. So the data lies in files. They are
in the temporary folder that all processes of one ansible run share and that Ansible removes when it ends. Each play has
its own part of it, so nothing outlives a play. The files hold no secrets: a killed run leaves the folder behind.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import tempfile
import typing as t
from pathlib import Path

from ansible import constants

from ..module_utils._errors import InvalidArguments


class Entry:
    """One file, locked: only one process at a time has it open."""

    def __init__(self, files: RunFiles, topic: str, key: str) -> None:
        self._files, self._topic, self._key = files, topic, key
        found = files._read(files._path(topic, key))
        self.is_published: bool = found is not None
        """Whether this or another process has published the data."""
        self.data: t.Any = None if found is None else found["data"]

    def publish(self, data: t.Any) -> None:
        self._files.publish(self._topic, self._key, data)
        self.is_published, self.data = True, data


class RunFiles:
    """The files of one play. A topic is a folder, and a key is a file in it. Any text may be a key."""

    def __init__(self, play_id: str) -> None:
        self._folder = Path(str(constants.DEFAULT_LOCAL_TMP), "community.soda", _hashed(play_id))

    @classmethod
    def of_task(cls, task: t.Any) -> RunFiles:
        """The files of the play that a task is part of. All batches of C(serial) are one play."""
        parent = task
        while parent is not None:
            play = getattr(parent, "_play", None)
            if play is not None:
                return cls(str(play._uuid))
            parent = getattr(parent, "_parent", None)
        raise InvalidArguments("This action works in a play only: its task belongs to none.")

    def publish(self, topic: str, key: str, data: t.Any) -> None:
        """Store data that JSON can express, in one step. It replaces what has the same topic and key."""
        path = self._path(topic, key)
        folder = self._make_folder(topic)
        fd, temporary = tempfile.mkstemp(dir=folder, suffix=".new")
        try:
            with open(fd, "w", encoding="ascii") as file:
                json.dump({"key": key, "data": data}, file)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise

    def collect(self, topic: str) -> dict[str, t.Any]:
        """All data of a topic by key, in the order of the keys."""
        found = [self._read(path) for path in (self._folder / topic).glob("*.json")]
        return {one["key"]: one["data"] for one in sorted(filter(None, found), key=lambda one: str(one["key"]))}

    def clear(self, topic: str) -> None:
        """Remove all data of a topic."""
        for path in (self._folder / topic).glob("*.json"):
            path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def once(self, topic: str, key: str) -> t.Iterator[Entry]:
        """
        Let one process compute what others read.

        The first one finds C(is_published) false and publishes. The others wait until it has ended its block. If it
        fails before it publishes, the next one is the first.
        """
        folder = self._make_folder(topic)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(folder / f"{_hashed(key)}.lock", flags, 0o600), "rb+") as lock:
            # The kernel releases the lock when the process ends, however it ends.
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield Entry(self, topic, key)

    def _path(self, topic: str, key: str) -> Path:
        return self._folder / topic / f"{_hashed(key)}.json"

    def _make_folder(self, topic: str) -> Path:
        folder = self._folder / topic
        for each in (self._folder.parent, self._folder, folder):
            each.mkdir(mode=0o700, exist_ok=True)
        return folder

    @staticmethod
    def _read(path: Path) -> t.Any:
        try:
            return json.loads(path.read_bytes())
        except FileNotFoundError:
            return None


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]
