# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The prose linter finds unclear wording in each kind of file, and only in text."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tooling import tree

CASES = {
    "page.md": "The key\nis held.\n",
    "task.yml": '---\n- name: "A key is held"\n',
    "comment.yml": "---\n# The key is\n# held.\na: 1\n",
    "module.py": '"""The key is held."""\n',
    "message.py": 'raise ValueError(f"the key {1} is held")\n',
    "test_names.py": "def test_key_is_held():\n    pass\n",
    "script.sh": "echo 'the key is held'\n",
}
CLEAN = {
    "page.md": "`is held` in code\n\n```yaml\n- is held\n```\n\n<!-- is held -->\n",
    "names.py": "is_held = True\nmend = is_held\n",
    "template.yml": "a: '{{ is held }}'\n",
    "plain.md": "The key is stored.\n",
}


def check(folder: Path, files: dict[str, str]) -> subprocess.CompletedProcess[str]:
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")
    command = [sys.executable, str(tree.ROOT / "tests" / "tooling" / "prose.py")]
    return subprocess.run(
        [*command, *(str(folder / name) for name in files)], capture_output=True, text=True, check=False
    )


def test_unclear_wording_is_found_in_every_kind_of_file(tmp_path: Path) -> None:
    checked = check(tmp_path, CASES)
    assert checked.returncode == 1, checked.stderr
    assert sorted(Path(line.split(":")[0]).name for line in checked.stdout.splitlines()) == sorted(CASES)
    assert all(line.endswith("write: is stored.") for line in checked.stdout.splitlines())


def test_code_templates_and_plain_wording_are_accepted(tmp_path: Path) -> None:
    checked = check(tmp_path, CLEAN)
    assert checked.stdout == f"no unclear wording in {len(CLEAN)} files\n"
    assert checked.returncode == 0


def test_finding_names_its_line(tmp_path: Path) -> None:
    assert "page.md:3:" in check(tmp_path, {"page.md": "one\n\nThe key is held.\n"}).stdout
