# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How strictly the stand-in runner reads its configuration."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("yaml")

from ansible_collections.community.soda.tests.unit.emulator import configurations
from emulator.client import Key
from emulator.runner_config import WrongConfiguration
from emulator.stand_in_runner import Configuration, arguments, configuration

ENDPOINT = "http://127.0.0.1:8080"
KEY = Key("123456789012345678", "-dash_first" + "x" * 44)
ELSEWHERE = ("--endpoint", ENDPOINT, "--name", "edge-1")  # for formats that carry neither
Read = Callable[..., Configuration]


helm_values = functools.partial(configurations.helm_values, ENDPOINT, KEY)
kubernetes_secret = functools.partial(configurations.kubernetes_secret, KEY)
dotenv = functools.partial(configurations.dotenv, KEY)
soda_core = functools.partial(configurations.soda_core, ENDPOINT, KEY)


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Reads a file of that text and format, with those options."""

    def read(text: str, format: str, *options: str) -> Configuration:
        config = tmp_path / "config"
        config.write_text(text, encoding="utf-8")
        return configuration(arguments(["--config", str(config), "--format", format, *options]))

    return read


def refused(read: Read, why: str, *args: str) -> None:
    """It is refused, the reason is given, and the secret is not."""
    with pytest.raises(WrongConfiguration) as raised:
        read(*args)
    assert why in str(raised.value)
    assert KEY.api_key_secret not in str(raised.value)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"soda__agent": None}, "soda.agent is missing"),
        ({"soda__agent__name": None}, "name is missing in soda.agent"),
        ({"soda__agent__name": ""}, "name is missing in soda.agent, or empty"),
        ({"soda__agent__name": 5}, "name in soda.agent is not a string but int"),
        ({"soda__agent__loglevel": "LOUD"}, "soda.agent.loglevel is not one of"),
        ({"soda__agent__logFormat": "xml"}, "soda.agent.logFormat is not one of"),
        ({"soda__apikey__id": 123456789}, "id in soda.apikey is not a string but int"),
        ({"soda__apikey__secret": None}, "secret is missing in soda.apikey"),
        ({"soda__apikey__secret": "two words"}, "characters that no secret has"),
        ({"soda__apikey__existingSecret": "x"}, "both a key and existingSecret"),
        ({"soda__cloud": None}, "soda.cloud is missing"),
        ({"soda__cloud": {}}, "either endpoint or region"),
        ({"soda__cloud__region": "eu"}, "either endpoint or region"),
        ({"soda__cloud": {"region": "moon"}}, "soda.cloud.region is not one of"),
        ({"soda__cloud": {"region": "eu"}}, "--endpoint must say"),
        ({"soda__cloud__endpoint": "localhost:80"}, "is not http(s)"),
        ({"soda__cloud__endpoint": "https://cloud.soda.io"}, "not on this machine"),
    ],
)
def test_it_refuses_wrong_helm_values(read: Read, changes: dict[str, Any], why: str) -> None:
    refused(read, why, helm_values(**changes), "helm_values")


@pytest.mark.parametrize(
    ("name", "keys", "why"),
    [
        ("other", {"idKey": "SODA_API_KEY_ID", "secretKey": "SODA_API_KEY_SECRET"}, "'my-key' is wanted"),
        ("my-key", {"idKey": "SODA_API_KEY_ID", "secretKey": "SECRET"}, "SECRET is missing in the Secret 'my-key'"),
        ("my-key", {"idKey": "SODA_API_KEY_ID"}, "secretKey is missing in soda.apikey.secretKeys"),
    ],
)
def test_it_refuses_helm_values_that_name_another_secret(
    read: Read, tmp_path: Path, name: str, keys: dict[str, str], why: str
) -> None:
    secret = tmp_path / "secret.yml"
    secret.write_text(kubernetes_secret(name), encoding="utf-8")
    text = helm_values(soda__apikey={"existingSecret": "my-key", "secretKeys": keys})
    refused(read, why, text, "helm_values", "--secret-file", str(secret))


def test_it_refuses_helm_values_whose_secret_it_is_not_given(read: Read) -> None:
    keys = {"idKey": "a", "secretKey": "b"}
    text = helm_values(soda__apikey={"existingSecret": "my-key", "secretKeys": keys})
    refused(read, "no --secret-file", text, "helm_values")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"kind": "ConfigMap"}, "not a Secret"),
        ({"apiVersion": "v2"}, "not a Secret"),
        ({"metadata": {}}, "name is missing in metadata"),
        ({"stringData": None}, "SODA_API_KEY_ID is missing"),
        ({"stringData": {"SODA_API_KEY_ID": 5}}, "is not a string but int"),
        ({"stringData": None, "data": {"SODA_API_KEY_ID": "not base64"}}, "not base64"),
    ],
)
def test_it_refuses_a_wrong_kubernetes_secret(read: Read, changes: dict[str, Any], why: str) -> None:
    refused(read, why, kubernetes_secret(**changes), "kubernetes_secret", *ELSEWHERE)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda text: text.replace("SODA_API_KEY_SECRET", "SECRET"), "SODA_API_KEY_SECRET is missing"),
        (lambda text: text + text, "SODA_API_KEY_ID is given twice"),
        (lambda text: "export " + text, "line 1 is not NAME=value"),
        (lambda text: text.replace("=", ": "), "line 1 is not NAME=value"),
        (lambda text: text.replace("SECRET='", "SECRET='a b"), "characters that no secret has"),
        (lambda text: text.rstrip()[:-1], "the value of SODA_API_KEY_SECRET (line 2)"),
    ],
)
def test_it_refuses_wrong_dotenv(read: Read, change: Callable[[str], str], why: str) -> None:
    refused(read, why, change(dotenv()), "dotenv", *ELSEWHERE)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"port": 443}, "port in soda_cloud is not a string but int"),
        ({"api_key_id": 123}, "api_key_id in soda_cloud is not a string but int"),
        ({"api_key_secret": None}, "api_key_secret is missing"),
        ({"host": None}, "host is missing"),
        ({"host": "http://127.0.0.1"}, "not a host name"),
        ({"scheme": "ftp"}, "soda_cloud.scheme is not one of"),
        ({"api_key_secret": "${env.NOT_SET_ANYWHERE}"}, "NOT_SET_ANYWHERE is not set"),
    ],
)
def test_it_refuses_a_wrong_soda_core_file(read: Read, changes: dict[str, Any], why: str) -> None:
    refused(read, why, soda_core(**changes), "soda_core", "--name", "edge-1")


@pytest.mark.parametrize("format", ["helm_values", "kubernetes_secret", "soda_core"])
@pytest.mark.parametrize(
    ("text", "why"),
    [("", "is missing"), ("[]", "not a mapping"), ("a: 'b", "not YAML"), ("a: 1\na: 2", "'a' is given twice")],
)
def test_it_refuses_what_is_no_yaml_mapping(read: Read, format: str, text: str, why: str) -> None:
    refused(read, why, text, format, *ELSEWHERE)


@pytest.mark.parametrize(
    ("options", "why"),
    [(["--name", "edge-1"], "--endpoint is not set"), (["--endpoint", "{}"], "--name is not set"),
     (["--endpoint", "{}", "--name", ""], "--name is not set")],
)  # fmt: skip
def test_it_refuses_to_guess_what_neither_file_nor_options_say(read: Read, options: list[str], why: str) -> None:
    refused(read, why, dotenv(), "dotenv", *(option.format(ENDPOINT) for option in options))


def test_it_refuses_an_option_that_contradicts_the_file(read: Read) -> None:
    refused(read, "the name in the file is 'edge-1', not 'edge-2'", helm_values(), "helm_values", "--name", "edge-2")


def test_it_refuses_a_file_that_is_not_there(read: Read, tmp_path: Path) -> None:
    refused(read, "cannot be read", "", "dotenv", "--config", str(tmp_path / "none"))


def test_it_reads_what_is_right(read: Read) -> None:
    wanted = Configuration(ENDPOINT, "edge-1", None, KEY.api_key_id, KEY.api_key_secret)
    assert read(helm_values(), "helm_values") == wanted
    assert read(kubernetes_secret(), "kubernetes_secret", *ELSEWHERE) == wanted
    assert read(dotenv(), "dotenv", *ELSEWHERE) == wanted
    assert read(soda_core(), "soda_core", "--name", "edge-1") == wanted
