#!/usr/bin/python
# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: soda_runner_info
short_description: List the Soda runners of an account
version_added: 1.0.0
author:
  - community.soda contributors (@community-soda)
description:
  - Lists all runners of an account as one consistent snapshot. If the listing changes while the module reads it, the
    module reads it again.
  - Soda Cloud lists a runner only after the runner has started and registered. The API does not show which keys were
    issued.
  - A runner must match all filters. If no runner matches, the list is empty, which is not a failure.
  - In a large account, filter in this module and not in the play. Ansible needs more time for each returned runner
    than the module needs to list it.
requirements:
  - python >= 3.9
  - requests >= 2.25
extends_documentation_fragment:
  - community.soda.soda_cloud
  - community.soda.soda_cloud.action_group
  - community.soda.filters
  - ansible.builtin.action_common_attributes
attributes:
  check_mode:
    support: full
    details:
      - It changes nothing, so check mode makes no difference.
  diff_mode:
    support: none
    details:
      - It changes nothing.
  platform:
    platforms: posix
    support: full
options:
  names:
    description:
      - Only the runners whose name is exactly one of these.
      - An integer is converted to text. Booleans, decimal numbers, lists and mappings are refused. Quote such names.
    type: list
    elements: raw
  wait:
    description:
      - Whether to wait until all runners of O(name) and O(names) are as O(wait_for) names. It requires one of them.
      - The module sends one listing in each O(wait_interval), for any number of names.
      - A temporary failure, such as a 500, does not end the wait. A rejected API key ends it.
    type: bool
    default: false
  wait_for:
    description:
      - Whether to wait until the runners are V(listed), until they are V(online), or until they are V(offline).
      - V(offline) means that no runner of these names is connected. A runner that is not listed is not connected.
    type: str
    choices: [listed, online, offline]
    default: listed
  wait_timeout:
    description:
      - After how many seconds the wait fails with the code V(wait_timeout). This includes requests, retries and waits
        for rate limits.
    type: float
    default: 600.0
  wait_interval:
    description: How many seconds to wait between two listings. It must be greater than 0.
    type: float
    default: 15.0
notes:
  - The task reads the environment variables on the machine on which it runs. With C(delegate_to), this is the machine
    that C(delegate_to) names.
seealso:
  - module: community.soda.soda_runner
"""

EXAMPLES = r"""
- name: List all runners
  community.soda.soda_runner_info:
  register: fleet

- name: Find one runner
  community.soda.soda_runner_info:
    name: warehouse-eu
  register: found

- name: Find the self-hosted runners that have been silent for a day
  community.soda.soda_runner_info:
    type: SELF_HOSTED
    not_seen_for: 86400
  register: silent

- name: Wait until two runners are online
  community.soda.soda_runner_info:
    names:
      - warehouse-eu
      - warehouse-us
    wait: true
    wait_for: online
    wait_timeout: 900

- name: Show their names
  ansible.builtin.debug:
    msg: "{{ silent.runners | map(attribute='name') }} of {{ silent.total }}"
"""

RETURN = r"""
runners:
  description:
    - The runners that match the filters, in the order of the listing.
    - Text from Soda Cloud is inert. The character U+FFFD replaces control characters, and breaks up templates.
    - Values of a wrong type are null. A warning reports both.
  returned: success, and failure with the code V(wait_timeout)
  type: list
  elements: dict
  contains:
    id:
      description: The id that Soda Cloud assigned when the runner registered.
      type: str
      returned: always
      sample: 7f9d1c1e-9a54-4f2b-8f0e-0d8f3f6a2f11
    name:
      description: The name in the configuration of the runner.
      type: str
      returned: always
      sample: warehouse-eu
    label:
      description: The label shown in Soda Cloud.
      type: str
      returned: always
      sample: warehouse-eu
    type:
      description: V(SELF_HOSTED), V(SODA_HOSTED) or another type.
      type: str
      returned: always
      sample: SELF_HOSTED
    is_online:
      description: Whether the runner is connected.
      type: bool
      returned: always
      sample: true
    last_seen_timestamp:
      description: The last contact, in ISO 8601.
      type: str
      returned: always
      sample: '2026-01-01T12:00:00Z'
    versions:
      description: The versions of the parts of the runner.
      type: dict
      returned: always
      sample:
        runner: 1.2.3
        library: 4.28.0
