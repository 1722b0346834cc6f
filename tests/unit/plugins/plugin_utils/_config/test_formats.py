# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The four configuration formats, read back as their readers do, and what of them may be shown."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import yaml

from ansible_collections.community.soda.plugins.module_utils._errors import SodaError
from ansible_collections.community.soda.plugins.module_utils._key.stored_key import StoredKey
from ansible_collections.community.soda.plugins.plugin_utils._config.formats import (
    FORMATS,
    MASK,
    Settings,
    check,
    masked,
    plain,
    render,
)
from ansible_collections.community.soda.tests.unit.plugins.harness import (
    ODD_NAMES,
    plain_id,
)

SECRET = "-Lq9_secret-that-nobody-may-see-0123456789_abcdefghijk"

KEY = StoredKey(
    endpoint="https://cloud.soda.io",
    name="one",
    api_key_id="0d9c2b8e-5f0d-4f7e-9a37-3c3f6d1c2a55",
    api_key_secret=SECRET,
    key_version=1,
    issued_at="2026-01-01T12:00:00Z",
    runner_id=None,
)
SETTINGS = Settings(name="one", endpoint="https://cloud.soda.io")
REGISTERED = replace(KEY, runner_id="7f9d1c1e-9a54-4f2b-8f0e-0d8f3f6a2f11")

every_format = pytest.mark.parametrize("file_format", ["helm_values", "kubernetes_secret", "dotenv", "soda_core"])
yaml_formats = pytest.mark.parametrize("file_format", ["helm_values", "kubernetes_secret", "soda_core"])


def read(file_format: str, key: StoredKey = KEY, settings: Settings = SETTINGS) -> Any:
    """Render a file and read it back."""
    text = render(file_format, key, settings)
    if file_format != "dotenv":
        return yaml.safe_load(text)
    return dict(line.split("=", 1) for line in text.splitlines())


def code_of(failed: pytest.ExceptionInfo[SodaError]) -> str:
    return failed.value.failure.code


# What the files say


def test_there_are_four_formats_and_no_other() -> None:
    assert set(FORMATS) == {"helm_values", "kubernetes_secret", "dotenv", "soda_core"}


def test_helm_values() -> None:
    assert read("helm_values") == {
        "soda": {
            "apikey": {"id": KEY.api_key_id, "secret": SECRET},
            "agent": {"name": "one"},
            "cloud": {"endpoint": "https://cloud.soda.io"},
        }
    }


def test_fields_have_their_order_and_text_stays_readable() -> None:
    """Long or not, on one line: some readers of values know no other."""
    settings = replace(SETTINGS, name="Zürich " + 200 * "long ", values={"a": [{"c": "d", "b": None}]})
    assert render("helm_values", KEY, settings) == (
        "soda:\n"
        "  apikey:\n"
        f'    id: "{KEY.api_key_id}"\n'
        f'    secret: "{SECRET}"\n'
        "  agent:\n"
        f'    name: "{settings.name}"\n'
        "  cloud:\n"
        '    endpoint: "https://cloud.soda.io"\n'
        "a:\n"
        '- c: "d"\n'
        "  b: null\n"
    )


def test_helm_values_that_refer_to_a_secret_hold_none() -> None:
    text = render("helm_values", KEY, replace(SETTINGS, existing_secret="soda-key"))
    assert SECRET not in text
    assert KEY.api_key_id not in text
    assert yaml.safe_load(text) == {
        "soda": {
            "apikey": {
                "existingSecret": "soda-key",
                "secretKeys": {"idKey": "SODA_API_KEY_ID", "secretKey": "SODA_API_KEY_SECRET"},
            },
            "agent": {"name": "one"},
            "cloud": {"endpoint": "https://cloud.soda.io"},
        }
    }


def test_a_kubernetes_secret_is_named_as_the_chart_names_its_own() -> None:
    assert read("kubernetes_secret") == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "soda-agent-apikey"},
        "type": "Opaque",
        "stringData": {"SODA_API_KEY_ID": KEY.api_key_id, "SODA_API_KEY_SECRET": SECRET},
    }


