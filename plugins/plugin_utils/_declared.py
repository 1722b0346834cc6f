# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""
The variables of the role soda_runner as one typed value.

An action reads them once, before it contacts the host. Nothing that the host returns can change them afterwards.
"""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ..module_utils._account import Account
from ..module_utils._endpoint import normalise_endpoint
from ..module_utils._errors import InvalidArguments, InvalidName, MissingCredentials, SodaError
from ..module_utils._host.request import VALUES_SECTION
from ..module_utils._names import validate_name
from ..module_utils._numbers import check_duration
from ..module_utils._paths import default_escrow_dir, expand
from ._parameters import to_plain, validate
from ._shadowing import refuse_indirect_shadowing, refuse_shadowing

STORES = ("file", "vault_kv2", "kubernetes_secret")

CONFIG_FILES: dict[str, t.Any] = {
    "type": "list",
    "elements": "dict",
    "options": {
        "format": {"type": "str", "required": True},
        "path": {"type": "str", "required": True},
        "owner": {"type": "str"},
        "group": {"type": "str"},
        "mode": {"type": "raw", "default": "0600"},
    },
}

# An empty text means that the variable is not set, except for these.
EMPTY_IS_A_VALUE = ("soda_runner_name", "soda_runner_kubernetes_pull_secret")

# The role's argument specification documents each variable.
SPEC: dict[str, dict[str, t.Any]] = {
    "soda_runner_state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "soda_runner_name": {"type": "raw", "required": True},
    "soda_runner_account": {"type": "str", "default": ""},
    "soda_runner_cloud_endpoint": {"type": "str", "default": "https://cloud.soda.io"},
    "soda_runner_cloud_api_key_id": {"type": "str", "default": "", "no_log": False},
    "soda_runner_cloud_api_key_secret": {"type": "str", "default": "", "no_log": True},
    "soda_runner_cloud_validate_certs": {"type": "bool", "default": True},
    "soda_runner_cloud_ca_path": {"type": "str"},
    "soda_runner_cloud_timeout": {"type": "float", "default": 30.0},
    "soda_runner_cloud_retry_budget": {"type": "float", "default": 3600.0},
    "soda_runner_dir": {"type": "str", "default": "/etc/soda-runner"},
    "soda_runner_key_path": {"type": "str", "no_log": False},
    "soda_runner_key_version": {"type": "int", "default": 1, "no_log": False},
    "soda_runner_key_store": {"type": "str", "choices": list(STORES), "default": "file", "no_log": False},
    "soda_runner_reissue": {"type": "bool", "default": False},
    "soda_runner_existing_api_key_id": {"type": "str", "no_log": False},
    "soda_runner_existing_api_key_secret": {"type": "str", "no_log": True},
    "soda_runner_import_from": {"type": "str"},
    "soda_runner_config_files": CONFIG_FILES,
    "soda_runner_values": {"type": "dict", "default": {}},
    "soda_runner_values_section": {"type": "str", "default": VALUES_SECTION},
    "soda_runner_existing_secret": {"type": "str", "no_log": False},
    "soda_runner_kubernetes_namespace": {"type": "str"},
    "soda_runner_kubernetes_secret": {"type": "str", "no_log": False},
    "soda_runner_kubernetes_pull_secret": {"type": "str", "no_log": False},
    "soda_runner_kubernetes_labels": {"type": "dict", "default": {}},
    "soda_runner_kubernetes_annotations": {"type": "dict", "default": {}},
    "soda_runner_kubernetes_options": {"type": "dict", "default": {}},
    "soda_runner_vault_mount": {"type": "str"},
    "soda_runner_vault_path": {"type": "str"},
    "soda_runner_vault_options": {"type": "dict", "default": {}},
    "soda_runner_adopt_store": {"type": "bool", "default": False},
    "soda_runner_deploy": {"type": "bool", "default": False},
    "soda_runner_helm_release": {"type": "str"},
    "soda_runner_helm_chart": {"type": "str"},
    "soda_runner_helm_repository": {"type": "str"},
    "soda_runner_helm_chart_version": {"type": "str"},
    "soda_runner_helm_program": {"type": "str"},
    "soda_runner_helm_timeout": {"type": "int", "default": 600},
    "soda_runner_external_secret_store": {"type": "dict", "default": {}},
    "soda_runner_owner": {"type": "str"},
    "soda_runner_group": {"type": "str"},
    "soda_runner_api_host": {"type": "str", "default": "localhost"},
    "soda_runner_escrow_dir": {"type": "str"},
    "soda_runner_throttle": {"type": "int", "default": 5},
    "soda_runner_delete_online": {"type": "bool", "default": False},
    "soda_runner_wait": {"type": "bool", "default": False},
    "soda_runner_wait_for": {"type": "str", "choices": ["listed", "online"], "default": "listed"},
    "soda_runner_wait_timeout": {"type": "float", "default": 600.0},
    "soda_runner_wait_delay": {"type": "float", "default": 5.0},
}

# The environment variables of the controller that apply to a variable that is not set.
ENVIRONMENT = {
    "soda_runner_cloud_endpoint": "SODA_CLOUD_ENDPOINT",
    "soda_runner_cloud_api_key_id": "SODA_CLOUD_API_KEY_ID",
    "soda_runner_cloud_api_key_secret": "SODA_CLOUD_API_KEY_SECRET",
    "soda_runner_cloud_validate_certs": "SODA_CLOUD_VALIDATE_CERTS",
    "soda_runner_cloud_ca_path": "SODA_CLOUD_CA_PATH",
    "soda_runner_cloud_timeout": "SODA_CLOUD_TIMEOUT",
    "soda_runner_cloud_retry_budget": "SODA_CLOUD_RETRY_BUDGET",
}

# Options of soda_runner_config that have the name of a variable.
CONFIG_OPTIONS = (
    "key_path",
    "key_version",
    "config_files",
    "values",
    "values_section",
    "existing_secret",
    "import_from",
    "account",
    "key_store",
    "external_secret_store",
    "owner",
    "group",
)

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")

Variables = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Declared:
    """What the variables of the role declare for one runner on one host."""

    host: str
    name: str
    account: Account
    variables: t.Mapping[str, t.Any]
    """Every variable of C(SPEC) by its name, validated."""

    def __getattr__(self, option: str) -> t.Any:
        """A variable without its prefix, so that C(declared.key_path) is C(soda_runner_key_path)."""
        try:
            return self.variables[f"soda_runner_{option}"]
        except KeyError:
            raise AttributeError(option) from None

    @property
    def is_direct(self) -> bool:
        """Whether the host itself sends the requests to Soda Cloud."""
        return bool(self.variables["soda_runner_api_host"] == self.host)

    @property
    def escrow_path(self) -> str:
        return os.path.join(self.variables["soda_runner_escrow_dir"], self.account.escrow_name(self.name))

    @property
    def adopts(self) -> bool:
        """Whether a key that exists is stored instead of a new one."""
        return bool(self.variables["soda_runner_import_from"] or self.variables["soda_runner_existing_api_key_id"])

    @property
    def account_label(self) -> str:
        return str(self.variables["soda_runner_account"])

    def identity(self) -> str:
        """What two declarations of the same runner have in common."""
        return "\n".join((self.account.endpoint, self.account.api_key_id, self.account_label, self.name))

    def connection_arguments(self) -> dict[str, t.Any]:
        """The connection options of the modules that send requests."""
        options = ("api_key_secret", "validate_certs", "ca_path", "timeout", "retry_budget")
        given = {option: self.variables[f"soda_runner_cloud_{option}"] for option in options}
        given |= {"endpoint": self.account.endpoint, "api_key_id": self.account.api_key_id}
        return {option: value for option, value in given.items() if value is not None}

    def config_arguments(self) -> dict[str, t.Any]:
        """The options of soda_runner_config. It does not get the Soda Cloud API key's secret."""
        given: dict[str, t.Any] = {
            "name": self.name,
            "endpoint": self.account.endpoint,
            "cloud_api_key_id": self.account.api_key_id,
            "escrow_dir": None if self.is_direct else self.variables["soda_runner_escrow_dir"],
            "empty_escrow": True,
        }
        given |= {option: self.variables[f"soda_runner_{option}"] for option in CONFIG_OPTIONS}
        kubernetes = ("namespace", "secret", "pull_secret", "labels", "annotations")
        given["kubernetes"] = self._group("kubernetes", kubernetes)
        given["vault"] = self._group("vault", ("mount", "path"))
        if self.variables["soda_runner_existing_api_key_id"]:
            given["existing_key"] = self.existing_key
        return {option: value for option, value in given.items() if value not in (None, {})}

    def acknowledge_arguments(self) -> dict[str, t.Any]:
        """The options of soda_runner_config that identify the runner on its host, without a secret."""
        identifying = ("name", "endpoint", "account", "key_path", "key_store", "owner", "group")
        given = self.config_arguments()
        return {**{option: given[option] for option in identifying if option in given}, "acknowledge_restart": True}

    def store_arguments(self) -> dict[str, t.Any]:
        """The options of soda_runner_store."""
        given: dict[str, t.Any] = {
            **self.connection_arguments(),
            "name": self.name,
            "store": self.variables["soda_runner_key_store"],
            "key_version": self.variables["soda_runner_key_version"],
            "reissue": self.variables["soda_runner_reissue"],
            "account": self.account_label,
            "adopt_store": self.variables["soda_runner_adopt_store"],
            "escrow_dir": self.variables["soda_runner_escrow_dir"],
            "vault": self._group("vault", ("mount", "path")),
            "vault_options": self.variables["soda_runner_vault_options"],
        }
        if self.variables["soda_runner_key_store"] == "kubernetes_secret":
            kubernetes = ("namespace", "secret", "pull_secret", "labels", "annotations")
            given["kubernetes"] = self._group("kubernetes", kubernetes)
            given["kubernetes_options"] = self.variables["soda_runner_kubernetes_options"]
        if self.variables["soda_runner_existing_api_key_id"]:
            given["existing_key"] = self.existing_key
        return {option: value for option, value in given.items() if value not in (None, {})}

    @property
    def existing_key(self) -> dict[str, str]:
        return {field: self.variables[f"soda_runner_existing_{field}"] for field in ("api_key_id", "api_key_secret")}

    def _group(self, group: str, fields: t.Iterable[str]) -> dict[str, t.Any]:
        values = {field: self.variables[f"soda_runner_{group}_{field}"] for field in fields}
        return {field: value for field, value in values.items() if value is not None}


