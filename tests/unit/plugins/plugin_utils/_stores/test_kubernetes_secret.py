# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Secret of a runner in Kubernetes. What the API server itself does is tested with a real one."""

from __future__ import annotations

import copy
import dataclasses
import datetime
import json
import typing as t

import pytest

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
from ansible_collections.community.soda.plugins.plugin_utils._stores.kubernetes_secret import (
    KubernetesSecret,
    Placement,
)
from ansible_collections.community.soda.tests.unit.plugins.cluster_service import NAMESPACE, ClusterService

IDENTITY = Identity("https://cloud.soda.io", "warehouse", "label")
PLACEMENT = Placement(NAMESPACE, "runner", "runner-pull", "registry.cloud.soda.io")
ALONE = dataclasses.replace(PLACEMENT, pull_secret=None)
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
OURS = {
    "community.soda/endpoint": IDENTITY.endpoint,
    "community.soda/runner-name": IDENTITY.name,
    "community.soda/account": IDENTITY.account,
}
LOGIN = {"SODA_API_KEY_ID": "key-1", "SODA_API_KEY_SECRET": "secret-1"}


def secret(cluster: ClusterService, **changes: t.Any) -> KubernetesSecret:
    given = {"identity": IDENTITY, "placement": PLACEMENT, "options": {}, **changes}
    return KubernetesSecret(cluster.lookup, cluster.module, **given)


def written(record: Record, **changes: t.Any) -> tuple[ClusterService, KubernetesSecret]:
    cluster = ClusterService()
    one = secret(cluster, **changes)
    one.write(record, one.read())
    return cluster, one


def stored(adopt: bool = False, data: t.Mapping[str, str] | None = None, **annotations: str) -> Found:
    """What is read if the Secret has this content."""
    cluster = ClusterService()
    ours = {f"community.soda/{name.replace('_', '-')}": value for name, value in annotations.items()}
    cluster.put("runner", data or LOGIN, annotations={**OURS, **ours})
    return secret(cluster, placement=ALONE, adopt=adopt).read()


def test_nothing_is_stored_yet() -> None:
    assert secret(ClusterService()).read() == Found(State.ABSENT, (None, None))


@pytest.mark.parametrize("placement", [PLACEMENT, ALONE], ids=["with a login", "alone"])
@pytest.mark.parametrize("record", [Record(KEY), Record(None, INTENT), Record()])
def test_what_is_written_is_read(record: Record, placement: Placement) -> None:
    cluster = ClusterService()
    one = secret(cluster, placement=placement)
    found = one.write(record, one.read())
    assert (found.state, found.record) == (State.PRESENT, record)
    assert one.read() == found
    assert one.write(Record(KEY), found).record == Record(KEY)


def test_the_content_of_both_secrets() -> None:
    cluster, _one = written(Record(KEY))
    runner, pull = cluster.secrets["runner"], cluster.secrets["runner-pull"]
    annotations = runner["metadata"]["annotations"]
    salt = annotations["community.soda/fingerprint"].partition(":")[0]
    assert annotations == {
        **OURS,
        "community.soda/api-key-id": "key-1",
        "community.soda/key-version": "2",
        "community.soda/issued-at": KEY.issued_at,
        "community.soda/runner-id": "r1",
        "community.soda/fingerprint": fingerprint("key-1", "secret-1", salt),
    }
    assert pull["metadata"]["annotations"] == annotations
    managed = {"app.kubernetes.io/managed-by": "community.soda"}
    assert [each["metadata"]["labels"] for each in (runner, pull)] == [managed, managed]
    assert [each["type"] for each in (runner, pull)] == ["Opaque", "kubernetes.io/dockerconfigjson"]
    assert cluster.text("runner") == LOGIN
    assert json.loads(cluster.text("runner-pull")[".dockerconfigjson"]) == {
        "auths": {
            "registry.cloud.soda.io": {
                "username": "key-1",
                "password": "secret-1",
                "auth": "a2V5LTE6c2VjcmV0LTE=",
            }
        }
    }


def test_the_intent_of_a_run_leaves_the_key_and_its_login_as_they_are() -> None:
    cluster, one = written(Record(KEY))
    login = cluster.secrets["runner-pull"]
    claimed = one.write(Record(KEY, INTENT), one.read())
    assert claimed.record == Record(KEY, INTENT)
    assert cluster.text("runner") == LOGIN
    assert cluster.secrets["runner-pull"] is login
    one.write(Record(KEY), claimed)
    assert "community.soda/intent" not in cluster.secrets["runner"]["metadata"]["annotations"]


