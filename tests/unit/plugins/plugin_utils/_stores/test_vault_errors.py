# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each failure of community.hashi_vault becomes one failure code with advice."""

from __future__ import annotations

import pytest

from ansible_collections.community.soda.plugins.module_utils import _errors
from ansible_collections.community.soda.plugins.plugin_utils._stores.document import Conflict
from ansible_collections.community.soda.plugins.plugin_utils._stores.vault_errors import is_missing, translate


def exception(name: str, text: str = "", cause: Exception | None = None) -> Exception:
    """An exception of hvac, requests or community.hashi_vault, which are not installed here."""
    raised: Exception = type(name, (Exception,), {})(text)
    raised.__cause__ = cause
    return raised


@pytest.mark.parametrize(
    ("raised", "error", "mentions"),
    [
        (exception("RateLimitExceeded"), _errors.StoreQuotaExceeded, "quota"),
        (exception("InvalidRequest", "lease count quota exceeded"), _errors.StoreQuotaExceeded, "quota"),
        (
            exception("AnsibleError", "Failed to import the required Python library (hvac)"),
            _errors.MissingLibrary,
            "hvac",
        ),
        (exception("AnsibleError", "Please pip install hvac"), _errors.MissingLibrary, "hvac"),
        (exception("MissingSchema", "Invalid URL"), _errors.StoreLoginFailed, "not a URL"),
        (exception("InvalidURL"), _errors.StoreLoginFailed, "not a URL"),
        (exception("VaultDown"), _errors.StoreSealed, "Unseal"),
        (exception("VaultError", "Vault is sealed"), _errors.StoreSealed, "Unseal"),
        (exception("ConnectionError", "refused\nat once."), _errors.StoreUnreachable, "it failed: refused. Check"),
        (exception("SSLError"), _errors.StoreUnreachable, "it failed: SSLError. Check"),
        (exception("InternalServerError"), _errors.StoreUnreachable, "VAULT_ADDR"),
        (exception("Unauthorized"), _errors.StoreLoginFailed, "does not accept the token"),
        (exception("AnsibleError", "permission denied: invalid token"), _errors.StoreLoginFailed, "does not accept"),
        (exception("Forbidden"), _errors.StoreDenied, "denied access to kv/data/one"),
        (exception("AnsibleError", "Forbidden: Permission Denied to path"), _errors.StoreDenied, "denied access"),
        (exception("InvalidPath"), _errors.StoreNotFound, "no KV secrets engine at kv "),
        (exception("UnsupportedOperation"), _errors.StoreNotFound, "no KV secrets engine at kv "),
        (exception("AnsibleError", "it doesn't seem to exist"), _errors.StoreNotFound, "no KV secrets engine"),
        (
            exception("HashiVaultValueError", "role_id is required."),
            _errors.StoreLoginFailed,
            "Vault: role_id is required. ",
        ),
        (
            exception("AnsibleError", "No Vault Token specified or discovered."),
            _errors.StoreLoginFailed,
            "No Vault Token",
        ),
        (exception("ValueError", "x" * 400), _errors.StoreFailed, f"at kv/data/one: {'x' * 300}."),
    ],
    ids=lambda value: getattr(value, "code", ""),
)
def test_a_failure_has_a_code_and_advice(raised: Exception, error: type[_errors.SodaError], mentions: str) -> None:
    translated = translate(raised, "kv", "kv/data/one")
    assert isinstance(translated, error)
    assert mentions in str(translated)


def test_a_denied_request_for_the_mount_itself_means_that_there_may_be_no_mount() -> None:
    translated = translate(exception("Forbidden"), "kv", "sys/internal/ui/mounts/kv", missing_mount=True)
    assert isinstance(translated, _errors.StoreNotFound)
    assert "no secrets engine at kv " in str(translated)


def test_a_failed_check_and_set_is_a_conflict() -> None:
    raised = exception("InvalidRequest", "check-and-set parameter did not match the current version")
    assert isinstance(translate(raised, "kv", "kv/data/one"), Conflict)


def test_the_cause_of_an_exception_decides_too() -> None:
    cause = exception("Forbidden")
    cause.__context__ = raised = exception("AnsibleError", "the lookup failed", cause)
    assert isinstance(translate(raised, "kv", "kv/data/one"), _errors.StoreDenied)


@pytest.mark.parametrize(
    ("raised", "missing"),
    [
        (exception("AnsibleError", "The path doesn't seem to exist."), True),
        (exception("InvalidPath"), True),
        (exception("Forbidden"), False),
    ],
)
def test_a_read_distinguishes_nothing_there_from_a_failure(raised: Exception, missing: bool) -> None:
    assert is_missing(raised) is missing