def read_declared(task_vars: Variables, template: t.Callable[[t.Any], t.Any], environment: Variables) -> Declared:
    """
    Read and validate the variables of the role.

    C(environment) is what the keyword C(environment) of the task sets.
    """
    refuse_shadowing(task_vars)
    refuse_indirect_shadowing(task_vars, SPEC)
    host = to_plain(task_vars["inventory_hostname"])
    given = _read_given(task_vars, template)
    name = _name(task_vars, given, host)
    values = validate(ArgumentSpecValidator(SPEC), {**given, "soda_runner_name": name}, keep_empty=EMPTY_IS_A_VALUE)
    _refuse_environment(environment, values)
    folder = values["soda_runner_dir"]
    values["soda_runner_key_path"] = values["soda_runner_key_path"] or f"{folder}/key.json"
    if values["soda_runner_config_files"] is None:
        values["soda_runner_config_files"] = [{"format": "helm_values", "path": f"{folder}/values.yml"}]
    if "soda_runner_key_store" not in given:
        values["soda_runner_key_store"] = "kubernetes_secret" if values["soda_runner_deploy"] else "file"
    values["soda_runner_escrow_dir"] = expand(values["soda_runner_escrow_dir"] or default_escrow_dir())
    _check(values, host)
    account = Account(normalise_endpoint(values["soda_runner_cloud_endpoint"]), values["soda_runner_cloud_api_key_id"])
    return Declared(host, name, account, values)


