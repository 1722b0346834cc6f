# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""
Puts a runner key and the configuration files on a host. The documentation is in the module of the same name.

What is secret goes to the host in arguments that are not logged, and comes back sealed. It is in no result, in no fact,
and in no file on the way.
"""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible.module_utils.basic import env_fallback
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

from ansible_collections.community.soda.plugins.module_utils._account import Account
from ansible_collections.community.soda.plugins.module_utils._endpoint import normalise_endpoint
from ansible_collections.community.soda.plugins.module_utils._errors import Failure, SodaError, error
from ansible_collections.community.soda.plugins.module_utils._key.key_file import KeyFile
from ansible_collections.community.soda.plugins.module_utils._key.stored_key import StoredKey
from ansible_collections.community.soda.plugins.module_utils._seal import new_key, unseal
from ansible_collections.community.soda.plugins.plugin_utils._config import formats as _config
from ansible_collections.community.soda.plugins.plugin_utils._config.formats import Settings
from ansible_collections.community.soda.plugins.plugin_utils._parameters import validate

HOST_MODULE = "community.soda.soda_runner_files"

# Paths are text here: they are the host's, and only there a ~ can be expanded.
ARGUMENT_SPEC: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "endpoint": {
        "type": "str",
        "default": "https://cloud.soda.io",
        "fallback": (env_fallback, ["SODA_CLOUD_ENDPOINT"]),
    },
    "key_path": {"type": "str", "required": True, "no_log": False},
    "key_from": {"type": "path", "no_log": False},
    "escrow_dir": {"type": "path"},
    "cloud_api_key_id": {"type": "str", "no_log": False},
    "empty_escrow": {"type": "bool", "default": False},
    "key_version": {"type": "int", "no_log": False},
    "key_required": {"type": "bool", "default": False, "no_log": False},
    "folders_required": {"type": "bool", "default": True},
    "config_files": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "format": {"type": "str", "required": True},
            "path": {"type": "str", "required": True},
            "owner": {"type": "str"},
            "group": {"type": "str"},
            "mode": {"type": "raw", "default": "0600"},
        },
    },
    "values": {"type": "dict", "default": {}},
    "values_section": {"type": "str", "default": "agent"},
    "existing_secret": {"type": "str", "no_log": False},
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


@dataclasses.dataclass(frozen=True)
class Observed:
    """What is on the host."""

    key: StoredKey | None
    key_path: str
    """As the host expands it."""
    contents: tuple[str | None, ...]
    """Of the configuration files, in their order."""
    attributes_differ: tuple[bool, ...]
    """Of the configuration files, in their order."""
    key_differs: bool
    """Whether the attributes of the key file are not the declared ones, or it is not quite in place."""
    untidy: bool
    """Whether a killed run left something beside the files."""
    missing_folders: tuple[str, ...]
    """Of the key and the configuration files; none where they are required, but in check mode."""


class ActionModule(ActionBase):  # type: ignore[misc]
    """Observes the host, decides on the controller, has the host act."""

    _supports_check_mode = True
    _supports_async = False
    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        self._task_vars = task_vars or {}
        self._said: dict[str, t.Any] = {}
        try:
            outcome = self._converge(self._parameters())
        except SodaError as exc:
            outcome = {"failed": True, "msg": exc.failure.message, "failure": exc.failure.as_result()}
        except _HostFailed as exc:
            outcome = exc.result
        return {**result, **self._said, **outcome}

    def _parameters(self) -> dict[str, t.Any]:
        validator = ArgumentSpecValidator(
            ARGUMENT_SPEC,
            mutually_exclusive=[("key_from", "escrow_dir")],
            required_by={"escrow_dir": ["cloud_api_key_id"]},
        )
        return validate(validator, self._task.args)

    def _converge(self, parameters: dict[str, t.Any]) -> dict[str, t.Any]:
        if not parameters["name"]:
            raise error("invalid_name", "The name of a runner must not be empty.")
        parameters["endpoint"] = normalise_endpoint(parameters["endpoint"])
        if parameters["escrow_dir"]:
            name = Account(parameters["endpoint"], parameters["cloud_api_key_id"]).escrow_name(parameters["name"])
            parameters["key_from"] = os.path.join(parameters["escrow_dir"], name)
        files = parameters["config_files"]
        for options in (parameters, *files):
            # From a variable of a role that is not set it is the empty text.
            options.update(owner=options["owner"] or None, group=options["group"] or None)
        paths = [parameters["key_path"], *(file["path"] for file in files)]
        twice = sorted({path for path in paths if paths.count(path) > 1})
        if twice:
            raise error("config_path_twice", f"{twice[0]} is named for two files. Give each a path of its own.")
        if parameters["state"] == "absent":
            return self._absent(parameters)

        settings = Settings(
            name=parameters["name"],
            endpoint=parameters["endpoint"],
            values=parameters["values"],
            values_section=parameters["values_section"],
            existing_secret=parameters["existing_secret"] or None,
        )
        for file in files:
            _config.check(file["format"], settings)
        observed = self._observe(parameters)
        held, carried = self._choose(parameters, observed)
        if observed.missing_folders and not parameters["folders_required"]:
            # Whoever makes them calls again, in check mode too.
            return self._result(parameters, observed, held)
        if held is None or _is_needed(parameters, held):
            if not parameters["key_required"]:
                return self._result(parameters, observed, held)
            if not self._task.check_mode:
                raise self._no_key(parameters, observed)
            # An earlier task of this check run would have issued it.
            held, carried = dataclasses.replace(_config.EXAMPLE, runner_id=held.runner_id if held else None), True
        texts = [_config.render(file["format"], held, settings) for file in files]
        result = self._put(parameters, observed, held, carried, texts)
        if parameters["key_from"] and parameters["empty_escrow"]:
            result["escrow_emptied"] = self._empty_escrow(parameters, held)
            result["changed"] |= result["escrow_emptied"]
        return result

    def _choose(self, parameters: dict[str, t.Any], observed: Observed) -> tuple[StoredKey | None, bool]:
        """The key to configure, and whether it has to be carried to the host: the host's, unless a newer one waits."""
        waiting = None
        if parameters["key_from"]:
            waiting = _escrow_file(parameters).read()
        held, wanted = observed.key, parameters["key_version"]
        carried = waiting is not None and (held is None or waiting.key_version > held.key_version)
        chosen = waiting if carried else held
        if chosen is not None and wanted is not None and chosen.key_version > wanted:
            where = parameters["key_from"] if carried else observed.key_path
            raise error(
                "key_version_too_low",
                f"The key held at {where} has the key_version {chosen.key_version}, and {wanted} is declared: the"
                f" declaration is older than the key. Declare {chosen.key_version} or higher.",
            )
        return chosen, carried

    def _empty_escrow(self, parameters: dict[str, t.Any], held: StoredKey) -> bool:
        """Remove the key that waited for the host, now that the host holds it. Whether there was one."""
        escrow = _escrow_file(parameters)
        waiting = escrow.read()
        if waiting is None or waiting.key_version > held.key_version:
            # A newer one is that of another run.
            if not self._task.check_mode:
                escrow.clean_up()
            return False
        if not self._task.check_mode:
            try:
                escrow.remove(waiting)
            except SodaError as exc:
                if exc.failure.code not in ("key_path_busy", "key_file_changed"):
                    raise
                # Another run is at work there, and empties it after its own key.
                return False
        return True

    @staticmethod
    def _no_key(parameters: dict[str, t.Any], observed: Observed) -> SodaError:
        places = " or ".join(filter(None, (observed.key_path, parameters["key_from"])))
        version = "" if parameters["key_version"] is None else f" of the key_version {parameters['key_version']}"
        return error(
            "key_missing",
            f"No key{version} of the runner {parameters['name']!r} is held at {places}. Issue one with"
            " community.soda.soda_runner.",
        )

    def _put(
        self,
        parameters: dict[str, t.Any],
        observed: Observed,
        held: StoredKey,
        carried: bool,
        texts: list[str],
    ) -> dict[str, t.Any]:
        files = parameters["config_files"]
        differing = [text != content for text, content in zip(texts, observed.contents)]
        touched = [a or b for a, b in zip(differing, observed.attributes_differ)]
        changed = carried or observed.key_differs or any(touched)
        if (changed or observed.untidy) and not self._task.check_mode:
            self._on_host(
                parameters,
                state="present",
                key=held.to_json().decode() if carried else None,
                files=[
                    {**_without_format(file), "content": text if differs else None}
                    for file, text, differs in zip(files, texts, differing)
                ],
            )
        result = self._result(parameters, observed, None if held.endpoint == "" else held, touched)
        result["changed"] = changed
        result["key_changed"] = carried or observed.key_differs
        result["diff"] = [
            _diff(file, content, text)
            for file, content, text, differs in zip(files, observed.contents, texts, differing)
            if differs
        ]
        return result

    def _result(
        self,
        parameters: dict[str, t.Any],
        observed: Observed,
        held: StoredKey | None,
        touched: t.Sequence[bool] | None = None,
    ) -> dict[str, t.Any]:
        files = parameters["config_files"]
        return {
            "changed": False,
            "key": None if held is None else held.as_result(observed.key_path),
            "key_needed": _is_needed(parameters, held),
            "key_changed": False,
            "escrow_emptied": False,
            "files": [
                {"path": file["path"], "format": file["format"], "changed": file_changed}
                for file, file_changed in zip(files, touched or [False] * len(files))
            ],
            "missing_folders": list(observed.missing_folders),
        }

    def _observe(self, parameters: dict[str, t.Any]) -> Observed:
        seal = new_key()
        seen = self._on_host(
            parameters,
            state="observed",
            seal=seal,
            folders_required=parameters["folders_required"],
            files=[_without_format(file) for file in parameters["config_files"]],
        )["observed"]
        path = seen["key_path"]
        key = None if seen["key"] is None else StoredKey.from_json(unseal(seal, path, seen["key"]), path)
        return Observed(
            key=key,
            key_path=path,
            contents=tuple(
                None
                if file["content"] is None
                else unseal(seal, file["path"], file["content"]).decode("utf-8", "surrogateescape")
                for file in seen["files"]
            ),
            attributes_differ=tuple(file["attributes_differ"] for file in seen["files"]),
            key_differs=seen["attributes_differ"] or seen["key_left_behind"],
            untidy=seen["untidy"],
            missing_folders=tuple(seen["missing_folders"]),
        )

    def _absent(self, parameters: dict[str, t.Any]) -> dict[str, t.Any]:
        done = self._on_host(
            parameters, state="absent", files=[_without_format(file) for file in parameters["config_files"]]
        )
        removed = done["removed"]
        return {
            "changed": done["changed"],
            "key": None,
            "files": [
                {"path": file["path"], "format": file["format"], "changed": file["path"] in removed}
                for file in parameters["config_files"]
            ],
            "removed": removed,
            "diff": [
                {"before_header": path, "before": "(held)\n", "after_header": path, "after": ""} for path in removed
            ],
        }

    def _on_host(self, parameters: dict[str, t.Any], **arguments: t.Any) -> dict[str, t.Any]:
        """The result of the module that is this plugin's part on the host."""
        result = self._execute_module(
            module_name=HOST_MODULE,
            module_args={
                **{option: parameters[option] for option in ("name", "endpoint", "key_path", "owner", "group")},
                **arguments,
            },
            task_vars=self._task_vars,
        )
        # What belongs to the engine is passed on, what belongs to this exchange is not.
        self._said.update(
            {key: result[key] for key in ("ansible_facts", "warnings", "deprecations") if result.get(key)}
        )
        if result.get("failed"):
            kept = ("msg", "failure", "exception", "rc", "module_stdout", "module_stderr")
            failed = {key: result[key] for key in kept if key in result}
            failed.setdefault(
                "failure",
                Failure("module_failed", str(result.get("msg", "The module on the host failed."))).as_result(),
            )
            raise _HostFailed({"failed": True, **failed})
        return t.cast(dict[str, t.Any], result)


class _HostFailed(Exception):
    """The module on the host failed, with this result."""

    def __init__(self, result: dict[str, t.Any]) -> None:
        super().__init__(result.get("msg"))
        self.result = result


def _escrow_file(parameters: dict[str, t.Any]) -> KeyFile:
    return KeyFile(parameters["key_from"], parameters["endpoint"], parameters["name"])


def _is_needed(parameters: dict[str, t.Any], held: StoredKey | None) -> bool:
    """Whether a key is to be issued: none is held, or one of a lower version."""
    return held is None or held.key_version < (parameters["key_version"] or held.key_version)


def _without_format(file: dict[str, t.Any]) -> dict[str, t.Any]:
    return {option: value for option, value in file.items() if option != "format"}


def _diff(file: dict[str, t.Any], before: str | None, after: str) -> dict[str, str]:
    shown_before = "" if before is None else _config.masked(file["format"], before)
    shown_after = _config.masked(file["format"], after)
    if shown_before == shown_after:
        # Only what is masked has changed.
        shown_after = _config.masked(file["format"], after, f"{_config.MASK} (changed)")
    return {
        "before_header": file["path"],
        "before": shown_before,
        "after_header": file["path"],
        "after": shown_after,
    }
