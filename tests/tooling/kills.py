# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A hundred kills in each key store: at each request of a run, and at random moments."""

from __future__ import annotations

import typing as t
from pathlib import Path

from . import kubernetes, vault
from .result import Result

AT_RANDOM = 60
"""The kills at each request are about 60 on top, and those of a move about 20."""

_SHOWN = ("-rP", "--show-capture=stdout")


def main(arguments: t.Sequence[str], log: Path) -> Result:
    """Run the kills of both stores; *arguments* go to pytest."""
    kills = {"COLLECTION_TEST_KILLS": str(AT_RANDOM)}
    in_vault = ("tests/system/vault/test_kills.py", "tests/system/vault/test_moving.py")
    results = (
        vault.main((*in_vault, *_SHOWN, *arguments), log, **kills),
        kubernetes.main(("tests/system/kubernetes/test_kills.py", *_SHOWN, *arguments), log, **kills),
    )
    return Result(
        sum(each.passed for each in results),
        sum(each.failed for each in results),
        "; ".join(each.summary for each in results),
    )
