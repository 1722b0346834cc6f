# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The configuration formats, filled in as a host does, and read back as their readers do."""

from __future__ import annotations

import base64
import datetime
import json
import re
from dataclasses import replace
from typing import Any

import pytest
import yaml

from ansible_collections.community.soda.plugins.module_utils._errors import SodaError
from ansible_collections.community.soda.plugins.module_utils._host.fill import fill_in, key_values
from ansible_collections.community.soda.plugins.module_utils._key.stored_key import StoredKey
from ansible_collections.community.soda.plugins.plugin_utils._config import names
from ansible_collections.community.soda.plugins.plugin_utils._config.formats import (
    FORMATS,
    Kubernetes,
    Placeholders,
    Settings,
    check,
    contains_key,
    render,
)
from ansible_collections.community.soda.plugins.plugin_utils._config.yaml_text import to_yaml_types
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
SETTINGS = Settings(name="one", endpoint="https://example.org")
EU, US = replace(SETTINGS, endpoint="https://cloud.soda.io"), replace(SETTINGS, endpoint="https://cloud.us.soda.io")
REGISTERED = replace(KEY, runner_id="7f9d1c1e-9a54-4f2b-8f0e-0d8f3f6a2f11")
IN_VAULT = replace(SETTINGS, key_store="vault_kv2", external_store_name="vault")

every_format = pytest.mark.parametrize(
    "file_format", ["helm_values", "kubernetes_secret", "image_pull_secret", "dotenv", "soda_core"]
)
yaml_formats = pytest.mark.parametrize(
    "file_format", ["helm_values", "kubernetes_secret", "image_pull_secret", "soda_core"]
)


def filled(file_format: str, key: StoredKey = KEY, settings: Settings = SETTINGS) -> str:
    """A file as it is on the host."""
    placeholders = Placeholders()
    text = render(file_format, settings, placeholders)
    values = key_values(key.api_key_id, key.api_key_secret, key.key_version, key.runner_id)
    return fill_in(text, placeholders.rules, values)


def read(file_format: str, key: StoredKey = KEY, settings: Settings = SETTINGS) -> Any:
    """Render a file and read it back."""
    text = filled(file_format, key, settings)
    if file_format != "dotenv":
        return yaml.safe_load(text)
    return dict(line.split("=", 1) for line in text.splitlines())


def code_of(failed: pytest.ExceptionInfo[SodaError]) -> str:
    return failed.value.failure.code


# What the files say


def test_only_the_documented_formats_exist() -> None:
    assert set(FORMATS) == {
        "helm_values",
        "kubernetes_secret",
        "image_pull_secret",
        "external_secret",
        "dotenv",
        "soda_core",
    }


@pytest.mark.parametrize("file_format", FORMATS)
def test_the_controller_renders_no_key_and_new_placeholders_each_time(file_format: str) -> None:
    settings = replace(SETTINGS, external_store_name="vault")
    first, second = Placeholders(), Placeholders()
    assert render(file_format, settings, first) != render(file_format, settings, second)
    assert all(token in render(file_format, settings, first) for token in first.rules)


def test_helm_values() -> None:
    assert read("helm_values") == {
        "soda": {
            "apikey": {"id": KEY.api_key_id, "secret": SECRET},
            "agent": {"name": "one"},
            "cloud": {"endpoint": "https://example.org"},
        }
    }


def test_fields_have_their_order_and_text_stays_readable() -> None:
    """Long or not, on one line: some readers of values know no other."""
    settings = replace(SETTINGS, name="Zürich " + 200 * "long ", values={"a": [{"c": "d", "b": None}]})
    assert filled("helm_values", KEY, settings) == (
        "soda:\n"
        "  apikey:\n"
        f'    id: "{KEY.api_key_id}"\n'
        f'    secret: "{SECRET}"\n'
        "  agent:\n"
        f'    name: "{settings.name}"\n'
        "  cloud:\n"
        '    endpoint: "https://example.org"\n'
        "a:\n"
        '- c: "d"\n'
        "  b: null\n"
    )


@pytest.mark.parametrize(
    ("settings", "region"), [(EU, "eu"), (US, "us"), (SETTINGS, None)], ids=["eu", "us", "another host"]
)
def test_helm_values_name_the_region_of_the_known_hosts(settings: Settings, region: str | None) -> None:
    cloud = read("helm_values", settings=settings)["soda"]["cloud"]
    assert cloud.get("region") == region
    assert cloud["endpoint"] == settings.endpoint


