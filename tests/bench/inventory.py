# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``python -m bench.inventory [RUNNERS [PAIRS]]``: a cached listing against a static inventory of the same content."""

from __future__ import annotations

import dataclasses
import json
import shutil
import statistics
import subprocess
import sys
import time
import typing as t
from pathlib import Path

from emulator.client import Emulator
from tools import tree
from tools.environment import private_environment

WORK = tree.BUILD / "bench-inventory"


@dataclasses.dataclass(frozen=True)
class Pair:
    """Seconds of two runs of ``ansible-inventory``, one straight after the other."""

    cached: float
    static: float

    @property
    def ratio(self) -> float:
        """How much longer the cached listing takes."""
        return self.cached / self.static


@dataclasses.dataclass(frozen=True)
class Measured:
    """The pairs, and how many requests the first run cost, and all others."""

    pairs: list[Pair]
    cold: int
    warm: int

    @property
    def ratio(self) -> float:
        """The median of the pairs' ratios."""
        return statistics.median(pair.ratio for pair in self.pairs)


def inventory_pairs(runners: int = 10_000, pairs: int = 5) -> Measured:
    """List so many runners once from Soda Cloud, then from the cache and from a static inventory in turn."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    with Emulator(log=WORK / "emulator.log") as emulator:
        account = emulator.account(window_factor=0)
        account.seed(count=runners)
        env = private_environment() | {
            "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1",
            "SODA_CLOUD_ENDPOINT": account.endpoint,
            "SODA_CLOUD_API_KEY_ID": account.api_key_id,
            "SODA_CLOUD_API_KEY_SECRET": account.api_key_secret,
        }
        source = WORK / "soda_runners.yml"
        # JSON is YAML.
        source.write_text(
            json.dumps(
                {
                    "plugin": "community.soda.soda_runners",
                    "cache": True,
                    "cache_plugin": "ansible.builtin.jsonfile",
                    "cache_connection": str(WORK / "cache"),
                }
            )
        )
        command = ["ansible-inventory", "-i", str(source)]
        listing = json.loads(subprocess.run([*command, "--list"], env=env, check=True, capture_output=True).stdout)
        static = WORK / "static.json"
        host = _write_static(listing, static)
        cold = len(account.operations())
        measured = [
            Pair(cached=_seconds(source, host, env), static=_seconds(static, host, env)) for _pair in range(pairs)
        ]
        return Measured(measured, cold, len(account.operations()) - cold)


def _write_static(listing: dict[str, t.Any], path: Path) -> str:
    """Write the listing as a static inventory: in JSON, which Ansible reads faster than YAML. Returns a host of it."""
    variables = listing["_meta"]["hostvars"]
    variables = {host: {name: _plain(value) for name, value in own.items()} for host, own in variables.items()}
    groups = {name: dict.fromkeys(group["hosts"]) for name, group in listing.items() if "hosts" in group}
    groups["soda_runners"] = variables
    path.write_text(json.dumps({"all": {"children": {name: {"hosts": hosts} for name, hosts in groups.items()}}}))
    return str(next(iter(variables)))


def _plain(value: t.Any) -> t.Any:
    """The value without the mark that ansible-core before 2.19 puts on text that is no template."""
    if isinstance(value, dict):
        return value["__ansible_unsafe"] if "__ansible_unsafe" in value else {k: _plain(v) for k, v in value.items()}
    return value


def _seconds(source: Path, host: str, env: dict[str, str]) -> float:
    # What is shown is one host, so that showing costs neither side anything.
    command = ["ansible-inventory", "-i", str(source), "--host", host]
    started = time.perf_counter()
    subprocess.run(command, env=env, check=True, capture_output=True)
    return time.perf_counter() - started


def main(runners: int = 10_000, pairs: int = 5) -> int:
    """Print what was measured. Fails above 1.2 times the static inventory, or when the cache was asked in vain."""
    measured = inventory_pairs(runners, pairs)
    for pair in measured.pairs:
        print(f"cached {pair.cached:.2f} s, static {pair.static:.2f} s, ratio {pair.ratio:.2f}")
    print(f"{runners} runners: {measured.cold} requests cold, {measured.warm} warm, median ratio {measured.ratio:.2f}")
    return int(measured.ratio > 1.2 or measured.warm > 0 or measured.cold != max(1, -(-runners // 1000)))


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