def test_metadata_that_no_longer_applies_is_removed() -> None:
    cluster, one = written(Record(KEY))
    one.write(Record(dataclasses.replace(KEY, runner_id=None, issued_at="")), one.read())
    assert not {"community.soda/runner-id", "community.soda/issued-at"} & set(
        cluster.secrets["runner"]["metadata"]["annotations"]
    )


def test_labels_and_annotations_of_the_user_are_kept() -> None:
    placement = dataclasses.replace(PLACEMENT, labels={"team": "data"}, annotations={"owner": "me"})
    cluster, one = written(Record(KEY), placement=placement)
    for each in cluster.secrets.values():
        assert each["metadata"]["labels"]["team"] == "data"
        assert each["metadata"]["annotations"]["owner"] == "me"
    assert one.read().record == Record(KEY)


@pytest.mark.parametrize("name", ["runner", "runner-pull"])
@pytest.mark.parametrize("field", ["labels", "annotations"])
def test_a_secret_that_is_not_as_declared_is_written_again(name: str, field: str) -> None:
    placement = dataclasses.replace(PLACEMENT, labels={"team": "data"}, annotations={"owner": "me"})
    cluster, one = written(Record(KEY), placement=placement)
    del cluster.secrets[name]["metadata"][field]["team" if field == "labels" else "owner"]
    assert one.read().record.key == dataclasses.replace(KEY, in_place=False)
    assert one.write(Record(KEY), one.read()).record == Record(KEY)


def test_a_pull_secret_with_another_login_or_none_is_written_again() -> None:
    cluster, one = written(Record(KEY))
    cluster.secrets["runner-pull"]["data"] = {}
    assert one.read().record.key == dataclasses.replace(KEY, in_place=False)
    del cluster.secrets["runner-pull"]
    found = one.read()
    assert found.record.key == dataclasses.replace(KEY, in_place=False)
    assert one.write(Record(KEY), found).record == Record(KEY)


def test_a_secret_that_another_client_has_changed_is_not_replaced() -> None:
    cluster, one = written(Record(KEY))
    found = one.read()
    cluster.touch("runner")
    with pytest.raises(Conflict):
        one.write(Record(None, INTENT), found)
    with pytest.raises(Conflict):
        one.destroy(found)
    assert cluster.text("runner") == LOGIN


def test_a_secret_that_another_client_has_made_again_is_not_replaced() -> None:
    cluster, one = written(Record(KEY))
    found = one.read()
    cluster.secrets["runner"]["metadata"]["uid"] = "another"
    with pytest.raises(Conflict):
        one.write(Record(None, INTENT), found)
    with pytest.raises(Conflict):
        one.destroy(found)


def test_a_secret_that_another_client_creates_at_the_same_moment_is_not_replaced() -> None:
    cluster = ClusterService()
    one = secret(cluster)
    found = one.read()
    cluster.put("runner", LOGIN, annotations=OURS)
    with pytest.raises(Conflict):
        one.write(Record(None, INTENT), found)
    assert cluster.text("runner") == LOGIN


def test_a_secret_that_was_deleted_since_it_was_read_is_a_conflict() -> None:
    cluster, one = written(Record(KEY))
    found = one.read()
    cluster.secrets.clear()
    with pytest.raises(Conflict):
        one.write(Record(KEY, INTENT), found)
    assert cluster.secrets == {}


def test_a_success_that_wrote_something_else_is_a_conflict() -> None:
    cluster = ClusterService()

    def module(name: str, arguments: dict[str, t.Any], check_mode: bool = False) -> dict[str, t.Any]:
        return {"changed": True, "result": {}}

    one = KubernetesSecret(cluster.lookup, module, IDENTITY, PLACEMENT, {})
    with pytest.raises(Conflict):
        one.write(Record(None, INTENT), one.read())


def test_both_secrets_are_destroyed() -> None:
    cluster, one = written(Record(KEY))
    one.destroy(one.read())
    assert cluster.secrets == {}
    one.destroy(one.read())


def test_a_run_that_is_killed_while_it_destroys_leaves_what_the_next_run_finds() -> None:
    cluster, one = written(Record(KEY))

    class Killed(Exception):
        pass

    def kill(state: str, name: str) -> None:
        if len(cluster.secrets) == 1:
            raise Killed

    cluster.before = kill
    with pytest.raises(Killed):
        one.destroy(one.read())
    found = one.read()
    assert found.state is State.PRESENT
    cluster.before = lambda state, name: None
    one.destroy(found)
    assert cluster.secrets == {}


def test_only_the_declared_secrets_are_destroyed() -> None:
    cluster, _one = written(Record(KEY))
    alone = secret(cluster, placement=ALONE)
    alone.destroy(alone.read())
    assert list(cluster.secrets) == ["runner-pull"]