def test_a_kubernetes_secret_has_the_name_and_the_keys_that_the_values_refer_to() -> None:
    settings = replace(SETTINGS, existing_secret="soda-key")
    secret = read("kubernetes_secret", settings=settings)
    reference = read("helm_values", settings=settings)["soda"]["apikey"]
    assert secret["metadata"]["name"] == reference["existingSecret"]
    assert secret["stringData"][reference["secretKeys"]["idKey"]] == KEY.api_key_id
    assert secret["stringData"][reference["secretKeys"]["secretKey"]] == SECRET


def test_dotenv_is_one_name_and_value_a_line_without_quotes() -> None:
    assert render("dotenv", KEY, SETTINGS) == f"SODA_API_KEY_ID={KEY.api_key_id}\nSODA_API_KEY_SECRET={SECRET}\n"


@pytest.mark.parametrize(
    ("endpoint", "scheme", "host", "port"),
    [
        ("https://cloud.soda.io", "https", "cloud.soda.io", "443"),
        ("https://cloud.us.soda.io:8443", "https", "cloud.us.soda.io", "8443"),
        ("http://localhost", "http", "localhost", "80"),
        ("http://127.0.0.1:8080", "http", "127.0.0.1", "8080"),
        ("http://[::1]:8080", "http", "[::1]", "8080"),
    ],
)
def test_soda_core(endpoint: str, scheme: str, host: str, port: str) -> None:
    assert read("soda_core", settings=replace(SETTINGS, endpoint=endpoint)) == {
        "soda_cloud": {
            "host": host,
            "port": port,
            "scheme": scheme,
            "api_key_id": KEY.api_key_id,
            "api_key_secret": SECRET,
        }
    }


def test_soda_core_has_no_place_for_a_path() -> None:
    with pytest.raises(SodaError) as failed:
        check("soda_core", replace(SETTINGS, endpoint="https://example.org/soda"))
    assert code_of(failed) == "config_not_expressible"


# The runner's id: it is the only way to register again, and wrong before


def test_helm_values_hold_the_runners_id_exactly_where_the_key_has_one() -> None:
    assert read("helm_values", REGISTERED)["soda"]["agent"] == {"name": "one", "id": REGISTERED.runner_id}
    assert "id" not in read("helm_values")["soda"]["agent"]


def test_dotenv_holds_the_runners_id_exactly_where_the_key_has_one() -> None:
    assert read("dotenv", REGISTERED)["SODA_AGENT_ID"] == REGISTERED.runner_id
    assert "SODA_AGENT_ID" not in read("dotenv")


@pytest.mark.parametrize("file_format", ["kubernetes_secret", "soda_core"])
def test_no_other_format_holds_the_runners_id(file_format: str) -> None:
    assert str(REGISTERED.runner_id) not in render(file_format, REGISTERED, SETTINGS)


def test_a_referring_file_holds_the_runners_id_too() -> None:
    settings = replace(SETTINGS, existing_secret="soda-key")
    assert read("helm_values", REGISTERED, settings)["soda"]["agent"]["id"] == REGISTERED.runner_id


# Quotes

HARD = [
    "12345678901234567",
    "1e5",
    "0x1F",
    "0o17",
    "1_000",
    "yes",
    "no",
    "on",
    "null",
    "true",
    ".inf",
    "2026-01-01",
]


@every_format
@pytest.mark.parametrize("value", [*HARD, "-leading", "--", "-", "_", "=a="])
def test_ids_and_secrets_are_text_to_every_reader(file_format: str, value: str) -> None:
    key = replace(KEY, api_key_id=value, api_key_secret=value, runner_id=value)
    content = read(file_format, key)
    if file_format == "helm_values":
        held = [*content["soda"]["apikey"].values(), content["soda"]["agent"]["id"]]
    elif file_format == "kubernetes_secret":
        held = list(content["stringData"].values())
    elif file_format == "soda_core":
        held = [content["soda_cloud"][name] for name in ("api_key_id", "api_key_secret")]
    else:
        held = list(content.values())
    assert set(held) == {value}


@yaml_formats
def test_every_text_value_is_quoted(file_format: str) -> None:
    """So that no reader takes one for a number, not even one that follows another version of YAML."""
    for line in render(file_format, REGISTERED, SETTINGS).splitlines():
        value = line.partition(":")[2].strip()
        assert value == "" or re.fullmatch(r'"[^"]*"', value), line