def _read_given(task_vars: Variables, template: t.Callable[[t.Any], t.Any]) -> dict[str, t.Any]:
    """The variables that are set, by a variable or by the environment of the controller."""
    given = {}
    for variable in SPEC:
        value = to_plain(template(task_vars[variable])) if variable in task_vars else None
        if value == "" and variable not in EMPTY_IS_A_VALUE:
            value = None
        if value is None and variable in ENVIRONMENT:
            value = os.environ.get(ENVIRONMENT[variable]) or None
        if value is not None:
            given[variable] = value
    return given


def _name(task_vars: Variables, given: Variables, host: str) -> str:
    try:
        name = validate_name(given.get("soda_runner_name"))
    except SodaError as exc:
        raise InvalidName(f"soda_runner_name is not valid. {exc}") from exc
    default = "inventory_hostname" in str(task_vars.get("soda_runner_name", "inventory_hostname"))
    if default and host in LOOPBACK_NAMES:
        raise InvalidName(
            f"soda_runner_name is not set, and {host} cannot be the name of a runner, because every machine has"
            " this name. Set soda_runner_name.",
        )
    return name


def _refuse_environment(environment: Variables, values: Variables) -> None:
    """The keyword C(environment) is for the modules on hosts. The role reads the environment of the controller."""
    keyword = {variable: environment[name] for variable, name in ENVIRONMENT.items() if name in environment}
    if not keyword:
        return
    meant = validate(ArgumentSpecValidator({variable: SPEC[variable] for variable in keyword}), keyword)
    ignored = sorted(variable for variable in keyword if meant[variable] != values[variable])
    if ignored:
        names = ", ".join(f"{variable} instead of {ENVIRONMENT[variable]}" for variable in ignored)
        raise InvalidArguments(
            "The role does not read the keyword environment of a play or task. Set these variables, or export the"
            f" environment variables before you start Ansible: {names}.",
        )


