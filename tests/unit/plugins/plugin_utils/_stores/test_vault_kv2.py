# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The secret of a runner in Vault. What Vault itself does is tested with a real server."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.community.soda.plugins.module_utils import _errors
from ansible_collections.community.soda.plugins.module_utils._key.stored_key import StoredKey
from ansible_collections.community.soda.plugins.plugin_utils._stores.document import (
    Conflict,
    Found,
    Identity,
    Record,
    State,
)
from ansible_collections.community.soda.plugins.plugin_utils._stores.fingerprint import fingerprint
from ansible_collections.community.soda.plugins.plugin_utils._stores.intent import Intent
from ansible_collections.community.soda.plugins.plugin_utils._stores.vault_kv2 import VaultSecret
from ansible_collections.community.soda.tests.unit.plugins.vault_service import (
    DELETED_AT,
    VaultService,
    exception,
)

IDENTITY = Identity("https://cloud.soda.io", "warehouse", "label")
PATH = "soda/runners/one"
KEY = StoredKey(
    endpoint=IDENTITY.endpoint,
    name=IDENTITY.name,
    api_key_id="key-1",
    api_key_secret="secret-1",
    key_version=2,
    issued_at="2026-01-01T00:00:00Z",
    runner_id="r1",
)
NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
INTENT = Intent("run", "escrow", NOW, NOW, 120)
OURS = {"endpoint": IDENTITY.endpoint, "name": IDENTITY.name, "account": IDENTITY.account}
LOGIN = {"api_key_id": "key-1", "api_key_secret": "secret-1"}


def secret(vault: VaultService, **changes: t.Any) -> VaultSecret:
    given = {"identity": IDENTITY, "mount": "secret", "path": PATH, "options": {}, **changes}
    return VaultSecret(vault.lookup, **given)


def stored(adopt: bool = False, **fields: t.Any) -> Found:
    """What is read if the secret has these fields."""
    vault = VaultService()
    vault.put(PATH, **fields)
    return secret(vault, adopt=adopt).read()


def test_nothing_is_stored_yet() -> None:
    assert secret(VaultService()).read() == Found(State.ABSENT, 0)


@pytest.mark.parametrize(
    "record",
    [Record(KEY), Record(KEY, INTENT), Record(None, INTENT), Record(dataclasses.replace(KEY, runner_id=None))],
)
def test_what_is_written_is_read(record: Record) -> None:
    vault = VaultService()
    one = secret(vault)
    written = one.write(record, one.read())
    assert written == one.read() == Found(State.PRESENT, 1, record)
    assert one.write(Record(KEY), written).revision == 2


@settings(deadline=None)
@given(st.text(), st.text(min_size=1), st.text(min_size=1), st.integers(1, 10**9))
def test_any_text_is_kept_as_it_is(account: str, name: str, api_key_secret: str, version: int) -> None:
    identity = Identity(IDENTITY.endpoint, name, account)
    key = dataclasses.replace(KEY, name=name, api_key_secret=api_key_secret, key_version=version)
    one = secret(VaultService(), identity=identity)
    one.write(Record(key), one.read())
    assert one.read().record == Record(key)


def test_the_fields_of_a_secret() -> None:
    vault = VaultService()
    one = secret(vault)
    one.write(Record(KEY), one.read())
    fields = vault.fields(PATH)
    salt = fields["fingerprint"].partition(":")[0]
    expected = {"key_version": "2", "issued_at": KEY.issued_at, "runner_id": "r1"}
    expected["fingerprint"] = fingerprint("key-1", "secret-1", salt)
    assert fields == {**OURS, **LOGIN, **expected}


def test_a_version_that_another_run_has_written_is_not_replaced() -> None:
    vault = VaultService()
    one = secret(vault)
    found = one.read()
    vault.put(PATH, **OURS, **LOGIN)
    with pytest.raises(Conflict):
        one.write(Record(None, INTENT), found)
    with pytest.raises(Conflict):
        one.destroy(found)
    assert vault.fields(PATH) == {**OURS, **LOGIN}