@pytest.mark.parametrize("record", [Record(), Record(KEY)], ids=["no key yet", "a key"])
def test_the_server_checks_both_secrets_and_stores_nothing(record: Record) -> None:
    cluster = ClusterService()
    one = secret(cluster)
    found = dataclasses.replace(one.read(), record=record)
    one.check_writable(found, dataclasses.replace(KEY, api_key_id="sample"))
    assert cluster.secrets == {}
    assert [(state, check_mode) for state, _arguments, check_mode in cluster.requests] == [("present", True)] * 2
    ids = {
        arguments["definition"]["metadata"]["annotations"]["community.soda/api-key-id"]
        for _state, arguments, _check_mode in cluster.requests
    }
    assert ids == {"sample" if record.key is None else "key-1"}


def test_a_check_leaves_secrets_that_exist_as_they_are() -> None:
    cluster, one = written(Record(KEY))
    before = copy.deepcopy(cluster.secrets)
    one.check_writable(one.read(), KEY)
    assert cluster.secrets == before


def test_the_intent_is_written_to_a_secret_that_is_not_as_declared() -> None:
    cluster, one = written(Record(KEY))
    del cluster.secrets["runner-pull"]
    found = one.read()
    assert found.record.key is not None
    claimed = one.write(Record(found.record.key, INTENT), found)
    assert claimed.record == Record(found.record.key, INTENT)


@pytest.mark.parametrize("fails", ["lookup", "module"])
def test_a_failure_names_the_namespace(fails: str) -> None:
    answer = {"failed": True, "msg": "exceeded quota"}

    def lookup(name: str, *terms: str, **options: t.Any) -> list[t.Any]:
        if fails == "lookup":
            raise Exception("exceeded quota")
        return []

    one = KubernetesSecret(lookup, lambda *arguments, **options: answer, IDENTITY, PLACEMENT, {})
    with pytest.raises(_errors.StoreQuotaExceeded, match="namespace soda"):
        one.check_writable(one.read(), KEY)


def test_a_refused_check_is_a_failure() -> None:
    cluster = ClusterService()
    answer = {"failed": True, "msg": "x", "reason": "Forbidden"}
    one = KubernetesSecret(cluster.lookup, lambda *arguments, **options: answer, IDENTITY, PLACEMENT, {})
    with pytest.raises(_errors.StoreDenied):
        one.check_writable(one.read(), KEY)


def test_a_module_that_ended_early_is_a_failure() -> None:
    cluster = ClusterService()
    one = KubernetesSecret(cluster.lookup, lambda *arguments, **options: {"rc": 1}, IDENTITY, PLACEMENT, {})
    with pytest.raises(_errors.StoreFailed):
        one.check_writable(one.read(), KEY)


@pytest.mark.parametrize("name", ["runner", "runner-pull"])
@pytest.mark.parametrize(
    ("annotations", "whose"),
    [
        ({**OURS, "community.soda/runner-name": "other"}, "belongs to the runner 'other'"),
        ({**OURS, "community.soda/endpoint": "https://cloud.us.soda.io"}, "belongs to the runner 'warehouse'"),
        ({**OURS, "community.soda/account": ""}, "belongs to the runner 'warehouse'"),
        (None, "was not made by this collection"),
    ],
)
def test_a_secret_of_another_runner_is_refused(name: str, annotations: dict[str, str] | None, whose: str) -> None:
    cluster, one = written(Record(KEY))
    cluster.secrets[name]["metadata"]["annotations"] = annotations
    with pytest.raises(_errors.StoreOfAnotherRunner) as raised:
        one.read()
    assert f"The Secret {name} in the namespace soda {whose}." in str(raised.value)
    assert "Set another name, or set adopt_store to true" in str(raised.value)


def test_a_secret_of_another_resource_cannot_be_adopted() -> None:
    cluster, _one = written(Record(KEY))
    cluster.secrets["runner"]["metadata"]["ownerReferences"] = [{"kind": "ExternalSecret"}]
    with pytest.raises(
        _errors.StoreOfAnotherRunner, match=r"^The Secret runner in the namespace soda belongs to another"
    ) as raised:
        secret(cluster, adopt=True).read()
    assert str(raised.value).endswith("Set another name.")


def test_an_adopted_key_is_written_again_with_the_metadata_of_this_runner() -> None:
    others = {"runner_name": "other", "key_version": "7", "issued_at": "then", "runner_id": "r9", "intent": "x"}
    adopted = dataclasses.replace(KEY, key_version=1, issued_at="", runner_id=None, in_place=False)
    assert stored(adopt=True, **others).record == Record(adopted)


