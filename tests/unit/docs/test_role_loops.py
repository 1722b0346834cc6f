# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A loop of the role names its variable, because users loop over the role with C(item)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
FILES = sorted((ROOT / "roles" / "soda_runner").rglob("*.yml"))


def loops(content: Any) -> Iterator[dict[str, Any]]:
    """The tasks with a loop, at any depth."""
    if isinstance(content, dict):
        if "loop" in content or any(str(key).startswith("with_") for key in content):
            yield content
        content = list(content.values())
    if isinstance(content, list):
        for each in content:
            yield from loops(each)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_each_loop_names_its_variable(path: Path) -> None:
    for content in yaml.safe_load_all(path.read_text("utf-8")):
        for task in loops(content):
            assert task.get("loop_control", {}).get("loop_var", "item") != "item", task.get("name")


def test_a_loop_without_a_name_is_found() -> None:
    assert len(list(loops([{"block": [{"name": "one", "loop": []}, {"with_items": []}]}]))) == 2
