# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The architecture page is correct: it names every room, and imports point to rooms further down."""

from __future__ import annotations

import ast
import graphlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "architecture.md"
PREFIX = "ansible_collections.community.soda."
FILES = sorted(path for folder in ("plugins", "extensions/eda/plugins") for path in (ROOT / folder).rglob("*.py"))


def rooms() -> list[str]:
    """The rooms of the page from top to bottom: folders, and single files that are rooms."""
    table = PAGE.read_text("utf-8").partition("\n## Rooms\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `([\w/.]+)` \|", table, re.MULTILINE)


def room_of(path: Path) -> str:
    """The room of a file: the longest entry of the page that is the file or a folder above it."""
    name = path.relative_to(ROOT).as_posix()
    found = [room for room in rooms() if name == room or name.startswith(f"{room.rstrip('/')}/")]
    assert found, f"{PAGE.name} names no room for {name}"
    return max(found, key=len)


def imports(path: Path) -> set[Path]:
    """The files of the collection that a file imports when it runs. Imports for type checkers do not count."""
    tree = ast.parse(path.read_text("utf-8"))
    typing_only = {
        node
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "t.TYPE_CHECKING"
        for statement in block.body
        for node in ast.walk(statement)
    }
    found: set[Path] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node not in typing_only:
            if node.level:
                package = path.parents[node.level - 1]
                folder = package.joinpath(*(node.module or "").split(".")) if node.module else package
            elif (node.module or "").startswith(PREFIX):
                folder = ROOT.joinpath(*str(node.module).removeprefix(PREFIX).split("."))
            else:
                continue
            candidates = [folder, *(folder / alias.name for alias in node.names)]
            found |= {file for candidate in candidates if (file := candidate.with_suffix(".py")).is_file()}
    return found


def test_every_file_is_in_a_room() -> None:
    assert {room_of(path) for path in FILES} == {room for room in rooms() if (ROOT / room).exists()}


def test_every_room_exists() -> None:
    assert [room for room in rooms() if not (ROOT / room).exists()] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_point_to_rooms_further_down(path: Path) -> None:
    order = rooms()
    here = room_of(path)
    upwards = [
        target.relative_to(ROOT).as_posix()
        for target in imports(path)
        if room_of(target) != here and order.index(room_of(target)) < order.index(here)
    ]
    assert upwards == []


def test_no_circular_imports() -> None:
    order = graphlib.TopologicalSorter({path: imports(path) for path in FILES})
    assert len(list(order.static_order())) >= len(FILES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_file_has_more_than_400_lines_of_code(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    lines: set[int] = set()
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        is_documentation = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).isupper()
        if isinstance(node, ast.stmt) and not is_text and not is_documentation:
            lines |= {node.lineno} if hasattr(node, "body") else set(range(node.lineno, (node.end_lineno or 0) + 1))
    assert len(lines) <= 400
