# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state file of the event source. Its use over restarts is tested with the event source."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from ansible_collections.community.soda.plugins.module_utils._account import Account
from ansible_collections.community.soda.plugins.module_utils._api.runner import Runner
from ansible_collections.community.soda.plugins.plugin_utils._changes import OFFLINE, REGISTERED, REMOVED, Change
from ansible_collections.community.soda.plugins.plugin_utils._event_state import StateFile
from ansible_collections.community.soda.tests.unit.plugins.harness import mode_of

ACCOUNT = Account("https://cloud.soda.io", "key-1")
FULL = Runner(
    id="id-1",
    name="one",
    label="One",
    type="SELF_HOSTED",
    is_online=True,
    last_seen_timestamp="2026-01-01T00:00:00Z",
    versions={"runner": "1.2"},
)


def test_every_field_of_a_runner_is_stored(tmp_path: Path) -> None:
    for field, value in FULL.to_dict().items():
        assert value, f"give FULL a {field}"
    other = dataclasses.replace(FULL, id="id-2")
    file = StateFile(str(tmp_path / "state"), ACCOUNT)
    file.replace({"id-1": FULL})
    file.append(Change(OFFLINE, other))
    assert StateFile(str(tmp_path / "state"), ACCOUNT).load() == {"id-1": FULL, "id-2": other}
    assert mode_of(tmp_path / "state") == 0o600


def test_changes_are_applied_to_the_snapshot(tmp_path: Path) -> None:
    new = dataclasses.replace(FULL, id="id-2")
    file = StateFile(str(tmp_path / "state"), ACCOUNT)
    file.replace({"id-1": FULL})
    file.append(Change(REMOVED, FULL))
    file.append(Change(REGISTERED, new))
    with (tmp_path / "state").open("ab") as state:
        state.write(b'{"event": "offl')
    assert StateFile(str(tmp_path / "state"), ACCOUNT).load() == {"id-2": dataclasses.replace(new, is_online=None)}


def test_without_a_path_nothing_is_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = StateFile(None, ACCOUNT)
    file.replace({"id-1": FULL})
    file.append(Change(OFFLINE, FULL))
    assert file.load() is None
    assert list(tmp_path.iterdir()) == []
