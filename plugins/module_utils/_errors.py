# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""
The failures of this collection: one exception class for each code, one shape for every module, plugin and role.

A new code is a new class here and a row in C(docs/guides/troubleshooting.md). A test compares the two.
"""

from __future__ import annotations

import dataclasses
import typing as t

from . import _timestamps


@dataclasses.dataclass(frozen=True)
class Failure:
    """One failure, as modules return it under C(failure)."""

    code: str
    """One of C(FAILURE_CODES), never a code of the API."""
    message: str
    """What is wrong, and what to do next. Never contains a secret."""
    operation: str | None = None
    """V(list), V(create), V(get) or V(delete) if a request failed."""
    http_status: int | None = None
    trace_id: str | None = None
    """The value of C(X-Soda-Trace-Id), which Soda's support needs."""
    retryable: bool = False
    """Whether the same task may succeed later without any other change."""
    api_code: str | None = None
    """The C(code) in the answer of the API, if it has one."""
    occurred_at: str = dataclasses.field(default_factory=_timestamps.now_as_text, compare=False)
    """ISO 8601, UTC."""

    def as_result(self) -> dict[str, t.Any]:
        return dataclasses.asdict(self)

    def as_failed_task(self) -> dict[str, t.Any]:
        """The result of a task that failed."""
        return {"failed": True, "msg": self.message, "failure": self.as_result()}


class SodaError(Exception):
    """Base of all failures that this collection reports."""

    code: t.ClassVar[str] = ""
    retryable: t.ClassVar[bool] = False
    """Whether failures of this class are retryable. One failure can override it."""

    def __init_subclass__(cls, code: str = "", retryable: bool = False) -> None:
        if code:  # A class without a code has the one of its base.
            cls.code = code
            cls.retryable = retryable

    def __init__(
        self,
        message: str,
        *,
        operation: str | None = None,
        http_status: int | None = None,
        trace_id: str | None = None,
        api_code: str | None = None,
        retryable: bool | None = None,
        in_doubt: bool = False,
    ) -> None:
        super().__init__(message)
        self.failure = Failure(
            code=self.code,
            message=message,
            operation=operation,
            http_status=http_status,
            trace_id=trace_id,
            api_code=api_code,
            retryable=self.retryable if retryable is None else retryable,
        )
        self.in_doubt = in_doubt
        """Whether the failed request may have done its work."""


# Options


class OptionError(SodaError):
    """The options are wrong. Nothing was sent and nothing was changed."""


class InvalidArguments(OptionError, code="invalid_arguments"): ...


class InvalidName(OptionError, code="invalid_name"): ...


class InvalidId(OptionError, code="invalid_id"): ...


class InvalidEndpoint(OptionError, code="invalid_endpoint"): ...


class InsecureEndpoint(OptionError, code="insecure_endpoint"): ...


class MissingCredentials(OptionError, code="missing_credentials"): ...


class MissingLibrary(OptionError, code="missing_library"): ...


class CaPathUnusable(OptionError, code="ca_path_unusable"): ...


class ShadowedVariable(OptionError, code="shadowed_variable"):
    """A fact of the host has the name of a variable."""


class DuplicateDeclaration(OptionError, code="duplicate_declaration"):
    """Two hosts declare one runner."""


class InvalidTarget(OptionError, code="invalid_target"):
    """A failure of the playbook community.soda.decommission."""


class ReportUnusable(OptionError, code="report_unusable"):
    """The report of an audit is not evidence for a deletion."""


class ConfigFormatUnknown(OptionError, code="config_format_unknown"): ...


class ConfigNotExpressible(OptionError, code="config_not_expressible"): ...


class ConfigPathTwice(OptionError, code="config_path_twice"): ...


class ConfigValuesInvalid(OptionError, code="config_values_invalid"): ...


# Requests


class RequestError(SodaError):
    """A request to Soda Cloud failed."""


class Unreachable(RequestError, code="unreachable", retryable=True): ...


class NoAnswer(RequestError, code="no_answer", retryable=True): ...


class TlsFailed(RequestError, code="tls_failed"): ...


class NotSodaCloud(RequestError, code="not_soda_cloud"): ...


class ServerError(RequestError, code="server_error", retryable=True): ...


class RateLimited(RequestError, code="rate_limited", retryable=True): ...


class Unauthorized(RequestError, code="unauthorized"): ...


class Forbidden(RequestError, code="forbidden"): ...


class BadRequest(RequestError, code="bad_request"): ...


class NotFound(RequestError, code="not_found"): ...


class Refused(RequestError, code="refused"): ...


class RunnerInUse(RequestError, code="runner_in_use"): ...


