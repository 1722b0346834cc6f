# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kubernetes' own schemas accept the Secret, whatever is in it, and Helm values that refer to it hold no secret."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ansible_collections.community.soda.plugins.module_utils._host.fill import fill_in, key_values
from ansible_collections.community.soda.plugins.plugin_utils._config import formats
from tooling.leaks import forms

from .conftest import PROGRAMS, Fleet, run

OLDEST, NEWEST = "1.25.0", "1.37.0"

NAMES = ("a", "0", "1e5", "0x1f", "null", "yes", "1.5", "2026-01-01", "a.b-c.d", "x" * 253)
TEXTS = (
    "-",
    "--help",
    "0123",
    "738780652368330656",
    "1e5",
    "0x1F",
    "null",
    "~",
    "yes",
    "=",
    "2026-01-01",
    "${env.HOME}",
)


def validated(*files: Path, version: str = NEWEST) -> tuple[int, int]:
    """The validator's exit status, and how many resources it found valid."""
    validator = str(PROGRAMS / "kubernetes-validate")
    finished = run([validator, "--strict", "--kubernetes-version", version, *map(str, files)])
    return finished.returncode, finished.stdout.count(" passed for resource ")


def secret_text(name: str | None = None, value: str = "value") -> str:
    settings = formats.Settings(name="one", endpoint="https://cloud.soda.io", existing_secret=name)
    return filled("kubernetes_secret", settings, value)


def filled(file_format: str, settings: formats.Settings, value: str = "value") -> str:
    """A file as it is on a host."""
    placeholders = formats.Placeholders()
    text = formats.render(file_format, settings, placeholders)
    return fill_in(text, placeholders.rules, key_values(value, value, 1, None))


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_the_secret_is_valid_as_the_role_wrote_it(fleet: Fleet, version: str) -> None:
    files = fleet.file("chart", "secret.yml"), fleet.file("referring", "secret.yml")
    assert validated(*files, version=version) == (0, 2)


def test_the_secret_is_valid_whatever_its_name_and_values(tmp_path: Path) -> None:
    texts = [*(secret_text(name=name) for name in NAMES), *(secret_text(value=value) for value in TEXTS)]
    for number, text in enumerate(texts):
        (tmp_path / f"{number}.yml").write_text(text, "utf-8")
    assert validated(*sorted(tmp_path.glob("*.yml"))) == (0, len(texts))


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_the_image_pull_secret_is_valid_in_each_region(tmp_path: Path, version: str) -> None:
    endpoints = ("https://cloud.soda.io", "https://cloud.us.soda.io", "https://example.org")
    kubernetes = formats.Kubernetes(namespace="soda", labels={"team": "data"}, annotations={"example.org/note": "a: b"})
    for number, endpoint in enumerate(endpoints):
        settings = formats.Settings(name="one", endpoint=endpoint, kubernetes=kubernetes)
        (tmp_path / f"{number}.yml").write_text(filled("image_pull_secret", settings), "utf-8")
    assert validated(*sorted(tmp_path.glob("*.yml")), version=version) == (0, len(endpoints))


@pytest.mark.parametrize(
    ("right", "wrong"), [('"738780652368330656"', "738780652368330656"), ("stringData", "strings")]
)
def test_a_secret_that_is_wrong_is_found_out(tmp_path: Path, right: str, wrong: str) -> None:
    text = secret_text(value="738780652368330656")
    assert right in text
    file = tmp_path / "secret.yml"
    file.write_text(text.replace(right, wrong), "utf-8")
    assert validated(file) == (1, 0)


def test_helm_values_that_refer_to_a_secret_hold_neither_it_nor_its_id(fleet: Fleet) -> None:
    key = fleet.key("referring")
    values = fleet.file("referring", "values.yml").read_bytes()
    secret = fleet.file("referring", "secret.yml").read_bytes()
    assert key.api_key_secret.encode() in secret
    assert [form for form in {*forms(key), key.api_key_id.encode()} if form in values] == []


def test_helm_values_refer_to_the_secret_by_its_name_and_the_names_in_it(fleet: Fleet) -> None:
    apikey = yaml.safe_load(fleet.file("referring", "values.yml").read_text("utf-8"))["soda"]["apikey"]
    secret = yaml.safe_load(fleet.file("referring", "secret.yml").read_text("utf-8"))
    key = fleet.key("referring")
    assert apikey["existingSecret"] == secret["metadata"]["name"]
    assert secret["stringData"] == {
        apikey["secretKeys"]["idKey"]: key.api_key_id,
        apikey["secretKeys"]["secretKey"]: key.api_key_secret,
    }
