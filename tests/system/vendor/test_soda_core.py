# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""soda-core, the vendor's client, logs in with the file of the format soda_core as the role wrote it."""

from __future__ import annotations

from pathlib import Path

import yaml

from tooling.leaks import Credential

from .conftest import PROGRAMS, Fleet, run

REFUSED = 3


def logs_in(file: Path) -> int:
    """The exit status of the client's own test of a file."""
    return run([str(PROGRAMS / "soda"), "cloud", "test", "-sc", str(file)]).returncode


def requests_of(fleet: Fleet, since: int = 0) -> list[tuple[str, int]]:
    return [(entry["command"], entry["status"]) for entry in fleet.account.journal(since) if entry["command"]]


def last_request(fleet: Fleet) -> int:
    sequence: int = fleet.account.journal()[-1]["sequence"]
    return sequence


def test_the_key_is_of_the_awkward_kind(fleet: Fleet) -> None:
    key = fleet.key("vendor")
    cloud = yaml.safe_load(fleet.file("vendor", "soda-cloud.yml").read_text("utf-8"))["soda_cloud"]
    assert key.api_key_secret.startswith("-")
    assert key.api_key_id.isdigit()
    assert fleet.account.endpoint == f"http://{cloud['host']}:{cloud['port']}"
    assert Credential(cloud["api_key_id"], cloud["api_key_secret"]) == key


def test_the_client_logs_in(fleet: Fleet) -> None:
    before = last_request(fleet)
    assert logs_in(fleet.file("vendor", "soda-cloud.yml")) == 0
    assert requests_of(fleet, before) == [("login", 200), ("whoAmI", 200)]


def test_the_client_is_refused_with_another_secret(fleet: Fleet, tmp_path: Path) -> None:
    before = last_request(fleet)
    text = fleet.file("vendor", "soda-cloud.yml").read_text("utf-8")
    wrong = tmp_path / "soda-cloud.yml"
    wrong.write_text(text.replace(fleet.key("vendor").api_key_secret, fleet.key("chart").api_key_secret), "utf-8")
    assert logs_in(wrong) == REFUSED
    assert requests_of(fleet, before) == [("login", 401)]


def test_the_client_does_not_take_the_values_unquoted(fleet: Fleet, tmp_path: Path) -> None:
    text = fleet.file("vendor", "soda-cloud.yml").read_text("utf-8")
    wrong = tmp_path / "soda-cloud.yml"
    wrong.write_text(text.replace('"', ""), "utf-8")
    assert logs_in(wrong) == REFUSED
