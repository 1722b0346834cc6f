# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of the demo. A step that does not do what it should ends the demo with exit status 1."""

from __future__ import annotations

import argparse
import contextlib
import ipaddress
import os
import shutil
import signal
import sys
import time
import typing as t
from pathlib import Path
from urllib.parse import urlsplit

from emulator.client import Account, Emulator
from tooling import tree
from tooling.environment import private_environment
from tooling.leaks import Credential, search

from .ansible import Ansible, Failed
from .fleet import HOSTS, Fleet
from .screen import BOLD, GREEN, RED, Screen

FOLDER = tree.BUILD / "demo"
LISTED_WITHIN = 60.0
# Soda Cloud lists a runner some minutes after it has started. The emulator of the demo does so after two seconds.
LISTING_DELAY = 2.0


class Story:
    """The steps, in order. Each shows a command, runs it, and checks the outcome."""

    def __init__(self, screen: Screen, ansible: Ansible, fleet: Fleet, account: Account) -> None:
        self.screen, self.ansible, self.fleet, self.account = screen, ansible, fleet, account
        self.secrets = [Credential(account.api_key_id, account.api_key_secret)]
        self.converged_requests = 0

    def requests(self, operation: str | None = None) -> list[str]:
        """The requests in the journal of Soda Cloud, without those of the runners."""
        entries = [entry for entry in self.account.journal() if entry["command"] is None]
        return [f"{entry['method']} {entry['path']}" for entry in entries if operation in (None, entry["operation"])]

    def posts(self) -> int:
        """How many keys were requested."""
        return len(self.requests("createRunner"))

    def preview(self) -> None:
        self.screen.step("Preview: check mode shows the changes and makes none.")
        self.ansible.playbook("community.soda.provision", "--check")
        expect(self.posts() == 0 and not any(self.fleet.files(host) for host in HOSTS), "check mode changed something")
        self.screen.good("0 keys issued, 0 files written")

    def provision(self) -> None:
        self.screen.step("Give each host its runner key and configuration.")
        self.ansible.playbook("community.soda.provision")
        expect(self.posts() == len(HOSTS), f"{self.posts()} keys were requested, not {len(HOSTS)}")
        self.remember_keys()
        stored = {self.fleet.key(host).api_key_id for host in HOSTS}
        expect(len(stored) == len(HOSTS), "two hosts have the same key")
        self.screen.good(f"{self.posts()} keys issued. Each host has key.json and values.yml, both with mode 0600")

    def start_runners(self) -> None:
        self.screen.step("Start the runners. Each reads its values.yml, logs in and registers.")
        for host in HOSTS:
            self.fleet.start_runner(host)
            self.screen.note(f"{host}: started from {self.fleet.configuration(host).relative_to(FOLDER)}")
        fleet = self.wait_until(lambda runners: sum(runner["is_online"] for runner in runners) == len(HOSTS))
        self.show(fleet)
        self.screen.good(f"Soda Cloud lists {len(fleet)} runners, all online")

    def run_again(self) -> None:
        self.screen.step("Run the playbook again. Nothing changes.")
        before = len(self.requests())
        recap = self.ansible.playbook("community.soda.provision")
        self.converged_requests = len(self.requests()) - before
        expect(recap.total_changed == 0, f"the second run changed {recap.changed}")
        expect(self.converged_requests == 0, f"the second run sent {self.requests()[before:]}")
        self.screen.good("changed=0 on every host, and no request to Soda Cloud, because each host has its key")

    def rotate(self) -> None:
        host = "oslo"
        self.screen.step(f"Rotate the key of {host}: raise its key version and run the same playbook.")
        self.screen.note(self.fleet.declare(host, soda_runner_key_version=2))
        before, old = self.posts(), self.fleet.key(host)
        recap = self.ansible.playbook("community.soda.provision")
        self.remember_keys()
        new = self.fleet.key(host)
        expect(self.posts() == before + 1 and new.api_key_id != old.api_key_id, "the key was not rotated once")
        expect(all(not recap.changed[other] for other in HOSTS if other != host), f"others changed: {recap.changed}")
        self.fleet.stop_runner(host)
        self.fleet.start_runner(host)
        deadline = time.monotonic() + LISTED_WITHIN
        while self.account.runner(host)["runner_key_id"] != new.api_key_id:
            expect(time.monotonic() < deadline, f"{host} did not register with its new key")
            self.screen.progress(f"waiting for {host} to register with its new key")
            time.sleep(0.2)
        self.screen.good(f"1 key issued. {host} restarted and registered as the same runner with the new key")

    def decommission(self) -> None:
        host = "rome"
        self.screen.step(
            f"Decommission {host}: stop its runner, delete the runner, and remove its key and configuration."
        )
        self.fleet.stop_runner(host)
        self.ansible.playbook(
            "community.soda.decommission", "-e", f"soda_runner_hosts={host}", "-e", "soda_runner_delete_online=true"
        )
        expect(not self.fleet.files(host), f"files remain: {self.fleet.files(host)}")
        fleet = self.wait_until(lambda runners: len(runners) == len(HOSTS) - 1)
        self.show(fleet)
        self.screen.good(f"{host} is deleted from Soda Cloud, and no file remains on the host")

    def sum_up(self) -> None:
        self.screen.step("Search all output and files for secrets, except the files that must contain them.")
        searched = search(self.secrets, FOLDER, self.fleet.holds_keys)
        expect(not searched.found, f"a secret is in {', '.join(searched.found)}")
        kinds = f"{len(self.secrets)} secrets, raw and encoded"
        size = f"{searched.files} files, {searched.size / 1024:.0f} KiB"
        self.screen.good(f"{kinds}, searched in all output and files ({size}): found 0 times")
        self.screen.say()
        self.screen.say("Summary", BOLD)
        issued = self.account.stats()["keys_issued"]
        expect(issued == self.posts() == len(HOSTS) + 1, f"{issued} keys issued, {self.posts()} requested")
        self.screen.table(
            (),
            [
                ("hosts", f"{len(HOSTS)} provisioned, 1 rotated, 1 decommissioned"),
                ("keys issued", f"{issued}: one for each host, and one for the rotation"),
                ("requests for a key", f"{self.posts()}, none of them in check mode"),
                ("requests of the second run", f"{self.converged_requests}"),
                ("secrets found elsewhere", "0"),
                ("time", f"{self.screen.elapsed():.0f} s"),
            ],
        )

    def remember_keys(self) -> None:
        """Record each issued secret for the search at the end."""
        for host in HOSTS:
            key = self.fleet.key(host)
            if key not in self.secrets:
                self.secrets.append(key)

    def wait_until(self, reached: t.Callable[[list[dict[str, t.Any]]], bool]) -> list[dict[str, t.Any]]:
        """List the runners until *reached* accepts the listing, for one minute at most."""
        started = time.monotonic()
        repeated = False
        while True:
            runners: list[dict[str, t.Any]] = self.ansible.module("community.soda.soda_runner_info", quietly=repeated)[
                "runners"
            ]
            if reached(runners):
                return runners
            waited = time.monotonic() - started
            expect(
                waited < LISTED_WITHIN, f"after {waited:.0f} s Soda Cloud lists {[each['name'] for each in runners]}"
            )
            repeated = True
            self.screen.progress(f"Runners that Soda Cloud lists: {len(runners)}. Waiting ({waited:.0f} s)")
            time.sleep(0.5)

    def show(self, runners: list[dict[str, t.Any]]) -> None:
        """The fleet as a table."""
        self.screen.table(
            ("name", "type", "online", "id"),
            [
                (runner["name"], runner["type"], "yes" if runner["is_online"] else "no", runner["id"])
                for runner in sorted(runners, key=lambda runner: str(runner["name"]))
            ],
        )

    def tell(self) -> None:
        """Run all steps."""
        self.preview()
        self.provision()
        self.start_runners()
        self.run_again()
        self.rotate()
        self.decommission()
        self.sum_up()


