#!/usr/bin/python
# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: soda_runner
short_description: Issue and store the key of a Soda runner, or delete the runner
version_added: 1.0.0
author:
  - community.soda contributors (@community-soda)
description:
  - Issues a key for a self-hosted Soda runner and stores it, or deletes the runner from Soda Cloud.
  - Soda Cloud issues a runner key without a name or an id, and shows its secret once. It lists the runner only after
    the runner has started and registered under the name in its configuration. So this module stores the key at
    O(key_path), and compares the API listing with the stored key.
  - The module checks first that O(key_path) is writable. If it is not, no key is issued.
  - The module reads the file at O(key_path) only if it belongs to the user who runs the task, to root or to O(owner),
    and if nobody else can write to it or replace it.
  - Names are compared exactly.
requirements:
  - python >= 3.9
  - requests >= 2.25
extends_documentation_fragment:
  - community.soda.soda_cloud
  - community.soda.soda_cloud.action_group
  - ansible.builtin.action_common_attributes
  - ansible.builtin.files
attributes:
  check_mode:
    support: full
    details:
      - Reads the listing and the stored key, and reports what would change. It writes nothing and issues no key.
  diff_mode:
    support: full
    details:
      - Shows registration and key before and after. The secret is never part of it.
      - In check mode, V(<issued at run time>) replaces the values that are not known before a key is issued.
  platform:
    platforms: posix
    support: full
  safe_file_operations:
    description: Writes the key file in one step, and never through a symbolic link.
    support: full
options:
  name:
    description:
      - The name of the runner, as in its configuration. Any non-empty string.
      - An integer is converted to text. Booleans, decimal numbers, lists and mappings are refused. Quote such names.
      - At least one of O(name) and O(id) is required. If both are set, they must belong to the same runner.
    type: raw
  id:
    description:
      - The id that Soda Cloud assigned when the runner registered.
      - With O(state=present) and without O(name), the module only looks the runner up, and fails if it does not exist.
      - With O(state=absent), the module looks the runner up by its id with one request, and lists no other runners.
    type: str
  state:
    description:
      - With V(present), the module issues a key if the runner is not listed and no key is stored, if the stored key has
        a lower O(key_version), and, with O(reissue=true), if the runner is listed and no key is stored.
      - With V(absent), the module deletes the runner, and then the file at O(key_path). It fails for runners that are
        not self-hosted, before any request to delete them, and for runners that are in use.
    type: str
    choices: [present, absent]
    default: present
  key_path:
    description:
      - The file that stores the runner key, on the machine on which the task runs. Its folder must exist.
      - The file is a JSON object with C(endpoint), C(name), C(api_key_id), C(api_key_secret), C(key_version),
        C(issued_at) and C(runner_id).
      - Without this option, the module returns the secret in RV(key.api_key_secret) once. Set C(no_log=true) on the
        task, because automation platforms store results.
    type: path
  key_version:
    description:
      - Raise it to rotate the key. The module replaces a key of a lower version. A key of a higher version is a
        failure.
      - Values other than V(1) require O(key_path).
    type: int
    default: 1
  reissue:
    description:
      - Issue a key for a runner that is listed and whose key is not stored at O(key_path), for example after a disk was
        lost.
      - The runner can only register again with its id in its configuration. The key file has the id in C(runner_id).
      - Requires O(key_path).
    type: bool
    default: false
  existing_key:
    description:
      - The key of a runner that already runs. If no key is stored at O(key_path), the module stores this key and issues
        none. It sends one listing, and records the id of the runner if the runner is listed.
      - A stored key is never replaced by this key. If they differ, a warning reports it.
      - Requires O(key_path).
    type: dict
    suboptions:
      api_key_id:
        description: The id of the runner key.
        type: str
        required: true
      api_key_secret:
        description: The secret of the runner key. It is not logged.
        type: str
        required: true
  unless_online:
    description:
      - With O(state=absent), do not delete a runner that is online, nor its key. A warning names it.
    type: bool
    default: false
  unless_seen_since:
    description:
      - With O(state=absent), do not delete a runner whose last contact is later than this time, nor its key. A warning
        names it. A runner whose last contact is unknown is not deleted either.
      - An ISO 8601 timestamp.
    type: str
  mode:
    description:
      - The mode of the file at O(key_path). It is enforced on each run.
      - Only the owner may have permission to write.
    default: '0600'
notes:
  - The task reads the environment variables on the machine on which it runs. With C(delegate_to), this is the machine
    that C(delegate_to) names.
seealso:
  - module: community.soda.soda_runner_info
  - module: community.soda.soda_runner_config