def test_helm_values_that_refer_to_a_secret_contain_no_key() -> None:
    text = filled("helm_values", replace(KEY, key_version=3), replace(SETTINGS, existing_secret="soda-key"))
    assert SECRET not in text
    assert KEY.api_key_id not in text
    assert yaml.safe_load(text) == {
        "soda": {
            "apikey": {
                "existingSecret": "soda-key",
                "secretKeys": {"idKey": "SODA_API_KEY_ID", "secretKey": "SODA_API_KEY_SECRET"},
            },
            "agent": {"name": "one"},
            "cloud": {"endpoint": "https://example.org"},
            # A rotation changes the pod template.
            "env": {"SODA_RUNNER_KEY_VERSION": "3"},
        },
        "existingImagePullSecrets": [{"name": "soda-key-pull"}],
    }


@pytest.mark.parametrize("key_store", ["vault_kv2", "kubernetes_secret"])
def test_helm_values_refer_to_the_secret_of_a_store(key_store: str) -> None:
    content = read("helm_values", settings=replace(SETTINGS, key_store=key_store))
    name = names.unique_name("one", "https://example.org")
    assert content["soda"]["apikey"]["existingSecret"] == name
    assert content["existingImagePullSecrets"] == [{"name": f"{name}-pull"}]


def test_an_empty_pull_secret_is_none() -> None:
    settings = replace(SETTINGS, existing_secret="soda-key", kubernetes=Kubernetes(pull_secret=""))
    assert "existingImagePullSecrets" not in read("helm_values", settings=settings)
    with pytest.raises(SodaError) as failed:
        check("image_pull_secret", settings)
    assert code_of(failed) == "config_not_expressible"


def test_a_kubernetes_secret_has_a_name_that_is_unique() -> None:
    assert read("kubernetes_secret") == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": names.unique_name("one", "https://example.org")},
        "type": "Opaque",
        "stringData": {"SODA_API_KEY_ID": KEY.api_key_id, "SODA_API_KEY_SECRET": SECRET},
    }
    others = [replace(SETTINGS, name="two"), replace(SETTINGS, account="b"), EU]
    found = {read("kubernetes_secret", settings=each)["metadata"]["name"] for each in (SETTINGS, *others)}
    assert len(found) == 4


@pytest.mark.parametrize("file_format", ["kubernetes_secret", "image_pull_secret"])
def test_secrets_have_the_declared_metadata(file_format: str) -> None:
    kubernetes = Kubernetes("soda", "the-key", "the-login", {"team": "data", "tier": 1}, {"x/y": True})
    metadata = read(file_format, settings=replace(SETTINGS, kubernetes=kubernetes))["metadata"]
    assert metadata == {
        "name": "the-key" if file_format == "kubernetes_secret" else "the-login",
        "namespace": "soda",
        "labels": {"team": "data", "tier": "1"},
        "annotations": {"x/y": "true"},
    }


@pytest.mark.parametrize(
    ("settings", "registry"),
    [(EU, "registry.cloud.soda.io"), (US, "registry.us.soda.io"), (SETTINGS, "registry.cloud.soda.io")],
    ids=["eu", "us", "another host"],
)
def test_an_image_pull_secret_is_the_login_to_the_registry(settings: Settings, registry: str) -> None:
    key = replace(KEY, api_key_secret='-"quoted"\\')
    secret = read("image_pull_secret", key, settings)
    assert secret["type"] == "kubernetes.io/dockerconfigjson"
    login = json.loads(secret["stringData"][".dockerconfigjson"])["auths"]
    assert set(login) == {registry}
    assert login[registry]["username"] == key.api_key_id
    assert login[registry]["password"] == key.api_key_secret
    assert base64.b64decode(login[registry]["auth"]).decode() == f"{key.api_key_id}:{key.api_key_secret}"


