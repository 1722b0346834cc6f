# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""
The diff of a configuration file, without anything that may be secret. No I/O and no Ansible.

Deny by default: a line shows its key, and its value only if that is a boolean, a number, or a setting of which the
place and the form are known to be harmless. Each line is masked on its own, so nothing on the host is parsed as YAML.
"""

from __future__ import annotations

import difflib
import re
import typing as t

from .._key.stored_key import ISSUED_AT_RUN_TIME

MASK = "********"
CHANGED = f"{MASK} (changed)"
LONGEST_TEXT = 64 * 1024
MOST_LINES = 1000

_FIELD = re.compile(
    r"""(?P<lead>[ ]*(?:-[ ]+)*)(?P<key>"[A-Za-z0-9_./-]{1,100}"|[A-Za-z_.][A-Za-z0-9_./-]{0,99}):"""
    r"""(?:[ ]+(?P<value>\S.*))?"""
)
_ITEM = re.compile(r"(?P<lead>[ ]*(?:-[ ]+)+)(?P<value>\S.*)")
_VARIABLE = re.compile(r"(?P<key>[A-Za-z_][A-Za-z0-9_]{0,99})=(?P<value>.*)")
_NUMBER = re.compile(r"[-+]?[0-9]{1,20}(?:\.[0-9]{1,20})?")
_SCALAR = re.compile(rf"true|false|null|~|\{{\}}|\[\]|{_NUMBER.pattern}", re.IGNORECASE)
# A number can be a password too.
_SECRET_FIELD = re.compile(r"pass|pwd|secret|token|cred|private|\bpin\b", re.IGNORECASE)

_ID = r"[A-Za-z0-9-]{1,40}|" + re.escape(ISSUED_AT_RUN_TIME)
_NAME = r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?"
_PRINTABLE = r".{1,300}"
_VERSION = r"[0-9]{1,10}"

_HARMLESS: t.Mapping[str, str] = {
    # Helm values. {section} is usually "agent".
    "soda.apikey.id": _ID,
    "soda.apikey.existingSecret": _NAME,
    "soda.apikey.secretKeys.idKey": "SODA_API_KEY_ID",
    "soda.apikey.secretKeys.secretKey": "SODA_API_KEY_SECRET",
    "soda.{section}.name": _PRINTABLE,
    "soda.{section}.id": _ID,
    "soda.{section}.loglevel": "ERROR|WARN|INFO|DEBUG|TRACE",
    "soda.{section}.logFormat": "raw|json",
    "soda.cloud.endpoint": r"https?://[^\s/?#@]+(/[^\s?#@]*)?",
    "soda.cloud.region": "eu|us",
    "soda.env.SODA_RUNNER_KEY_VERSION": _VERSION,
    "existingImagePullSecrets.-.name": _NAME,
    "image.pullPolicy": "Always|IfNotPresent|Never",
    # soda-core
    "soda_cloud.host": r"[A-Za-z0-9.:\[\]-]{1,253}",
    "soda_cloud.port": "[0-9]{1,5}",
    "soda_cloud.scheme": "https?",
    "soda_cloud.api_key_id": _ID,
    # Manifests
    "apiVersion": "v1|external-secrets.io/v1",
    "kind": "Secret|ExternalSecret",
    "type": "Opaque|kubernetes.io/dockerconfigjson",
    "metadata.name": _NAME,
    "metadata.namespace": _NAME,
    "stringData.SODA_API_KEY_ID": _ID,
    "spec.refreshInterval": "[0-9]{1,6}[smh]",
    "spec.secretStoreRef.kind": "SecretStore|ClusterSecretStore",
    "spec.secretStoreRef.name": _NAME,
    "spec.target.name": _NAME,
    "spec.target.creationPolicy": "Owner",
    "spec.target.template.type": "kubernetes.io/dockerconfigjson",
    # dotenv
    "SODA_API_KEY_ID": _ID,
    "SODA_AGENT_ID": _ID,
}
_RESOURCE = re.compile(r"(?:^|\.)resources\.(?:limits|requests)\.(?:cpu|memory)")
_QUANTITY = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,6})?(?:m|k|K|M|G|T|Ki|Mi|Gi|Ti)?")


def mask_diff(before: str | None, after: str | None, section: str) -> tuple[str, str]:
    """
    Both texts without secrets; V(None) is no file. A line of which only the masked part differs is marked.

    C(section) is the name of the section of the Helm values that contains the name of the runner.
    """
    raw = [_lines(text) for text in (before, after)]
    if any(lines is None for lines in raw):
        return tuple(_summary(text) for text in (before, after))  # type: ignore[return-value]
    old, new = (t.cast("list[str]", lines) for lines in raw)
    masked_old, masked_new = _mask_lines(old, section), _mask_lines(new, section)
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "replace":
            same = set(masked_old[i1:i2])
            for index in range(j1, j2):
                if masked_new[index] in same and MASK in masked_new[index]:
                    masked_new[index] = masked_new[index].replace(MASK, CHANGED)
    if masked_old == masked_new and old != new:
        masked_new.append("(the difference is not shown)")
    return _join(masked_old), _join(masked_new)


def _mask_lines(lines: t.Sequence[str], section: str) -> list[str]:
    masked = []
    # The keys that the line is below, each with its column.
    above: list[tuple[int, str]] = []
    # The column of a key with a value. Deeper lines that follow are part of that value.
    value_at: int | None = None
    for line in lines:
        indent = len(line) - len(line.lstrip(" "))
        if not line.strip():
            masked.append("")
            continue
        if value_at is not None and indent > value_at and line != "---":
            masked.append(" " * indent + MASK)
            continue
        value_at = None
        if variable := _VARIABLE.fullmatch(line):
            key, value = variable["key"], variable["value"]
            masked.append(f"{key}={value if _is_harmless(key, value, section) else MASK}")
        elif field := _FIELD.fullmatch(line):
            lead, value = field["lead"], field["value"]
            above = _path_to(above, lead, field["key"].strip('"'))
            masked.append(
                f"{lead}{field['key']}:" + ("" if value is None else f" {_mask_value(above, value, section)}")
            )
            value_at = None if value is None else len(lead)
        elif item := _ITEM.fullmatch(line):
            value = item["value"]
            masked.append(item["lead"] + (value if _SCALAR.fullmatch(value) else MASK))
            value_at = indent
        elif line == "---":
            above = []
            masked.append(line)
        else:
            masked.append(" " * indent + MASK)
            if line.startswith("---"):
                value_at = -1
    return masked


def _path_to(above: list[tuple[int, str]], lead: str, key: str) -> list[tuple[int, str]]:
    """The keys down to the one that begins after C(lead): spaces, and hyphens of list items."""
    above = [(column, name) for column, name in above if column < len(lead)]
    if "-" in lead:
        column = lead.index("-")
        above = [(at, name) for at, name in above if at < column or (at == column and name != "-")] + [(column, "-")]
    return [*above, (len(lead), key)]


def _mask_value(above: t.Sequence[tuple[int, str]], value: str, section: str) -> str:
    if _NUMBER.fullmatch(value):
        return MASK if _SECRET_FIELD.search(above[-1][1]) else value
    if _SCALAR.fullmatch(value):
        return value
    quoted = re.fullmatch(r'"([^"\\]*)"', value)
    path = ".".join(name for _column, name in above)
    return value if _is_harmless(path, quoted[1] if quoted else value, section) else MASK


def _is_harmless(path: str, value: str, section: str) -> bool:
    if not value.isprintable():
        return False
    if _RESOURCE.search(path) and _QUANTITY.fullmatch(value):
        return True
    prefix = f"soda.{section}."
    if path.startswith(prefix) and "soda.{section}." + path[len(prefix) :] in _HARMLESS:
        path = "soda.{section}." + path[len(prefix) :]
    return path in _HARMLESS and re.fullmatch(_HARMLESS[path], value) is not None


def _lines(text: str | None) -> list[str] | None:
    """The lines of a text, or None if there are too many to compare."""
    if text is None:
        return []
    if len(text) > LONGEST_TEXT or text.count("\n") > MOST_LINES:
        return None
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def _summary(text: str | None) -> str:
    return "" if text is None else f"({len(text)} characters, too long to compare)\n"


def _join(lines: t.Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
