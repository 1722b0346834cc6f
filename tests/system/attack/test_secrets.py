# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Output and requests contain no secret."""

from __future__ import annotations

import pytest
import yaml

from attack.field import Field, Vars
from attack.hostile_api import HostileApi, page

VALUES: Vars = {
    "soda": {"agent": {"loglevel": "INFO"}},
    "s3": {"secretKey": "S01-hidden"},
    "pwd": "S02-hidden",
    "apiKey": "S03-hidden",
    "accessKey": "S04-hidden",
    "auth": "S05-hidden",
    "dsn": "postgres://user:S06-hidden@host/db",
    "cert": "-----BEGIN PRIVATE KEY-----\nS07-hidden\n-----END PRIVATE KEY-----",
    "args": ["--api-key=S08-hidden"],
    "env": [{"name": "X", "value": "S09-hidden"}],
    "dockerconfigjson": "S10-hidden",
    "replicas": 3,
}


@pytest.mark.parametrize(
    "arguments", [pytest.param(["--diff"], marks=pytest.mark.quick), ["--diff", "--check", "-vvv"]], ids=" ".join
)
def test_a_diff_shows_the_secrets_of_the_user(field: Field, arguments: list[str]) -> None:
    field.common["soda_runner_values"] = VALUES
    field.hosts("one")
    ended = field.role(*arguments)
    assert "replicas" in ended.output
    # -vvv shows the arguments of tasks, which are the user's own; only the diff is judged.
    diff = [line for line in ended.output.splitlines() if line.startswith(("+", "-"))]
    assert diff
    assert [line for line in diff if "-hidden" in line] == []


def test_a_diff_shows_what_was_in_the_file(field: Field) -> None:
    field.role()
    (field.host_dir() / "values.yml").write_text(yaml.safe_dump(VALUES), "utf-8")
    ended = field.role("--diff", "--check")
    assert "-hidden" not in ended.output


@pytest.mark.parametrize("api_host", [pytest.param("localhost", marks=pytest.mark.quick), "{{ inventory_hostname }}"])
def test_a_module_with_a_secret_is_a_file_that_a_killed_run_leaves(field: Field, api_host: str) -> None:
    field.common["soda_runner_api_host"] = api_host
    field.hosts("one")
    ended = field.role("-vvv", play={"vars": {"ansible_pipelining": False}})
    assert not ended.failed
    assert "/modules/soda_runner.py" in ended.output
    assert "AnsiballZ_soda_runner" not in ended.output


@pytest.mark.quick
def test_a_proxy_gets_the_requests_to_this_machine(field: Field) -> None:
    with HostileApi(lambda request: page([])).running() as proxy:
        env = dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"), proxy.url)
        result, _ended = field.module("soda_runner_info", env)
    assert not result.get("failed")
    assert proxy.received == []


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://user:S11-hidden@cloud.soda.io",
        "https://user:S11-hidden@cloud.soda.io:port",
        "ftp://user:S11-hidden@cloud.soda.io/x y",
        "user:S11-hidden@cloud.soda.io",
    ],
)
def test_a_message_shows_the_password_of_an_endpoint(field: Field, endpoint: str) -> None:
    result, ended = field.module("soda_runner_info", endpoint=endpoint)
    assert result["failed"]
    assert "S11-hidden" not in ended.output
    assert "S11-hidden" not in result["msg"]


@pytest.mark.parametrize(
    "proxy",
    [
        "http://user:S12-hidden@127.0.0.1:1",
        "http://user:S12-hidden@127.0.0.1:port",
        "ftp://user:S12-hidden@127.0.0.1:1",
        "http://user:S12-hidden@[127.0.0.1",
        "user:S12-hidden@127.0.0.1:1",
        "http://user:S12-hidden/x@127.0.0.1:1",
    ],
)
def test_a_message_shows_the_password_of_a_proxy(field: Field, proxy: str) -> None:
    env = {"HTTPS_PROXY": proxy, "https_proxy": proxy}
    result, ended = field.module("soda_runner_info", env, endpoint="https://soda.invalid", retry_budget=0)
    assert result["failed"]
    assert "S12-hidden" not in ended.output


@pytest.mark.parametrize("variable", ["soda_runner_cloud_api_key_secret", "soda_runner_existing_api_key_secret"])
def test_the_output_shows_a_secret_of_a_vault(field: Field, variable: str) -> None:
    secret = {"soda_runner_existing_api_key_secret": "S13-hidden"}.get(variable, field.account.api_key_secret)
    password = field.folder / "work" / "password"
    password.write_text("password", "utf-8")
    options = ["--vault-password-file", str(password)]
    encrypted = field.run(["ansible-vault", "encrypt_string", *options, "--name", variable, secret])
    assert not encrypted.failed
    (field.folder / "group_vars").mkdir()
    vaulted = "".join(line for line in encrypted.output.splitlines(keepends=True) if "Encryption" not in line)
    (field.folder / "group_vars" / "all.yml").write_text(vaulted, "utf-8")
    field.common.pop(variable, None)
    if variable == "soda_runner_existing_api_key_secret":
        field.common["soda_runner_existing_api_key_id"] = "existing-id"
    field.hosts("one")
    ended = field.role("-vvv", *options)
    assert not ended.failed
    assert field.key()["api_key_secret"] == secret or variable == "soda_runner_cloud_api_key_secret"
    assert secret not in ended.output
