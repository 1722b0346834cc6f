# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the configuration file of a runner as strictly as the strictest of its real readers.

Each format is a function from the file's text to ``Found``; all say precisely what is wrong, and never show a secret.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

REGIONS = ("eu", "us")
LOG_LEVELS = ("ERROR", "WARN", "INFO", "DEBUG", "TRACE")
LOG_FORMATS = ("raw", "json")
DOTENV_LINE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)")
DOTENV_VALUES = (re.compile(r"'([^']*)'"), re.compile(r'"([^"\\$`]*)"'), re.compile(r"([^\s'\"\\$`#]*)"))
ENVIRONMENT = re.compile(r"\$\{\s*env\.([^}\s]+)\s*\}")
SECRET_FORMAT = re.compile(r"[A-Za-z0-9_-]+")


class WrongConfiguration(Exception):
    """The configuration is wrong or incomplete, and how."""


@dataclass(frozen=True)
class Found:
    """The fields of one file. A field is None if the format or the file does not contain it."""

    api_key_id: str
    api_key_secret: str
    endpoint: str | None = None
    region: str | None = None
    name: str | None = None
    id: str | None = None


class _StrictLoader(yaml.SafeLoader):
    """PyYAML's safe loader, but a key given twice is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key_node, _unused in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise WrongConfiguration(f"{key!r} is given twice (line {key_node.start_mark.line + 1})")
            seen.add(key)
        return super().construct_mapping(node, deep)


def helm_values(text: str, section: str, secret_text: str | None) -> Found:
    """Helm values. The name and the id are below ``soda.<section>``."""
    root = _mapping(_yaml(text), "the file")
    soda = _mapping(root.get("soda"), "soda")
    runner = _mapping(soda.get(section), f"soda.{section}")
    cloud = _mapping(soda.get("cloud"), "soda.cloud")
    endpoint, region = _optional(cloud, "endpoint", "soda.cloud"), _optional(cloud, "region", "soda.cloud")
    if (endpoint is None) == (region is None):
        raise WrongConfiguration("soda.cloud needs either endpoint or region")
    _one_of(region, REGIONS, "soda.cloud.region")
    _one_of(_optional(runner, "loglevel", f"soda.{section}"), LOG_LEVELS, f"soda.{section}.loglevel")
    _one_of(_optional(runner, "logFormat", f"soda.{section}"), LOG_FORMATS, f"soda.{section}.logFormat")
    key_id, key_secret = _helm_key(_mapping(soda.get("apikey"), "soda.apikey"), secret_text)
    return Found(
        key_id,
        key_secret,
        endpoint,
        region,
        _required(runner, "name", f"soda.{section}"),
        _optional(runner, "id", f"soda.{section}"),
    )


def kubernetes_secret(text: str, section: str, secret_text: str | None) -> Found:
    """A Kubernetes Secret with the keys that the chart's own has."""
    data = _secret_data(text)
    return Found(
        _required(data, "SODA_API_KEY_ID", "the Secret"),
        _required(data, "SODA_API_KEY_SECRET", "the Secret"),
        id=_optional(data, "SODA_AGENT_ID", "the Secret"),
    )


def dotenv(text: str, section: str, secret_text: str | None) -> Found:
    """Lines NAME=value. Accepts only lines that shells, systemd, Docker and dotenv libraries read in the same way."""
    values: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        match = DOTENV_LINE.fullmatch(line)
        if match is None:
            raise WrongConfiguration(f"line {number} is not NAME=value")
        name, raw = match.groups()
        if name in values:
            raise WrongConfiguration(f"{name} is given twice (line {number})")
        values[name] = _dotenv_value(raw, name, number)
    return Found(
        _required(values, "SODA_API_KEY_ID", "the file"),
        _required(values, "SODA_API_KEY_SECRET", "the file"),
        id=_optional(values, "SODA_AGENT_ID", "the file"),
    )


def soda_core(text: str, section: str, secret_text: str | None) -> Found:
    """The soda_cloud file of soda-core."""
    cloud = _mapping(_mapping(_yaml(text), "the file").get("soda_cloud"), "soda_cloud")
    for key in cloud:
        _optional(cloud, str(key), "soda_cloud")
    values = {str(key): ENVIRONMENT.sub(_from_environment, value) for key, value in cloud.items() if value is not None}
    host = _required(values, "host", "soda_cloud")
    scheme = _optional(values, "scheme", "soda_cloud") or "https"
    port = _optional(values, "port", "soda_cloud")
    _one_of(scheme, ("http", "https"), "soda_cloud.scheme")
    if not re.fullmatch(r"[^/\s@]+", host):
        raise WrongConfiguration("soda_cloud.host is not a host name")
    if port is not None and not re.fullmatch(r"[0-9]{1,5}", port):
        raise WrongConfiguration("soda_cloud.port is not a port number")
    return Found(
        _required(values, "api_key_id", "soda_cloud"),
        _required(values, "api_key_secret", "soda_cloud"),
        endpoint=f"{scheme}://{host}" + (f":{port}" if port else ""),
    )


