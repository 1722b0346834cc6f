# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each failure of kubernetes.core becomes one failure code with advice."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.community.soda.plugins.module_utils import _errors
from ansible_collections.community.soda.plugins.plugin_utils._stores.document import Conflict
from ansible_collections.community.soda.plugins.plugin_utils._stores.kubernetes_errors import (
    translate,
    translate_exception,
)

DENIED = 'HTTP response body: {"kind":"Status","message":"secrets is \\"forbidden\\" here","reason":"Forbidden"}'


@pytest.mark.parametrize(
    ("result", "error", "mentions"),
    [
        (
            {"msg": "Failed to import the required Python library (kubernetes) on x"},
            _errors.MissingLibrary,
            "kubernetes is",
        ),
        ({"msg": "Failed to import the required Python library (PyYAML) on x"}, _errors.MissingLibrary, "PyYAML is"),
        ({"msg": "Requires the Kubernetes Python client"}, _errors.MissingLibrary, "library kubernetes is"),
        ({"msg": "exceeded quota: few"}, _errors.StoreQuotaExceeded, "namespace soda"),
        (
            {"msg": '{"message":"namespaces \\"soda\\" not found","reason":"NotFound"}'},
            _errors.StoreNotFound,
            "no namespace soda in",
        ),
        ({"msg": "x", "reason": "Unauthorized"}, _errors.StoreLoginFailed, "KUBECONFIG"),
        ({"msg": "Invalid kube-config file"}, _errors.StoreLoginFailed, "KUBECONFIG"),
        ({"exception": "Max retries exceeded with url"}, _errors.StoreUnreachable, "API server"),
        ({"module_stderr": "SSLError"}, _errors.StoreUnreachable, "API server"),
        ({"msg": DENIED}, _errors.StoreDenied, "secrets is 'forbidden' here. See the guide"),
        ({"msg": "x", "reason": "Forbidden"}, _errors.StoreDenied, "denied the request: x."),
        ({"msg": 'admission webhook "a" denied the request: no'}, _errors.StoreDenied, "denied the request: admission"),
        (
            {"msg": '{"message":"bad label.","reason":"Invalid"}'},
            _errors.StoreDenied,
            "refused the Secret: bad label. Check",
        ),
        ({"msg": "a\nb"}, _errors.StoreFailed, "kubernetes.core failed: a."),
        ({"msg": "x" * 500}, _errors.StoreFailed, f"failed: {'x' * 400}."),
        ({}, _errors.StoreFailed, "failed: no message."),
    ],
    ids=lambda value: getattr(value, "code", ""),
)
def test_a_failure_has_a_code_and_advice(
    result: dict[str, t.Any], error: type[_errors.SodaError], mentions: str
) -> None:
    translated = translate(result, "soda")
    assert isinstance(translated, error)
    assert mentions in str(translated)


@pytest.mark.parametrize(
    "result",
    [
        {"msg": "x", "reason": "Conflict"},
        {"msg": '{"reason":"Conflict"}'},
        {"msg": '{"reason":"AlreadyExists"}'},
        {"msg": "metadata.uid: Invalid value: field is immutable"},
    ],
)
def test_a_secret_that_changed_meanwhile_is_a_conflict(result: dict[str, t.Any]) -> None:
    assert isinstance(translate(result, "soda"), Conflict)


def test_an_exception_of_the_library_is_translated_by_its_reason_and_body() -> None:
    raised = Exception("(403)")
    raised.reason, raised.body = "Forbidden", '{"message":"no get"}'  # type: ignore[attr-defined]
    translated = translate_exception(raised, "soda")
    assert isinstance(translated, _errors.StoreDenied)
    assert "denied the request: no get." in str(translated)
    assert isinstance(translate_exception(Exception("odd"), "soda"), _errors.StoreFailed)
