# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The base class of every module, including those on the hosts. Each failure has a C(failure)."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ._errors import FileAttributesNotSet, InvalidArguments, SodaError


class SodaModule(AnsibleModule):  # type: ignore[misc]
    """An C(AnsibleModule) each of whose failures has a C(failure), also those about its arguments."""

    error: type[SodaError] = InvalidArguments
    """The class of the failures that C(AnsibleModule) reports itself."""

    def fail_json(self, msg: str, **kwargs: t.Any) -> t.NoReturn:
        text = str(msg)  # ansible-core 2.16 accepts nothing else.
        kwargs.setdefault("failure", self.error(text).failure.as_result())
        super().fail_json(text, **kwargs)
        raise AssertionError("fail_json returned")

    def _log_invocation(self) -> None:
        """Log the options to the system log, without those that have a secret suboption: Ansible would log it."""
        params: dict[str, t.Any] = self.params
        visible: dict[str, t.Any] = {
            option: "NOT_LOGGED" if _has_secret(self.argument_spec.get(option, {})) else value
            for option, value in params.items()
        }
        self.params: dict[str, t.Any] = visible
        try:
            super()._log_invocation()
        finally:
            self.params = params

    def fail(self, exc: SodaError, **kwargs: t.Any) -> t.NoReturn:
        self.fail_json(exc.failure.message, failure=exc.failure.as_result(), **kwargs)


def _has_secret(spec: t.Mapping[str, t.Any]) -> bool:
    suboptions: t.Mapping[str, t.Mapping[str, t.Any]] = spec.get("options") or {}
    return any(suboption.get("no_log") or _has_secret(suboption) for suboption in suboptions.values())


def run(module: SodaModule, work: t.Callable[[], dict[str, t.Any]]) -> t.NoReturn:
    """End the module with what C(work) returns, or with the failure that it raises."""
    # From here on, AnsibleModule itself only reports files and attributes.
    module.error = FileAttributesNotSet
    try:
        result = work()
    except SodaError as exc:
        module.fail(exc)
    for warning in result.pop("warnings", []):
        module.warn(warning)
    module.exit_json(**result)
    raise AssertionError("exit_json returned")