@pytest.mark.parametrize("name", [*ODD_NAMES, *HARD], ids=plain_id)
def test_any_name_survives_in_helm_values(name: str) -> None:
    assert read("helm_values", settings=replace(SETTINGS, name=name))["soda"]["agent"]["name"] == name


@every_format
@pytest.mark.parametrize("name", ODD_NAMES, ids=plain_id)
def test_any_name_can_be_rendered_in_any_format(file_format: str, name: str) -> None:
    check(file_format, replace(SETTINGS, name=name))
    assert SECRET in render(file_format, replace(KEY, name=name), replace(SETTINGS, name=name))


@pytest.mark.parametrize(
    "value", ["with space", "new\nline", 'quote"', "quote'", "dollar$", "back\\slash", "hash#", "`"]
)
def test_dotenv_refuses_what_its_readers_do_not_read_alike(value: str) -> None:
    with pytest.raises(SodaError) as failed:
        render("dotenv", replace(KEY, api_key_secret=value), SETTINGS)
    assert code_of(failed) == "config_not_expressible"
    assert value not in failed.value.failure.message


@every_format
def test_a_file_ends_with_one_end_of_line(file_format: str) -> None:
    assert re.search(r"[^\n]\n\Z", render(file_format, REGISTERED, SETTINGS))


@every_format
def test_the_same_key_gives_the_same_text(file_format: str) -> None:
    assert render(file_format, KEY, SETTINGS) == render(file_format, KEY, SETTINGS)


# Values of one's own


def values(**given: Any) -> Settings:
    return replace(SETTINGS, values=given)


def test_values_are_merged_key_by_key() -> None:
    content = read("helm_values", settings=values(soda={"agent": {"loglevel": "INFO"}, "env": {"A": "1"}}, replicas=2))
    assert content["replicas"] == 2
    assert content["soda"]["agent"] == {"name": "one", "loglevel": "INFO"}
    assert content["soda"]["env"] == {"A": "1"}
    assert content["soda"]["apikey"] == {"id": KEY.api_key_id, "secret": SECRET}


def test_values_come_before_ours() -> None:
    content = read("helm_values", settings=values(soda={"cloud": {"endpoint": "https://proxy.example.org"}}))
    assert content["soda"]["cloud"] == {"endpoint": "https://proxy.example.org"}


@pytest.mark.parametrize(
    "value", [["a", "b"], "text", 5, 1.5, True, False, None, [], {}, [{"name": "pull-secret"}]], ids=str
)
def test_values_keep_their_kind(value: Any) -> None:
    assert read("helm_values", settings=values(own=value))["own"] == value


def test_a_mapping_in_the_place_of_a_value_replaces_it() -> None:
    content = read("helm_values", settings=values(soda={"apikey": {"id": {"from": "elsewhere"}}}))
    assert content["soda"]["apikey"]["id"] == {"from": "elsewhere"}


def test_values_are_in_no_other_format() -> None:
    for file_format in ("kubernetes_secret", "dotenv", "soda_core"):
        assert render(file_format, KEY, values(colour="blue")) == render(file_format, KEY, SETTINGS)


def test_repeated_values_are_written_out() -> None:
    """Not every reader of values knows YAML's anchors."""
    shared = {"a": ["b"]}
    text = render("helm_values", KEY, values(one=shared, two=shared))
    assert "&" not in text
    assert yaml.safe_load(text)["two"] == shared


def test_the_section_of_the_runner_may_be_renamed() -> None:
    content = read("helm_values", REGISTERED, replace(SETTINGS, values_section="runner"))
    assert content["soda"]["runner"] == {"name": "one", "id": REGISTERED.runner_id}
    assert "agent" not in content["soda"]


def test_what_plain_gives_is_what_yaml_has() -> None:
    class Text(str):
        """As what ansible-core before 2.19 makes of text from outside."""

        __slots__ = ()

        def __str__(self) -> str:
            return str.__str__(self)

    class Number(int):
        __slots__ = ()

    given = {Text("a"): [Text("b"), Number(5), 1.5, True, None, (Text("c"),)]}
    made = plain(given, "values")
    assert made == {"a": ["b", 5, 1.5, True, None, ["c"]]}
    assert made["a"][0].__class__ is str
    assert made["a"][1].__class__ is int
    yaml.safe_dump(made)


