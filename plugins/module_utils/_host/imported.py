# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Finds the runner key in a configuration file that exists on the host, to adopt it. It never leaves the host."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import os
import re
import sys
import typing as t
from urllib.parse import urlsplit

from .._endpoint import normalise_endpoint
from .._errors import ImportFailed, SodaError
from .._key.atomic_write import TargetFile
from .._key.stored_key import ID_VARIABLE, RUNNER_ID_VARIABLE, SECRET_VARIABLE, IssuedKey

try:
    import yaml
except ImportError:
    yaml = None  # type: ignore[assignment]

LARGEST = 256 * 1024
DEEPEST = 30
MOST_DOCUMENTS = 50
LONGEST_VALUE = 4096

# A comment can follow a value, as for python-dotenv and docker compose. Without quotes, it starts after a space.
_ASSIGNMENT = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")
_VALUE = re.compile(
    r"(?:'([^']*)'|\"([^\"\\$`]*)\")\s*(?:#.*)?"
    r"|((?:[^\s'\"\\$`#][^\s'\"\\$`]*)?)(?:\s+#.*)?"
)


@dataclasses.dataclass(frozen=True)
class Found:
    """The fields of a runner in a configuration file."""

    key: IssuedKey
    runner_id: str | None = None
    runner_name: str | None = None
    endpoint: str | None = None


def import_key(path: str, name: str, endpoint: str, section: str) -> Found:
    """
    The key in the file at C(path).

    Raises V(import_failed) if there is no file, or no key in it, or if the file is of another runner.
    """
    try:
        content = TargetFile(os.path.realpath(path), ImportFailed).read(LARGEST)
    except SodaError as exc:
        raise ImportFailed(exc.failure.message) from exc
    if content is None:
        raise _failed(path, "the file does not exist")
    try:
        # Editors of Windows begin a file with a byte order mark.
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _failed(path, "it is not text in UTF-8") from None
    values = _dotenv(text)
    unreadable = next((name for name in (ID_VARIABLE, SECRET_VARIABLE) if values.get(name, "") is None), None)
    try:
        found = _from_fields(values) or _in_yaml(path, text, section)
    except SodaError:
        if unreadable is None:
            raise
        found = None
    if found is None and unreadable is not None:
        raise _failed(path, f"{unreadable} has a value that cannot be read, with a variable, an escape or a quote")
    if found is None:
        raise _failed(path, "it contains no runner key")
    for value in (found.key.api_key_id, found.key.api_key_secret):
        if "${" in value:
            raise _failed(path, "its key refers to an environment variable")
        if not value or len(value) > LONGEST_VALUE or not value.isprintable():
            raise _failed(path, "its key is empty, too long, or has control characters")
    if found.runner_name not in (None, name):
        raise _failed(
            path,
            f"it is the configuration of the runner {found.runner_name!r}, not of {name!r}",
            "Set the name in the file as the name of the runner, or correct import_from.",
        )
    if found.endpoint is not None and not _is_same_endpoint(found.endpoint, endpoint):
        raise _failed(path, f"it is for another endpoint than {endpoint}")
    return found


def _dotenv(text: str) -> dict[str, str | None]:
    """The variables that a text sets. None stands for a value that is not plain text."""
    values: dict[str, str | None] = {}
    for line in text.splitlines():
        if assignment := _ASSIGNMENT.fullmatch(line.strip()):
            value = _VALUE.fullmatch(assignment[2])
            values[assignment[1]] = value and next(group for group in value.groups() if group is not None)
    return values


def _in_yaml(path: str, text: str, section: str) -> Found | None:
    for document in _documents(path, text):
        found = _from_helm_values(document, section) or _from_secret(document) or _from_soda_core(document)
        if found is not None:
            return found
    return None


