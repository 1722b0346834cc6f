# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""
Every example of the documentation: the fenced blocks of its pages, and EXAMPLES of modules and plugins.

The content of an example determines its kind. An example without a kind fails a test.
"""

from __future__ import annotations

import ast
import collections
import dataclasses
import re
import typing as t
from pathlib import Path

import yaml

from tooling import tree

Json = dict[str, t.Any]

PAGES = ("README.md", "docs/**/*.md", "roles/*/README.md")
PLUGINS = ("plugins/*/*.py", "extensions/eda/plugins/*/*.py")

# Indented fences are those of a list.
_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[^\n`]*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
_HOSTS_FILE = {"hosts", "children", "vars"}


class _Loader(yaml.SafeLoader):
    """Accepts the tags of Ansible."""


_Loader.add_constructor("!vault", lambda loader, node: str(node.value))


@dataclasses.dataclass(frozen=True)
class Example:
    """
    An example. *source* is its file, relative to the root of the collection. *name* is the source and the first line,
    with a number if several examples of the source have the same first line.
    """

    source: str
    line: int
    language: str
    text: str
    name: str

    @property
    def kind(self) -> str:
        """How it is run, see ``KINDS``. Empty if it is unknown."""
        if self.language == "console":
            return "console"
        if self.language in ("yaml", "yml"):
            return _kind_of_yaml(self.documents)
        return ""

    @property
    def documents(self) -> list[t.Any]:
        return [found for found in yaml.load_all(self.text, Loader=_Loader) if found is not None]

    @property
    def files(self) -> dict[str, str]:
        """The parts of a block with several files. A comment before each file names it. Otherwise, it is one part."""
        parts = re.split(r"^# ((?:[\w.-]+/)*[\w.-]+\.ya?ml)\n", self.text, flags=re.MULTILINE)
        return dict(zip(parts[1::2], parts[2::2], strict=True)) if len(parts) > 1 else {"": self.text}

    @property
    def commands(self) -> list[tuple[str, str]]:
        """The commands of a console, each with the output below it."""
        found = re.findall(r"^\$ (.*(?:\\\n.*)*)\n((?:(?!\$ ).*\n)*)", self.text, re.MULTILINE)
        return [(command.replace("\\\n", " "), shown) for command, shown in found]


KINDS = {
    "console": "commands, each after a dollar sign",
    "hosts": "an inventory",
    "inventory": "a file for the inventory plugin",
    "play": "a playbook",
    "tasks": "tasks",
    "variables": "variables of the role",
}


def _kind_of_yaml(documents: list[t.Any]) -> str:
    kinds = {_kind_of_document(document) for document in documents}
    return kinds.pop() if len(kinds) == 1 else ""


def _kind_of_document(document: t.Any) -> str:
    if isinstance(document, list) and all(isinstance(item, dict) for item in document):
        if all("hosts" in item and "sources" not in item for item in document):
            return "play"
        if all("name" in item and "hosts" not in item for item in document):
            return "tasks"
    if isinstance(document, dict):
        if document.get("plugin") == "community.soda.soda_runners":
            return "inventory"
        if all(name.startswith("soda_runner_") for name in document):
            return "variables"
        if all(isinstance(group, dict) and set(group) <= _HOSTS_FILE for group in document.values()):
            return "hosts"
    return ""


def collected(root: Path = tree.ROOT) -> list[Example]:
    """All of them, by file and line."""
    found: list[Example] = []
    for pattern in PAGES:
        for page in sorted(root.glob(pattern)):
            found += _in_page(str(page.relative_to(root)), page.read_text("utf-8"))
    for pattern in PLUGINS:
        for plugin in sorted(root.glob(pattern)):
            found += _in_plugin(str(plugin.relative_to(root)), plugin.read_text("utf-8"))
    return found


def _in_page(source: str, text: str) -> list[Example]:
    blocks = []
    for match in _FENCE.finditer(text):
        if match["language"].startswith("{") or match["language"] == "diff":
            # A directive, such as toctree, is part of the site, and a diff is something that was done: no examples.
            continue
        indent = len(match["indent"])
        lines = [line[indent:] for line in match["text"].splitlines()]
        blocks.append((text.count("\n", 0, match.start()) + 2, match["language"].strip(), "\n".join(lines) + "\n"))
    return _named(source, blocks)


def _in_plugin(source: str, text: str) -> list[Example]:
    """EXAMPLES is one block; for the inventory plugin, in which each part is a file, one a part."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and [getattr(target, "id", "") for target in node.targets] == ["EXAMPLES"]:
            assert isinstance(node.value, ast.Constant), f"{source}: EXAMPLES is no text"
            parts = [str(node.value.value)]
            if "/inventory/" in source:
                parts = [_uncommented(part) for part in re.split(r"\n\n(?=#)", parts[0])]
            return _named(source, [(node.lineno, "yaml", part.lstrip("\n")) for part in parts])
    return []


def _uncommented(part: str) -> str:
    """EXAMPLES may be one document only, so the files after the first stand in it as comments, below an empty one."""
    comment, mark, file = part.partition("\n#\n")
    return comment + "\n" + re.sub("^# ", "", file, flags=re.MULTILINE) if mark else part


def _named(source: str, blocks: list[tuple[int, str, str]]) -> list[Example]:
    first_lines = [text.lstrip().partition("\n")[0] for _line, _language, text in blocks]
    repeated = {first for first, number in collections.Counter(first_lines).items() if number > 1}
    seen: collections.Counter[str] = collections.Counter()
    found = []
    for (line, language, text), first in zip(blocks, first_lines, strict=True):
        seen[first] += 1
        number = f" ({seen[first]})" if first in repeated else ""
        found.append(Example(source, line, language, text, f"{source}: {first}{number}"))
    return found
