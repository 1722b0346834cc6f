# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks requests, answers and rate limits against the contract document."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema_rs
import yaml
from openapi_core import OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.templating.security.exceptions import SecurityNotFound
from openapi_core.validation.request.exceptions import SecurityValidationError
from werkzeug.datastructures import Headers, ImmutableMultiDict

from .limits import RateLimit

DOCUMENT = Path(__file__).parent / "contract" / "soda-cloud-runners.openapi.yaml"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")


@dataclass(frozen=True)
class Operation:
    """One operation of the contract."""

    id: str
    method: str
    limit: RateLimit
    permissions: frozenset[str]  # one of these permissions is required; none if it is empty
    takes_body: bool
    parameters: Mapping[str, Mapping[str, Any]]  # query parameters, by name
    responses: Mapping[int, Response]


@dataclass(frozen=True)
class Response:
    body: jsonschema_rs.Draft202012Validator
    headers: Mapping[str, jsonschema_rs.Draft202012Validator]


@dataclass(frozen=True)
class Target:
    """A path of the contract."""

    operations: Mapping[str, Operation]  # by method in upper case
    arguments: Mapping[str, str]


@dataclass
class AskedFor:
    """A request in the form that openapi-core reads (its Request protocol)."""

    host_url: str
    path: str
    method: str
    parameters: RequestParameters
    body: bytes | None
    content_type: str


@dataclass(frozen=True)
class Reading:
    """The arguments of a request with the defaults of the contract, or why it violates the contract."""

    arguments: Mapping[str, Any] = field(default_factory=dict)
    violation: str | None = None
    unauthenticated: bool = False


class Contract:
    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._openapi = OpenAPI.from_dict(document)
        self._server = str(document["servers"][0]["url"])
        self._paths = [
            (_path_pattern(template), self._operations_of(item)) for template, item in document["paths"].items()
        ]
        self.operations = {operation.id: operation for _unused, found in self._paths for operation in found.values()}
        self.permissions = frozenset().union(*(operation.permissions for operation in self.operations.values()))

    @classmethod
    def load(cls, path: Path = DOCUMENT) -> Contract:
        return cls(yaml.safe_load(path.read_text(encoding="utf-8")))

    def target(self, raw_path: str) -> Target | None:
        """The operations at a path as the request line has it (percent-encoded), or None for an unknown path."""
        for pattern, operations in self._paths:
            if match := pattern.fullmatch(raw_path):
                return Target(operations, {name: unquote(value) for name, value in match.groupdict().items()})
        return None

    def read(
        self,
        operation: Operation,
        raw_path: str,
        query: Iterable[tuple[str, str]],
        headers: Mapping[str, str],
        body: bytes,
    ) -> Reading:
        """Validate a request and take its arguments from it."""
        pairs = list(query)
        request_data = AskedFor(
            host_url=self._server,
            path=raw_path,
            method=operation.method.lower(),
            parameters=RequestParameters(query=ImmutableMultiDict(pairs), header=Headers(dict(headers))),
            body=body or None,
            content_type=headers.get("Content-Type", ""),
        )
        result = self._openapi.unmarshal_apicall_request(request_data)
        for error in result.errors:
            if isinstance(error, SecurityValidationError) and isinstance(error.__cause__, SecurityNotFound):
                return Reading(violation="no Basic authentication", unauthenticated=True)
            return Reading(violation=_explained(error))
        if violation := _undocumented(operation, pairs, body):
            return Reading(violation=violation)
        return Reading({**result.parameters.query, **result.parameters.path})

    def answer_violation(
        self, operation: Operation, status: int, headers: Mapping[str, str], payload: object
    ) -> str | None:
        """Why an answer violates the contract, or None."""
        response = operation.responses.get(status)
        if response is None:
            return f"{operation.id} does not document status {status}"
        for error in response.body.iter_errors(payload):
            place = "/".join(str(step) for step in error.instance_path) or "body"
            return f"{operation.id} {status}, {place}: {error.message}"
        for name, validator in response.headers.items():
            value = headers.get(name)
            if value is not None and not validator.is_valid(int(value) if INTEGER.fullmatch(value) else value):
                return f"{operation.id} {status}, header {name}: {value!r}"
        return None

    def _operations_of(self, item: Mapping[str, Any]) -> Mapping[str, Operation]:
        found = {}
        for method in METHODS:
            if method in item:
                parameters = [*item.get("parameters", ()), *item[method].get("parameters", ())]
                found[method.upper()] = self._operation(method.upper(), item[method], parameters)
        return found

    def _operation(self, method: str, node: Mapping[str, Any], parameters: list[Mapping[str, Any]]) -> Operation:
        return Operation(
            id=node["operationId"],
            method=method,
            limit=RateLimit(**node["x-rate-limit"]),
            permissions=frozenset(node.get("x-permission", ())),
            takes_body="requestBody" in node,
            parameters={each["name"]: each["schema"] for each in parameters if each["in"] == "query"},
            responses={int(status): self._response(each) for status, each in node["responses"].items()},
        )

    def _response(self, node: Mapping[str, Any]) -> Response:
        if "$ref" in node:
            node = self._document["components"]["responses"][node["$ref"].rsplit("/", 1)[1]]
        return Response(
            body=self._validator(node["content"]["application/json"]["schema"]),
            headers={name: self._validator(each["schema"]) for name, each in node.get("headers", {}).items()},
        )

    def _validator(self, schema: Mapping[str, Any]) -> jsonschema_rs.Draft202012Validator:
        # All of `components` is added to the schema, so that its references can be resolved.
        return jsonschema_rs.Draft202012Validator(
            {**schema, "components": self._document["components"]}, validate_formats=True
        )


def _path_pattern(template: str) -> re.Pattern[str]:
    pieces = re.split(r"\{(\w+)\}", template)
    return re.compile("".join(f"(?P<{piece}>[^/]*)" if i % 2 else re.escape(piece) for i, piece in enumerate(pieces)))


def _explained(error: Exception) -> str:
    cause = error.__cause__
    details = [each.message for each in getattr(cause, "schema_errors", ())] or ([str(cause)] if cause else [])
    return ": ".join([str(error), *details])


TOLERATES_BODY = frozenset({"createRunner"})
"""The vendor's CLI sends a name to this operation, and its live test expects success. The contract has no body."""


def _undocumented(operation: Operation, query: list[tuple[str, str]], body: bytes) -> str | None:
    """What openapi-core accepts and a strict service refuses."""
    names = [name for name, _unused in query]
    for name, value in query:
        schema = operation.parameters.get(name)
        if schema is None:
            return f"{operation.id} takes no parameter {name!r}"
        if names.count(name) > 1:
            return f"parameter {name!r} is given more than once"
        if schema.get("type") == "integer" and not INTEGER.fullmatch(value):
            return f"parameter {name!r} is not an integer: {value!r}"
    if body and not operation.takes_body and operation.id not in TOLERATES_BODY:
        return f"{operation.id} takes no body"
    return None
