# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that are killed, and two controllers at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from servers.kills import (
    PARTS,
    kill_a_move_at_each_request,
    kill_at_each_request,
    kill_at_random,
    two_controllers_at_once,
)
from servers.proxy import AFTER, BEFORE

from .conftest import Namespace


@pytest.mark.parametrize("version", [1, 2], ids=["issue", "rotate"])
@pytest.mark.parametrize("when", [BEFORE, AFTER])
def test_no_key_is_lost_unseen_whenever_a_run_is_killed(namespace: Namespace, when: str, version: int) -> None:
    kill_at_each_request(namespace, namespace.counted_controller(), when, version)


@pytest.mark.parametrize("when", [BEFORE, AFTER])
def test_a_move_that_is_killed_loses_no_key(namespace: Namespace, tmp_path: Path, when: str) -> None:
    kill_a_move_at_each_request(namespace, namespace.counted_controller(), tmp_path, when)


@pytest.mark.parametrize("part", range(PARTS))
def test_no_key_is_lost_unseen_if_runs_are_killed_at_random(namespace: Namespace, part: int) -> None:
    kill_at_random(namespace, namespace.controller())


def test_two_controllers_at_once_issue_one_key_for_each_runner(namespace: Namespace) -> None:
    two_controllers_at_once(namespace, namespace.controller(), namespace.controller())