class ListingInconsistent(RequestError, code="listing_inconsistent", retryable=True): ...


class ListingContradictory(RequestError, code="listing_contradictory"): ...


class ListingTooLarge(RequestError, code="listing_too_large"): ...


class WaitTimeout(RequestError, code="wait_timeout", retryable=True): ...


# Runners


class RunnerConflict(SodaError):
    """What the task declares does not fit what Soda Cloud lists."""


class DuplicateName(RunnerConflict, code="duplicate_name"): ...


class NameAndIdDiffer(RunnerConflict, code="name_and_id_differ"): ...


class NameTaken(RunnerConflict, code="name_taken"): ...


class RunnerNotFound(RunnerConflict, code="runner_not_found"): ...


class NotDeletable(RunnerConflict, code="not_deletable"): ...


class RunnerOnline(RunnerConflict, code="runner_online"): ...


class DeletionStopped(RunnerConflict, code="deletion_stopped"):
    """A deletion before this one failed."""


# Runner keys


class KeyAtRisk(SodaError):
    """A key was issued, or may have been, and is not where it belongs."""


class CreateOutcomeUnknown(KeyAtRisk, code="create_outcome_unknown"):
    def __init__(self, message: str, **details: t.Any) -> None:
        super().__init__(message, **{**details, "in_doubt": True})


class KeyKeptElsewhere(KeyAtRisk, code="key_kept_elsewhere"): ...


class KeyOrphaned(KeyAtRisk, code="key_orphaned"): ...


class KeyInEscrow(KeyAtRisk, code="key_in_escrow"): ...


class StoreError(SodaError):
    """A key store that is reached from the controller cannot be used. No key was requested."""


class MissingCollection(StoreError, code="missing_collection"): ...


class StoreUnreachable(StoreError, code="store_unreachable", retryable=True): ...


class StoreLoginFailed(StoreError, code="store_login_failed"): ...


class StoreDenied(StoreError, code="store_denied"): ...


class StoreSealed(StoreError, code="store_sealed", retryable=True): ...


class StoreQuotaExceeded(StoreError, code="store_quota_exceeded", retryable=True): ...


class StoreNotFound(StoreError, code="store_not_found"): ...


class StoreWrongType(StoreError, code="store_wrong_type"): ...


class StoreOfAnotherRunner(StoreError, code="store_of_another_runner"): ...


class StoreEdited(StoreError, code="store_edited"): ...


class StoreBusy(StoreError, code="store_busy", retryable=True): ...


class StoreChanged(StoreError, code="store_changed", retryable=True): ...


class StoreFailed(StoreError, code="store_failed"): ...


class KeyDeleted(StoreError, code="key_deleted"): ...


class ReleaseFailed(SodaError, code="release_failed"):
    """Helm could not install, read or uninstall the release of a runner."""


class KeyFileError(SodaError):
    """The key file cannot be used."""


class KeyPathUnusable(KeyFileError, code="key_path_unusable"): ...


class KeyPathBusy(KeyFileError, code="key_path_busy", retryable=True): ...


class KeyFileChanged(KeyFileError, code="key_file_changed", retryable=True): ...


class KeyFileNotOurs(KeyFileError, code="key_file_not_ours"): ...


class KeyFileOfAnotherRunner(KeyFileError, code="key_file_of_another_runner"): ...


class KeyVersionTooLow(KeyFileError, code="key_version_too_low"): ...


class KeyMissing(KeyFileError, code="key_missing"): ...


class FileAttributesNotSet(KeyFileError, code="file_attributes_not_set"): ...


# Other files, and hosts


class ConfigPathUnusable(SodaError, code="config_path_unusable"): ...


class ImportFailed(SodaError, code="import_failed"):
    """No key could be adopted from a configuration file on the host."""


class PythonTooOld(SodaError, code="python_too_old"):
    """The Python interpreter of a host is too old for the collection."""


class AuditPathUnusable(SodaError, code="audit_path_unusable"): ...


class AuditIncomplete(SodaError, code="audit_incomplete"): ...


class StatePathUnusable(SodaError, code="state_path_unusable"):
    """A failure of the event source."""


class UntrustedFile(SodaError, code="untrusted_file"):
    """Another user could have written the file, or have put it there."""


class ModuleFailed(SodaError, code="module_failed"):
    """A module of ours failed on a host in a way that it did not report itself."""


def _classes(base: type[SodaError]) -> t.Iterator[type[SodaError]]:
    for subclass in base.__subclasses__():
        yield subclass
        yield from _classes(subclass)


FAILURE_CODES = frozenset(cls.code for cls in _classes(SodaError) if cls.code)
"""The closed set of codes that C(failure.code) can have."""
