# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""
Keeps the key of a runner in Vault or in Kubernetes. The documentation is in the module of the same name.

Everything runs on the controller: the requests to Soda Cloud, the escrow file, and the modules and plugins of other
collections. A host is contacted only to move its key file to the store.
"""

from __future__ import annotations

import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

from ansible_collections.community.soda.plugins.module_utils import _signals
from ansible_collections.community.soda.plugins.module_utils._api import client as _client
from ansible_collections.community.soda.plugins.module_utils._api.runners import Runners
from ansible_collections.community.soda.plugins.module_utils._argspec import EXISTING_KEY, connection_spec
from ansible_collections.community.soda.plugins.module_utils._errors import (
    InvalidArguments,
    KeyFileOfAnotherRunner,
    ModuleFailed,
    SodaError,
)
from ansible_collections.community.soda.plugins.module_utils._host.request import Request
from ansible_collections.community.soda.plugins.module_utils._key.key_file import KeyFile
from ansible_collections.community.soda.plugins.module_utils._key.stored_key import IssuedKey, StoredKey
from ansible_collections.community.soda.plugins.module_utils._names import validate_name
from ansible_collections.community.soda.plugins.module_utils._paths import default_escrow_dir
from ansible_collections.community.soda.plugins.module_utils._runner.plan import Wanted
from ansible_collections.community.soda.plugins.module_utils._runner.reconcile import Reconciler
from ansible_collections.community.soda.plugins.module_utils._seal import new_key, unseal
from ansible_collections.community.soda.plugins.plugin_utils._config.names import unique_name
from ansible_collections.community.soda.plugins.plugin_utils._parameters import validate
from ansible_collections.community.soda.plugins.plugin_utils._secret_call import execute_module_with_secret
from ansible_collections.community.soda.plugins.plugin_utils._shadowing import refuse_shadowing
from ansible_collections.community.soda.plugins.plugin_utils._stores.controller import Controller
from ansible_collections.community.soda.plugins.plugin_utils._stores.document import Document, Identity
from ansible_collections.community.soda.plugins.plugin_utils._stores.escrow import EscrowFolder
from ansible_collections.community.soda.plugins.plugin_utils._stores.leased import Clock, LeasedStore
from ansible_collections.community.soda.plugins.plugin_utils._stores.options import KEEP_EMPTY, STORE_SPEC, document_of

Json = dict[str, t.Any]

ARGUMENT_SPEC: Json = {
    **connection_spec(),
    **STORE_SPEC,
    "name": {"type": "raw", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "observe": {"type": "bool", "default": False},
    "key_version": {"type": "int", "default": 1, "no_log": False},
    "reissue": {"type": "bool", "default": False},
    "unless_online": {"type": "bool", "default": False},
    "existing_key": EXISTING_KEY,
    "move_from": {"type": "str"},
    "escrow_dir": {"type": "path"},
}

HOST_MODULE = "community.soda.soda_runner_files"


class ActionModule(ActionBase):  # type: ignore[misc]
    """Observes the store, decides and acts, like the module soda_runner does for a key file."""

    _supports_check_mode = True
    _supports_async = False
    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: Json | None = None) -> Json:
        result: Json = super().run(tmp, task_vars)
        self._task_vars = task_vars or {}
        store: LeasedStore | None = None
        try:
            refuse_shadowing(self._task_vars)
            parameters = validate(ArgumentSpecValidator(ARGUMENT_SPEC), self._task.args, keep_empty=KEEP_EMPTY)
            store = self._store(parameters, Controller(self, self._task_vars))
            outcome = self._reconcile(parameters, store)
            identity = self._identity
            outcome["unique_name"] = unique_name(identity.name, identity.endpoint, identity.account)
        except SodaError as exc:
            outcome = exc.failure.as_failed_task()
        if store is not None and store.warnings:
            outcome["warnings"] = [*outcome.get("warnings", []), *store.warnings]
        return {**result, **outcome}

    def _store(self, parameters: Json, controller: Controller) -> LeasedStore:
        to = _client.connection(**{option: parameters[option] for option in connection_spec()})
        identity = Identity(to.endpoint, validate_name(parameters["name"]), parameters["account"] or "")
        document: Document = document_of(parameters, identity, controller)
        folder = EscrowFolder(parameters["escrow_dir"] or default_escrow_dir())
        check_mode = self._task.check_mode or parameters["observe"]
        if not check_mode:
            folder.create()
        path = folder.file(unique_name(identity.name, identity.endpoint, identity.account))
        store = LeasedStore(
            document=document,
            identity=identity,
            escrow=KeyFile(path, identity.endpoint, identity.name, lock_timeout=to.retry_budget),
            escrow_id="" if check_mode else folder.instance(),
            clock=Clock(sleep=_signals.sleep),
            lock_timeout=to.retry_budget,
            # Longer than one request can take, so that a lease does not end while the answer is on its way.
            lease_seconds=int(2 * to.timeout) + 60,
            accept_deleted=parameters["reissue"] or parameters["state"] == "absent",
        )
        self._runners = Runners(_client.Client(to, sleep=store.sleep))
        self._identity = identity
        return store

    def _reconcile(self, parameters: Json, store: LeasedStore) -> Json:
        stored = store.read()
        if parameters["observe"]:
            return {**_unchanged(stored, store), "complete": stored is not None and stored.in_place}
        if parameters["state"] == "absent":
            return self._absent(parameters, store, stored)
        if parameters["key_version"] < 1:
            raise InvalidArguments(f"key_version must be 1 or higher, not {parameters['key_version']}.")
        if parameters["move_from"]:
            return self._move(parameters, store, stored)
        return self._present(parameters, store, stored)

    def _present(self, parameters: Json, store: LeasedStore, stored: StoredKey | None) -> Json:
        if stored is not None and stored.in_place and stored.key_version == parameters["key_version"]:
            if not self._task.check_mode:
                store.clean_up()
            return _unchanged(stored, store)
        outcome = self._reconciler(parameters, store).present()
        # In check mode, a key that would be issued has no id.
        key_id = (outcome["key"] or {}).get("api_key_id")
        if outcome["changed"] and (stored is None or key_id != stored.api_key_id):
            existing = parameters["existing_key"]
            is_existing = existing is not None and key_id == existing["api_key_id"]
            outcome["key_origin"] = "existing" if is_existing else "issued"
        if not self._task.check_mode:
            outcome["key"] = _status(store.stored, store)
        return {"key_origin": None, **outcome}

    def _move(self, parameters: Json, store: LeasedStore, stored: StoredKey | None) -> Json:
        """Move the key file of the host to the store, unless the store has a key."""
        path = parameters["move_from"]
        seal = new_key()
        reply = self._on_host("export", path, seal=seal)
        content = None
        if isinstance(reply.get("sealed_key"), str) and isinstance(reply.get("key_path"), str):
            content = unseal(seal, reply["key_path"], reply["sealed_key"])
        moved = None if content is None else StoredKey.from_json(content, path)
        if moved is None:
            return self._present(parameters, store, stored)
        if (moved.name, moved.endpoint) != (self._identity.name, self._identity.endpoint):
            raise KeyFileOfAnotherRunner(
                f"{path} on the host stores the key of the runner {moved.name!r} at {moved.endpoint}. It was not moved."
            )
        moves = stored is None
        if stored is not None:
            outcome = self._present(parameters, store, stored)
        elif self._task.check_mode:
            store.check_writable()
            stored, outcome = moved, _unchanged(moved, store)
        else:
            store.deposit(moved)
            stored = store.recover(t.cast(StoredKey, store.read()))
            outcome = self._present(parameters, store, stored)
        if moves:
            before = {"registration": outcome["registration"], "key": moved.as_result(path)}
            after = {"registration": outcome["registration"], "key": outcome["key"]}
            outcome |= {"changed": True, "diff": {"before": before, "after": after}}
            outcome["key_origin"] = outcome["key_origin"] or "moved"
        if stored.api_key_id == moved.api_key_id:
            # The store has been read again, so the copy on the host is not needed.
            removed = self._on_host("remove_key", path, api_key_id=moved.api_key_id)
            outcome["changed"] |= bool(removed.get("changed"))
        else:
            store.warnings.append(
                f"{path} on the host stores the key {moved.api_key_id}, but {store.location} has the key"
                f" {stored.api_key_id}. The file was not removed."
            )
        return outcome

    def _on_host(self, action: str, path: str, **options: t.Any) -> Json:
        request = Request(action, self._identity.endpoint, self._identity.name, path, **options)
        result = execute_module_with_secret(self, HOST_MODULE, {"request": request.to_json()}, self._task_vars)
        if result.get("failed") or result.get("unreachable"):
            raise ModuleFailed(f"The key file {path} of the host could not be moved: {result.get('msg')}")
        return result

    def _absent(self, parameters: Json, store: LeasedStore, stored: StoredKey | None) -> Json:
        outcome = self._reconciler(parameters, store).absent()
        if stored is None and outcome["changed"]:
            store.warnings.append(
                f"{store.location} has no key of the runner {self._identity.name!r}. If its key is in another place,"
                " remove it there."
            )
        if stored is None and not self._task.check_mode and outcome["registration"] == "absent":
            # Remove the remains of a killed run, or the versions of a key that somebody deleted.
            outcome["changed"] |= store.remove_all()
        return outcome

    def _reconciler(self, parameters: Json, store: LeasedStore) -> Reconciler:
        existing = parameters["existing_key"]
        wanted = Wanted(
            name=self._identity.name,
            location=store.location,
            existing_key=None if existing is None else IssuedKey(**existing),
            key_version=parameters["key_version"],
            reissue=parameters["reissue"],
            unless_online=parameters["unless_online"],
        )
        return Reconciler(runners=self._runners, wanted=wanted, store=store, check_mode=self._task.check_mode)


def _unchanged(key: StoredKey | None, store: LeasedStore) -> Json:
    return {
        "changed": False,
        "registration": None,
        "runner": None,
        "key": _status(key, store),
        "key_origin": None,
    }


def _status(key: StoredKey | None, store: LeasedStore) -> Json | None:
    """The fields of a key in a result. Never the secret."""
    if key is None:
        return None
    return {
        "api_key_id": key.api_key_id,
        "key_version": key.key_version,
        "issued_at": key.issued_at or None,
        "runner_id": key.runner_id,
        "location": store.location,
    }
