# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Has pytest run the fastest tests first, by the times that mutmut took: most mutants are noticed by any of many."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

STATS = Path("mutmut-stats.json")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if STATS.exists():
        seconds: dict[str, float] = json.loads(STATS.read_text("utf-8"))["duration_by_test"]
        # By tenths: what differs by less stays in the order of the file.
        items.sort(key=lambda item: round(seconds.get(item.nodeid, 0.0), 1))
