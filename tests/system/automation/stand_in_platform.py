# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""
A stand-in for the API of AWX 24.6.1, for the modules of awx.awx as they are published.

It stores objects, resolves no references by itself, and follows the platform's rules that ``community.soda.awx`` meets:
secrets of credentials are write-only, a job template needs a playbook of a project that was synced, the rules for
surveys, and approval nodes. Those rules are in ``awx/api/serializers.py`` and ``awx/api/views/__init__.py`` of AWX.
"""

from __future__ import annotations

import contextlib
import copy
import json
import re
import threading
import typing as t
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from automation.controller import Json
from tooling import tree

ENCRYPTED = "$encrypted$"
PREFIX = "/api/v2/"
SUBLISTS = ("credentials", "instance_groups", "success_nodes", "failure_nodes", "always_nodes")
REFERENCES = {
    "organization": "organizations",
    "credential_type": "credential_types",
    "credential": "credentials",
    "project": "projects",
    "source_project": "projects",
    "inventory": "inventories",
    "execution_environment": "execution_environments",
    "workflow_job_template": "workflow_job_templates",
}
TEMPLATES = ("job_templates", "workflow_job_templates", "projects", "workflow_approval_templates")
SURVEY_TYPES: dict[str, type | tuple[type, ...]] = {
    "text": str,
    "textarea": str,
    "password": str,
    "multiplechoice": str,
    "multiselect": str,
    "integer": int,
    "float": (int, float),
}


class Refused(Exception):
    """The platform answers with status 400 and this reason for each field."""


class Platform:
    """The objects by kind, what the next project syncs end with, and every request that changes something."""

    def __init__(self) -> None:
        self.objects: dict[str, list[Json]] = {}
        self.syncs: list[str] = []
        self.changes: list[tuple[str, str, Json]] = []
        self.administrator = True
        self.settings: Json = {"AWX_ISOLATION_SHOW_PATHS": ["/etc/pki/ca-trust:/etc/pki/ca-trust:O"]}
        self.sublists: dict[str, list[int]] = {}
        self.surveys: dict[str, Json] = {}
        self.url = ""
        self.add("organizations", name="Default")
        organization = self.of("organizations")[0]["id"]
        self.add("inventories", name="Warehouses", organization=organization)
        machine = self.add("credential_types", name="Machine", inputs={})["id"]
        self.add("credentials", name="Warehouse hosts", credential_type=machine, organization=organization, inputs={})

    def copy(self) -> Platform:
        """Another platform with the same objects, which nobody has changed yet."""
        other = Platform()
        for name in ("objects", "settings", "sublists", "surveys"):
            setattr(other, name, copy.deepcopy(getattr(self, name)))
        return other

    def add(self, kind: str, /, **fields: t.Any) -> Json:
        """Store an object, without any rule."""
        # No two objects share an id, so that one cannot pass for another.
        number = 1 + sum(map(len, self.objects.values()))
        url = f"{PREFIX}{kind}/{number}/"
        made: Json = {"id": number, "type": kind.removesuffix("s"), "url": url, "summary_fields": {}, "related": {}}
        made.update(fields)
        if kind in ("job_templates", "workflow_job_templates"):
            made["related"]["survey_spec"] = f"{url}survey_spec/"
        if kind == "projects":
            made["related"].update(update=f"{url}update/")
        self.objects.setdefault(kind, []).append(made)
        return made

    def of(self, kind: str) -> list[Json]:
        return self.objects.get(kind, [])

    def one(self, kind: str, name: str) -> Json:
        (found,) = [each for each in self.of(kind) if name in (each.get("name"), each.get("identifier"))]
        return found

    def names(self, kind: str, ids: t.Iterable[int]) -> list[str]:
        by_id = {each["id"]: each.get("name") or each["identifier"] for each in self.of(kind)}
        return [by_id[number] for number in ids]

    def associated(self, kind: str, name: str, sublist: str) -> list[str]:
        """The names of the objects in a sublist, such as the credentials of a job template."""
        target = "workflow_job_template_nodes" if sublist.endswith("_nodes") else sublist
        return self.names(target, self.sublists.get(f"{self.one(kind, name)['url']}{sublist}/", []))

    @contextlib.contextmanager
    def served(self) -> t.Iterator[Platform]:
        """Answer at ``url``."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"platform": self}))
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def answer(self, method: str, path: str, query: dict[str, str], data: Json) -> tuple[int, t.Any]:
        if method != "GET":
            self.changes.append((method, path, data))
        parts = path.removeprefix(PREFIX).strip("/").split("/")
        if parts[0] == "settings":
            self.settings.update(data)
            return 200, self.settings
        if parts[0] == "me":
            return 200, _page([{"username": "operator", "is_superuser": self.administrator}])
        match method, parts:
            case "GET", [kind]:
                return 200, _page([self._shown(kind, each) for each in self._filtered(kind, query)])
            case "POST", [kind]:
                return 201, self._shown(kind, self._created(kind, data))
            case "GET", [kind, number]:
                return 200, self._shown(kind, self._by_id(kind, int(number)))
            case "PATCH", [kind, number]:
                changed = self._by_id(kind, int(number))
                self._check(kind, {**changed, **data})
                changed.update(data)
                return 200, self._shown(kind, changed)
            case _, [kind, number, below]:
                return self._below(method, self._by_id(kind, int(number)), below, query, data)
        return 405, {"detail": method}

    def _below(self, method: str, parent: Json, below: str, query: dict[str, str], data: Json) -> tuple[int, t.Any]:
        path = f"{parent['url']}{below}/"
        if below in SUBLISTS:
            ids = self.sublists.setdefault(path, [])
            if method == "GET":
                return 200, _page([{"id": number} for number in ids])
            if data.get("disassociate"):
                ids.remove(data["id"])
            else:
                ids.append(data["id"])
            return 204, None
        if below == "survey_spec":
            if method == "POST":
                check_survey(data)
                self.surveys[path] = data
            return 200, self.surveys.get(path, {})
        if below == "create_approval_template":
            made = self.add("workflow_approval_templates", **{name: data[name] for name in data if name in APPROVAL})
            parent["unified_job_template"] = made["id"]
            parent["related"]["unified_job_template"] = made["url"]
            return 201, made
        if below == "update":
            return 202, self._synced(parent)
        if below == "events":
            assert query == {"event": "runner_on_failed"}
            message = {
                "res": {"msg": "fatal: could not read from remote repository"},
                "task": "Update project using git",
            }
            return 200, _page([{"event_data": message}])
        return 404, {"detail": below}

    def _created(self, kind: str, data: Json) -> Json:
        self._check(kind, data)
        made = self.add(kind, **data)
        if kind == "projects":
            made.update(status="never updated", scm_revision="")
            self._synced(made)
        return made

    def _synced(self, project: Json) -> Json:
        outcome = self.syncs.pop(0) if self.syncs else "successful"
        done = outcome == "successful"
        update = self.add("project_updates", status=outcome, failed=not done, finished="2026-01-01T00:00:00Z")
        update.update(event_processing_finished=True, scm_revision="4f1c" if done else "", elapsed=1.0, started="")
        project.update(status=outcome, scm_revision="4f1c" if done else project["scm_revision"])
        project["related"]["last_job"] = update["url"]
        return update

    def _check(self, kind: str, data: Json) -> None:
        for field, target in REFERENCES.items():
            if data.get(field) not in (None, "", *(each["id"] for each in self.of(target))):
                raise Refused({field: f'Invalid pk "{data[field]}" - object does not exist.'})
        if kind == "job_templates":
            project = self._by_id("projects", data["project"])
            if project["status"] != "successful" or not (tree.ROOT / data["playbook"]).exists():
                raise Refused({"playbook": ["Playbook not found for project."]})
        if kind == "credential_types":
            check_credential_type(data)

    def _by_id(self, kind: str, number: int) -> Json:
        (found,) = [each for each in self.of(kind) if each["id"] == number]
        return found

    def _filtered(self, kind: str, query: dict[str, str]) -> list[Json]:
        kinds = TEMPLATES if kind == "unified_job_templates" else (kind,)
        every = [each for one in kinds for each in self.of(one)]
        return [each for each in every if all(str(each.get(name)) == value for name, value in query.items())]

    def _shown(self, kind: str, stored: Json) -> Json:
        if kind != "credentials":
            return stored
        fields = self._by_id("credential_types", stored["credential_type"])["inputs"].get("fields", [])
        secret = {field["id"] for field in fields if field.get("secret")}
        inputs = {name: ENCRYPTED if name in secret else value for name, value in stored["inputs"].items()}
        return {**stored, "inputs": inputs}


