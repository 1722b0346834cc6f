# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each recipe begins with two hosts from nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hosts.fleet import Fleet


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """In the end every request and answer must have been true to the contract."""
    fleet = Fleet.of_the_scenario(tmp_path)
    fleet.from_nothing()
    yield fleet
    assert fleet.account.violations() == []
