# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for Vault with one KV engine, as the lookup plugins of community.hashi_vault show it."""

from __future__ import annotations

import typing as t

Json = dict[str, t.Any]

DELETED_AT = "2026-01-01T12:00:00Z"


def exception(name: str, text: str = "") -> Exception:
    """An exception of hvac or of Ansible. hvac is not installed here."""
    return t.cast(Exception, type(name, (Exception,), {})(text))


class VaultService:
    """Its secrets by path, each with its versions. A version without data was destroyed."""

    def __init__(self, mount: str = "secret") -> None:
        self.mount = mount
        self.engine: Json = {"type": "kv", "options": {"version": "2"}}
        self.versions: dict[str, list[Json]] = {}
        self.capabilities = ["create", "update", "read"]
        self.requests: list[tuple[str, str, Json]] = []
        """Plugin, path and options of each request."""
        self.before: t.Callable[[str, str], None] = lambda plugin, path: None
        """Runs before each request, so that something else can happen in between."""

    def lookup(self, name: str, *terms: str, **options: t.Any) -> list[t.Any]:
        plugin, (path,) = name.rpartition(".")[2], terms
        self.before(plugin, path)
        self.requests.append((plugin, path, options))
        if path.startswith("sys/internal/ui/mounts/"):
            if not path.endswith(f"/{self.mount}"):
                raise exception("Forbidden")
            return [{"data": self.engine}]
        if path == "sys/capabilities-self":
            return [{"data": dict.fromkeys(options["data"]["paths"], self.capabilities)}]
        mount, kind, secret = path.split("/", 2)
        if plugin == "vault_write":
            return [getattr(self, f"_{kind}")(secret, **options["data"])]
        if mount != self.mount or secret not in self.versions:
            raise exception("AnsibleError", f"The path '{path}' doesn't seem to exist.")
        return [getattr(self, f"_read_{kind}")(secret, path)]

    def fields(self, path: str) -> Json:
        """The fields of the current version."""
        return t.cast(Json, self.versions[path][-1]["data"])

    def put(self, path: str, **fields: t.Any) -> None:
        """What another client writes."""
        self.versions.setdefault(path, []).append({"data": fields, "deleted": False})

    def delete(self, path: str) -> None:
        """The current version can be restored afterwards."""
        self.versions[path][-1]["deleted"] = True

    def _data(self, path: str, data: Json, options: Json) -> Json:
        if options["cas"] != len(self.versions.get(path, [])):
            raise exception("InvalidRequest", "check-and-set parameter did not match the current version")
        self.put(path, **data)
        return {"data": {"version": len(self.versions[path])}}

    def _destroy(self, path: str, versions: list[int]) -> Json:
        for number in versions:
            self.versions[path][number - 1]["data"] = None
        return {}

    def _read_data(self, secret: str, path: str) -> Json:
        current = self.versions[secret][-1]
        if current["data"] is None or current["deleted"]:
            raise exception("AnsibleError", f"The path '{path}' doesn't seem to exist.")
        return {"data": {"data": dict(current["data"]), "metadata": {"version": len(self.versions[secret])}}}

    def _read_metadata(self, secret: str, path: str) -> Json:
        versions = {
            str(number): {
                "deletion_time": DELETED_AT if version["deleted"] else "",
                "destroyed": version["data"] is None,
            }
            for number, version in enumerate(self.versions[secret], 1)
        }
        return {"data": {"current_version": len(versions), "versions": versions}}
