# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a release is checked by: every part, and the longest of them beside the others."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import typing as t

from . import tree
from .process import Finished, stop
from .result import Result, judged

CONTAINED = {"units": "coverage"}
"""Parts that another part runs whole, and which."""

BESIDE = "mutation"
"""The longest by far. It waits for nothing, so it takes the time in which the others wait."""

# Below the others, but not so far that a mutant could be taken for one that does not end.
_PRIORITY = 5

COMMAND = ("nice", "-n", str(_PRIORITY), sys.executable, "-m", "tooling")

Finish = t.Callable[[], tuple[float, Result]]


def chosen(parts: t.Iterable[str]) -> list[str]:
    """Of all parts those that are run one after the other."""
    return [part for part in parts if part != BESIDE and part not in CONTAINED]


@contextlib.contextmanager
def beside(part: str) -> t.Iterator[Finish]:
    """
    Run a part in the background for as long as the block takes.

    What the block gets waits for the part's end, shows what it printed, and returns its seconds and its result.
    """
    output = tree.LOGS / f"{part}-beside.log"
    output.parent.mkdir(parents=True, exist_ok=True)
    shown = os.path.relpath(output, tree.ROOT)
    print(f"{part} runs beside the others: {shown}", flush=True)
    with (
        output.open("w", encoding="utf-8") as file,
        subprocess.Popen(
            [*COMMAND, part],
            cwd=tree.ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, tree.TESTS))},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        ) as process,
    ):

        def finish() -> tuple[float, Result]:
            print(f"Waiting for {part}: {shown}", flush=True)
            process.wait()
            printed = output.read_text("utf-8")
            print(printed, flush=True)
            return counted(part, Finished(process.returncode, printed))

        try:
            yield finish
        finally:
            if process.poll() is None:
                stop(process)


def counted(part: str, finished: Finished) -> tuple[float, Result]:
    """What a part says of itself at its end. One that says nothing has failed."""
    said = re.findall(rf"^{part}: (\d+) passed, (\d+) failed in (\d+) s \((.*)\)$", finished.output, re.MULTILINE)
    if not said:
        return 0.0, judged(0, 0, f"{part} ended before it could count", finished.returncode)
    passed, failed, seconds, summary = said[-1]
    return float(seconds), judged(int(passed), int(failed), summary, finished.returncode)
