# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Another user of the controller plants files where the collection reads and writes."""

from __future__ import annotations

import json
import threading
import time
import typing as t
from pathlib import Path

import pytest

from attack.field import Field, give_to_another_user

PLANTED = "planted-0123456789-0123456789-0123456789-0123456789-012"


def key_in_escrow(field: Field, **variables: t.Any) -> Path:
    """A key whose host became unreachable while it was issued. The key is only in escrow."""
    field.account.fault("delay", "createRunner", seconds=2)
    before = field.account.stats()["keys_issued"]
    place, away = field.host_dir(), field.folder / "away"
    place.mkdir(exist_ok=True)

    def break_down() -> None:
        deadline = time.monotonic() + 60
        while field.account.stats()["keys_issued"] == before and time.monotonic() < deadline:
            time.sleep(0.1)
        place.rename(away)
        place.write_text("a file where a folder was", "utf-8")

    disk = threading.Thread(target=break_down)
    disk.start()
    ended = field.role(**variables)
    disk.join()
    assert ended.failed
    place.unlink()
    away.rename(place)
    (waiting,) = field.waiting_keys()
    return waiting


@pytest.mark.quick
def test_a_report_is_planted(field: Field) -> None:
    (offline,) = field.account.seed({"name": "one", "isOnline": False, "last_seen_seconds_ago": 30 * 86400})
    field.hosts("two")
    report, _ended = field.audit()
    assert [runner["id"] for runner in report["stale"]] == [offline]
    path = field.folder / "work" / "soda-audit.json"
    give_to_another_user(path)
    ended = field.play("community.soda.decommission", soda_decommission_audit=str(path))
    assert ended.refused_with("untrusted_file")
    assert field.sent("deleteRunner") == 0


@pytest.mark.quick
def test_a_key_is_planted_in_escrow(field: Field) -> None:
    waiting = key_in_escrow(field)
    genuine = json.loads(waiting.read_text("utf-8"))["api_key_secret"]
    waiting.write_text(waiting.read_text("utf-8").replace(genuine, PLANTED), "utf-8")
    give_to_another_user(waiting)
    field.role()
    written = [path.read_text("utf-8") for path in field.host_dir().iterdir() if path.is_file()]
    assert [text for text in written if PLANTED in text] == []


def test_a_reissued_key_in_escrow_is_dropped_in_silence(field: Field) -> None:
    assert not field.role().failed
    field.register()
    stored = field.host_dir() / "key.json"
    lost = field.key()
    # The host was rebuilt, and becomes unreachable when it gets its new key.
    stored.unlink()
    waiting = key_in_escrow(field, soda_runner_reissue=True)
    reissued = json.loads(waiting.read_text("utf-8"))["api_key_id"]
    # Somebody else has given the host a newer key.
    key = field.account.issue_runner_key()
    newer = {"api_key_id": key.api_key_id, "api_key_secret": key.api_key_secret, "issued_at": "2999-01-01T00:00:00Z"}
    stored.touch(mode=0o600)
    stored.write_text(json.dumps({**lost, **newer}), "utf-8")
    ended = field.role()
    assert ended.failed or waiting.exists() or reissued in ended.output


def test_a_link_is_planted_where_the_report_goes(field: Field) -> None:
    victim = field.folder / "victim"
    victim.write_text("precious", "utf-8")
    (field.folder / "work" / "soda-audit.html").symlink_to(victim)
    field.audit()
    assert victim.read_text("utf-8") == "precious"
