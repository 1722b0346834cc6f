# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""
Puts a runner key and the configuration files on a host. The documentation is in the module of the same name.

The controller renders each file with placeholders, and the host replaces them with its own key. What is secret goes to
the host in one argument that is not logged. Only a status and a masked diff come back.
"""

from __future__ import annotations

import os
import typing as t

from ansible.module_utils.basic import env_fallback
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

from ansible_collections.community.soda.plugins.module_utils._account import Account
from ansible_collections.community.soda.plugins.module_utils._endpoint import normalise_endpoint
from ansible_collections.community.soda.plugins.module_utils._errors import (
    InvalidArguments,
    KeyFileChanged,
    KeyPathBusy,
    SodaError,
)
from ansible_collections.community.soda.plugins.module_utils._host.request import (
    VALUES_SECTION,
    ConfigFile,
    FileAttributes,
    Request,
)
from ansible_collections.community.soda.plugins.module_utils._key.key_file import KeyFile
from ansible_collections.community.soda.plugins.module_utils._key.stored_key import StoredKey
from ansible_collections.community.soda.plugins.module_utils._names import validate_name
from ansible_collections.community.soda.plugins.plugin_utils._config import formats
from ansible_collections.community.soda.plugins.plugin_utils._config.reply import Reply, failed_result, warnings_of
from ansible_collections.community.soda.plugins.plugin_utils._declared import CONFIG_FILES
from ansible_collections.community.soda.plugins.plugin_utils._parameters import validate
from ansible_collections.community.soda.plugins.plugin_utils._secret_call import execute_module_with_secret
from ansible_collections.community.soda.plugins.plugin_utils._shadowing import refuse_shadowing

HOST_MODULE = "community.soda.soda_runner_files"

# Paths are text here, because only the host can expand a ~.
ARGUMENT_SPEC: dict[str, t.Any] = {
    "name": {"type": "raw", "required": True},
    "endpoint": {
        "type": "str",
        "default": "https://cloud.soda.io",
        "fallback": (env_fallback, ["SODA_CLOUD_ENDPOINT"]),
    },
    "account": {"type": "str", "default": ""},
    "key_path": {"type": "str", "required": True, "no_log": False},
    "key_from": {"type": "path", "no_log": False},
    "escrow_dir": {"type": "path"},
    "cloud_api_key_id": {"type": "str", "no_log": False},
    "empty_escrow": {"type": "bool", "default": False},
    "key_version": {"type": "int", "no_log": False},
    "key_required": {"type": "bool", "default": False, "no_log": False},
    "key_store": {
        "type": "str",
        "choices": ["file", "vault_kv2", "kubernetes_secret"],
        "default": "file",
        "no_log": False,
    },
    "store_key": {"type": "dict", "no_log": False},
    "existing_key": {
        "type": "dict",
        "no_log": False,
        "options": {
            "api_key_id": {"type": "str", "no_log": False},
            "api_key_secret": {"type": "str", "no_log": True},
        },
    },
    "import_from": {"type": "str"},
    "runner_id": {"type": "str"},
    "create_folders": {"type": "bool", "default": False},
    "track_restart": {"type": "bool", "default": False},
    "acknowledge_restart": {"type": "bool", "default": False},
    "config_files": {**CONFIG_FILES, "default": []},
    "values": {"type": "dict", "default": {}},
    "values_section": {"type": "str", "default": VALUES_SECTION},
    "existing_secret": {"type": "str", "no_log": False},
    "kubernetes": formats.KUBERNETES_SPEC,
    "vault": {
        "type": "dict",
        "default": {},
        "options": {"mount": {"type": "str"}, "path": {"type": "str"}},
    },
    "external_secret_store": {
        "type": "dict",
        "default": {},
        "no_log": False,
        "options": {
            "kind": {"type": "str", "choices": ["SecretStore", "ClusterSecretStore"], "default": "SecretStore"},
            "name": {"type": "str"},
        },
    },
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}

Parameters = dict[str, t.Any]


class ActionModule(ActionBase):  # type: ignore[misc]
    """Renders the files on the controller. The host compares and writes them."""

    _supports_check_mode = True
    _supports_async = False
    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        self._task_vars = task_vars or {}
        self._warnings: list[str] = []
        try:
            refuse_shadowing(self._task_vars)
            outcome = self._configure(_parameters(self._task.args))
        except SodaError as exc:
            outcome = exc.failure.as_failed_task()
        except _HostFailed as exc:
            outcome = exc.result
        if self._warnings:
            outcome["warnings"] = self._warnings
        return {**result, **outcome}

    def _configure(self, parameters: Parameters) -> dict[str, t.Any]:
        if parameters["acknowledge_restart"]:
            reply = self._on_host(_request("acknowledge", parameters))
            return {"changed": False, "restart_owed": reply.flag("restart_owed")}
        if parameters["state"] == "absent":
            return self._absent(parameters)
        return self._present(parameters)

    def _present(self, parameters: Parameters) -> dict[str, t.Any]:
        settings = _settings(parameters)
        for file in parameters["config_files"]:
            formats.check(file["format"], settings)
        placeholders = formats.Placeholders()
        texts = [formats.render(file["format"], settings, placeholders) for file in parameters["config_files"]]
        escrow = _escrow_file(parameters)
        waiting = None if escrow is None else escrow.read()
        reply = self._on_host(
            _request(
                "present",
                parameters,
                texts,
                placeholders=placeholders.rules,
                waiting_key=None if waiting is None else waiting.to_json().decode(),
                waiting_path=None if escrow is None else escrow.path,
                diff=bool(self._task.diff),
            )
        )
        key = reply.key()
        files = parameters["config_files"]
        changed = reply.flag("changed")
        emptied = False
        if escrow is not None and parameters["empty_escrow"] and not reply.flag("key_needed"):
            emptied = self._empty_escrow(escrow, key)
        return {
            "changed": changed or emptied,
            "key": key,
            "key_needed": reply.flag("key_needed"),
            "key_adoptable": reply.flag("key_adoptable"),
            "key_changed": reply.flag("key_changed"),
            "escrow_emptied": emptied,
            "files": [
                {"path": file["path"], "format": file["format"], "changed": file_changed}
                for file, file_changed in zip(files, reply.flags("files_changed", len(files)))
            ],
            "missing_folders": reply.texts("missing_folders"),
            "removed": reply.texts("removed"),
            "restart_owed": reply.flag("restart_owed"),
            "diff": reply.diff(),
        }

    def _absent(self, parameters: Parameters) -> dict[str, t.Any]:
        reply = self._on_host(_request("absent", parameters, diff=bool(self._task.diff)))
        removed = reply.texts("removed")
        return {
            "changed": reply.flag("changed"),
            "key": None,
            "files": [
                {"path": file["path"], "format": file["format"], "changed": file["path"] in removed}
                for file in parameters["config_files"]
            ],
            "removed": removed,
            "diff": reply.diff(),
        }

    def _empty_escrow(self, escrow: KeyFile, key: dict[str, t.Any] | None) -> bool:
        """Remove the key from escrow if the host stores it or a newer one. Return whether there was one."""
        waiting = escrow.read()
        if waiting is None or key is None or not _is_superseded(waiting, key):
            # Another run's key is newer. One of the same version and another id is reported by the host.
            if not self._task.check_mode:
                escrow.clean_up()
            return False
        if not self._task.check_mode:
            try:
                escrow.remove(waiting)
            except (KeyPathBusy, KeyFileChanged):
                # Another run uses the escrow file, and removes it after its own key.
                return False
        return True

    def _on_host(self, request: Request) -> Reply:
        """Run the part of this plugin that is a module on the host."""
        result = execute_module_with_secret(self, HOST_MODULE, {"request": request.to_json()}, self._task_vars)
        self._warnings += warnings_of(result)
        if result.get("failed"):
            raise _HostFailed(failed_result(result))
        return Reply(result)


class _HostFailed(Exception):
    """The module failed on the host, with this result."""

    def __init__(self, result: dict[str, t.Any]) -> None:
        super().__init__(result["msg"])
        self.result = result


def _is_superseded(waiting: StoredKey, key: t.Mapping[str, t.Any]) -> bool:
    return bool(waiting.api_key_id == key["api_key_id"] or waiting.key_version < key["key_version"])


def _parameters(arguments: t.Mapping[str, t.Any]) -> Parameters:
    """The validated options, or a failure that names the option, before anything is changed."""
    validator = ArgumentSpecValidator(
        ARGUMENT_SPEC,
        mutually_exclusive=[("key_from", "escrow_dir"), ("existing_key", "import_from")],
        required_by={"escrow_dir": ["cloud_api_key_id"]},
    )
    parameters = validate(validator, arguments, keep_empty=("pull_secret",))
    parameters["name"] = validate_name(parameters["name"])
    parameters["endpoint"] = normalise_endpoint(parameters["endpoint"])
    version = parameters["key_version"]
    if version is not None and version < 1:
        raise InvalidArguments(f"key_version is {version}. Set key_version to 1 or higher.")
    parameters["existing_key"] = _existing_key(parameters["existing_key"])
    parameters["store_key"] = _store_key(parameters["store_key"])
    return parameters


def _existing_key(given: t.Mapping[str, str | None] | None) -> dict[str, str] | None:
    key = {field: value for field, value in (given or {}).items() if value}
    if not key:
        return None
    if len(key) < 2:
        raise InvalidArguments("existing_key needs both api_key_id and api_key_secret. Set both or none.")
    return key


def _store_key(given: t.Mapping[str, t.Any] | None) -> dict[str, t.Any] | None:
    if not given:
        return None
    key = {field: given.get(field) for field in ("api_key_id", "key_version", "runner_id")}
    if not isinstance(key["api_key_id"], str) or not isinstance(key["key_version"], int):
        raise InvalidArguments("store_key needs api_key_id, which is text, and key_version, a whole number.")
    return {**key, "runner_id": key["runner_id"] or None}


def _settings(parameters: Parameters) -> formats.Settings:
    store = parameters["external_secret_store"] or {}
    return formats.Settings(
        name=parameters["name"],
        endpoint=parameters["endpoint"],
        values=parameters["values"],
        values_section=parameters["values_section"],
        account=parameters["account"],
        key_store=parameters["key_store"],
        existing_secret=parameters["existing_secret"],
        kubernetes=formats.Kubernetes(**parameters["kubernetes"]) if parameters["kubernetes"] else formats.Kubernetes(),
        vault_path=(parameters["vault"] or {}).get("path"),
        external_store_kind=store.get("kind") or "SecretStore",
        external_store_name=store.get("name"),
    )


def _request(action: str, parameters: Parameters, texts: t.Sequence[str] = (), **options: t.Any) -> Request:
    files = parameters["config_files"]
    copied = ("key_version", "key_required", "key_store", "store_key", "existing_key", "import_from", "runner_id")
    return Request(
        action=action,
        key_attributes=FileAttributes(parameters["owner"], parameters["group"]),
        files=tuple(
            ConfigFile(file["path"], text, FileAttributes(file["owner"], file["group"], file["mode"]))
            for file, text in zip(files, texts or [""] * len(files))
        ),
        **{option: parameters[option] for option in ("endpoint", "name", "key_path", "account", "values_section")},
        **{option: parameters[option] for option in (*copied, "create_folders", "track_restart")},
        **options,
    )


def _escrow_file(parameters: Parameters) -> KeyFile | None:
    """The file on the controller in which a key waits for the host."""
    path = parameters["key_from"]
    if parameters["escrow_dir"]:
        name = Account(parameters["endpoint"], parameters["cloud_api_key_id"]).escrow_name(parameters["name"])
        path = os.path.join(parameters["escrow_dir"], name)
    return None if path is None else KeyFile(path, parameters["endpoint"], parameters["name"])