def test_an_endpoint_can_be_spelled_in_another_way() -> None:
    assert stored(endpoint="https://CLOUD.soda.io/").record.key is not None


@pytest.mark.parametrize("missing", sorted(LOGIN))
def test_half_a_key_is_no_key(missing: str) -> None:
    assert stored(data={**LOGIN, missing: ""}).record == Record()


def test_what_is_no_text_is_no_key() -> None:
    cluster = ClusterService()
    cluster.put("runner", LOGIN, annotations=OURS)
    cluster.secrets["runner"]["data"] = {"other": "/w==", "SODA_API_KEY_ID": "/w==", "SODA_API_KEY_SECRET": "%"}
    assert secret(cluster, placement=ALONE).read().record == Record()


def test_a_secret_without_data_has_no_key() -> None:
    cluster = ClusterService()
    cluster.put("runner", {}, annotations=OURS)
    cluster.secrets["runner"]["data"] = None
    assert secret(cluster).read().record == Record()


def test_an_edited_key_is_refused_unless_it_is_adopted() -> None:
    metadata = {"issued_at": "then", "key_version": "2", "fingerprint": fingerprint("key-1", "secret-1")}
    edited = {**LOGIN, "SODA_API_KEY_SECRET": "secret-2"}
    with pytest.raises(_errors.StoreEdited, match="Restore the key key-0, or") as raised:
        stored(data=edited, **metadata, api_key_id="key-0")
    assert "secret-2" not in str(raised.value)
    key = stored(adopt=True, data=edited, **metadata).record.key
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
        ({"key_version": "new", "runner_id": ""}, 1, False),
    ],
)
def test_a_key_without_its_metadata_is_completed(metadata: dict[str, str], version: int, in_place: bool) -> None:
    key = stored(**metadata).record.key
    assert key == dataclasses.replace(KEY, key_version=version, issued_at="", runner_id=None, in_place=in_place)


def test_an_account_without_a_label_has_no_annotation() -> None:
    cluster, one = written(Record(KEY), identity=dataclasses.replace(IDENTITY, account=""))
    assert "community.soda/account" not in cluster.secrets["runner"]["metadata"]["annotations"]
    assert one.read().record == Record(KEY)


def test_each_request_has_the_options_of_the_user() -> None:
    cluster = ClusterService()
    options = {"kubeconfig": "/k", "validate_certs": False}
    one = secret(cluster, options=options)
    one.destroy(one.write(Record(KEY), one.read()))
    assert all(options.items() <= lookup.items() for lookup in cluster.lookups)
    assert all(options.items() <= arguments.items() for _state, arguments, _check_mode in cluster.requests)


def test_a_lookup_that_fails_is_translated() -> None:
    def lookup(name: str, *terms: str, **options: t.Any) -> list[t.Any]:
        raise Exception("Unauthorized")

    one = KubernetesSecret(lookup, ClusterService().module, IDENTITY, PLACEMENT, {})
    with pytest.raises(_errors.StoreLoginFailed) as raised:
        one.read()
    assert raised.value.__cause__ is None


def test_a_failure_of_this_collection_is_passed_on() -> None:
    def lookup(name: str, *terms: str, **options: t.Any) -> list[t.Any]:
        raise _errors.MissingCollection("Install it.")

    with pytest.raises(_errors.MissingCollection):
        KubernetesSecret(lookup, ClusterService().module, IDENTITY, PLACEMENT, {}).read()


@pytest.mark.parametrize(
    ("error", "mentions", "changes"),
    [
        (
            _errors.InvalidArguments,
            "has definition, kind. It can have api_key, ca_cert, ",
            {"kind": 1, "definition": 2},
        ),
        (_errors.ConfigNotExpressible, "'A' is not valid as a Kubernetes namespace", {"namespace": "A"}),
        (_errors.ConfigNotExpressible, "'A' is not valid as the name of a Secret", {"secret": "A"}),
        (_errors.ConfigNotExpressible, "'A' is not valid as the name of a Secret", {"pull_secret": "A"}),
    ],
)
def test_a_placement_that_leads_elsewhere_is_refused(
    error: type[Exception], mentions: str, changes: dict[str, t.Any]
) -> None:
    options = {"host": "h", **changes} if "kind" in changes else {}
    placement = PLACEMENT if options else dataclasses.replace(PLACEMENT, **changes)
    with pytest.raises(error, match=mentions):
        secret(ClusterService(), placement=placement, options=options)


def test_the_location_of_a_key() -> None:
    assert secret(ClusterService()).location == "the Secret runner in the namespace soda"