def test_external_secrets_copy_the_key_from_vault() -> None:
    settings = replace(IN_VAULT, external_store_kind="ClusterSecretStore", kubernetes=Kubernetes(namespace="soda"))
    text = filled("external_secret", replace(KEY, key_version=2), settings)
    assert SECRET not in text
    key, login = yaml.safe_load_all(text)
    name, path = names.unique_name("one", "https://example.org"), names.vault_path("one", "https://example.org")
    for manifest, target in ((key, name), (login, f"{name}-pull")):
        assert (manifest["apiVersion"], manifest["kind"]) == ("external-secrets.io/v1", "ExternalSecret")
        assert manifest["metadata"]["namespace"] == "soda"
        assert manifest["metadata"]["annotations"] == {"community.soda/key-version": "2"}
        assert manifest["spec"]["secretStoreRef"] == {"kind": "ClusterSecretStore", "name": "vault"}
        assert manifest["spec"]["target"]["name"] == target
        assert {each["remoteRef"]["key"] for each in manifest["spec"]["data"]} == {path}
        assert [each["remoteRef"]["property"] for each in manifest["spec"]["data"]] == ["api_key_id", "api_key_secret"]
    assert [each["secretKey"] for each in key["spec"]["data"]] == ["SODA_API_KEY_ID", "SODA_API_KEY_SECRET"]
    template = login["spec"]["target"]["template"]
    assert template["type"] == "kubernetes.io/dockerconfigjson"
    auths = json.loads(template["data"][".dockerconfigjson"])["auths"]["registry.cloud.soda.io"]
    assert auths["password"] == "{{ .api_key_secret }}"
    assert auths["auth"] == "{{ list .api_key_id .api_key_secret | join `:` | b64enc }}"


def test_external_secrets_without_pull_secret_are_one_manifest() -> None:
    settings = replace(IN_VAULT, kubernetes=Kubernetes(pull_secret=""), vault_path="teams/data/one")
    (key,) = yaml.safe_load_all(filled("external_secret", settings=settings))
    assert key["spec"]["data"][0]["remoteRef"]["key"] == "teams/data/one"


@pytest.mark.parametrize(
    "settings",
    [replace(IN_VAULT, external_store_name=None), replace(IN_VAULT, vault_path="../../e/f")],
    ids=["no store", "a path that leaves its folder"],
)
def test_external_secrets_need_a_store_and_a_plain_path(settings: Settings) -> None:
    with pytest.raises(SodaError) as failed:
        check("external_secret", settings)
    assert code_of(failed) == "config_not_expressible"


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_format_with_the_key_is_refused_if_the_key_is_in_a_store(file_format: str) -> None:
    if file_format in ("helm_values", "external_secret"):
        assert not contains_key(file_format, IN_VAULT)
        check(file_format, IN_VAULT)
        return
    with pytest.raises(SodaError) as failed:
        check(file_format, IN_VAULT)
    assert code_of(failed) == "config_not_expressible"
    assert "vault_kv2" in failed.value.failure.message


def test_a_kubernetes_secret_has_the_name_and_the_keys_that_the_values_refer_to() -> None:
    settings = replace(SETTINGS, existing_secret="soda-key")
    secret = read("kubernetes_secret", settings=settings)
    reference = read("helm_values", settings=settings)["soda"]["apikey"]
    assert secret["metadata"]["name"] == reference["existingSecret"]
    assert secret["stringData"][reference["secretKeys"]["idKey"]] == KEY.api_key_id
    assert secret["stringData"][reference["secretKeys"]["secretKey"]] == SECRET


def test_dotenv_is_one_name_and_value_a_line_without_quotes() -> None:
    assert filled("dotenv", KEY, SETTINGS) == f"SODA_API_KEY_ID={KEY.api_key_id}\nSODA_API_KEY_SECRET={SECRET}\n"


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


@pytest.mark.parametrize("file_format", ["kubernetes_secret", "image_pull_secret", "soda_core"])
def test_no_other_format_holds_the_runners_id(file_format: str) -> None:
    assert str(REGISTERED.runner_id) not in filled(file_format, REGISTERED, SETTINGS)


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
        stored = [*content["soda"]["apikey"].values(), content["soda"]["agent"]["id"]]
    elif file_format == "kubernetes_secret":
        stored = list(content["stringData"].values())
    elif file_format == "image_pull_secret":
        (login,) = json.loads(content["stringData"][".dockerconfigjson"])["auths"].values()
        stored = [login["username"], login["password"]]
    elif file_format == "soda_core":
        stored = [content["soda_cloud"][name] for name in ("api_key_id", "api_key_secret")]
    else:
        stored = list(content.values())
    assert set(stored) == {value}


@yaml_formats
def test_every_text_value_is_quoted(file_format: str) -> None:
    """So that no reader takes one for a number, not even one that follows another version of YAML."""
    for line in filled(file_format, REGISTERED, SETTINGS).splitlines():
        value = line.partition(":")[2].strip()
        assert value == "" or re.fullmatch(r'"([^"\\]|\\.)*"', value), line


