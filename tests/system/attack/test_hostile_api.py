# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The API is not trusted: its texts are never run, invalid answers block nothing, and it cannot hide an issued key."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import typing as t
from pathlib import Path

import pytest
import yaml

from attack.field import HERE, Ended, Field, Vars
from attack.hostile_api import Answer, HostileApi, Request, as_json, page

SEEN = "2026-01-01T00:00:00Z"


def runner(name: object, **fields: object) -> Vars:
    number = hashlib.sha256(repr(name).encode()).hexdigest()[:8]
    return {"id": f"id-{number}", "name": name, "type": "SELF_HOSTED", "isOnline": False,
            "lastSeenTimestamp": SEEN, **fields}  # fmt: skip


def templates(marker: Path) -> list[str]:
    """Names that run a command if they are evaluated as a template."""
    command = f"lookup('pipe', 'touch {marker}')"
    return [
        f"{{{{ {command} }}}}",
        f"{{% if {command} %}}{{% endif %}}",
        f"#jinja2: variable_start_string: '[[', variable_end_string: ']]'\n[[ {command} ]]",
        f"#jinja2:variable_start_string:'<<',variable_end_string:'>>'\n<< {command} >>",
        f"{{{{{{{{ {command} }}}}}}}}",
        f"{{#{{#}}{{{{ {command} }}}}",
    ]


def served(field: Field, runners: t.Sequence[object]) -> HostileApi:
    """A listing as it is, and each runner by its id."""

    def answer(request: Request) -> Answer:
        wanted = request.path.partition("?")[0].rpartition("/")[2]
        if wanted == "runners":
            return page(runners)
        for each in runners:
            if isinstance(each, dict) and each.get("id") == wanted:
                return as_json({"runner": each})
        return as_json({"code": "runner_not_found", "message": "no"}, 404)

    return HostileApi(answer)


def inventory_of(field: Field, api: HostileApi, **options: object) -> tuple[Vars, Ended]:
    """The inventory plugin's view of an account."""
    source = field.folder / "work" / "cloud.soda_runners.yml"
    settings = {
        "plugin": "community.soda.soda_runners",
        "endpoint": api.url,
        "api_key_id": field.account.api_key_id,
        "api_key_secret": field.account.api_key_secret,
        "retry_budget": 0,
        **options,
    }
    source.write_text(yaml.safe_dump(settings), "utf-8")
    env = {"ANSIBLE_INVENTORY_UNPARSED_FAILED": "true"}
    ended = field.run(["ansible-inventory", "-i", str(source), "--list", "--export"], env)
    listing = re.search(r"^\{.*^\}", ended.output, re.DOTALL | re.MULTILINE)
    return (json.loads(listing[0]) if listing else {}), ended


def events_of(field: Field, api: HostileApi) -> list[Vars]:
    """The events of the first listing of an account."""
    program = field.folder / "work" / "events.py"
    program.write_text((HERE / "print_events.py").read_text("utf-8"), "utf-8")
    collection = field.collections / "ansible_collections" / "community" / "soda"
    source = collection / "extensions" / "eda" / "plugins" / "event_source" / "soda_runners.py"
    connection = {
        "endpoint": api.url,
        "api_key_id": field.account.api_key_id,
        "api_key_secret": field.account.api_key_secret,
        "retry_budget": 0,
        "initial": True,
    }
    ended = field.run([field.python, str(program), str(source), json.dumps(connection)])
    return [json.loads(line[len("event: ") :]) for line in ended.output.splitlines() if line.startswith("event: ")]


def show(field: Field, value: object) -> Ended:
    """Pass a value to a play as a rulebook and a platform do: as variables, whose templates Ansible evaluates."""
    tasks = [{"ansible.builtin.debug": {"msg": "{{ given | string }} {{ given | list }}"}},
             {"ansible.builtin.debug": {"var": "given"}},
             {"ansible.builtin.debug": {"msg": "{{ item }}"}, "loop": "{{ given }}"}]  # fmt: skip
    return field.play([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}], given=value)


# Templates


