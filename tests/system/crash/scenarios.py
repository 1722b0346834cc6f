# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scenarios: each prepares a state, and defines what must be true after a complete run."""

from __future__ import annotations

import dataclasses
import json
import os
import typing as t
from pathlib import Path

from ansible_collections.community.soda.plugins.module_utils._host.request import ConfigFile, FileAttributes, Request
from emulator.client import Account, Key

NAME = "warehouse-eu"
OWNER = 65534
"""The owner of the key file in some scenarios, by number."""
OWNED = {"owner": str(OWNER), "group": str(OWNER)}
Json = dict[str, t.Any]


@dataclasses.dataclass
class Scene:
    """An account of Soda Cloud, and a folder for the files of one runner."""

    account: Account
    folder: Path
    parted: set[str] = dataclasses.field(default_factory=set)
    """The ids of stored keys that the run replaces or removes."""

    def __post_init__(self) -> None:
        self.key_path = self.folder / "key.json"
        self.key_left = self.folder / ".key.json.new"
        self.state_path = self.folder / ".key.json.state"
        self.files = {self.folder / "values.yml": "new values\n", self.folder / "runner.env": "NEW=1\n"}

    def key(self, version: int = 1) -> bytes:
        """A key file's content, with a key that was issued before."""
        key: Key = self.account.issue_runner_key()
        content = {
            "endpoint": self.account.endpoint,
            "name": NAME,
            "api_key_id": key.api_key_id,
            "api_key_secret": key.api_key_secret,
            "key_version": version,
            "issued_at": "2026-01-01T12:00:00Z",
            "runner_id": None,
        }
        return (json.dumps(content, indent=2) + "\n").encode()

    def holds(self, path: Path, version: int = 1) -> str:
        """Store a key at a path. Returns its id."""
        content = self.key(version)
        put(path, content)
        api_key_id: str = json.loads(content)["api_key_id"]
        return api_key_id

    def runner(self, **options: t.Any) -> Json:
        """Arguments for ``soda_runner``."""
        return {
            "endpoint": self.account.endpoint,
            "api_key_id": self.account.api_key_id,
            "api_key_secret": self.account.api_key_secret,
            "timeout": 20,
            "retry_budget": 60,
            "name": NAME,
            "key_path": str(self.key_path),
            **options,
        }

    def on_host(self, action: str, **options: t.Any) -> Json:
        """Arguments for ``soda_runner_files``."""
        files = tuple(ConfigFile(str(path), text) for path, text in self.files.items())
        request = Request(
            action, self.account.endpoint, NAME, str(self.key_path), files=files, track_restart=True, **options
        )
        return {"request": request.to_json()}


def put(path: Path, content: bytes) -> None:
    """Write a file of mode 0600."""
    path.touch(mode=0o600)
    path.write_bytes(content)


@dataclasses.dataclass(frozen=True)
class Scenario:
    """A module, the state before it, and the conditions after it."""

    name: str
    module: str
    arguments: t.Callable[[Scene], Json]
    """Prepares the state. Returns the arguments of the module."""
    issues: int
    """How many keys a run issues without a kill."""
    version: int | None
    """The version of the key that is stored in the end, or nothing if none is."""
    configured: bool = False
    """Whether the configuration files exist at the end."""


def _issue(scene: Scene) -> Json:
    return scene.runner()


def _rotate(scene: Scene) -> Json:
    scene.parted.add(scene.holds(scene.key_path))
    scene.account.seed(NAME)
    return scene.runner(key_version=2)


def _reissue(scene: Scene) -> Json:
    scene.account.seed(NAME)
    return scene.runner(reissue=True)


def _recover(scene: Scene) -> Json:
    scene.holds(scene.key_left)
    return scene.runner()


def _delete(scene: Scene) -> Json:
    scene.parted.add(scene.holds(scene.key_path))
    scene.account.seed(NAME)
    return scene.runner(state="absent")


def _adopt(scene: Scene) -> Json:
    scene.account.seed(NAME)
    existing = json.loads(scene.key())
    return scene.runner(existing_key={field: existing[field] for field in ("api_key_id", "api_key_secret")})


def _issue_for_owner(scene: Scene) -> Json:
    return scene.runner(**OWNED)


def _rotate_for_owner(scene: Scene) -> Json:
    arguments = {**_rotate(scene), **OWNED}
    os.chown(scene.key_path, OWNER, OWNER)
    return arguments


def _recover_for_owner(scene: Scene) -> Json:
    arguments = {**_recover(scene), **OWNED}
    os.chown(scene.key_left, OWNER, OWNER)
    return arguments


def _carry_for_owner(scene: Scene) -> Json:
    return scene.on_host("present", waiting_key=scene.key().decode(), key_attributes=FileAttributes(**OWNED))


def _carry(scene: Scene) -> Json:
    return scene.on_host("present", waiting_key=scene.key().decode())


def _carry_newer(scene: Scene) -> Json:
    scene.parted.add(scene.holds(scene.key_path))
    for path in scene.files:
        put(path, b"old\n")
    return scene.on_host("present", waiting_key=scene.key(version=2).decode())


def _recover_on_host(scene: Scene) -> Json:
    scene.holds(scene.key_left)
    return scene.on_host("present")


def _clear(scene: Scene) -> Json:
    scene.parted.add(scene.holds(scene.key_path))
    for path in scene.files:
        put(path, b"old\n")
    return scene.on_host("absent")


# Only root can give a file to another user.
FOR_OWNER = (
    Scenario("issue for owner", "soda_runner", _issue_for_owner, issues=1, version=1),
    Scenario("rotate for owner", "soda_runner", _rotate_for_owner, issues=1, version=2),
    Scenario("recover for owner", "soda_runner", _recover_for_owner, issues=0, version=1),
    Scenario("carry for owner", "soda_runner_files", _carry_for_owner, issues=0, version=1, configured=True),
)

SCENARIOS = (
    Scenario("issue", "soda_runner", _issue, issues=1, version=1),
    Scenario("rotate", "soda_runner", _rotate, issues=1, version=2),
    Scenario("reissue", "soda_runner", _reissue, issues=1, version=1),
    Scenario("recover", "soda_runner", _recover, issues=0, version=1),
    Scenario("delete", "soda_runner", _delete, issues=0, version=None),
    Scenario("carry to host", "soda_runner_files", _carry, issues=0, version=1, configured=True),
    Scenario("carry newer", "soda_runner_files", _carry_newer, issues=0, version=2, configured=True),
    Scenario("recover on host", "soda_runner_files", _recover_on_host, issues=0, version=1, configured=True),
    Scenario("clear host", "soda_runner_files", _clear, issues=0, version=None),
    Scenario("adopt", "soda_runner", _adopt, issues=0, version=1),
    *(FOR_OWNER if os.geteuid() == 0 else ()),
)
