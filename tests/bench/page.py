# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes docs/benchmarks.md and its pictures from what was measured."""

from __future__ import annotations

import json
import subprocess
import typing as t
from pathlib import Path

from tooling import tree, venvs

from .measure import WORK
from .rows import Growth, Measure

PAGE = tree.ROOT / "docs" / "benchmarks.md"
IMAGES = tree.ROOT / "docs" / "images"

Results = t.Mapping[str, dict[str, t.Any]]

# That of this file. Written once more, checkers would take it for a second one.
_NOTICE = "".join(line.removeprefix("# ") for line in Path(__file__).read_text("utf-8").splitlines(keepends=True)[:3])

_HEAD = f"""\
<!--
{_NOTICE}-->

<!-- `make bench` writes this page. -->

# What it costs

Each row is a run of ours and a run of its rival, in turn on the same machine, so that what slows the one slows the
other. Numbers are medians of the pairs, and the ratio is the median of the pairs' ratios: it holds on other
machines, seconds do not. `make bench` measures all rows in an hour and a half, and fails where one is not met;
`make bench ARGS="--only lookup"` measures one of them.
"""

_HOW = """
## How it is measured

- Listings come from a server that made its pages beforehand, each held against the API's contract; it gives both
  sides the same bytes, and counts the requests. Keys come from the emulator, at Soda Cloud's limits in shorter
  windows, with `soda_runner_cloud_retry_budget` in proportion.
- An *empty play* has one `ansible.builtin.ping` and one `ansible.builtin.assert`, as the play with our module has
  one task for the module and one that looks at what it found.
- *As many empty tasks of the same kinds* are one `ansible.builtin.ping` on the host, an `ansible.builtin.assert` for
  each task of the role that runs on the controller, and a skipped task for each that is skipped. So the role gains
  nothing from being held against tasks that cost more than its own.
- The first run uses `strategy: ansible.builtin.host_pinned`, 40 forks and a `soda_runner_throttle` of 40: a host
  goes its whole way before another begins, and Ansible works while others wait. With the strategy `linear` all hosts
  wait for the last one at each task, and the work of Ansible comes on top of the waiting.
- Hosts are this machine, by the connection `local`. By SSH each task on a host takes longer, on both sides.
- Peak memory is that of the module's process without Ansible's own, and of the bare loop's.
"""


_WHERE = """
Most of it is Ansible's own. Each task on a host starts Python there and loads what modules have in common, whatever
the module does; each task on the controller, skipped or not, is a process of its own, and one in which a filter is
looked for reads the files of all filters again. So on a host that has converged the role has one task, which reads the
key and the configuration, beside the check of its arguments and an inclusion; skips one; and uses no filter on the way.

Reading 100,000 runners takes the module about as long as the bare loop. To return them all takes Ansible far longer
than to read them, because it looks at each value several times on its way: filter in the module.
"""


def write(results: Results, measures: t.Mapping[str, Measure], growths: t.Mapping[str, Growth]) -> None:
    """Write the page, and a picture for each growth that was measured."""
    parts = [_HEAD, _table(results, measures), _missed(results, measures)]
    for name, growth in growths.items():
        if name in results:
            image = IMAGES / f"benchmark-{growth.name}.svg"
            _draw({**results[name], "title": growth.title}, str(image))
            parts.append(f"\n![{growth.title}](images/{image.name})\n")
            parts.append(_points(results[name]))
    parts += [_where(results), _HOW, _machines(results)]
    PAGE.write_text("".join(parts), "utf-8")


def _table(results: Results, measures: t.Mapping[str, Measure]) -> str:
    lines = ["\n| what | against | ours | rival | ratio | to reach | |", "| --- | --- | --: | --: | --: | --- | --- |"]
    for name, measure in measures.items():
        row = results.get(name)
        if row is None:
            lines.append(f"| {name} | | | | | {measure.rule} | not measured |")
            continue
        costs = " | ".join(f"{row[side]:,.2f} {measure.unit}" for side in ("ours", "rival"))
        ratio = f"{row['ratio']:.2f}" if row["ratio"] >= 0.3 else f"1 : {1 / row['ratio']:.1f}"
        said = "met" if measure.met(row) else "**not met**"
        what, against = measure.what.format(**row), measure.against.format(**row)
        lines.append(f"| {what} | {against} | {costs} | {ratio} | {measure.rule} | {said} |")
    return "\n".join(lines) + "\n"


