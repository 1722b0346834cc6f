# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The troubleshooting page explains each code that a failure can have, and no other."""

from __future__ import annotations

import collections
import re
from pathlib import Path

from ansible_collections.community.soda.plugins.module_utils._errors import FAILURE_CODES

PAGE = Path(__file__).resolve().parents[3] / "docs" / "guides" / "troubleshooting.md"


def test_each_code_has_exactly_one_row() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert collections.Counter(rows) == collections.Counter(FAILURE_CODES)


def test_each_row_has_a_cause_and_a_remedy() -> None:
    rows = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `")]
    assert [row for row in rows if not all(cell.strip() for cell in row.strip("|").split("|"))] == []
