# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every example runs: it has a kind that runs here, or another test is named that runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from examples.collect import KINDS, Example, collected
from examples.elsewhere import ELSEWHERE
from tooling import tree

EXAMPLES = collected()
NAMES = {
    name
    for example in EXAMPLES
    for name in [example.name, *(f"{example.source}: $ {command}" for command, _shown in example.commands)]
}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_every_example_is_of_a_kind_that_is_run_or_is_run_elsewhere(example: Example) -> None:
    assert example.kind in KINDS or example.name in ELSEWHERE, f"{example.source}, line {example.line}:\n{example.text}"


@pytest.mark.parametrize("example", [each for each in EXAMPLES if each.kind == "console"], ids=lambda each: each.name)
def test_every_line_of_a_console_is_a_command_or_what_it_shows(example: Example) -> None:
    commands = "".join(f"$ {command}\n{shown}" for command, shown in example.commands)
    assert commands == example.text.replace("\\\n", " ")


def test_sources_of_examples_are_found() -> None:
    sources = {example.source for example in collected()}
    assert {"README.md", "roles/soda_runner/README.md", "docs/guides/many-hosts.md"} <= sources
    documented = {
        str(path.relative_to(tree.ROOT))
        for folder in ("plugins", "extensions/eda/plugins")
        for path in (tree.ROOT / folder).rglob("*.py")
        if "EXAMPLES = " in path.read_text("utf-8")
    }
    assert documented <= sources


@pytest.mark.parametrize("name", ELSEWHERE)
def test_examples_that_run_elsewhere_exist_and_run_there(name: str) -> None:
    assert name in NAMES
    file, shows = ELSEWHERE[name]
    assert shows in Path(tree.ROOT, file).read_text("utf-8")


def test_block_that_nobody_runs_is_found(tmp_path: Path) -> None:
    """The rules above, on a page that breaks them."""
    (tmp_path / "README.md").write_text("```yaml\nsome: thing\n```\n\n- in a list:\n  ```sh\n  ls\n  ```\n", "utf-8")
    found = collected(tmp_path)
    assert [(example.name, example.kind) for example in found] == [
        ("README.md: some: thing", ""),
        ("README.md: ls", ""),
    ]