APPROVAL = ("name", "description", "timeout")


def _page(results: list[Json]) -> Json:
    return {"count": len(results), "next": None, "previous": None, "results": results}


def check_credential_type(data: Json) -> None:
    """The platform's schema for the inputs and injectors of a custom credential type."""
    ids = [field["id"] for field in data["inputs"]["fields"]]
    if data["kind"] not in ("cloud", "net"):
        raise Refused({"kind": "Must be cloud or net."})
    if len(set(ids)) != len(ids) or not set(data["inputs"]["required"]) <= set(ids):
        raise Refused({"inputs": "Fields must be unique, and required must name fields."})
    for field in data["inputs"]["fields"]:
        if not {"id", "label"} <= set(field) <= {"id", "label", "type", "secret", "default", "help_text", "choices"}:
            raise Refused({"inputs": f"Unknown or missing key in {field}"})
    for template in data["injectors"]["env"].values():
        if set(re.findall(r"\{\{\s*(\w+)\s*\}\}", template)) - set(ids):
            raise Refused({"injectors": f"{template} uses an undefined field"})


def check_survey(survey: Json) -> None:
    """The platform's rules for a survey."""
    if not (isinstance(survey.get("name"), str) and isinstance(survey.get("description"), str) and survey["spec"]):
        raise Refused({"error": "A survey needs a name, a description and a question."})
    variables = [question["variable"] for question in survey["spec"]]
    if len(set(variables)) != len(variables):
        raise Refused({"error": "A variable is used by two questions."})
    for question in survey["spec"]:
        kind = SURVEY_TYPES.get(question["type"])
        if kind is None or not isinstance(question["question_name"], str) or not isinstance(question["required"], bool):
            raise Refused({"error": f"Bad question {question}"})
        default = question.get("default", "")
        if default != "" and not isinstance(default, kind):
            raise Refused({"error": f"Bad default in {question}"})
        if any(not isinstance(question.get(limit, 0), int) for limit in ("min", "max")):
            raise Refused({"error": f"Bad limit in {question}"})
        choices = default.splitlines() if question["type"] in ("multiplechoice", "multiselect") else []
        if any(choice not in question["choices"] for choice in choices):
            raise Refused({"error": f"The default is no choice in {question}"})


class _Handler(BaseHTTPRequestHandler):
    platform: Platform

    def log_message(self, *_arguments: t.Any) -> None:
        """Print nothing."""

    def _answered(self) -> None:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            status, content = self.platform.answer(
                self.command, url.path, dict(parse_qsl(url.query)), json.loads(body or "{}")
            )
        except Refused as refused:
            status, content = 400, refused.args[0]
        answer = b"" if content is None else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("X-API-Product-Name", "AWX")
        self.send_header("X-API-Product-Version", "24.6.1")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = do_PATCH = _answered
