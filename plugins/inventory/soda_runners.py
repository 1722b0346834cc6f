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
  - Lists all runners of an account as hosts. The listing is one consistent snapshot of all pages.
  - Uses a file whose name ends in C(soda_runners.yml) or C(soda_runners.yaml).
  - Every runner is in the group C(soda_runners), and in C(soda_online) or C(soda_offline). It is also in a group for
    its type, such as C(soda_type_self_hosted). The first three groups exist in an empty account too. A runner is in
    neither C(soda_online) nor C(soda_offline) if Soda Cloud does not report whether it is online.
  - Each host has the variables C(soda_id), C(soda_name), C(soda_label), C(soda_type), C(soda_is_online),
    C(soda_last_seen_timestamp) and C(soda_versions). A variable is null if Soda Cloud reports no value. Ansible never
    evaluates a value from Soda Cloud as a template.
  - Soda Cloud does not know how to connect to a host. If runners have the names of your hosts, use this file together
    with the inventory of your hosts.
  - With O(cache=true), a listing that is in the cache costs no request. The cache contains the whole listing of an
    account and no key, so files with other filters share it.
  - If the cache has no recent listing and the request fails, the file fails. An old listing is never used instead.
notes:
  - In the name of a host, C(_) replaces every character except letters, digits, C(_), C(.) and C(-). It also replaces
    C(.) or C(-) at the beginning. If several runners or a group have the name, or if it means this
    machine, such as C(localhost), the plugin adds the id of the runner. A runner without a name is listed under its
    id. A warning reports each change. C(soda_name) is always the name that Soda Cloud has.
  - If two files list two accounts with runners of the same name, the plugin adds the id to the name in the second
    account. A warning reports it.
  - If a file fails, Ansible prints a warning and continues without it, unless C(any_unparsed_is_failed) is set in the
    section C(inventory) of its configuration.
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
    description: The name of this plugin.
    type: str
    required: true
    choices:
      - community.soda.soda_runners
  hostname:
    description:
      - A template for the name of a host. It can use the variables listed above. Without it, a host has the name of the
        runner.
      - The connection options and the filters can be templates too. They can use extra variables and lookups.
    type: str
seealso:
  - module: community.soda.soda_runner_info
"""

EXAMPLES = r"""
# A complete file soda_runners.yml. The API key is in the environment of the controller.
plugin: community.soda.soda_runners

# Self-hosted runners without contact for a day, named by their label. The secret is vaulted in extra variables:
#   ansible-inventory -i silent.soda_runners.yml -e @vault.yml --ask-vault-pass --graph
#
# plugin: community.soda.soda_runners
# endpoint: https://cloud.us.soda.io
# api_key_id: "{{ our_soda_key_id }}"
# api_key_secret: "{{ our_soda_key_secret }}"
# type: SELF_HOSTED
# not_seen_for: 86400
# hostname: "{{ soda_label }}"

# Groups by version, and a listing that is cached for ten minutes.
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

try:
    from ansible.template import trust_as_template
except ImportError:
    # Before ansible-core 2.19, all text may be a template.
    def trust_as_template(value: str) -> str:
        return value


from ansible_collections.community.soda.plugins.module_utils import _argspec, _filters
from ansible_collections.community.soda.plugins.module_utils._api import client as _client
from ansible_collections.community.soda.plugins.module_utils._api.runner import Runner
from ansible_collections.community.soda.plugins.module_utils._api.runners import Runners
from ansible_collections.community.soda.plugins.module_utils._api.text import sanitize
from ansible_collections.community.soda.plugins.module_utils._errors import SodaError
from ansible_collections.community.soda.plugins.plugin_utils import _inventory_names as _names