def test_text_from_a_vault_is_text() -> None:
    class Encrypted:
        """Before ansible-core 2.19 it is no text, and becomes one when it is read."""

        vault = None

        def __str__(self) -> str:
            return "decrypted"

    assert plain({"env": [Encrypted()]}, "values") == {"env": ["decrypted"]}


@pytest.mark.parametrize("value", [{1, 2}, b"bytes", datetime.date(2026, 1, 1)], ids=["set", "bytes", "date"])
def test_what_a_file_cannot_hold_is_told_by_where_it_is(value: object) -> None:
    with pytest.raises(SodaError) as failed:
        plain({"soda": {"env": [value]}}, "values")
    assert code_of(failed) == "config_values_invalid"
    assert "soda.env[0]" in failed.value.failure.message


def test_what_a_file_cannot_hold_is_told_without_a_key() -> None:
    with pytest.raises(SodaError) as failed:
        check("helm_values", values(X={"env": [{1}]}))
    assert failed.value.failure.message == (
        "X.env[0] is a set, which a configuration file cannot hold. Quote it, to make it text."
    )


# What is refused before there is a key


@pytest.mark.parametrize("file_format", ["helm", "", "HELM_VALUES", "yaml"])
def test_an_unknown_format_is_told_with_those_that_there_are(file_format: str) -> None:
    with pytest.raises(SodaError) as failed:
        check(file_format, SETTINGS)
    assert code_of(failed) == "config_format_unknown"
    assert failed.value.failure.message == (
        f"{file_format!r} is not a configuration format."
        " Choose one of helm_values, kubernetes_secret, dotenv, soda_core."
    )


@pytest.mark.parametrize("name", ["a", "1", "soda-key", "soda.key-2.a", "x" * 253])
def test_what_can_be_the_name_of_a_secret_is_taken(name: str) -> None:
    assert read("kubernetes_secret", settings=replace(SETTINGS, existing_secret=name))["metadata"]["name"] == name


@pytest.mark.parametrize("file_format", ["helm_values", "kubernetes_secret"])
@pytest.mark.parametrize(
    "name",
    ["Upper", "under_score", "-dash", "dot.", "a..b", "a.-b", "a-.b", "a/b", "x" * 254, "sp ace", "ü", "a\n"],
)
def test_what_cannot_be_the_name_of_a_secret_is_refused(file_format: str, name: str) -> None:
    with pytest.raises(SodaError) as failed:
        check(file_format, replace(SETTINGS, existing_secret=name))
    assert code_of(failed) == "config_not_expressible"


# What may be shown


@every_format
@pytest.mark.parametrize("key", [KEY, REGISTERED], ids=["new", "registered"])
def test_what_is_shown_holds_no_secret(file_format: str, key: StoredKey) -> None:
    shown = masked(file_format, render(file_format, key, SETTINGS))
    assert SECRET not in shown
    assert SECRET.lstrip("-") not in shown
    assert MASK in shown


@every_format
def test_what_is_shown_is_the_file_but_for_its_secret(file_format: str) -> None:
    text = render(file_format, REGISTERED, SETTINGS)
    unquoted = masked(file_format, text).replace(f'"{MASK}"', MASK)
    assert unquoted == text.replace(f'"{SECRET}"', SECRET).replace(SECRET, MASK)


def test_a_reference_to_a_secret_is_shown() -> None:
    text = render("helm_values", KEY, replace(SETTINGS, existing_secret="soda-key"))
    assert masked("helm_values", text) == text


def test_a_mask_can_tell_that_only_the_secret_differs() -> None:
    text = render("dotenv", KEY, SETTINGS)
    assert masked("dotenv", text, "one") != masked("dotenv", text, "another")


HELD_BY_VALUES: Mapping[str, Mapping[str, Any]] = {
    "an environment": {"soda": {"env": {"POSTGRES": "hunter2"}}},
    "an environment as a list": {"soda": {"env": [{"name": "POSTGRES", "value": "hunter2"}]}},
    "an environment deeper down": {"soda": {"scanlauncher": {"env": {"A": {"B": ["hunter2"]}}}}},
    "a password": {"registry": {"password": "hunter2"}},
    "a pass phrase": {"registry": {"userPassword": "hunter2"}},
    "a token": {"registry": {"apiToken": "hunter2"}},
    "credentials": {"credentials": {"user": "hunter2"}},
    "a private key": {"tls": {"privateKey": "hunter2"}},
    "the registry's key": {"imageCredentials": {"apikey": {"id": "an-id", "secret": "hunter2"}}},
    "the data of a secret": {"extraSecret": {"data": {"a": "hunter2"}}},
    "a list of secrets": {"secrets": ["hunter2"]},
    "a number": {"password": 8675309},
}