def _from_helm_values(document: t.Any, section: str) -> Found | None:
    soda = _mapping(document, "soda")
    key_id, secret = _text(_mapping(soda, "apikey"), "id"), _text(_mapping(soda, "apikey"), "secret")
    if key_id is None or secret is None:
        return None
    runner = _mapping(soda, section)
    endpoint = _text(_mapping(soda, "cloud"), "endpoint")
    return Found(IssuedKey(key_id, secret), _text(runner, "id"), _text(runner, "name"), endpoint)


def _from_secret(document: t.Any) -> Found | None:
    if not isinstance(document, dict) or document.get("kind") != "Secret":
        return None
    fields: dict[str, str] = {}
    for field in (ID_VARIABLE, SECRET_VARIABLE, RUNNER_ID_VARIABLE):
        encoded, plain = _text(_mapping(document, "data"), field), _text(_mapping(document, "stringData"), field)
        if plain is not None:
            fields[field] = plain
        elif encoded is not None:
            try:
                fields[field] = base64.b64decode(encoded, validate=True).decode("utf-8")
            except (binascii.Error, ValueError):
                return None
    return _from_fields(fields)


def _from_soda_core(document: t.Any) -> Found | None:
    cloud = _mapping(document, "soda_cloud")
    key_id, secret = _text(cloud, "api_key_id"), _text(cloud, "api_key_secret")
    if key_id is None or secret is None:
        return None
    host, port, scheme = _text(cloud, "host"), _text(cloud, "port"), _text(cloud, "scheme") or "https"
    endpoint = None
    if host is not None and "${" not in f"{host}{port}{scheme}":
        endpoint = f"{scheme}://{host}" + (f":{port}" if port and not urlsplit(f"//{host}").port else "")
    return Found(IssuedKey(key_id, secret), endpoint=endpoint)


def _from_fields(fields: t.Mapping[str, str | None]) -> Found | None:
    key_id, secret = fields.get(ID_VARIABLE), fields.get(SECRET_VARIABLE)
    if key_id is None or secret is None:
        return None
    return Found(IssuedKey(key_id, secret), fields.get(RUNNER_ID_VARIABLE) or None)


def _mapping(data: t.Any, key: str) -> dict[str, t.Any]:
    value = data.get(key) if isinstance(data, dict) else None
    return value if isinstance(value, dict) else {}


def _text(data: dict[str, t.Any], key: str) -> str | None:
    value = data.get(key)
    return value if isinstance(value, str) and value and len(value) <= LONGEST_VALUE else None


def _is_same_endpoint(found: str, endpoint: str) -> bool:
    try:
        return normalise_endpoint(found) == endpoint
    except SodaError:
        return False


def _failed(
    path: str, reason: str, advice: str = "Correct import_from, or give the key with existing_key."
) -> SodaError:
    return ImportFailed(f"No key was imported from {path}: {reason}. {advice}")


def _documents(path: str, text: str) -> list[t.Any]:
    """The YAML documents in a text that somebody else wrote. All scalars are text."""
    if yaml is None:
        raise _failed(
            path,
            f"it is not a dotenv file, and {sys.executable} has no PyYAML, which is needed for the other formats",
        )
    documents = []
    loader = _loader()(text)
    try:
        while loader.check_data():
            documents.append(loader.get_data())
            if len(documents) > MOST_DOCUMENTS:
                raise _failed(path, f"it has more than {MOST_DOCUMENTS} documents")
    except (yaml.YAMLError, ValueError, TypeError, RecursionError):
        # The message of the parser would show the line.
        raise _failed(path, "it is neither a dotenv file nor YAML without aliases") from None
    finally:
        loader.dispose()
    return documents


def _loader() -> t.Any:
    class Loader(yaml.BaseLoader):
        """Without aliases, which can make a small file very large, and of limited depth."""

        depth = 0

        def compose_node(self, parent: t.Any, index: t.Any) -> t.Any:
            if self.check_event(yaml.AliasEvent) or self.depth > DEEPEST:
                raise yaml.YAMLError("not accepted")
            self.depth += 1
            try:
                return super().compose_node(parent, index)
            finally:
                self.depth -= 1

    return Loader