"""

EXAMPLES = r"""
- name: Issue a runner key and store it
  community.soda.soda_runner:
    name: warehouse-eu
    key_path: /etc/soda-runner/key.json

- name: Rotate the key
  community.soda.soda_runner:
    name: warehouse-eu
    key_path: /etc/soda-runner/key.json
    key_version: 2

- name: Issue another key for a runner whose disk was lost
  community.soda.soda_runner:
    name: warehouse-eu
    key_path: /etc/soda-runner/key.json
    reissue: true

- name: Issue a key and return its secret, which the play must store
  community.soda.soda_runner:
    name: warehouse-us
  register: issued
  no_log: true

- name: Adopt the key of a runner that already runs
  community.soda.soda_runner:
    name: warehouse-eu
    key_path: /etc/soda-runner/key.json
    existing_key:
      api_key_id: "{{ warehouse_runner_key_id }}"
      api_key_secret: "{{ warehouse_runner_key_secret }}"

- name: Delete a runner and its key file
  community.soda.soda_runner:
    name: warehouse-eu
    key_path: /etc/soda-runner/key.json
    state: absent
"""

RETURN = r"""
runner:
  description: The runner as Soda Cloud lists it, or null if it is not listed.
  returned: success
  type: dict
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
registration:
  description:
    - V(registered) if the runner is listed, V(pending) if a key is stored and the runner is not listed, else V(absent).
    - In check mode, the value after the run.
  returned: success
  type: str
  sample: pending
key:
  description:
    - The runner key, or null if none is stored.
    - With O(key_path), the secret is never part of it.
  returned: success
  type: dict
  contains:
    api_key_id:
      description: The id of the runner key, or null if check mode does not know it yet.
      type: str
      returned: always
      sample: 0d9c2b8e-5f0d-4f7e-9a37-3c3f6d1c2a55
    path:
      description: The file that stores the key, or null without O(key_path).
      type: str
      returned: always
      sample: /etc/soda-runner/key.json
    key_version:
      description: The O(key_version) that the key was issued for.
      type: int
      returned: always
      sample: 1
    issued_at:
      description: When it was issued, or stored in the case of O(existing_key). ISO 8601, UTC.
      type: str
      returned: always
      sample: '2026-01-01T12:00:00Z'
    api_key_secret:
      description: The secret. It cannot be retrieved again.
      type: str
      returned: when a key was issued without O(key_path)
failure:
  description: What failed, as data that a playbook can use.
  returned: failure
  type: dict
  contains:
    code:
      description:
        - One of this collection's codes, such as V(create_outcome_unknown), V(listing_inconsistent),
          V(not_soda_cloud) or V(key_path_unusable). The troubleshooting guide lists all of them.
      type: str
      returned: always
      sample: create_outcome_unknown
    message:
      description: What is wrong, and what to do next.
      type: str
      returned: always
    operation:
      description: The call that failed, one of V(list), V(create), V(get) and V(delete), or null.
      type: str
      returned: always
      sample: create
    http_status:
      description: The HTTP status that Soda Cloud answered with, or null.
      type: int
      returned: always
      sample: 500
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

import datetime
import os
import types
import typing as t

from ansible_collections.community.soda.plugins.module_utils import _argspec, _module, _timestamps
from ansible_collections.community.soda.plugins.module_utils._errors import InvalidArguments, InvalidId, InvalidName
from ansible_collections.community.soda.plugins.module_utils._key.atomic_write import keep_attributes
from ansible_collections.community.soda.plugins.module_utils._key.key_file import KeyFile
from ansible_collections.community.soda.plugins.module_utils._key.stored_key import IssuedKey
from ansible_collections.community.soda.plugins.module_utils._names import validate_name
from ansible_collections.community.soda.plugins.module_utils._runner.plan import Wanted
from ansible_collections.community.soda.plugins.module_utils._runner.reconcile import Reconciler


def wanted_of(parameters: dict[str, t.Any]) -> Wanted:
    """What the task declares. Raises a failure that names the option to correct."""
    name = parameters["name"]
    if name is not None:
        name = validate_name(name)
    elif not parameters["id"]:
        raise InvalidName("The name of a runner must not be empty. Set name, or id, or both.")
    if parameters["id"] == "":
        raise InvalidId("The id of a runner must not be empty. Remove id to look up the runner by name.")
    if parameters["key_version"] < 1:
        raise InvalidArguments(f"key_version must be 1 or higher, not {parameters['key_version']}.")
    existing = parameters["existing_key"]
    if parameters["state"] == "present":
        needs_path = {
            "reissue": parameters["reissue"],
            "key_version": parameters["key_version"] != 1,
            "existing_key": existing is not None,
        }
        for option, given in needs_path.items():
            if given and not parameters["key_path"]:
                raise InvalidArguments(f"{option} needs key_path, because without it no key is stored. Set key_path.")
        if parameters["key_path"] and name is None:
            raise InvalidArguments("key_path needs name, because a key belongs to its runner only by name. Set name.")
    if existing is not None and not all(existing.values()):
        raise InvalidArguments("existing_key needs an api_key_id and an api_key_secret that are not empty.")
    return Wanted(
        name=name,
        id=parameters["id"],
        location=parameters["key_path"],
        key_version=parameters["key_version"],
        reissue=parameters["reissue"],
        existing_key=None if existing is None else IssuedKey(**existing),
        unless_online=parameters["unless_online"],
        unless_seen_since=moment_of("unless_seen_since", parameters["unless_seen_since"]),
    )


