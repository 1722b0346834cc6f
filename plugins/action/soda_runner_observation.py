# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""
Observes what a host declares and stores for one runner, and lists its account once a play.

The documentation is in the module of the same name. The results do not travel through facts or registered variables,
which a host could fake and which Ansible copies for each task. M(community.soda.soda_runner_audit) collects them.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import typing as t

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.community.soda.plugins.module_utils import _argspec
from ansible_collections.community.soda.plugins.module_utils._account import Account
from ansible_collections.community.soda.plugins.module_utils._api import client as _client
from ansible_collections.community.soda.plugins.module_utils._api.runners import Runners
from ansible_collections.community.soda.plugins.module_utils._errors import MissingLibrary, SodaError
from ansible_collections.community.soda.plugins.plugin_utils._audit import observe
from ansible_collections.community.soda.plugins.plugin_utils._audit.model import AccountListing, Observation
from ansible_collections.community.soda.plugins.plugin_utils._audit.rounds import Round
from ansible_collections.community.soda.plugins.plugin_utils._declared import refuse_shadowing
from ansible_collections.community.soda.plugins.plugin_utils._parameters import to_plain, validate, validate_name
from ansible_collections.community.soda.plugins.plugin_utils._run_files import RunFiles

CONFIG_ACTION = "community.soda.soda_runner_config"

Json = dict[str, t.Any]


def argument_spec() -> Json:
    return {
        **_argspec.connection_spec(),
        "name": {"type": "raw", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "config": {"type": "dict", "default": {}},
    }


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs the action that would write, in check mode, and publishes what it reports."""

    _supports_check_mode = True
    _supports_async = False
    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: Json | None = None) -> Json:
        result: Json = super().run(tmp, task_vars)
        variables = task_vars or {}
        host = str.__str__(variables["inventory_hostname"])
        try:
            round_of_audit = Round(RunFiles.of_task(self._task))
            observation = self._observe(host, variables, round_of_audit)
            round_of_audit.publish(observation)
        except SodaError as exc:
            return {**result, "failed": True, "msg": exc.failure.message, "failure": exc.failure.as_result()}
        return {**result, "changed": False, "observation": observation.to_dict()}

    def _observe(self, host: str, variables: Json, round_of_audit: Round) -> Observation:
        """A declaration that is wrong is a finding about its host, and the audit goes on."""
        name = host
        try:
            refuse_shadowing(variables)
            name = validate_name(to_plain(self._task.args.get("name")))
            parameters = validate(ArgumentSpecValidator(argument_spec()), self._task.args)
            connection = self._connection_to_soda_cloud(parameters)
        except SodaError as exc:
            return observe.failed(host, name, exc.failure.message)
        wanted = parameters["state"] == "present"
        observation = self._of_host(host, name, connection.account, wanted, parameters["config"], variables)
        listing = round_of_audit.listing(
            connection.account, _fingerprint(parameters), lambda: self._list(connection, host)
        )
        return dataclasses.replace(observation, listing_failure=listing.failure)

    def _of_host(
        self, host: str, name: str, account: Account, wanted: bool, config: Json, variables: Json
    ) -> Observation:
        try:
            found = self._run_action(CONFIG_ACTION, {**config, "state": "present" if wanted else "absent"}, variables)
        except AnsibleConnectionFailure as exc:
            return observe.unreached(host, name, account, wanted, str(exc))
        except AnsibleError as exc:
            found = {"failed": True, "msg": str(exc)}
        if found.get("unreachable"):
            return observe.unreached(host, name, account, wanted, str(found.get("msg")))
        return observe.observation(host, name, account, wanted, found)

    def _run_action(self, action: str, arguments: Json, variables: Json) -> Json:
        """The result of another action on the same host, in check mode."""
        task = self._task.copy()
        task.action, task.args = action, arguments
        task.check_mode, task.diff = True, False
        plugin = self._shared_loader_obj.action_loader.get(
            action,
            task=task,
            connection=self._connection,
            play_context=self._play_context,
            loader=self._loader,
            templar=self._templar,
            shared_loader_obj=self._shared_loader_obj,
        )
        return t.cast(Json, plugin.run(task_vars=variables))

    def _connection_to_soda_cloud(self, parameters: Json) -> _client.Connection:
        if _client.REQUESTS_IMPORT_ERROR is not None:
            raise MissingLibrary("The Python of ansible-playbook has no library requests. Install it.")
        # This process belongs to this task. Proxies that the play sets by environment: apply to its requests.
        environment: dict[str, str] = {}
        self._compute_environment_string(environment)
        os.environ.update({name: str(value) for name, value in environment.items()})
        return _client.connection(**{option: parameters[option] for option in _argspec.connection_spec()})

    @staticmethod
    def _list(connection: _client.Connection, host: str) -> AccountListing:
        try:
            listing = Runners(_client.Client(connection)).list()
        except SodaError as exc:
            return AccountListing(connection.account, host, None, exc.failure.message)
        runners = tuple(listing.matching())
        for warning in listing.warnings():
            Display().warning(warning)
        return AccountListing(connection.account, host, runners)


def _fingerprint(parameters: Json) -> str:
    """Tells apart the connection options of an account: one host with a wrong secret must not fail the others."""
    options = sorted((option, str(parameters[option])) for option in _argspec.connection_spec())
    return hashlib.sha256(repr(options).encode(errors="surrogatepass")).hexdigest()