def expect(condition: bool, otherwise: str) -> None:
    """End the demo if a check fails."""
    if not condition:
        raise Failed(otherwise)


def refuse_unless_loopback(endpoint: str) -> None:
    """The demo issues keys and deletes runners, so it must only use the emulator on this machine."""
    host = urlsplit(endpoint).hostname or ""
    if not ipaddress.ip_address(host).is_loopback:
        raise Failed(f"{endpoint} is not on this machine")


def enter_private_environment() -> None:
    """Replace the environment, so that the demo uses no account, settings or folders of the user."""
    if FOLDER.exists():
        shutil.rmtree(FOLDER)
    (FOLDER / "logs").mkdir(parents=True)
    env = private_environment(home=FOLDER / "home", temporary=FOLDER / "tmp")
    env.update(XDG_STATE_HOME=str(FOLDER / "state"), ANSIBLE_NOCOLOR="1", ANSIBLE_LOCALHOST_WARNING="0")
    env.update(ANSIBLE_INVENTORY_UNPARSED_WARNING="0")
    env.pop("ANSIBLE_FORCE_COLOR", None)
    env.pop("FORCE_COLOR", None)
    env["PYTHONPATH"] = os.pathsep.join(map(str, tree.TESTS))
    os.environ.clear()
    os.environ.update(env)