def _check(values: dict[str, t.Any], host: str) -> None:
    def refuse(variable: str, sentence: str) -> None:
        raise InvalidArguments(f"{variable} is {values[variable]!r}, but it must be {sentence}.")

    for variable in ("soda_runner_key_version", "soda_runner_throttle"):
        if values[variable] < (1 if variable == "soda_runner_key_version" else 0):
            refuse(variable, "1 or higher" if variable == "soda_runner_key_version" else "0 or higher")
    for variable in ("soda_runner_wait_delay", "soda_runner_cloud_timeout", "soda_runner_helm_timeout"):
        check_duration(variable, values[variable])
    for variable in ("soda_runner_wait_timeout", "soda_runner_cloud_retry_budget"):
        check_duration(variable, values[variable], zero_allowed=True)
    if values["soda_runner_api_host"] not in ("localhost", host):
        refuse(
            "soda_runner_api_host",
            "localhost, which keeps the Soda Cloud API key on the controller, or the host itself,"
            ' "{{ inventory_hostname }}"',
        )
    if values["soda_runner_key_store"] != "file" and values["soda_runner_api_host"] == host != "localhost":
        refuse("soda_runner_api_host", "localhost for a key store other than file")
    if not values["soda_runner_cloud_api_key_id"]:
        raise MissingCredentials(
            "soda_runner_cloud_api_key_id is not set. Set it and soda_runner_cloud_api_key_secret, or export"
            " SODA_CLOUD_API_KEY_ID and SODA_CLOUD_API_KEY_SECRET on the controller."
        )
    if values["soda_runner_key_store"] != "file" and values["soda_runner_import_from"]:
        raise InvalidArguments(
            "soda_runner_import_from adopts a key into a file on the host, but soda_runner_key_store is"
            f" {values['soda_runner_key_store']}. Adopt the key with soda_runner_key_store: file first. Then change"
            " soda_runner_key_store, and the role moves the key.",
        )
    if bool(values["soda_runner_existing_api_key_id"]) != bool(values["soda_runner_existing_api_key_secret"]):
        raise InvalidArguments(
            "Set both soda_runner_existing_api_key_id and soda_runner_existing_api_key_secret, or neither.",
        )
    if values["soda_runner_existing_api_key_id"] and values["soda_runner_import_from"]:
        raise InvalidArguments(
            "Set either soda_runner_import_from or soda_runner_existing_api_key_id with its secret, not both.",
        )
