# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What failures of ``community.hashi_vault`` mean. It passes on exceptions of hvac and requests, or its own text."""

from __future__ import annotations

import typing as t

from ...module_utils._errors import (
    MissingLibrary,
    SodaError,
    StoreDenied,
    StoreFailed,
    StoreLoginFailed,
    StoreNotFound,
    StoreQuotaExceeded,
    StoreSealed,
    StoreUnreachable,
)
from .document import Conflict

_NO_LOGIN = ("No Vault Token specified", "Invalid Vault Token", "missing one or more of the following", "url")


def is_missing(exc: Exception) -> bool:
    """Whether there is nothing at the path that was read."""
    return "doesn't seem to exist" in str(exc) or "InvalidPath" in _names(exc)


def translate(exc: Exception, mount: str, path: str, missing_mount: bool = False) -> SodaError | Conflict:
    """The failure to report. Text of Vault is shown only if it is known to be harmless."""
    names, text = _names(exc), _text(exc)
    if "InvalidRequest" in names and "check-and-set" in text:
        return Conflict()
    if "RateLimitExceeded" in names or "quota" in text:
        return StoreQuotaExceeded("Vault refused the request because of a quota. Run the task again later.")
    if "hvac" in text and ("required Python library" in text or "pip install" in text):
        return MissingLibrary(
            "The Python library hvac is not installed on the controller. Install it for the Python of Ansible."
        )
    if names & {"MissingSchema", "InvalidURL", "InvalidSchema"}:
        return _no_login("the address is not a URL")
    if "VaultDown" in names or "sealed" in text:
        return StoreSealed("Vault is sealed or in maintenance. Unseal it and run the task again.")
    if names & {"ConnectionError", "Timeout", "ProxyError", "SSLError", "BadGateway", "InternalServerError"}:
        return StoreUnreachable(
            f"Vault could not be reached, or it failed: {_first_line(exc)}. Check VAULT_ADDR or the option url.",
        )
    if "Unauthorized" in names or "invalid token" in text:
        return _no_login("Vault does not accept the token")
    if "Forbidden" in names or "Permission Denied" in text:
        if missing_mount:
            return StoreNotFound(
                f"There is no secrets engine at {mount} in Vault, or the token has no access to it. Check mount,"
                " namespace and the policy of the token.",
            )
        return StoreDenied(
            f"Vault denied access to {path}. Check that the token is valid, and add the policy that the guide about"
            " Vault shows.",
        )
    if names & {"InvalidPath", "UnsupportedOperation"} or "doesn't seem to exist" in text:
        return StoreNotFound(
            f"There is no KV secrets engine at {mount} in Vault. Check the mount and the namespace.",
        )
    if "HashiVaultValueError" in names or any(sign in text for sign in _NO_LOGIN):
        return _no_login(_first_line(exc).rstrip("."))
    return StoreFailed(f"community.hashi_vault failed at {path}: {_first_line(exc)}.")


def _no_login(reason: str) -> SodaError:
    return StoreLoginFailed(
        f"No login to Vault: {reason}. Set VAULT_ADDR and VAULT_TOKEN in the environment of the controller, or the"
        " options of another authentication method in vault_options.",
    )


def _chain(exc: BaseException | None) -> t.Iterator[BaseException]:
    seen: set[int] = set()
    while exc is not None and id(exc) not in seen:
        seen.add(id(exc))
        yield exc
        exc = exc.__cause__ or exc.__context__


def _names(exc: BaseException) -> set[str]:
    return {base.__name__ for each in _chain(exc) for base in type(each).__mro__}


def _text(exc: BaseException) -> str:
    return " ".join(str(each) for each in _chain(exc))


def _first_line(exc: BaseException) -> str:
    lines = str(exc).strip().splitlines() or [type(exc).__name__]
    return lines[0][:300].rstrip(".")
