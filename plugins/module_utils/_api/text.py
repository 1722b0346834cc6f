# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""
Text from the API or from a host, made inert and printable. It is done once, where the text comes in.

Anyone who names a runner chooses text that reaches playbooks, terminals, inventories and rulebooks. After C(sanitize())
no Ansible takes it for a template, no terminal for a command, and any JSON or UTF-8 encoder accepts it.
"""

from __future__ import annotations

import re

MARK = "\N{REPLACEMENT CHARACTER}"
"""Replaces removed text. Text that contains it may differ from the text in the API, so it identifies nothing."""

LONGEST_TEXT = 1024

# C0 and C1 controls, format characters such as bidirectional overrides and invisible ones, line and paragraph
# separators, surrogates, noncharacters and tags. The zero-width joiners stay: scripts and emoji need them.
_UNPRINTABLE = (
    "\\x00-\\x1f\\x7f-\\x9f\\xad\\u061c\\u180e\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ud800-\\udfff\\ufdd0-\\ufdef"
    "\\ufeff\\ufff9-\\ufffb\\ufffe\\uffff\\U000e0000-\\U000e0fff"
)
# A brace at the end could become the begin of a template when something is appended.
_TEMPLATE = r"\{(?=[{%#]|\Z)"
_HEADER = r"\A\s*(?=#jinja2:)"

_UNSAFE = re.compile(f"[{_UNPRINTABLE}]|{_TEMPLATE}|{_HEADER}", re.IGNORECASE)


def sanitize(text: str, longest: int = LONGEST_TEXT) -> str:
    """
    The text without anything that a template engine, a terminal or an encoder acts on.

    Ordinary text is returned unchanged. Applying it twice changes nothing more.
    """
    if len(text) <= longest and not _UNSAFE.search(text):
        return text
    safe = _mark(text)
    return safe if len(safe) <= longest else safe[: longest - 1] + MARK


def sanitize_lines(text: str, longest: int) -> str:
    """Text of several lines, such as a diff. The ends of the lines stay. The longest text is that before the marks."""
    *lines, last = (text if len(text) <= longest else text[: longest - 1] + MARK).split("\n")
    # A brace at the end of a line is followed by the end of the line, which becomes the last mark.
    return "\n".join([*(_mark(f"{line}\n")[:-1] for line in lines), _mark(last)])


def sanitize_line(text: str, longest: int = 300) -> str:
    """Text for a message: in one line, of bounded length."""
    line = sanitize(re.sub(r"\s+", " ", text).strip(), longest=2 * len(text) + 1)
    return line if len(line) <= longest else sanitize(line[: longest - 3]) + "..."


def _mark(text: str) -> str:
    """The mark replaces a character, or follows the brace of a template."""
    return _UNSAFE.sub(lambda match: "{" + MARK if match[0] == "{" else MARK, text)