def test_a_key_that_another_run_writes_during_a_read_is_found() -> None:
    vault = VaultService()
    one = secret(vault)

    def another_run(plugin: str, path: str) -> None:
        if path == f"secret/metadata/{PATH}" and not vault.versions:
            vault.put(PATH, **OURS, **LOGIN)

    vault.before = another_run
    found = one.read()
    assert (found.state, found.revision) == (State.PRESENT, 1)
    assert found.record.key is not None


def test_a_secret_that_cannot_be_read_consistently_is_not_absent() -> None:
    vault = VaultService()
    vault.put(PATH, **OURS, **LOGIN)

    def deny(plugin: str, path: str) -> None:
        if path == f"secret/data/{PATH}":
            raise exception("InvalidPath")

    vault.before = deny
    with pytest.raises(_errors.StoreChanged, match="Run the task again"):
        secret(vault).read()


def test_a_deleted_version_is_not_an_absent_one() -> None:
    vault = VaultService()
    vault.put(PATH, **OURS, **LOGIN)
    vault.put(PATH, **OURS, **LOGIN)
    vault.delete(PATH)
    one = secret(vault)
    found = one.read()
    assert found == Found(State.DELETED, 2, details=f"version 2 at {DELETED_AT}")
    assert one.write(Record(KEY), found).revision == 3


def test_after_destroying_no_version_can_be_read() -> None:
    vault = VaultService()
    one = secret(vault)
    for _version in range(11):
        found = one.write(Record(KEY), one.read())
    one.destroy(found)
    assert [version["data"] for version in vault.versions[PATH]] == [None] * 11
    absent = one.read()
    assert absent == Found(State.ABSENT, 11)
    vault.requests.clear()
    one.destroy(absent)
    assert [plugin for plugin, _path, _options in vault.requests] == ["vault_read"]
    assert one.write(Record(KEY), absent).revision == 12


def test_a_deleted_version_of_a_destroyed_secret_is_absent() -> None:
    vault = VaultService()
    one = secret(vault)
    found = one.write(Record(KEY), one.read())
    vault.delete(PATH)
    one.destroy(found)
    assert one.read() == Found(State.ABSENT, 1)


def test_a_secret_that_is_gone_needs_no_destroying() -> None:
    vault = VaultService()
    secret(vault).destroy(Found(State.PRESENT, 3))
    assert vault.versions == {}


@pytest.mark.parametrize(
    ("fields", "whose"),
    [
        ({**OURS, "name": "other", **LOGIN}, "belongs to the runner 'other'"),
        ({**OURS, "endpoint": "https://cloud.us.soda.io"}, "belongs to the runner 'warehouse'"),
        ({**OURS, "account": ""}, "belongs to the runner 'warehouse'"),
        ({"password": "x"}, "was not made by this collection"),
        ({**OURS, "name": 7}, "was not made by this collection"),
    ],
)
def test_a_secret_of_another_runner_is_refused(fields: dict[str, t.Any], whose: str) -> None:
    with pytest.raises(_errors.StoreOfAnotherRunner) as raised:
        stored(**fields)
    assert f"The secret in Vault at secret/{PATH} {whose}." in str(raised.value)


def test_an_empty_secret_can_be_used() -> None:
    assert stored() == Found(State.PRESENT, 1)


def test_an_endpoint_can_be_spelled_in_another_way() -> None:
    assert stored(**{**OURS, "endpoint": "https://CLOUD.soda.io/"}, **LOGIN).record.key is not None


@pytest.mark.parametrize(
    "fields",
    [
        {"api_key_id": "key-1", "api_key_secret": "secret-1", "issued_at": "then"},
        {"SODA_API_KEY_ID": "key-1", "SODA_API_KEY_SECRET": "secret-1", "issued_at": "then"},
        {**OURS, "name": "other", **LOGIN, "issued_at": "then", "runner_id": "r9", "key_version": "7"},
    ],
)
def test_an_adopted_key_is_written_again_with_the_metadata_of_this_runner(fields: dict[str, t.Any]) -> None:
    adopted = dataclasses.replace(KEY, key_version=1, issued_at="then", runner_id=None, in_place=False)
    assert stored(adopt=True, **fields).record == Record(adopted)


