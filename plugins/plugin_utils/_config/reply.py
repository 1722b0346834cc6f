# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""
What a host returned, validated. No I/O and no Ansible.

A host is not trusted: it may return any shape, any size, and text that controls the terminal or is a template. Only the
fields below are read. No facts are, so a host cannot set variables.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ...module_utils._api.text import sanitize, sanitize_lines
from ...module_utils._errors import FAILURE_CODES, Failure, ModuleFailed, PythonTooOld

LONGEST_TEXT = 4096
LONGEST_DIFF = 256 * 1024
LONGEST_TRACEBACK = 16 * 1024
MOST_ITEMS = 1000

Json = t.Mapping[str, t.Any]

_OLD_PYTHON = re.compile(
    r"future feature annotations is not defined|requires a minimum of Python|'type' object is not subscriptable"
    r"|unsupported operand type\(s\) for \||python(2\.\d|3\.[0-8])/"
)


class Reply:
    """The fields of a result of C(soda_runner_files). A field of another type raises V(module_failed)."""

    def __init__(self, result: Json) -> None:
        self._result = result

    def flag(self, field: str) -> bool:
        value = self._result.get(field, False)
        if not isinstance(value, bool):
            raise _invalid(field)
        return value

    def text(self, field: str) -> str:
        value = self._result.get(field)
        if not isinstance(value, str):
            raise _invalid(field)
        return sanitize(value, LONGEST_TEXT)

    def sealed(self, field: str) -> str | None:
        """Base64 of a sealed file."""
        value = self._result.get(field)
        if value is not None and not (isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9+/=]{0,2000000}", value)):
            raise _invalid(field)
        return value

    def texts(self, field: str) -> list[str]:
        value = self._list(field)
        if not all(isinstance(item, str) for item in value):
            raise _invalid(field)
        return [sanitize(item, LONGEST_TEXT) for item in value]

    def flags(self, field: str, number: int) -> list[bool]:
        value = self._list(field)
        if len(value) != number or not all(isinstance(item, bool) for item in value):
            raise _invalid(field)
        return value

    def key(self) -> dict[str, t.Any] | None:
        """The runner key, never with its secret."""
        value = self._result.get("key")
        if value is None:
            return None
        types: dict[str, t.Any] = {"api_key_id": str, "path": (str, type(None)), "issued_at": str}
        if not isinstance(value, dict) or not all(isinstance(value.get(k), kind) for k, kind in types.items()):
            raise _invalid("key")
        version = value.get("key_version")
        if not isinstance(version, int) or isinstance(version, bool) or not 1 <= version < 2**31:
            raise _invalid("key")
        texts = {k: None if value[k] is None else sanitize(value[k], LONGEST_TEXT) for k in types}
        return {
            "api_key_id": texts["api_key_id"],
            "path": texts["path"],
            "key_version": version,
            "issued_at": texts["issued_at"],
        }

    def diff(self) -> list[dict[str, str]]:
        entries = []
        for entry in self._list("diff"):
            fields = ("path", "before", "after")
            if not isinstance(entry, dict) or not all(isinstance(entry.get(field), str) for field in fields):
                raise _invalid("diff")
            path = sanitize(entry["path"], LONGEST_TEXT)
            entries.append(
                {
                    "before_header": path,
                    "before": sanitize_lines(entry["before"], LONGEST_DIFF),
                    "after_header": path,
                    "after": sanitize_lines(entry["after"], LONGEST_DIFF),
                }
            )
        return entries

    def _list(self, field: str) -> list[t.Any]:
        value = self._result.get(field, [])
        if not isinstance(value, list) or len(value) > MOST_ITEMS:
            raise _invalid(field)
        return value


def failed_result(result: Json) -> dict[str, t.Any]:
    """The result of a task whose module failed on the host."""
    given = result.get("failure")
    texts = {field: result.get(field) for field in ("msg", "module_stderr", "module_stdout")}
    texts["exception"] = traceback_of(result)
    output = "\n".join(str(text)[:LONGEST_TRACEBACK] for text in texts.values() if text is not None)
    if isinstance(given, dict) and given.get("code") in FAILURE_CODES and isinstance(given.get("message"), str):
        failure = Failure(
            given["code"], sanitize(given["message"], LONGEST_TEXT), retryable=given.get("retryable") is True
        )
    elif _OLD_PYTHON.search(output):
        failure = PythonTooOld(
            "The Python interpreter of this host is too old. The collection needs Python 3.9 or newer. Install it, or"
            " set ansible_python_interpreter for this host.",
        ).failure
        return failure.as_failed_task()
    else:
        failure = ModuleFailed(sanitize(str(result.get("msg") or message_of(result)), LONGEST_TEXT)).failure
    failed = failure.as_failed_task()
    for field in ("exception", "module_stderr", "module_stdout"):
        if texts[field]:
            failed[field] = sanitize_lines(str(texts[field]), LONGEST_TRACEBACK)
    if isinstance(result.get("rc"), int):
        failed["rc"] = result["rc"]
    return failed


def message_of(result: Json) -> str:
    """The message of a module that ended with a traceback. Newer releases of ansible-core return no C(msg) then."""
    event = getattr(result.get("exception"), "event", None)
    return sanitize(str(getattr(event, "msg", None) or "The module failed on the host."), LONGEST_TEXT)


def traceback_of(result: Json) -> str:
    """The traceback of a module, if Ansible has it. Newer releases of ansible-core return an object with the text."""
    exception = result.get("exception")
    event = getattr(exception, "event", None)
    text = exception if event is None else getattr(event, "formatted_traceback", None)
    return sanitize_lines(str(text or ""), LONGEST_TRACEBACK)


def warnings_of(result: Json) -> list[t.Any]:
    """
    The warnings of a module, for the result of the action that has called it.

    Newer releases of ansible-core return objects. From 2.20 on, Ansible has them already, and the list can be the one
    to which each warning of the task is appended. Ansible shows equal objects once, so an object that needs no change
    is returned as it is.
    """
    given = result.get("warnings")
    return [_inert(warning) for warning in (given[:10] if isinstance(given, list) else ())]


def _inert(warning: t.Any) -> t.Any:
    event = getattr(warning, "event", None)
    if event is None:
        return sanitize(str(warning), LONGEST_TEXT)
    texts = [getattr(event, field.name) for field in dataclasses.fields(event)]
    if all(text is None or (isinstance(text, str) and sanitize_lines(text, LONGEST_TEXT) == text) for text in texts):
        return warning
    return sanitize(str(event.msg), LONGEST_TEXT)


def _invalid(field: str) -> Exception:
    return ModuleFailed(
        f"The host returned an invalid value for {field}. Check that the host is not compromised, and that its Python"
        " interpreter is the right one.",
    )
