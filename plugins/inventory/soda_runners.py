# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: soda_runners
short_description: The Soda runners of an account as an inventory
version_added: 1.0.0
author:
  - community.soda contributors (@community-soda)
description:
  - Lists the runners that Soda Cloud knows, all pages of them as of one moment, as hosts.
  - Uses a file whose name ends in C(soda_runners.yml) or C(soda_runners.yaml).
  - Every runner is in the group C(soda_runners), in C(soda_online) or C(soda_offline), and in C(soda_type_) and its
    type in lower case, such as C(soda_type_self_hosted). The first three groups exist in an empty account, too. A
    runner of which Soda Cloud does not say whether it is online is in neither of the two.
  - Each has the variables C(soda_id), C(soda_name), C(soda_label), C(soda_type), C(soda_is_online),
    C(soda_last_seen_timestamp) and C(soda_versions), which are null where Soda Cloud says nothing. No value from Soda
    Cloud is ever taken for a template.
  - Soda Cloud knows nothing of how to connect to a host. Where a runner has the name of its host, use this file beside
    the inventory that knows.
  - With O(cache=true), a listing that is in the cache costs no request. The whole listing of an account is kept,
    without any key, under the endpoint and the id of the Soda Cloud API key. So files with other filters share it.
  - Where no listing in the cache is young enough and Soda Cloud cannot be asked, the file fails, and the failure says
    both. An old listing is never taken for a new one.
notes:
  - In the name of a host, every character but letters, digits, C(_), C(.) and C(-) becomes C(_), and so does C(.) or
    C(-) at its beginning. A name that several runners have, that a group has or that means this machine, such as
    C(localhost), is followed by C(-) and the id. A runner without a name is listed under its id. What is changed is
    said in a warning; C(soda_name) always is the name that Soda Cloud knows.
  - Ansible goes on without a file that fails, with a warning, unless C(any_unparsed_is_failed) is set in the section
    C(inventory) of its configuration.
requirements:
  - python >= 3.9
  - requests >= 2.25
extends_documentation_fragment:
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
  - community.soda.filters
  - community.soda.soda_cloud
  - community.soda.soda_cloud.plugin
options:
  plugin:
    description: Says that the file is meant for this plugin.
    type: str
    required: true
    choices:
      - community.soda.soda_runners
  hostname:
    description:
      - A template for the name of a host. It may use the variables listed above. Without it, a host has the name of the
        runner.
      - The connection options and the filters may be templates, too, which may use extra variables and lookups.
    type: str
seealso:
  - module: community.soda.soda_runner_info
"""

EXAMPLES = r"""
# The whole file soda_runners.yml, with the key in the environment of the controller. Those below are such files, too.
plugin: community.soda.soda_runners

# Self-hosted runners that have been silent for a day, by their label. The secret is vaulted in extra variables:
#   ansible-inventory -i silent.soda_runners.yml -e @vault.yml --ask-vault-pass --graph
#
# plugin: community.soda.soda_runners
# endpoint: https://cloud.us.soda.io
# api_key_id: "{{ our_soda_key_id }}"
# api_key_secret: "{{ our_soda_key_secret }}"
# type: SELF_HOSTED
# not_seen_for: 86400
# hostname: "{{ soda_label }}"

