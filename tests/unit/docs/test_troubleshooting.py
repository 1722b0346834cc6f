# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each code that a failure can have is explained, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "guides" / "troubleshooting.md"


def codes_in_source() -> set[str]:
    """Every string that stands where a code stands, wherever plugins name one."""
    trees = [ast.parse(path.read_text("utf-8")) for path in (ROOT / "plugins").rglob("*.py")]
    return {
        constant.value
        for tree in trees
        for node in ast.walk(tree)
        for place in _places(node)
        for constant in ast.walk(place)
        if isinstance(constant, ast.Constant) and isinstance(constant.value, str)
    }


def _places(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.Call):
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if name == "error" and node.args:
            yield node.args[0]
        if name == "Place":
            yield node.args[1]
        if name == "get" and isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") == "_CODES":
            yield node.args[1]
        if name == "Failure":
            yield from (keyword.value for keyword in node.keywords if keyword.arg == "code")
    if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        names = {getattr(target, "id", getattr(target, "attr", "")) for target in targets}
        if names & {"_CODES", "by_outcome", "failure_code"}:
            yield node.value
    if isinstance(node, ast.Return) and isinstance(node.value, ast.Constant) and "_unknown" in str(node.value.value):
        yield node.value


def codes_on_page() -> list[str]:
    return re.findall(r"^\| `(\w+)` \|", PAGE.read_text("utf-8"), re.MULTILINE)


def test_every_code_in_the_source_has_its_row() -> None:
    assert codes_in_source() - set(codes_on_page()) == set()


def test_every_row_is_a_code_in_the_source() -> None:
    assert set(codes_on_page()) - codes_in_source() == set()


def test_no_code_has_two_rows() -> None:
    assert len(codes_on_page()) == len(set(codes_on_page()))


def test_no_row_leaves_out_cause_or_remedy() -> None:
    rows = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `")]
    assert [row for row in rows if not all(cell.strip() for cell in row.strip("|").split("|"))] == []
