# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The map of the code is true: every file is on it, with what it imports, and arrows point downwards."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PLUGINS = (ROOT / "plugins", ROOT / "extensions" / "eda" / "plugins")
PAGE = ROOT / "docs" / "architecture.md"
UTILITIES = "ansible_collections.community.soda.plugins.module_utils"


def rows() -> list[tuple[str, set[str]]]:
    """The files on the map from top to bottom, each with what it is said to import."""
    rooms = PAGE.read_text("utf-8").partition("\n## Rooms\n")[2].partition("\n## ")[0]
    found = re.findall(r"^\| `([\w/]+)` \| [^|]+ \| ?([^|]*)\|$", rooms, re.MULTILINE)
    return [(file, set(re.findall(r"`(\w+)`", imports))) for file, imports in found]


def files() -> dict[str, set[str]]:
    """The files that there are, each with the utilities of ours that it imports."""
    names = {}
    for path in sorted(path for folder in PLUGINS for path in folder.rglob("*.py")):
        name = path.stem if path.parent.name == "module_utils" else f"{path.parent.name}/{path.stem}"
        names[name] = imported(path)
    return names


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.ImportFrom):
            continue
        module = node.module or ""
        if module == UTILITIES or (node.level == 1 and not module):
            found |= {alias.name for alias in node.names}
        elif module.startswith(f"{UTILITIES}."):
            found.add(module.removeprefix(f"{UTILITIES}."))
        elif node.level == 1:
            found.add(module)
    return found


def as_row(file: str, imports: set[str]) -> str:
    return f"| `{file}` | … | {' '.join(f'`{name}`' for name in sorted(imports))} |"


def test_every_file_is_on_the_map() -> None:
    on_map = {file for file, _imports in rows()}
    assert [as_row(file, imports) for file, imports in files().items() if file not in on_map] == []


def test_every_row_is_a_file_with_just_these_imports() -> None:
    there = files()
    assert {file: imports for file, imports in rows() if there.get(file) != imports} == {}


def test_arrows_point_downwards() -> None:
    order = [file for file, _imports in rows()]
    upwards = [
        f"{file} imports {name}, which stands above it"
        for position, (file, imports) in enumerate(rows())
        for name in imports
        if name not in order[position + 1 :]
    ]
    assert upwards == []


def test_nothing_but_utilities_is_imported_by_a_utility() -> None:
    assert [file for file, imports in files().items() if any(not name.startswith("_") for name in imports)] == []