@pytest.mark.parametrize("missing", ["SODA_API_KEY_ID", "SODA_API_KEY_SECRET"])
def test_a_secret_without_a_key_adopts_none(missing: str) -> None:
    fields = {"SODA_API_KEY_ID": "key-1", "SODA_API_KEY_SECRET": "secret-1"}
    del fields[missing]
    assert stored(adopt=True, **fields).record == Record()


def test_an_intent_of_another_runner_is_not_adopted() -> None:
    assert stored(adopt=True, name="other", intent=INTENT.to_json()).record == Record()


@pytest.mark.parametrize("missing", ["api_key_id", "api_key_secret"])
def test_half_a_key_is_no_key(missing: str) -> None:
    assert stored(**OURS, **{**LOGIN, missing: ""}).record == Record()


def test_an_edited_key_is_refused_unless_it_is_adopted() -> None:
    metadata = {"issued_at": "then", "key_version": "2", "fingerprint": fingerprint("key-1", "secret-1")}
    edited = {**OURS, **LOGIN, **metadata, "api_key_secret": "secret-2"}
    with pytest.raises(_errors.StoreEdited, match=f"Vault at secret/{PATH}") as raised:
        stored(**edited)
    assert "secret-2" not in str(raised.value)
    key = stored(adopt=True, **edited).record.key
    assert key is not None
    assert (key.api_key_secret, key.key_version, key.issued_at, key.in_place) == ("secret-2", 2, "", False)


@pytest.mark.parametrize(
    ("metadata", "version", "in_place"),
    [
        ({"key_version": "3", "fingerprint": fingerprint("key-1", "secret-1")}, 3, True),
        ({"key_version": "3"}, 3, False),
        ({"fingerprint": fingerprint("key-1", "secret-1")}, 1, False),
        ({"key_version": "0"}, 1, False),
        ({"key_version": "-1"}, 1, False),
        ({"key_version": "9" * 5000}, 1, False),
        ({"key_version": "new", "runner_id": 5}, 1, False),
    ],
)
def test_a_key_without_its_metadata_is_completed(metadata: dict[str, t.Any], version: int, in_place: bool) -> None:
    key = stored(**OURS, **LOGIN, **metadata).record.key
    assert key == dataclasses.replace(KEY, key_version=version, issued_at="", runner_id=None, in_place=in_place)


@pytest.mark.parametrize(
    ("capabilities", "missing"),
    [
        (["create", "update"], None),
        (["root"], None),
        (["sudo", "read"], None),
        (["create", "read"], "do not allow update on secret/data/soda/runners/one"),
        (["update"], "do not allow create on"),
        (["deny"], "do not allow create and update on"),
    ],
)
def test_the_capabilities_of_the_token_are_checked(capabilities: list[str], missing: str | None) -> None:
    vault = VaultService()
    vault.capabilities = capabilities
    one = secret(vault)
    if missing is None:
        one.check_writable(one.read(), KEY)
    else:
        with pytest.raises(_errors.StoreDenied, match=missing):
            one.check_writable(one.read(), KEY)
    assert vault.versions == {}


@pytest.mark.parametrize("answer", [None, {}, {"data": {}}, {"data": None}, exception("Forbidden")])
def test_a_token_that_may_not_read_its_capabilities_is_not_refused(answer: t.Any) -> None:
    def lookup(name: str, *terms: str, **options: t.Any) -> list[t.Any]:
        if isinstance(answer, Exception):
            raise answer
        return [answer]

    VaultSecret(lookup, IDENTITY, "secret", PATH, {}).check_writable(Found(State.ABSENT, 0), KEY)