@pytest.mark.parametrize("given", list(HELD_BY_VALUES.values()), ids=list(HELD_BY_VALUES))
def test_secrets_among_values_are_not_shown(given: Mapping[str, Any]) -> None:
    shown = masked("helm_values", render("helm_values", KEY, replace(SETTINGS, values=given)))
    assert "hunter2" not in shown
    assert "8675309" not in shown


FOREIGN = {
    "no YAML": "a: [b\nsecret: hunter2",
    "text": "hunter2",
    "a list": "- hunter2",
    "a tag": "!!python/object:os.system hunter2",
    "a secret of its own": "secret: hunter2",
    "several documents": "a: 1\n---\nsecret: hunter2",
    "a manifest": "kind: Secret\ndata:\n  a: hunter2",
    "nested deeply": "[" * 5000 + "hunter2",
    "an anchor": "a: &a {secret: hunter2}\nb: *a",
    "a comment": "# hunter2\na: 1",
    "variables": "# SECRET=hunter2\nPASSWORD=hunter2\nexport TOKEN=hunter2\nhunter2",
    "control characters": "\x00hunter2",
}


@pytest.mark.usefixtures("no_garbage_collection")
@every_format
@pytest.mark.parametrize("text", list(FOREIGN.values()), ids=list(FOREIGN))
def test_what_was_in_the_place_of_a_file_is_shown_without_secrets(file_format: str, text: str) -> None:
    """A file that others wrote may hold other secrets, and need not be of the format at all."""
    assert "hunter2" not in masked(file_format, text)


@yaml_formats
@pytest.mark.parametrize("text", ["a: b\n", "replicas: 2\nname: one\n"])
def test_of_what_others_wrote_the_rest_is_shown(file_format: str, text: str) -> None:
    assert yaml.safe_load(masked(file_format, text)) == yaml.safe_load(text)


# fmt: off
SHOWN = [
    # format, text, what of it is shown
    ("dotenv", "A=one=two\n# B=c\n\n  \nSODA_API_KEY_ID=an-id\nSODA_AGENT_ID=another\nexport C=d\nsecret\n",
     "A=*\n# (a line that is no NAME=value, not shown)\n\n  \nSODA_API_KEY_ID=an-id\nSODA_AGENT_ID=another\n"
     "export C=*\n# (a line that is no NAME=value, not shown)\n"),
    # What looks like a variable of another name is one.
    ("dotenv", "B=c # A=b\n#A=b#\n  # A=b\n", "B=*\n" + 2 * "# (a line that is no NAME=value, not shown)\n"),
    ("helm_values", "a: b\n---\nc: d\n", 'a: "b"\n---\nc: "d"\n'),
    # What stands in a list is shown or masked like what stands in a mapping.
    ("helm_values", "a: [b, {name: c, token: d}]\n", 'a:\n- "b"\n- name: "c"\n  token: "*"\n'),
    ("helm_values", "env: [{name: a, value: b}]\n", 'env:\n- name: "a"\n  value: "*"\n'),
    ("helm_values", "name: a\nvalue: b\n", 'name: "a"\nvalue: "b"\n'),
    ("helm_values", "stringData: {a: b}\nstringdata: {a: b}\n", 'stringData:\n  a: "*"\nstringdata:\n  a: "b"\n'),
    ("helm_values", "a: 1\nb: null\nsecret: null\n", "a: 1\nb: null\nsecret: null\n"),
]
# fmt: on


@pytest.mark.parametrize(("file_format", "text", "expected"), SHOWN)
def test_what_is_shown_of_a_file(file_format: str, text: str, expected: str) -> None:
    assert masked(file_format, text, "*") == expected


@every_format
def test_nothing_is_shown_of_an_empty_file(file_format: str) -> None:
    assert masked(file_format, "").strip() in ("", "null", "...", "null\n...")
