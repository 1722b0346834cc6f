# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for the Secrets of a Kubernetes cluster, as lookup and module of kubernetes.core show them."""

from __future__ import annotations

import base64
import copy
import itertools
import typing as t

Json = dict[str, t.Any]

NAMESPACE = "soda"
CONFLICT = {"failed": True, "msg": "Failed to patch object", "reason": "Conflict"}


class ClusterService:
    """The Secrets of one namespace by name."""

    def __init__(self) -> None:
        self.secrets: dict[str, Json] = {}
        self.requests: list[tuple[str, Json, bool]] = []
        """State, arguments and check mode of each call of the module."""
        self.lookups: list[Json] = []
        self.before: t.Callable[[str, str], None] = lambda state, name: None
        """Runs before each call of the module, so that something else can happen in between."""
        self._numbers = itertools.count(1)

    def lookup(self, name: str, *terms: str, **options: t.Any) -> list[t.Any]:
        assert (name, terms) == ("kubernetes.core.k8s", ())
        assert (options["api_version"], options["kind"], options["namespace"]) == ("v1", "Secret", NAMESPACE)
        assert isinstance(options["resource_name"], str)
        self.lookups.append(options)
        found = self.secrets.get(options["resource_name"])
        return [] if found is None else [copy.deepcopy(found)]

    def module(self, name: str, arguments: Json, check_mode: bool = False) -> Json:
        assert name == "kubernetes.core.k8s"
        state = arguments["state"]
        self.requests.append((state, arguments, check_mode))
        if state == "absent":
            assert (arguments["api_version"], arguments["kind"], arguments["namespace"]) == ("v1", "Secret", NAMESPACE)
            self.before(state, arguments["name"])
            return self._delete(arguments["name"], arguments["delete_options"]["preconditions"], check_mode)
        assert state in ("present", "patched")
        definition = arguments["definition"]
        assert (definition["apiVersion"], definition["kind"]) == ("v1", "Secret")
        assert definition["metadata"]["namespace"] == NAMESPACE
        assert isinstance(definition["data"], dict)
        self.before(state, definition["metadata"]["name"])
        if state == "patched":
            assert arguments["merge_type"] == ["merge"]
        return self._put(definition, creates=state == "present", check_mode=check_mode)

    def put(self, name: str, data: t.Mapping[str, str], **metadata: t.Any) -> None:
        """What another client writes."""
        encoded = {field: base64.b64encode(value.encode()).decode() for field, value in data.items()}
        self._store({"type": "Opaque", "data": encoded, "metadata": {"name": name, "uid": f"uid-{name}", **metadata}})

    def touch(self, name: str) -> None:
        """Another client changes the Secret."""
        self._store(self.secrets[name])

    def text(self, name: str) -> dict[str, str]:
        return {field: base64.b64decode(value).decode() for field, value in self.secrets[name]["data"].items()}

    def _put(self, definition: Json, creates: bool, check_mode: bool) -> Json:
        name = definition["metadata"]["name"]
        there = self.secrets.get(name)
        if there is None and not creates:
            return {"changed": False, "result": {}}
        given = definition["metadata"]
        if there is not None and given.get("uid") not in (None, there["metadata"]["uid"]):
            return {"failed": True, "msg": "metadata.uid: Invalid value: field is immutable"}
        if there is not None and given.get("resourceVersion") not in (None, there["metadata"]["resourceVersion"]):
            return CONFLICT
        stored = _merged(there or {}, definition)
        if there is None:
            stored["metadata"]["uid"] = f"uid-{next(self._numbers)}"
        if not check_mode:
            self._store(stored)
        return {"changed": True, "result": stored}

    def _store(self, secret: Json) -> None:
        secret["metadata"]["resourceVersion"] = str(next(self._numbers))
        self.secrets[secret["metadata"]["name"]] = secret

    def _delete(self, name: str, preconditions: Json, check_mode: bool) -> Json:
        there = self.secrets.get(name)
        if there is None:
            return {"changed": False}
        if {field: there["metadata"][field] for field in preconditions} != preconditions:
            return CONFLICT
        if not check_mode:
            del self.secrets[name]
        return {"changed": True}


def _merged(before: t.Any, patch: t.Any) -> t.Any:
    """What a merge patch makes of a value."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(before) if isinstance(before, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merged(merged.get(name), value)
    return merged
