# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""
Checks the wording of all text that people read, with proselint and the project's own list of words.

``words.yml`` lists the words. ``python tests/tooling/prose.py FILE`` checks one file.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tokenize
import typing as t
from pathlib import Path

import yaml
from proselint.checks import __register__ as standard_checks
from proselint.config import DEFAULT
from proselint.registry import CheckRegistry
from proselint.registry.checks import Check, CheckFlags, types
from proselint.tools import LintFile

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WORDS = HERE / "words.yml"

# Texts of other people, generated files, and examples of unclear wording.
EXCLUDED = re.compile(
    r"LICENSE|LICENSES/|CODE_OF_CONDUCT|CHANGELOG\.md|changelogs/|tests/emulator/contract/|tests/requirements/.*\.txt"
    r"|tests/tooling/words\.yml|tests/unit/tooling/test_prose\.py|docs/images/|\.png$"
)
# The checks of proselint that suit technical documentation.
STANDARD = ("archaism", "cliches", "malapropisms", "mondegreens", "nonwords", "redundancy", "uncomparables")
OWN = "soda"


def own_checks() -> list[Check]:
    words: dict[str, str] = yaml.safe_load(WORDS.read_text("utf-8"))
    return [
        Check(
            check_type=types.PreferredForms(items={pattern.replace(" ", r"\s+"): instead}),
            path=f"{OWN}.words",
            message='"{1}": write: {0}.',
            flags=CheckFlags(allow_quotes=True),
        )
        for pattern, instead in words.items()
    ]


def markdown(text: str) -> str:
    """The text without code, comments and targets of links. Lines keep their numbers."""
    for pattern in (r"<!--.*?-->", r"^(```+|~~~+).*?^\1", r"`[^`\n]*`", r"\]\([^)]*\)"):
        text = re.sub(pattern, _blank, text, flags=re.DOTALL | re.MULTILINE)
    return text


def yaml_text(text: str) -> str:
    """Comments and values, without templates and quoted code."""
    code = r"\{\{.*?\}\}|\{%.*?%\}|C\([^)]*\)|`[^`\n]*`"
    return re.sub(rf"{code}|^\s*#+", _blank, text, flags=re.DOTALL | re.MULTILINE)


def python(text: str) -> str:
    """Comments, strings of more than one word, and the names of tests as sentences."""
    lines = text.splitlines(keepends=True)
    kept = ["\n"] * len(lines)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        word = token.string
        if token.type == tokenize.NAME and word.startswith("test_"):
            word = word.replace("_", " ")
        elif token.type not in _TEXT_TOKENS or " " not in word.strip():
            continue
        row = token.start[0] - 1
        for number, line in enumerate(word.splitlines()):
            kept[row + number] = f"{kept[row + number].rstrip()} {line}\n"
    return yaml_text(re.sub(r"``[^`]*``", _blank, "".join(kept)))


_TEXT_TOKENS = {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
_PARSERS: dict[str, t.Callable[[str], str]] = {".md": markdown, ".py": python, ".yml": yaml_text, ".yaml": yaml_text}


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match[0])


def findings(name: str, text: str) -> list[str]:
    """The unclear wording in *text*, as ``file:line: message``."""
    prose = _PARSERS.get(Path(name).suffix, yaml_text)(text)
    enabled = {**dict.fromkeys(STANDARD, True), OWN: True}
    file = LintFile(name, prose)
    # proselint adds a line break before the text, so the number of line breaks is the number of the line.
    return [
        f"{name}:{file.content.count(chr(10), 0, result.check_result.span[0])}: "
        + " ".join(result.check_result.message.split())
        for result in file.lint({**DEFAULT, "checks": enabled})
    ]


def own_files() -> list[str]:
    listing = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.split("\0")
    return sorted(name for name in names if name and (ROOT / name).is_file() and not EXCLUDED.search(name))


def main(names: list[str]) -> int:
    """Check the named files, or all files."""
    registry = CheckRegistry()
    registry.register_many(standard_checks)
    registry.register_many(tuple(own_checks()))
    names = names or own_files()
    faults = [message for name in names for message in findings(name, (ROOT / name).read_text("utf-8"))]
    print("\n".join(faults or [f"no unclear wording in {len(names)} files"]))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
