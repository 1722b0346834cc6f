# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a part of the tests found."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Result:
    """The counts of one part, and a sentence about them.

    What is counted is what a reader of the part would count: checks, sanity tests, unit tests, targets, steps.
    """

    passed: int
    failed: int
    summary: str


def judged(passed: int, failed: int, summary: str, returncode: int) -> Result:
    """A result. An exit status other than 0 is a failure, and so is a run without tests."""
    if not failed and returncode:
        return Result(passed, 1, f"{summary}; exit status {returncode}")
    if not passed and not failed:
        return Result(0, 1, f"{summary}; nothing was run")
    return Result(passed, failed, summary)