def run(screen: Screen, verbosity: str) -> None:
    """Start the emulator, run the steps, and stop all processes."""
    with contextlib.ExitStack() as stack:
        emulator = stack.enter_context(
            Emulator("--listing-delay", str(LISTING_DELAY), log=FOLDER / "logs" / "emulator.txt")
        )
        refuse_unless_loopback(emulator.url)
        account = emulator.account(name="demo")
        os.environ.update(
            SODA_CLOUD_ENDPOINT=account.endpoint,
            SODA_CLOUD_API_KEY_ID=account.api_key_id,
            SODA_CLOUD_API_KEY_SECRET=account.api_key_secret,
        )
        fleet = Fleet(FOLDER)
        stack.callback(fleet.stop_runners)
        screen.say("community.soda: give three hosts their Soda runner keys", BOLD)
        screen.say()
        screen.note(
            "The demo uses an emulated Soda Cloud with the rate limits of the real one. Its hosts are folders in"
        )
        screen.note(
            f"{FOLDER.relative_to(tree.ROOT)}/hosts, which you can read afterwards. The demo runs each command in"
        )
        screen.note(f"{FOLDER.relative_to(tree.ROOT)}, with the account in the environment:")
        screen.note(f"SODA_CLOUD_ENDPOINT={account.endpoint}  SODA_CLOUD_API_KEY_ID={account.api_key_id[:8]}…")
        screen.note("SODA_CLOUD_API_KEY_SECRET=********")
        Story(screen, Ansible(FOLDER, FOLDER / "logs", screen, verbosity), fleet, account).tell()


def main() -> int:
    """Run the demo. The exit status is 0 if each step did what it should."""
    parser = argparse.ArgumentParser(prog="make demo", usage="make demo [VERBOSE=-vvv]")
    parser.add_argument("-v", action="count", default=0, dest="verbosity")
    verbosity = "v" * parser.parse_args().verbosity
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    with tree.only_one("demo"):
        enter_private_environment()
        screen = Screen(Path(FOLDER, "transcript.txt"))
        try:
            run(screen, verbosity and f"-{verbosity}")
        except Failed as exc:
            screen.say(f"\nThe demo failed: {exc}", RED, BOLD)
            return 1
        except KeyboardInterrupt:
            screen.say("\nStopped. No process is still running.", BOLD)
            return 130
        screen.say(
            "\nThe demo passed. It changed nothing outside this folder, and no process is still running.", GREEN, BOLD
        )
        screen.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
