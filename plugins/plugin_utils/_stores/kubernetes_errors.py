# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What failures of ``kubernetes.core`` mean. Its modules report the answer of the API server as text."""

from __future__ import annotations

import re
import typing as t

from ...module_utils._errors import (
    MissingLibrary,
    SodaError,
    StoreDenied,
    StoreFailed,
    StoreLoginFailed,
    StoreNotFound,
    StoreQuotaExceeded,
    StoreUnreachable,
)
from .document import Conflict

_NO_LOGIN = ("Unauthorized", "No configuration found", "Invalid kube-config", "Failed to load kubeconfig", "(401)")
_NOT_REACHED = ("Max retries exceeded", "Connection refused", "Name or service not known", "timed out", "SSLError")


def translate_exception(exc: Exception, namespace: str) -> SodaError | Conflict:
    """The failure to report for an exception of the library."""
    text = f"{type(exc).__name__}: {exc} {getattr(exc, 'body', '') or ''}"
    return translate({"msg": text, "reason": getattr(exc, "reason", "") or ""}, namespace)


def translate(result: t.Mapping[str, t.Any], namespace: str) -> SodaError | Conflict:
    """The failure to report."""
    text = " ".join(str(result[field]) for field in ("msg", "module_stderr", "exception") if result.get(field))
    reason = str(result.get("reason", ""))
    message = _message(text)
    if "required Python library" in text or "Requires the Kubernetes Python client" in text:
        library = re.search(r"library \(([\w.-]+)", text)
        name = library[1] if library else "kubernetes"
        return MissingLibrary(
            f"The Python library {name} is not installed on the controller. Install it for the Python of Ansible.",
        )
    if reason == "Conflict" or '"reason":"Conflict"' in text or '"reason":"AlreadyExists"' in text:
        return Conflict()
    if "metadata.uid" in text:
        # Another client has created the Secret since it was read.
        return Conflict()
    if "exceeded quota" in text:
        return StoreQuotaExceeded(
            f"A quota of the namespace {namespace} does not allow another Secret. Raise it and run the task again.",
        )
    if '"reason":"NotFound"' in text and "namespaces" in message:
        return StoreNotFound(f"There is no namespace {namespace} in the cluster. Create it, or set another namespace.")
    if reason == "Unauthorized" or any(sign in text for sign in _NO_LOGIN):
        return StoreLoginFailed(
            "No login to Kubernetes. Set K8S_AUTH_KUBECONFIG or KUBECONFIG in the environment of the controller, or the"
            " options of a login in kubernetes_options.",
        )
    if any(sign in text for sign in _NOT_REACHED):
        return StoreUnreachable(
            "The API server of Kubernetes could not be reached. Check KUBECONFIG and the context.",
        )
    if reason == "Forbidden" or '"reason":"Forbidden"' in text or "denied the request" in text:
        return StoreDenied(f"Kubernetes denied the request: {message}. See the guide for the role it needs.")
    if '"reason":"Invalid"' in text:
        return StoreDenied(f"Kubernetes refused the Secret: {message}. Check labels and annotations.")
    return StoreFailed(f"kubernetes.core failed: {message}.")


def _message(text: str) -> str:
    """The sentence of the API server, without the rest of its answer."""
    match = re.search(r'"message":"((?:[^"\\]|\\.)*)"', text)
    lines = (match[1] if match else text).strip().splitlines() or ["no message"]
    return lines[0].replace('\\\\"', "'").replace('\\"', "'")[:400].rstrip(".")