Reader = Callable[[str, str, "str | None"], Found]
FORMATS: Mapping[str, Reader] = {
    "helm_values": helm_values,
    "kubernetes_secret": kubernetes_secret,
    "dotenv": dotenv,
    "soda_core": soda_core,
}


def read(text: str, format: str, section: str = "agent", secret_text: str | None = None) -> Found:
    """The content of a configuration file. Raises WrongConfiguration."""
    found = FORMATS[format](text, section, secret_text)
    if not SECRET_FORMAT.fullmatch(found.api_key_secret):
        raise WrongConfiguration("the API key secret has characters that no secret has")
    return found


def _helm_key(apikey: Mapping[str, Any], secret_text: str | None) -> tuple[str, str]:
    """The runner key, from the values themselves or from the Kubernetes Secret that they name."""
    existing = _optional(apikey, "existingSecret", "soda.apikey")
    if existing is None:
        return _required(apikey, "id", "soda.apikey"), _required(apikey, "secret", "soda.apikey")
    if apikey.get("id") or apikey.get("secret"):
        raise WrongConfiguration("soda.apikey has both a key and existingSecret")
    keys = _mapping(apikey.get("secretKeys"), "soda.apikey.secretKeys")
    if secret_text is None:
        raise WrongConfiguration(f"soda.apikey names the Secret {existing!r}, but no --secret-file is given")
    data = _secret_data(secret_text, existing)
    return (
        _required(data, _required(keys, "idKey", "soda.apikey.secretKeys"), f"the Secret {existing!r}"),
        _required(data, _required(keys, "secretKey", "soda.apikey.secretKeys"), f"the Secret {existing!r}"),
    )


def _secret_data(text: str, name: str | None = None) -> dict[str, str]:
    """The data of a Kubernetes Secret, decoded; ``stringData`` wins over ``data``, as in Kubernetes."""
    secret = _mapping(_yaml(text), "the file")
    if secret.get("apiVersion") != "v1" or secret.get("kind") != "Secret":
        raise WrongConfiguration("the file is not a Secret of apiVersion v1")
    found_name = _required(_mapping(secret.get("metadata"), "metadata"), "name", "metadata")
    if name is not None and found_name != name:
        raise WrongConfiguration(f"the Secret is named {found_name!r}, but {name!r} is wanted")
    data = {}
    for key, value in _mapping(secret.get("data") or {}, "data").items():
        try:
            data[str(key)] = base64.b64decode(str(value), validate=True).decode()
        except (binascii.Error, ValueError):
            raise WrongConfiguration(f"data.{key} is not base64 of a text") from None
    string_data = _mapping(secret.get("stringData") or {}, "stringData")
    for key in string_data:
        data[str(key)] = _required(string_data, str(key), "stringData")
    return data


def _yaml(text: str) -> Any:
    try:
        return yaml.load(text, _StrictLoader)
    except yaml.YAMLError as error:
        # Its message would show the line, which may contain the secret.
        mark = getattr(error, "problem_mark", None)
        raise WrongConfiguration("not YAML" + (f" (line {mark.line + 1})" if mark else "")) from None


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if value is None:
        raise WrongConfiguration(f"{what} is missing")
    if not isinstance(value, dict):
        raise WrongConfiguration(f"{what} is not a mapping")
    return value


def _optional(mapping: Mapping[str, Any], key: str, where: str) -> str | None:
    value = mapping.get(key)
    if value is None or isinstance(value, str):
        return value
    raise WrongConfiguration(f"{key} in {where} is not a string but {type(value).__name__}; quote it")


def _required(mapping: Mapping[str, Any], key: str, where: str) -> str:
    value = _optional(mapping, key, where)
    if not value:
        raise WrongConfiguration(f"{key} is missing in {where}, or empty")
    return value


def _one_of(value: str | None, allowed: tuple[str, ...], what: str) -> None:
    if value is not None and value not in allowed:
        raise WrongConfiguration(f"{what} is not one of {', '.join(allowed)}")


def _dotenv_value(raw: str, name: str, number: int) -> str:
    for pattern in DOTENV_VALUES:
        if match := pattern.fullmatch(raw):
            return match[1]
    raise WrongConfiguration(f"the value of {name} (line {number}) is not read alike everywhere; quote it")


def _from_environment(match: re.Match[str]) -> str:
    name = match[1]
    if name not in os.environ:
        raise WrongConfiguration(f"the environment variable {name} is not set")
    return os.environ[name]