@pytest.mark.quick
def test_the_name_of_a_runner_in_an_event_is_a_template(field: Field) -> None:
    marker = field.folder / "marker"
    with served(field, [runner(name) for name in templates(marker)]).running() as api:
        events = events_of(field, api)
    assert len(events) == len(templates(marker))
    show(field, events)
    assert not marker.exists()


def test_the_texts_of_a_runner_in_a_result_are_templates(field: Field) -> None:
    marker = field.folder / "marker"
    hostile = [
        runner(f"n{number}", label=text, type=text, versions={"launcher": text, text: "1"})
        for number, text in enumerate(templates(marker))
    ]
    with served(field, hostile).running() as api:
        result, _ended = field.module("soda_runner_info", endpoint=api.url)
    assert len(result["runners"]) == len(hostile)
    show(field, result["runners"])
    assert not marker.exists()


def test_the_name_of_a_runner_in_a_report_is_a_template(field: Field) -> None:
    marker = field.folder / "marker"
    with served(field, [runner(name) for name in templates(marker)]).running() as api:
        field.common["soda_runner_cloud_endpoint"] = api.url
        field.hosts("one")
        report, _ended = field.audit()
    assert report
    show(field, [report])
    assert not marker.exists()


def test_the_texts_of_an_inventory_are_templates(field: Field) -> None:
    marker = field.folder / "marker"
    hostile = [runner(f"host-{number}", label=text) for number, text in enumerate(templates(marker))]
    with served(field, [*hostile, *(runner(name) for name in templates(marker))]).running() as api:
        listed, _ended = inventory_of(field, api)
    assert listed
    show(field, [listed["_meta"]])
    assert not marker.exists()


def test_a_trusted_type_is_claimed_in_the_json(field: Field) -> None:
    marker = field.folder / "marker"
    text = templates(marker)[0]
    claim = {"__ansible_type": "TrustedAsTemplate", "value": text}
    hostile = [runner("odd", label=claim, versions={"a": claim}, **claim), runner("good")]
    with served(field, hostile).running() as api:
        result, ended = field.module("soda_runner_info", endpoint=api.url)
    assert "good" in [each["name"] for each in result["runners"]]
    assert "Traceback" not in ended.output
    show(field, result["runners"])
    assert not marker.exists()


# The terminal


@pytest.mark.quick
def test_names_send_control_characters_to_the_terminal(field: Field) -> None:
    names = ["esc\x1b[2J\x1b]0;title\x07", "cr\rok: [one]", "rtl\u202egnp", "nul\x00", "c1\x9b2J"]
    with served(field, [runner(name, type="SELF_HOSTED") for name in names]).running() as api:
        field.common["soda_runner_cloud_endpoint"] = api.url
        field.hosts("one")
        _report, audited = field.audit()
        decommissioned = field.play(
            "community.soda.decommission", "--check", soda_decommission_audit=f"{field.folder}/work/soda-audit.json"
        )
        _listed, inventory = inventory_of(field, api)
    assert "rtl" in audited.output
    for ended in (audited, decommissioned, inventory):
        assert [character for character in "\x1b\r\u202e\x00\x9b\x07" if character in ended.output] == []


def test_a_type_sends_control_characters_in_a_refusal(field: Field) -> None:
    with served(field, [runner("one", id="r1", type="\x1b[2JHOSTED")]).running() as api:
        _result, ended = field.module("soda_runner", endpoint=api.url, name="one", state="absent")
    assert "HOSTED" in ended.output
    assert "\x1b" not in ended.output


# Shapes

ODD: dict[str, Vars] = {
    "versions with a type": runner("odd", versions={"__ansible_type": "TrustedAsTemplate"}),
    "name is an object": runner("odd") | {"name": {"a": 1}},
    "name is a number": runner("odd") | {"name": 1234},
    "id is a number": runner("odd", id=3),
    "time is a number": runner("odd", lastSeenTimestamp=1760000000),
    "lone surrogate": runner("odd") | {"name": "lone \ud800 surrogate"},
    "nothing is set": {"id": "r6", "name": None, "type": None},
    "versions is a list": runner("odd", versions=[1, {"a": 2}]),
}


