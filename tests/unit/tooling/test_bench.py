# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A measurement that failed is no number, and a row above its limit fails the run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bench import __main__ as bench
from bench.measure import Broken, Cost, Measure, Options, Pairs, Row, run


def broken(_options: Options) -> Row:
    raise Broken("the rival is gone")


def costs(_options: Options) -> Row:
    return {"ours": 2.0, "rival": 2.5, "ratio": 0.8, "runners": 100}


def test_a_ratio_is_the_median_of_pairs_and_not_of_all_runs() -> None:
    ours = [Cost(seconds, 0.0, 10.0) for seconds in (1.0, 30.0, 4.0)]
    rival = [Cost(seconds, 0.0, 20.0) for seconds in (2.0, 10.0, 4.0)]
    result = Pairs(ours, rival).as_result()
    assert (result["ours"], result["rival"], result["ratio"]) == (4.0, 4.0, 1.0)
    assert Pairs(ours, rival).as_result("memory")["ratio"] == 0.5


def test_a_program_that_fails_gives_no_number() -> None:
    with pytest.raises(Broken, match="ended with 3"):
        run(["sh", "-c", "exit 3"], {"PATH": "/usr/bin:/bin"})


@pytest.mark.parametrize(
    ("limit", "measured", "status", "shown"),
    [
        (1.0, costs, 0, "All rows are met."),
        (0.7, costs, 1, "Not met: row"),
        (1.0, broken, 1, "Not met: row (not measured)"),
    ],
)
def test_a_row_is_met_or_fails_the_run(
    limit: float,
    measured: Callable[[Options], Row],
    status: int,
    shown: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(bench, "MEASURES", {"row": Measure("row", "list {runners}", "a rival", limit, measured)})
    assert bench.main([]) == status
    assert shown in capsys.readouterr().out