# Groups by version, and a listing that is read every ten minutes at most.
#
# plugin: community.soda.soda_runners
# keyed_groups:
#   - prefix: soda_version
#     key: soda_versions.runner
# compose:
#   ansible_host: soda_name ~ '.example.com'
# groups:
#   warehouses: soda_name is match('warehouse-')
# cache: true
# cache_plugin: ansible.builtin.jsonfile
# cache_connection: ~/.cache/soda_runners
# cache_timeout: 600
"""

import typing as t

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.module_utils.basic import missing_required_lib
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable

from ansible_collections.community.soda.plugins.module_utils import _argspec as _arguments
from ansible_collections.community.soda.plugins.module_utils import _filters
from ansible_collections.community.soda.plugins.module_utils._api import client as _client
from ansible_collections.community.soda.plugins.module_utils._api.runner import FIELDS as RUNNER_FIELDS
from ansible_collections.community.soda.plugins.module_utils._api.runners import Runner, Runners
from ansible_collections.community.soda.plugins.module_utils._errors import SodaError
from ansible_collections.community.soda.plugins.plugin_utils._inventory_names import name_hosts, type_group
from ansible_collections.community.soda.plugins.plugin_utils._text import never_a_template

ENDINGS = ("soda_runners.yml", "soda_runners.yaml")
GROUPS = ("soda_runners", "soda_online", "soda_offline")
THIS_MACHINE = ("localhost", "127.0.0.1")
FIELDS = list(RUNNER_FIELDS)
TEMPLATES = {*_arguments.connection_spec(), *_filters.filter_spec()}


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):  # type: ignore[misc]
    NAME = "community.soda.soda_runners"

    def verify_file(self, path: str) -> bool:
        return super().verify_file(path) and path.endswith(ENDINGS)

    def parse(self, inventory: t.Any, loader: t.Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        config = self._read_config_data(path)
        unknown = sorted(str(option) for option in config if not self.has_option(option))
        if unknown:
            # A filter that is misspelt must not select every runner.
            raise AnsibleParserError(f"{path} has options that there are not: {', '.join(unknown)}.")
        if _client.REQUESTS_IMPORT_ERROR is not None:
            raise AnsibleParserError(missing_required_lib("requests"))
        try:
            filters = _filters.Filters.from_options(self._values(_filters.filter_spec()))
            runners = self._runners(_client.connection(**self._values(_arguments.connection_spec())), cache)
        except SodaError as exc:
            raise AnsibleParserError(exc.failure.message) from exc
        self._populate([runner for runner in runners if filters.passes(runner)])

    def set_options(self, task_keys: t.Any = None, var_options: t.Any = None, direct: t.Any = None) -> None:
        """Template what the file says before the options take their types, and nothing of what the environment says."""
        if direct:
            self.templar.available_variables = self._vars
        direct = {
            option: self.templar.template(value) if option in TEMPLATES else value
            for option, value in (direct or {}).items()
        }
        super().set_options(task_keys=task_keys, var_options=var_options, direct=direct)

    def _values(self, options: t.Iterable[str]) -> dict[str, t.Any]:
        return {option: self.get_option(option) for option in options}

    def _runners(self, to: _client.Connection, may_be_cached: bool) -> list[Runner]:
        """All runners of the account, from the cache where they may be."""
        if not self.get_option("cache"):
            return Runners(_client.Client(to)).list().matching()
        key = f"{self.NAME}_{to.account.cache_key}"
        cached = self._cache.get(key) if may_be_cached else None
        # What another version of the collection has left there is none of ours.
        if isinstance(cached, dict) and cached.get("fields") == FIELDS:
            return [Runner.from_dict(dict(zip(FIELDS, row))) for row in cached["rows"]]
        try:
            runners = Runners(_client.Client(to)).list().matching()
        except SodaError as exc:
            raise AnsibleParserError(f"{exc.failure.message} {self._why_not_cached(may_be_cached)}") from exc
        self._cache[key] = {
            "fields": FIELDS,
            "rows": [list(runner.to_dict().values()) for runner in runners],
        }
        return runners

    def _why_not_cached(self, looked: bool) -> str:
        if not looked:
            return "The cache was not to be used."
        limit = self.get_option("cache_timeout")
        return f"There is no listing in the cache that is younger than cache_timeout, {limit} s."

    def _populate(self, runners: list[Runner]) -> None:
        for group in GROUPS:
            self.inventory.add_group(group)
        groups = {name: self.inventory.add_group(type_group(name)) for name in {r.type for r in runners} if name}
        asked = [(self._wanted_name(runner), runner) for runner in runners]
        hosts = name_hosts(asked, reserved={*self.inventory.groups, *THIS_MACHINE})
        for note in hosts.notes:
            self.display.warning(note)
        for name, runner in hosts.named:
            self.inventory.add_host(name, GROUPS[0])
            if runner.is_online is not None:
                self.inventory.add_host(name, "soda_online" if runner.is_online else "soda_offline")
            if runner.type:
                self.inventory.add_host(name, groups[runner.type])
            host = self.inventory.get_host(name)
            for variable, value in _variables(runner).items():
                host.set_variable(variable, value)
        if any(self.get_option(option) for option in ("compose", "groups", "keyed_groups")):
            for name, _runner in hosts.named:
                self._construct(name)

    def _construct(self, name: str) -> None:
        variables = self.inventory.get_host(name).get_vars()
        strict = self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), variables, name, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, name, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, name, strict=strict)

    def _wanted_name(self, runner: Runner) -> str | None:
        hostname = self.get_option("hostname")
        if hostname is None:
            return runner.name
        self.templar.available_variables = _variables(runner)
        try:
            name = self.templar.template(hostname)
        except AnsibleError as exc:
            raise AnsibleParserError(f"hostname gives no name for the runner {runner.id}: {exc}") from exc
        return None if name is None else str(name)


def _variables(runner: Runner) -> dict[str, t.Any]:
    return {f"soda_{field}": never_a_template(getattr(runner, field)) for field in FIELDS}
