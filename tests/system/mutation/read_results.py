# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Print the results of mutmut in this folder as JSON. Runs in the environment of mutmut."""

from __future__ import annotations

import difflib
import json
import sys
import typing as t

from mutmut.mutation.data import MutantLineSpans, SourceFileMutationData
from mutmut.utils.file_utils import walk_mutatable_files
from mutmut.utils.format_utils import orig_function_and_class_names_from_key


def main() -> None:
    """A list of function, lines before, lines after and exit code, for each mutant of each file."""
    found: list[dict[str, t.Any]] = []
    for path in walk_mutatable_files():
        data = SourceFileMutationData(path=path)
        data.load()
        spans = MutantLineSpans.load(path)
        if spans is None:
            continue
        for key, code in data.exit_code_by_key.items():
            name = key.rpartition(".")[2]
            original = name.partition("__mutmut_")[0] + "__mutmut_orig"
            function, of_class = orig_function_and_class_names_from_key(key)
            before, after = spans.read_function_sources([original, name])
            was, now = changed(
                before.replace(original, function).splitlines(), after.replace(name, function).splitlines()
            )
            where = f"{of_class}.{function}" if of_class else function
            found.append({"function": where, "was": was, "now": now, "code": code})
    json.dump(found, sys.stdout)


def changed(before: list[str], after: list[str]) -> tuple[str, str]:
    """The lines that differ, without their indentation."""
    diff = list(difflib.ndiff(before, after))
    was, now = ([line[2:].strip() for line in diff if line[0] == sign] for sign in "-+")
    return "\n".join(was), "\n".join(now)


if __name__ == "__main__":
    main()