@pytest.mark.parametrize("name", [*ODD_NAMES, *HARD], ids=plain_id)
def test_any_name_survives_in_helm_values(name: str) -> None:
    assert read("helm_values", settings=replace(SETTINGS, name=name))["soda"]["agent"]["name"] == name


@every_format
@pytest.mark.parametrize("name", ODD_NAMES, ids=plain_id)
def test_any_name_can_be_rendered_in_any_format(file_format: str, name: str) -> None:
    check(file_format, replace(SETTINGS, name=name))
    assert SECRET in filled(file_format, KEY, replace(SETTINGS, name=name))


@pytest.mark.parametrize(
    "value", ["with space", "new\nline", 'quote"', "quote'", "dollar$", "back\\slash", "hash#", "`"]
)
def test_dotenv_refuses_what_its_readers_do_not_read_alike(value: str) -> None:
    with pytest.raises(SodaError) as failed:
        filled("dotenv", replace(KEY, api_key_secret=value), SETTINGS)
    assert code_of(failed) == "config_not_expressible"
    assert value not in failed.value.failure.message


@every_format
def test_a_file_ends_with_one_end_of_line(file_format: str) -> None:
    assert re.search(r"[^\n]\n\Z", filled(file_format, REGISTERED, SETTINGS))


@every_format
def test_the_same_key_gives_the_same_text(file_format: str) -> None:
    assert filled(file_format, KEY, SETTINGS) == filled(file_format, KEY, SETTINGS)


# Values of users


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
    for file_format in ("kubernetes_secret", "image_pull_secret", "dotenv", "soda_core"):
        assert filled(file_format, KEY, values(colour="blue")) == filled(file_format, KEY, SETTINGS)


def test_repeated_values_are_written_out() -> None:
    """Not every reader of values knows YAML's anchors."""
    shared = {"a": ["b"]}
    text = filled("helm_values", KEY, values(one=shared, two=shared))
    assert "&" not in text
    assert yaml.safe_load(text)["two"] == shared


def test_the_section_of_the_runner_may_be_renamed() -> None:
    content = read("helm_values", REGISTERED, replace(SETTINGS, values_section="runner"))
    assert content["soda"]["runner"] == {"name": "one", "id": REGISTERED.runner_id}
    assert "agent" not in content["soda"]


@pytest.mark.parametrize("value", [{1, 2}, b"bytes", datetime.date(2026, 1, 1)], ids=["set", "bytes", "date"])
def test_the_message_locates_what_a_file_cannot_express(value: object) -> None:
    with pytest.raises(SodaError) as failed:
        to_yaml_types({"soda": {"env": [value]}}, "values")
    assert code_of(failed) == "config_values_invalid"
    assert "soda.env[0]" in failed.value.failure.message


def test_the_message_about_what_a_file_cannot_express_has_no_key() -> None:
    with pytest.raises(SodaError) as failed:
        check("helm_values", values(X={"env": [{1}]}))
    assert failed.value.failure.message == (
        "X.env[0] is a set, which a configuration file cannot contain. Quote it to make it text."
    )


# What is refused before there is a key


@pytest.mark.parametrize("file_format", ["helm", "", "HELM_VALUES", "yaml"])
def test_the_message_about_an_unknown_format_lists_the_known_ones(file_format: str) -> None:
    with pytest.raises(SodaError) as failed:
        check(file_format, SETTINGS)
    assert code_of(failed) == "config_format_unknown"
    assert failed.value.failure.message == (
        f"{file_format!r} is not a configuration format."
        " Use one of helm_values, kubernetes_secret, image_pull_secret, external_secret, dotenv, soda_core."
    )


@pytest.mark.parametrize("name", ["a", "1", "soda-key", "soda.key-2.a", "x" * 253])
def test_valid_secret_name_is_accepted(name: str) -> None:
    assert read("kubernetes_secret", settings=replace(SETTINGS, existing_secret=name))["metadata"]["name"] == name


@pytest.mark.parametrize("file_format", ["helm_values", "kubernetes_secret"])
@pytest.mark.parametrize(
    "name",
    ["Upper", "under_score", "-dash", "dot.", "a..b", "a.-b", "a-.b", "a/b", "x" * 254, "sp ace", "ü", "a\n"],
)
def test_invalid_secret_name_is_refused(file_format: str, name: str) -> None:
    with pytest.raises(SodaError) as failed:
        check(file_format, replace(SETTINGS, existing_secret=name))
    assert code_of(failed) == "config_not_expressible"
