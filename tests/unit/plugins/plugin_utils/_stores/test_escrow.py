# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The escrow folder belongs to one user, and its id distinguishes it from others."""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path

import pytest

from ansible_collections.community.soda.plugins.module_utils._errors import KeyPathUnusable
from ansible_collections.community.soda.plugins.plugin_utils._stores.escrow import EscrowFolder
from ansible_collections.community.soda.tests.unit.plugins.harness import ORDINARY_USER, mode_of, needs_root


def made(path: Path) -> EscrowFolder:
    folder = EscrowFolder(str(path))
    folder.create()
    return folder


def test_a_folder_is_made_for_one_user(tmp_path: Path) -> None:
    mask = os.umask(0)
    try:
        folder = made(tmp_path / "state" / "escrow")
        folder.instance()
    finally:
        os.umask(mask)
    assert mode_of(tmp_path / "state" / "escrow") == 0o700
    assert mode_of(tmp_path / "state" / "escrow" / "instance") == 0o600
    made(tmp_path / "state" / "escrow")


def test_the_file_of_a_runner_has_an_absolute_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert EscrowFolder("escrow").file("runner") == f"{tmp_path}/escrow/runner.json"


def test_a_folder_keeps_its_id_and_another_has_another(tmp_path: Path) -> None:
    first, second = made(tmp_path / "first"), made(tmp_path / "second")
    assert first.instance() == EscrowFolder(first.path).instance()
    assert first.instance() != second.instance()
    assert re.fullmatch("[0-9a-f]{32}", first.instance())
    assert (tmp_path / "first" / "instance").read_text("ascii") == first.instance() + "\n"
    assert os.listdir(first.path) == ["instance"]


def test_runs_that_start_at_the_same_moment_have_the_same_id(tmp_path: Path) -> None:
    folder = made(tmp_path)
    ids: list[str] = []
    threads = [threading.Thread(target=lambda: ids.append(folder.instance())) for _run in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(ids)) == 1
    assert os.listdir(tmp_path) == ["instance"]


@pytest.mark.parametrize("content", ["", "x", "0" * 31, "0" * 33, "G" * 32, "\xff" * 32])
def test_an_id_that_is_not_valid_is_not_replaced(tmp_path: Path, content: str) -> None:
    folder = made(tmp_path)
    (tmp_path / "instance").write_text(content, "latin-1")
    (tmp_path / "instance").chmod(0o600)
    with pytest.raises(KeyPathUnusable, match=f"{tmp_path}/instance is not valid. Remove it"):
        folder.instance()
    assert (tmp_path / "instance").read_text("latin-1") == content


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777])
def test_a_folder_that_others_may_write_to_is_refused(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    with pytest.raises(KeyPathUnusable, match=f"The escrow folder {tmp_path} belongs to another user"):
        EscrowFolder(str(tmp_path)).create()


def test_a_folder_that_others_may_read_is_accepted(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    made(tmp_path)


@needs_root
def test_a_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    os.chown(tmp_path, ORDINARY_USER, ORDINARY_USER)
    with pytest.raises(KeyPathUnusable, match="belongs to another user"):
        EscrowFolder(str(tmp_path)).create()


def test_a_path_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(KeyPathUnusable, match=f"The escrow folder {tmp_path}/file cannot be used: File exists. Set"):
        EscrowFolder(str(tmp_path / "file")).create()


def test_a_folder_that_is_gone_has_no_id(tmp_path: Path) -> None:
    with pytest.raises(KeyPathUnusable, match="instance"):
        EscrowFolder(str(tmp_path / "gone")).instance()