missing:
  description:
    - The names in O(name) and O(names) that no listed runner has, in alphabetical order. With O(wait_for=online), also
      the names whose runners are not online when the wait fails. With O(wait_for=offline), only the names whose runners
      are not offline.
  returned: success, and failure with the code V(wait_timeout)
  type: list
  elements: str
  sample: []
total:
  description: How many runners the account has, before filtering.
  returned: success, and failure with the code V(wait_timeout)
  type: int
  sample: 42
failure:
  description: What failed, as M(community.soda.soda_runner) returns it.
  returned: failure
  type: dict
  contains:
    code:
      description: One of this collection's codes, such as V(not_soda_cloud).
      type: str
      returned: always
      sample: not_soda_cloud
    message:
      description: What is wrong, and what to do next.
      type: str
      returned: always
    operation:
      description: The call that failed, V(list), or null.
      type: str
      returned: always
      sample: list
    http_status:
      description: The HTTP status that Soda Cloud answered with, or null.
      type: int
      returned: always
      sample: 401
    trace_id:
      description: The trace id of the answer, for Soda's support, or null.
      type: str
      returned: always
    retryable:
      description: Whether the same task may succeed later without any other change.
      type: bool
      returned: always
    api_code:
      description: The C(code) in the answer of Soda Cloud, or null.
      type: str
      returned: always
    occurred_at:
      description: When it failed, in ISO 8601, UTC.
      type: str
      returned: always
      sample: '2026-01-01T12:00:00Z'
"""

import gc
import typing as t

from ansible_collections.community.soda.plugins.module_utils import _argspec, _filters, _module
from ansible_collections.community.soda.plugins.module_utils._api import waiting
from ansible_collections.community.soda.plugins.module_utils._api.runners import Listing


def main() -> None:
    # The process ends with the listing. None of 100,000 runners is garbage, and searching them for it takes time,
    # again and again the more of them there are.
    gc.disable()
    module = _module.SodaModule(
        argument_spec={
            **_argspec.connection_spec(),
            "names": {"type": "list", "elements": "raw"},
            **_filters.filter_spec(),
            "wait": {"type": "bool", "default": False},
            "wait_for": {
                "type": "str",
                "default": waiting.LISTED,
                "choices": [waiting.LISTED, waiting.ONLINE, waiting.OFFLINE],
            },
            "wait_timeout": {"type": "float", "default": 600.0},
            "wait_interval": {"type": "float", "default": 15.0},
        },
        supports_check_mode=True,
    )
    _module.run(module, lambda: list_runners(module))


def list_runners(module: _module.SodaModule) -> dict[str, t.Any]:
    options = module.params
    filters = _filters.Filters.from_options(options, names=options["names"])
    names = filters.names or frozenset()
    wanted = None
    if options["wait"]:
        wanted = waiting.Wait(names, options["wait_for"], options["wait_timeout"], options["wait_interval"])
    runners = _argspec.runners(module)
    if wanted is None:
        listing = runners.list()
        return result_of(filters, listing, waiting.missing(names, listing.named(names)))
    try:
        return result_of(filters, waiting.wait_for(runners, wanted), [])
    except waiting.StillMissing as exc:
        result = result_of(filters, exc.listing or Listing([], 0), exc.missing)
        for warning in result.pop("warnings"):
            module.warn(warning)
        module.fail(exc, **result)


def result_of(filters: _filters.Filters, listing: Listing, missing: list[str]) -> dict[str, t.Any]:
    selected = [runner.to_dict() for runner in filters.apply(listing)]
    return {
        "changed": False,
        "runners": selected,
        "missing": missing,
        "total": len(listing.entries),
        "warnings": listing.warnings(),
    }


if __name__ == "__main__":
    main()