def moment_of(option: str, value: str | None) -> datetime.datetime | None:
    moment = _timestamps.parse(value)
    if value is not None and moment is None:
        raise InvalidArguments(
            f"{option} is {value!r}, which is not an ISO 8601 timestamp. Write it like 2026-01-01T12:00:00Z."
        )
    return moment


def check_file_mode(module: _module.SodaModule) -> None:
    """Raise if other users could change the key, because then the next run would not trust the file."""
    mode: t.Any = module.params["mode"]
    try:
        if not isinstance(mode, int):
            mode = int(mode, 8)
    except ValueError:
        try:
            mode = module._symbolic_mode_to_octal(types.SimpleNamespace(st_mode=0o100600), mode)
        except ValueError:
            return  # Ansible's own function reports it.
    if mode & 0o022:
        raise InvalidArguments(
            f"mode is {module.params['mode']!r}, so other users could change the key. Set a mode in which only the"
            " owner may write, such as 0600 or 0640.",
        )


def main() -> None:
    module = _module.SodaModule(
        argument_spec={
            **_argspec.connection_spec(),
            "name": {"type": "raw"},
            "id": {"type": "str"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "key_path": {"type": "path", "no_log": False},
            "key_version": {"type": "int", "default": 1, "no_log": False},
            "reissue": {"type": "bool", "default": False},
            "existing_key": _argspec.EXISTING_KEY,
            "unless_online": {"type": "bool", "default": False},
            "unless_seen_since": {"type": "str"},
            "mode": {"type": "raw", "default": "0600"},
        },
        add_file_common_args=True,
        supports_check_mode=True,
    )
    _module.run(module, lambda: reconcile(module))


def reconcile(module: _module.SodaModule) -> dict[str, t.Any]:
    parameters = module.params
    wanted = wanted_of(parameters)
    check_file_mode(module)
    key_path = parameters["key_path"]
    attributes = module.load_file_common_arguments(parameters, path=key_path) if key_path else {}

    def set_attributes(path: str) -> None:
        # A file attribute such as "i" would keep the file from being put in place, so it comes after.
        module.set_fs_attributes_if_different({**attributes, "path": path, "attributes": None}, False)

    runners = _argspec.runners(module)
    key_file = None
    if key_path:
        lock_timeout = parameters["retry_budget"]
        # In check mode Ansible's function sets nothing and only looks up owner, group and mode.
        check_attributes = set_attributes if module.check_mode else keep_attributes
        key_file = KeyFile(
            key_path,
            runners.endpoint,
            wanted.name,
            lock_timeout,
            set_attributes,
            check_attributes,
            owner=parameters["owner"],
        )
    reconciler = Reconciler(
        runners=runners,
        wanted=wanted,
        store=key_file,
        check_mode=module.check_mode,
    )
    if parameters["state"] == "absent":
        return reconciler.absent()
    differ = attribute_changes(module, key_file, attributes)
    result = reconciler.present()
    if key_file is not None and key_file.exists():
        attributes["path"] = key_file.path
        result["changed"] = module.set_fs_attributes_if_different(attributes, result["changed"])
    for side, values in differ.items():
        result["diff"][side].update(values)
    return result


def attribute_changes(
    module: _module.SodaModule, key_file: KeyFile | None, attributes: dict[str, t.Any]
) -> dict[str, dict[str, t.Any]]:
    """The diff of the attributes of an existing key file. A check and a run take it at the same moment."""
    diff: dict[str, dict[str, t.Any]] = {"before": {}, "after": {}}
    if key_file is None or not os.path.isfile(key_file.path) or os.path.islink(key_file.path):
        return diff
    check_mode, module.check_mode = module.check_mode, True
    try:
        module.set_fs_attributes_if_different({**attributes, "path": key_file.path}, False, diff=diff)
    finally:
        module.check_mode = check_mode
    for values in diff.values():
        values.pop("path", None)
    return diff


if __name__ == "__main__":
    main()
