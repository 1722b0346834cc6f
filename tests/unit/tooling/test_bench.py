# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the page of `make bench` says is what was measured, and a row that is not met is said not to be."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench import __main__ as bench
from bench import measure as measure_
from bench import page, plays
from bench.hosts import empty, names
from bench.measure import Broken, Cost, Pairs, run
from bench.rows import Measure, Options

ROW = {"ours": 2.0, "rival": 2.5, "ratio": 0.8, "runners": 100, "when": "2026-01-01", "machine": {"load": "0.1"}}


def measure(limit: float, measured: Callable[[Options], Any] = lambda options: dict(ROW)) -> dict[str, Measure]:
    return {"row": Measure("row", "list {runners} runners", "a rival", limit, "the rule", "s", measured)}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(page, "PAGE", tmp_path / "benchmarks.md")
    monkeypatch.setattr(page, "IMAGES", tmp_path)
    monkeypatch.setattr(bench, "WORK", tmp_path)
    monkeypatch.setattr(bench, "GROWTHS", {})
    monkeypatch.setattr(bench, "PARTS", {})
    return tmp_path


def test_a_ratio_is_the_median_of_pairs_and_not_of_all_runs() -> None:
    ours = [Cost(seconds, 0.0, 10.0) for seconds in (1.0, 30.0, 4.0)]
    rival = [Cost(seconds, 0.0, 20.0) for seconds in (2.0, 10.0, 4.0)]
    result = Pairs(ours, rival).as_result()
    assert (result["ours"], result["rival"], result["ratio"]) == (4.0, 4.0, 1.0)
    assert Pairs(ours, rival).as_result("memory")["ratio"] == 0.5


def test_the_memory_of_a_program_is_told_and_its_failure_is_no_number() -> None:
    command = ["python3", "-c", "x = b'1' * 300_000_000; print(len(x))"]
    cost = run(command, {"PATH": "/usr/local/bin:/usr/bin:/bin"})
    assert cost.output == "300000000\n"
    assert 280 < cost.memory < 600
    with pytest.raises(Broken, match="ended with 3"):
        run(["sh", "-c", "exit 3"], {"PATH": "/usr/bin:/bin"})


def test_a_row_that_is_met_and_one_that_is_not(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "MEASURES", measure(limit=1.0))
    assert bench.main([]) == 0
    said = (place / "benchmarks.md").read_text("utf-8")
    assert "| list 100 runners | a rival | 2.00 s | 2.50 s | 0.80 | the rule | met |" in said
    assert "All rows are met." in said

    monkeypatch.setattr(bench, "MEASURES", measure(limit=0.7))
    assert bench.main(["--page"]) == 1
    said = (place / "benchmarks.md").read_text("utf-8")
    assert "**not met**" in said
    assert "All rows are met." not in said


def test_the_rival_of_the_role_has_as_many_tasks_on_each_host_as_the_role_had_on_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plays, "WORK", tmp_path)
    monkeypatch.setattr(measure_, "WORK", tmp_path)
    role = Cost(1.0, 1.0, 1.0, "PLAY RECAP ***\nhost-0000 : ok=3 changed=0 skipped=1 failed=0\n")
    tasks = plays.counts(empty(names(4), role))
    assert (tasks["ok"], tasks["skipped"]) == (12, 4)


PARTS_OF_A_HOST = {
    "seconds": {
        "an empty task on a host": 0.5,
        "an empty task on the controller": 0.1,
        "a task that is skipped": 0.1,
        "the role, where it has converged": 1.2,
    },
    "when": ROW["when"],
    "machine": ROW["machine"],
}


@pytest.mark.parametrize(("ran", "skipped", "said"), [(3, 1, "1.50"), (4, 1, "1.33"), (3, 2, "1.33")])
def test_what_the_role_takes_beyond_tasks_of_its_own_kinds_follows_from_its_parts(
    place: Path, ran: int, skipped: int, said: str
) -> None:
    page.write({"parts_hosts": PARTS_OF_A_HOST, "converged": {**ROW, "ran": ran, "skipped": skipped}}, {}, {})
    assert f"takes {said} times as much" in (place / "benchmarks.md").read_text("utf-8")


def test_of_tasks_that_were_not_counted_nothing_is_reckoned(place: Path) -> None:
    page.write({"parts_hosts": PARTS_OF_A_HOST}, {}, {})
    assert "times as much" not in (place / "benchmarks.md").read_text("utf-8")


def test_a_row_that_could_not_be_measured_keeps_no_number_and_fails(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_options: Options) -> Any:
        raise Broken("the rival is gone")

    # Nor one that it had before.
    bench.merge(place / "results.json", "row", dict(ROW))
    monkeypatch.setattr(bench, "MEASURES", measure(1.0, broken))
    assert bench.main([]) == 1
    said = (place / "benchmarks.md").read_text("utf-8")
    assert "| row | | | | | the rule | not measured |" in said
    assert "All rows are met." not in said


def test_rows_are_kept_beside_those_that_were_measured_before(place: Path) -> None:
    kept = place / "results.json"
    bench.merge(kept, "one", {"ratio": 1})
    bench.merge(kept, "two", {"ratio": 2})
    bench.merge(kept, "one", {"ratio": 3})
    assert json.loads(kept.read_text("utf-8")) == {"one": {"ratio": 3}, "two": {"ratio": 2}}


def test_every_row_has_its_rival_and_its_limit_and_a_quick_run_writes_no_page(place: Path) -> None:
    assert list(bench.MEASURES) == [
        "filtered",
        "whole",
        "uri",
        "uri_whole",
        "lookup",
        "memory",
        "converged",
        "provisioning",
        "inventory",
    ]
    assert bench.main(["--quick", "--page"]) == 0
    assert not (place / "benchmarks.md").exists()