@pytest.mark.parametrize(
    ("engine", "accepted"),
    [
        ({"type": "kv", "options": {"version": "2"}}, True),
        ({"type": "kv", "options": {"version": 2}}, True),
        ({"type": "kv", "options": {"version": "1"}}, False),
        ({"type": "kv", "options": None}, False),
        ({"type": "transit", "options": {"version": "2"}}, False),
        ("hidden", True),
    ],
)
def test_only_a_kv_engine_of_version_2_is_used(engine: t.Any, accepted: bool) -> None:
    vault = VaultService()
    vault.engine = engine
    if accepted:
        secret(vault).read()
    else:
        with pytest.raises(_errors.StoreWrongType, match="engine at secret in Vault is not KV version 2"):
            secret(vault).read()


@pytest.mark.parametrize("answer", ["text", ["list"]])
def test_another_engine_answers_with_another_type(answer: t.Any) -> None:
    with pytest.raises(_errors.StoreWrongType):
        VaultSecret(lambda name, *terms, **options: [answer], IDENTITY, "secret", PATH, {}).read()


@pytest.mark.parametrize("answer", [None, {}, {"data": {"version": "new"}}, {"data": None}])
def test_a_write_without_a_version_was_not_made_by_kv_2(answer: t.Any) -> None:
    one = VaultSecret(lambda name, *terms, **options: [answer], IDENTITY, "secret", PATH, {})
    with pytest.raises(_errors.StoreWrongType):
        one.write(Record(KEY), Found(State.ABSENT, 0))


def test_a_mount_that_does_not_exist_is_reported() -> None:
    with pytest.raises(_errors.StoreNotFound, match="no secrets engine at secret"):
        secret(VaultService(mount="kv")).read()


def test_a_denied_write_is_a_failure_without_the_secret() -> None:
    vault = VaultService()
    one = secret(vault)
    found = one.read()

    def deny(plugin: str, path: str) -> None:
        raise exception("Forbidden", "permission denied for secret-1")

    vault.before = deny
    with pytest.raises(_errors.StoreDenied, match=f"denied access to secret/data/{PATH}") as raised:
        one.write(Record(KEY), found)
    assert "secret-1" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_a_write_that_finds_no_path_is_a_failure() -> None:
    def missing(name: str, *terms: str, **options: t.Any) -> list[t.Any]:
        raise exception("InvalidPath")

    with pytest.raises(_errors.StoreNotFound):
        VaultSecret(missing, IDENTITY, "secret", PATH, {}).write(Record(KEY), Found(State.ABSENT, 0))


def test_a_failure_of_this_collection_is_passed_on() -> None:
    def not_installed(name: str, *terms: str, **options: t.Any) -> list[t.Any]:
        raise _errors.MissingCollection("Install it.")

    with pytest.raises(_errors.MissingCollection):
        VaultSecret(not_installed, IDENTITY, "secret", PATH, {}).read()


def test_each_request_has_the_options_of_the_user() -> None:
    vault = VaultService()
    one = secret(vault, options={"url": "https://vault", "namespace": "team"})
    one.check_writable(one.read(), KEY)
    one.destroy(one.write(Record(KEY), one.read()))
    for _plugin, _path, options in vault.requests:
        assert {**options, "data": None} == {"url": "https://vault", "namespace": "team", "data": None}


@pytest.mark.parametrize("option", ["data", "wrap_ttl", "_terms"])
def test_options_that_would_replace_those_of_this_collection_are_refused(option: str) -> None:
    with pytest.raises(_errors.InvalidArguments, match=f"vault_options must not have {option}"):
        secret(VaultService(), options={"url": "u", option: 1})


@pytest.mark.parametrize(("place", "mentions"), [("mount", "the mount of a KV"), ("path", "path of a secret")])
def test_a_path_that_leads_elsewhere_is_refused(place: str, mentions: str) -> None:
    with pytest.raises(_errors.ConfigNotExpressible, match=mentions):
        secret(VaultService(), **{place: "a/../b"})