ENDINGS = ("soda_runners.yml", "soda_runners.yaml")
FIELDS = list(Runner.from_api({}).to_dict())
TEMPLATES = {*_argspec.connection_spec(), *_filters.filter_spec()}


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):  # type: ignore[misc]
    NAME = "community.soda.soda_runners"

    def verify_file(self, path: str) -> bool:
        return super().verify_file(path) and path.endswith(ENDINGS)

    def parse(self, inventory: t.Any, loader: t.Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        config = self._read_config_data(path)
        unknown = sorted(str(option) for option in config if not self.has_option(option))
        if unknown:
            # A misspelt filter must not select every runner.
            raise AnsibleParserError(f"{path} has unknown options: {', '.join(unknown)}.")
        if _client.REQUESTS_IMPORT_ERROR is not None:
            raise AnsibleParserError(missing_required_lib("requests"))
        try:
            filters = _filters.Filters.from_options(self._values(_filters.filter_spec()))
            runners = self._runners(_client.connection(**self._values(_argspec.connection_spec())), cache)
        except SodaError as exc:
            raise AnsibleParserError(exc.failure.message) from exc
        self._populate([runner for runner in runners if filters.passes(runner)])

    def set_options(self, task_keys: t.Any = None, var_options: t.Any = None, direct: t.Any = None) -> None:
        """Evaluate templates in the file before the options get their types. The environment has no templates."""
        if direct:
            self.templar.available_variables = self._vars
        direct = {
            option: self.templar.template(value) if option in TEMPLATES else value
            for option, value in (direct or {}).items()
        }
        super().set_options(task_keys=task_keys, var_options=var_options, direct=direct)

    def _values(self, options: t.Iterable[str]) -> dict[str, t.Any]:
        return {option: self.get_option(option) for option in options}

    def _runners(self, to: _client.Connection, use_cache: bool) -> list[Runner]:
        """All runners of the account, from the cache if possible."""
        if not self.get_option("cache"):
            return self._list(to)
        key = f"{self.NAME}_{to.account.cache_key}"
        cached = _parse(self._cache.get(key)) if use_cache else None
        if cached is not None:
            return cached
        try:
            runners = self._list(to)
        except SodaError as exc:
            raise AnsibleParserError(f"{exc.failure.message} {self._why_not_cached(use_cache)}") from exc
        self._cache[key] = {"fields": FIELDS, "runners": [runner.to_dict() for runner in runners]}
        return runners

    def _list(self, to: _client.Connection) -> list[Runner]:
        listing = Runners(_client.Client(to)).list()
        runners = listing.matching()
        for warning in listing.warnings():
            self.display.warning(warning)
        return runners

    def _why_not_cached(self, use_cache: bool) -> str:
        if not use_cache:
            return "The cache was not used."
        limit = self.get_option("cache_timeout")
        return f"The cache has no listing that is younger than cache_timeout, {limit} s."

    def _populate(self, runners: list[Runner]) -> None:
        for group in (*_names.GROUPS, *_names.type_groups(runners)):
            self.inventory.add_group(group)
        wanted = [(self._wanted_name(runner), runner) for runner in runners]
        hosts = _names.name_hosts(wanted, {*self.inventory.groups, *_names.RESERVED}, self._hosts_of_runners())
        for note in hosts.notes:
            self.display.warning(note)
        for name, runner in hosts.named:
            for group in _names.group_names(runner):
                self.inventory.add_host(name, group)
            host = self.inventory.get_host(name)
            for variable, value in _names.variables(runner).items():
                host.set_variable(variable, value)
        if any(self.get_option(option) for option in ("compose", "groups", "keyed_groups")):
            for name, _runner in hosts.named:
                self._construct(name)
        for name, _runner in hosts.named:
            host = self.inventory.get_host(name)
            for variable, value in host.vars.items():
                host.set_variable(variable, _as_plain_text(value))

    def _hosts_of_runners(self) -> dict[str, t.Any]:
        """The hosts that another file of this plugin added before, with the ids of their runners."""
        return {name: host.vars["soda_id"] for name, host in self.inventory.hosts.items() if "soda_id" in host.vars}

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
        self.templar.available_variables = _names.variables(runner)
        try:
            name = self.templar.template(hostname)
        except AnsibleError as exc:
            raise AnsibleParserError(
                f"The hostname template returned no name for the runner {runner.id}: {exc}"
            ) from exc
        return None if name is None else str(name)


def _as_plain_text(value: t.Any) -> t.Any:
    """
    The value with text that every ansible-core shows and stores as text.

    From ansible-core 2.19 on, ansible-inventory shows other text as a mapping, C({"__ansible_unsafe": ...}), and
    automation platforms store that. Text that has no template in it is safe to trust: evaluating it returns the text
    itself.
    """
    if isinstance(value, dict):
        return {key: _as_plain_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_plain_text(item) for item in value]
    return trust_as_template(value) if isinstance(value, str) and sanitize(value) == value else value


def _parse(cached: t.Any) -> list[Runner] | None:
    """The runners of a cached listing. None if there is none, or another version of the collection wrote it."""
    try:
        return [Runner.from_dict(runner) for runner in cached["runners"]] if cached["fields"] == FIELDS else None
    except (TypeError, LookupError, ValueError, AttributeError):
        return None
