# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A hostile host must not steer the controller."""

from __future__ import annotations

import typing as t

import pytest

from attack.field import Field
from attack.hostile_api import Answer, HostileApi, as_json, page

# 330 bytes that expand to millions of texts.
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdef", "bcdefg", strict=True)
)


@pytest.fixture
def trap() -> t.Iterator[HostileApi]:
    """The server to which a hostile host tries to send the Soda Cloud API key."""

    def answer(request: object) -> Answer:
        if getattr(request, "method", "") == "POST":
            return as_json({"apiKeyId": "planted", "apiKeySecret": "planted-secret"})
        return page([])

    with HostileApi(answer).running() as running:
        yield running


@pytest.mark.quick
def test_facts_of_the_host_module_name_another_endpoint(field: Field, trap: HostileApi) -> None:
    field.hostile_host(facts={"soda_runner_cloud_endpoint": trap.url})
    field.role()
    assert field.lied()
    assert trap.received == []


@pytest.mark.parametrize("during", ["rotate", "remove"])
def test_facts_name_another_endpoint_later(field: Field, trap: HostileApi, during: str) -> None:
    assert not field.role().failed
    field.hostile_host(facts={"soda_runner_cloud_endpoint": trap.url})
    if during == "rotate":
        field.role(soda_runner_key_version=2)
    else:
        field.role(soda_runner_state="absent")
    assert field.lied()
    assert trap.received == []


@pytest.mark.quick
def test_facts_name_another_runner(field: Field) -> None:
    field.account.seed("victim")
    field.hostile_host(facts={"soda_runner_name": "victim", "soda_runner_reissue": True})
    field.role()
    assert field.lied()
    stored = field.host_dir() / "key.json"
    assert not stored.exists() or field.key()["name"] == "one"
    assert b"victim" not in b"".join(path.read_bytes() for path in field.waiting_keys())
    assert field.sent("createRunner") <= 1


def test_facts_delete_another_runner(field: Field) -> None:
    (victim,) = field.account.seed({"name": "victim", "isOnline": False})
    assert not field.role().failed
    field.hostile_host(facts={"soda_runner_name": "victim"})
    field.role(soda_runner_state="absent")
    assert field.lied()
    assert victim in [runner["id"] for runner in field.account.runners()]


def test_facts_have_the_host_itself_call_the_api(field: Field) -> None:
    field.hostile_host(facts={"soda_runner_api_host": "one"})
    field.role()
    assert field.lied()
    assert not field.lied("soda_runner")


def test_facts_name_another_escrow_folder(field: Field) -> None:
    elsewhere = field.folder / "elsewhere"
    field.hostile_host(facts={"soda_runner_escrow_dir": str(elsewhere)})
    field.role()
    assert field.lied()
    assert not elsewhere.exists()


@pytest.mark.quick
def test_a_lying_setup_names_another_endpoint(field: Field, trap: HostileApi) -> None:
    field.hostile_host(facts={"soda_runner_cloud_endpoint": trap.url})
    field.role(play={"gather_facts": True, "gather_subset": ["!all", "!min"]})
    assert field.lied("setup")
    assert trap.received == []


@pytest.mark.parametrize(
    "template",
    ["{{ region }}", "#jinja2: variable_start_string:'[%', variable_end_string:'%]'\n[% region %]"],
    ids=["plain", "other delimiters"],
)
def test_a_lying_setup_replaces_what_the_endpoint_is_made_of(field: Field, trap: HostileApi, template: str) -> None:
    field.common |= {"region": field.account.endpoint, "soda_runner_cloud_endpoint": template}
    field.hostile_host(facts={"region": trap.url})
    ended = field.role(play={"gather_facts": True, "gather_subset": ["!all", "!min"]})
    assert field.lied("setup")
    assert ended.refused_with("shadowed_variable")
    assert trap.received == []


def test_a_lying_setup_declares_the_runner_absent(field: Field) -> None:
    assert not field.role().failed
    runner = field.register()
    field.account.set_online(runner, False)
    field.hostile_host(facts={"soda_runner_state": "absent"})
    field.role(play={"gather_facts": True, "gather_subset": ["!all", "!min"]})
    assert field.lied("setup")
    assert runner in [each["id"] for each in field.account.runners()]


@pytest.mark.parametrize("arguments", [[], ["--diff"], ["--check", "--diff"]], ids=lambda each: " ".join(each) or "run")
def test_a_file_on_the_host_expands_without_end(field: Field, arguments: list[str]) -> None:
    assert not field.role().failed
    (field.host_dir() / "values.yml").write_text(BOMB, "utf-8")
    ended = field.role(*arguments)
    assert "MemoryError" not in ended.output
    assert "Traceback" not in ended.output


@pytest.mark.parametrize(
    "result",
    [
        {"observed": "x" * 5_000_000, "files": "text", "key": [1]},
        {"observed": {"files": [[[[]]]]}, "key": {"api_key_id": {"a": 1}}, "files": {}, "diff": 7},
        {"key_needed": "{{ lookup('pipe', 'touch {marker}') }}", "key": "{{ lookup('pipe', 'touch {marker}') }}"},
    ],
    ids=["long", "odd", "template"],
)
def test_results_of_the_host_have_odd_shapes(field: Field, result: dict[str, t.Any]) -> None:
    marker = field.folder / "marker"
    lies = {name: v.replace("{marker}", str(marker)) if isinstance(v, str) else v for name, v in result.items()}
    field.hostile_host(results={"soda_runner_files": lies, "soda_runner_config": lies})
    ended = field.role("--diff")
    assert field.lied()
    assert "Traceback" not in ended.output
    assert not marker.exists()


def test_the_host_sends_control_characters(field: Field) -> None:
    lie = {"failed": True, "msg": "\x1b]0;title\x07\x1b[2Jdone\rok: [one]"}
    field.hostile_host(results={"soda_runner_files": lie, "soda_runner_config": lie})
    ended = field.role()
    assert field.lied()
    assert ended.failed
    assert "\x1b" not in ended.output


def test_the_host_sends_a_warning(field: Field) -> None:
    warning = {"warnings": ["a warning of the host"]}
    field.hostile_host(results={"soda_runner_files": warning, "soda_runner_config": warning})
    ended = field.role()
    assert field.lied()
    assert not ended.failed
    assert ended.output.count("a warning of the host") == 1