@pytest.mark.parametrize("shape", ODD)
def test_one_odd_runner_hides_the_others(field: Field, shape: str) -> None:
    with served(field, [ODD[shape], runner("good")]).running() as api:
        result, ended = field.module("soda_runner_info", endpoint=api.url)
        listed, inventory = inventory_of(field, api)
        field.common["soda_runner_cloud_endpoint"] = api.url
        field.hosts("one")
        report, audited = field.audit()
    assert "good" in [each["name"] for each in result.get("runners", [])]
    assert "good" in json.dumps(listed)
    assert "good" in json.dumps(report)
    assert [each.output for each in (ended, inventory, audited) if "Traceback" in each.output] == []


def test_the_cache_of_the_inventory_takes_odd_runners(field: Field) -> None:
    cache = {"cache": True, "cache_plugin": "jsonfile", "cache_connection": str(field.folder / "cache")}
    # Each has its own id: a listing that repeats ids is refused as a whole.
    odd = [{**one, "id": one["id"] if one["id"] == 3 else f"r{number}"} for number, one in enumerate(ODD.values())]
    with served(field, [*odd, runner("good")]).running() as api:
        inventory_of(field, api, **cache)
        listed, ended = inventory_of(field, api, **cache)
    assert "good" in json.dumps(listed)
    assert "Traceback" not in ended.output


# Size


@pytest.mark.parametrize("size", [1, 1000])
def test_a_listing_has_no_end(field: Field, size: int) -> None:
    def answer(request: Request) -> Answer:
        number = int((re.findall(r"\bpage=(\d+)", request.path) or ["0"])[0])
        runners = [runner(f"r{number * size + each}") for each in range(size)]
        return page(runners, number, last=False, total=2**31 - 1)

    with HostileApi(answer).running() as api:
        result, _ended = field.module("soda_runner_info", endpoint=api.url)
    assert result["failed"]
    assert result["failure"]["code"]


@pytest.mark.parametrize("times", [1, 2])
def test_a_small_answer_is_a_large_one_compressed(field: Field, times: int) -> None:
    body = gzip.compress(b"[" + b" " * 1024**3, 9)
    for _time in range(times - 1):
        body = gzip.compress(body, 9)
    answer = Answer(200, body, {"Content-Encoding": ", ".join(["gzip"] * times)})
    with HostileApi(lambda request: answer).running() as api:
        result, ended = field.module("soda_runner_info", endpoint=api.url)
    assert result["failed"]
    assert result["failure"]["code"]
    assert "MemoryError" not in ended.output


# Codes


@pytest.mark.quick
def test_the_api_fakes_a_create_in_doubt(field: Field) -> None:
    forbidden = as_json({"code": "create_outcome_unknown", "message": "x"}, 403)
    with HostileApi(lambda request: page([]) if request.method == "GET" else forbidden).running() as api:
        key = str(field.folder / "work" / "key.json")
        result, _ended = field.module("soda_runner", endpoint=api.url, name="one", key_path=key)
    assert result["failure"]["code"] != "create_outcome_unknown"
    assert result["failure"]["api_code"] == "create_outcome_unknown"
    assert result["failure"]["occurred_at"].endswith("Z") or "+00:00" in result["failure"]["occurred_at"]


@pytest.mark.parametrize(
    "answer",
    [as_json({"code": "runner_not_found", "message": "x"}, 500), as_json({"apiKeyId": "only"}), Answer(200, b"<html>")],
    ids=["500", "half a key", "html"],
)
def test_the_api_hides_a_create_in_doubt(field: Field, answer: Answer) -> None:
    with HostileApi(lambda request: page([]) if request.method == "GET" else answer).running() as api:
        key = str(field.folder / "work" / "key.json")
        result, _ended = field.module("soda_runner", endpoint=api.url, name="one", key_path=key)
    assert result["failure"]["code"] == "create_outcome_unknown"


def test_a_redirect_leads_elsewhere(field: Field) -> None:
    with HostileApi(lambda request: page([])).running() as elsewhere:
        moved = Answer(302, b"{}", {"Location": f"{elsewhere.url}/api/v1/runners"})
        with HostileApi(lambda request: moved).running() as api:
            result, _ended = field.module("soda_runner_info", endpoint=api.url)
    assert elsewhere.received == []
    assert result["failed"]