def _missed(results: Results, measures: t.Mapping[str, Measure]) -> str:
    missed = [measure for name, measure in measures.items() if name in results and not measure.met(results[name])]
    missing = [name for name in measures if name not in results]
    said = [f"- **Not met**: {each.rule}, of the row `{each.name}`." for each in missed]
    if missing:
        said.append(f"- Not measured: {', '.join(missing)}.")
    return "\n" + "\n".join(said or ["All rows are met."]) + "\n"


def _points(result: t.Mapping[str, t.Any]) -> str:
    series = result["series"]
    xs = list(dict.fromkeys(x for points in series.values() for x in points))
    lines = [f"| {result['x']} | " + " | ".join(series) + " |", "| --: " * (len(series) + 1) + "|"]
    for x in xs:
        cells = [f"{points[x]:,.2f} s" if x in points else "" for points in series.values()]
        lines.append(f"| {int(x):,} | " + " | ".join(cells) + " |")
    return "\n" + "\n".join(lines) + "\n"


def _where(results: Results) -> str:
    """Where the time goes, as processor time, which a busy machine changes least."""
    said = ["\n## Where the time goes\n"]
    for name, title in (("parts", "of a listing"), ("parts_hosts", "of a host of a fleet")):
        if name in results:
            said.append(f"\n| {title} | processor time |\n| --- | --: |\n")
            said += [f"| {part} | {seconds:,.3f} s |\n" for part, seconds in results[name]["seconds"].items()]
    said += [_WHERE, _excess(results)]
    return "".join(said)


def _excess(results: Results) -> str:
    """What the role takes beyond tasks of its own kinds that do nothing, in a sentence."""
    if "parts_hosts" not in results or "converged" not in results:
        return ""
    seconds, row = results["parts_hosts"]["seconds"], results["converged"]
    idle = seconds["an empty task on a host"]
    idle += (row["ran"] - 1) * seconds["an empty task on the controller"]
    idle += row["skipped"] * seconds["a task that is skipped"]
    ratio = seconds["the role, where it has converged"] / idle
    return f"""
Of processor time the role takes {ratio:.2f} times as much as these empty tasks of its kinds. By profile, what is beyond
them is Ansible's as well: it checks the role's arguments, for which it renders each of its variables, renders those of
its one task once more, and on the host Python compiles what that task needs, which arrives as source.
"""


def _machines(results: Results) -> str:
    """On what, and of which commit: of rows that were measured together, one line."""
    by_machine: dict[str, list[str]] = {}
    for name, row in results.items():
        of = {fact: value for fact, value in row["machine"].items() if fact != "load"}
        described = ", ".join(f"{fact} {value}" for fact, value in of.items())
        by_machine.setdefault(described, []).append(f"{name} ({row['when']}, load {row['machine']['load']})")
    if not by_machine:
        return ""
    lines = [f"- {described}: {', '.join(rows)}" for described, rows in by_machine.items()]
    return "\n## What it was measured on\n\n" + "\n".join(lines) + "\n"


def _draw(result: t.Mapping[str, t.Any], target: str) -> None:
    """Draw in an environment that has matplotlib, which nothing else wants."""
    source = WORK / "picture.json"
    source.write_text(json.dumps(result), "utf-8")
    python = venvs.pinned("bench") / "bin" / "python"
    program = tree.ROOT / "tests" / "bench" / "picture.py"
    environment = {"HOME": str(WORK), "MPLCONFIGDIR": str(WORK / "matplotlib"), "PATH": "/usr/bin:/bin"}
    subprocess.run([str(python), str(program), str(source), target], check=True, env=environment)
