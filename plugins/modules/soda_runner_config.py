# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: soda_runner_config
short_description: Put a runner key and the configuration of a Soda runner on a host
version_added: 1.0.0
author:
  - community.soda contributors (@community-soda)
description:
  - Stores the key of a Soda runner on a host and writes the configuration files that contain it. It sends no request to
    Soda Cloud.
  - The module uses the key that the host stores at O(key_path). If the host stores none, or an older one, the key comes
    from O(key_from) or O(escrow_dir) on the controller, and is sent to the host.
  - The controller renders the files with placeholders. The host replaces them with its own key, compares the files, and
    writes those that differ, each in one step. Only a status and a masked diff come back.
  - The module checks that all paths can be written to, even if there is no key yet.
  - The module stores the paths that it writes in a file beside the key file. If a path is no longer declared, it
    removes the file.
  - Missing folders are created when the files are written.
requirements:
  - python >= 3.9
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - ansible.builtin.action_common_attributes.conn
attributes:
  action:
    description: A part of the module runs on the controller.
    support: full
  async:
    description: It can be run with C(async).
    support: none
  become:
    description: It can be used with C(become).
    support: full
  bypass_host_loop:
    description: It runs once for all hosts.
    support: none
  check_mode:
    support: full
  connection:
    support: full
  delegation:
    support: full
  diff_mode:
    support: full
    details:
      - A diff shows keys, booleans and numbers, and the text of chart settings that are known to be harmless. All other
        text is masked.
  platform:
    platforms: posix
    support: full
options:
  name:
    description: The name of the runner, which is text or an integer.
    type: raw
    required: true
  endpoint:
    description:
      - The URL of Soda Cloud that the key is for.
      - If not set, the environment variable E(SODA_CLOUD_ENDPOINT) of the controller is used.
    type: str
    default: https://cloud.soda.io
  account:
    description: A label that distinguishes two accounts at one endpoint. It is part of the names of Secrets.
    type: str
    default: ''
  key_path:
    description:
      - The file on the host that stores the key, mode 0600.
      - If the file is not a key file, or has another name or endpoint, the module does not change it and fails.
    type: str
    required: true
  key_from:
    description:
      - The file on the controller in which M(community.soda.soda_runner) stores a key that the host does not have yet.
    type: path
  escrow_dir:
    description:
      - Instead of O(key_from), the folder on the controller that contains the file, under the name that the filter
        P(community.soda.escrow_name#filter) returns. It needs O(cloud_api_key_id).
    type: path
  cloud_api_key_id:
    description: The id of the Soda Cloud API key that issues the runner key. O(escrow_dir) needs it.
    type: str
  empty_escrow:
    description:
      - Whether to remove the file of O(key_from) or O(escrow_dir) after the host has stored this key or a newer one.
        The module also removes temporary files of a killed run.
      - The module keeps a key that another run writes there during the task. It also keeps another key of the same
        version, and a warning names it.
    type: bool
    default: false
  key_version:
    description:
      - The version that the key should have. If the stored key has a lower version, the module changes no file and
        returns that key. A key of a higher version is a failure.
      - If not set, any version is accepted.
    type: int
  key_required:
    description:
      - Fail if no key of the O(key_version) is stored.
      - In check mode, the module assumes instead that an earlier task would have issued the key.
      - A key of O(existing_key) or O(import_from) is adopted only with V(true).
    type: bool
    default: false
  key_store:
    description:
      - Where the key is stored. V(file) is O(key_path).
      - With another key store, the host does not have the key. Then use only formats that do not contain it.
    type: str
    choices: [file, vault_kv2, kubernetes_secret]
    default: file
  store_key:
    description:
      - The key in another key store, with C(api_key_id), C(key_version) and C(runner_id). Never its secret.
    type: dict
  existing_key:
    description: The runner key to adopt if none is stored, for a runner that exists. It needs O(key_required=true).
    type: dict
    suboptions:
      api_key_id:
        description: The id of the runner key.
        type: str
      api_key_secret:
        description: The secret of the runner key.
        type: str
  import_from:
    description:
      - The path on the host of a configuration file, in any format that contains a key. If no key is stored, the module
        adopts the key in it. The key never leaves the host. It needs O(key_required=true) and O(key_store=file).
      - The module fails if the file is missing, contains no key, or is of another runner or endpoint.
      - For other formats than V(dotenv), the host needs PyYAML.
    type: str
  runner_id:
    description:
      - The id of the runner in Soda Cloud. The module stores it with an adopted key.
      - In check mode, the id of a key that an earlier task would have issued.
    type: str
  create_folders:
    description: Create missing folders even if there is no key yet.
    type: bool
    default: false
  track_restart:
    description:
      - Record on the host that a restart is owed when the configuration changes. Until a task with
        O(acknowledge_restart=true) runs, the module returns RV(restart_owed=true) and reports a change.
    type: bool
    default: false
  acknowledge_restart:
    description:
      - Only record that the runner was restarted. Nothing else is changed.
    type: bool
    default: false
  config_files:
    description: The configuration files to write.
    type: list
    elements: dict
    default: []
    suboptions:
      format:
        description:
          - V(helm_values) is a values file for the vendor's Helm chart, with endpoint, region, name and key. If
            O(existing_secret) is set or O(key_store) is not V(file), the values refer to a Secret and contain no key.
          - V(kubernetes_secret) is a manifest of a Secret with the key.
          - V(image_pull_secret) is a manifest of a Secret with the login to Soda's image registry, which is the runner
            key.
          - V(external_secret) is the manifests with which the External Secrets Operator copies the key from Vault to
            both Secrets. The fields in Vault are C(api_key_id) and C(api_key_secret).
          - V(dotenv) is an environment file with the key.
          - V(soda_core) is the C(soda_cloud) configuration of soda-core.
        type: str
        required: true
        choices: [helm_values, kubernetes_secret, image_pull_secret, external_secret, dotenv, soda_core]
      path:
        description: The path of the file on the host.
        type: str
        required: true
      owner:
        description: The owner of the file.
        type: str
      group:
        description: The group of the file.
        type: str
      mode:
        description: The mode of the file.
        type: raw
        default: '0600'
  values:
    description: Values to merge over the Helm values.
    type: dict
    default: {}
  values_section:
    description: The section of the Helm values that contains the name and the id of the runner.
    type: str
    default: agent
  existing_secret:
    description:
      - The name of a Kubernetes Secret with the key, if something else maintains this Secret. The Helm values refer to
        it, and contain no secret.
    type: str
  kubernetes:
    description: The Secrets in Kubernetes.
    type: dict
    default: {}
    suboptions:
      namespace:
        description: The namespace in the manifests.
        type: str
      secret:
        description: The name of the Secret with the key. The default is a valid, unique form of the runner's name.
        type: str
      pull_secret:
        description:
          - The name of the Secret with the login to the image registry. The default is the name of the other Secret
            with C(-pull) at the end.
          - If it is empty, no image pull Secret is used.
        type: str
      labels:
        description: The labels of the Secrets.
        type: dict
        default: {}
      annotations:
        description: The annotations of the Secrets.
        type: dict
        default: {}
  vault:
    description: Where the key is in Vault, for the format V(external_secret).
    type: dict
    default: {}
    suboptions:
      mount:
        description: The mount of the KV engine. The store in the cluster names it, so the manifests do not.
        type: str
      path:
        description: The path below the mount. The default is C(soda/runners/) and a unique form of the runner's name.
        type: str
  external_secret_store:
    description: The store of the External Secrets Operator, for the format V(external_secret).
    type: dict
    default: {}
    suboptions:
      kind:
        description: The kind of the store.
        type: str
        choices: [SecretStore, ClusterSecretStore]
        default: SecretStore
      name:
        description: The name of the store.
        type: str
  owner:
    description: The owner of the key file.
    type: str
  group:
    description: The group of the key file.
    type: str
  state:
    description:
      - V(absent) removes the key file, the files of O(config_files), and the files that the module wrote before for
        this runner. The runner in Soda Cloud is not changed.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: community.soda.soda_runner
"""

EXAMPLES = r"""
- name: Issue a runner key on the controller
  community.soda.soda_runner:
    name: warehouse-eu
    key_path: "{{ playbook_dir }}/warehouse-eu.json"
  delegate_to: localhost

- name: Put the key and the Helm values on the host
  community.soda.soda_runner_config:
    name: warehouse-eu
    key_path: /etc/soda-runner/key.json
    key_from: "{{ playbook_dir }}/warehouse-eu.json"
    key_required: true
    config_files:
      - format: helm_values
        path: /etc/soda-runner/values.yml
    values:
      soda:
        agent:
          loglevel: INFO

- name: Adopt the key of a runner that exists
  community.soda.soda_runner_config:
    name: warehouse-eu
    key_path: /etc/soda-runner/key.json
    import_from: /etc/soda-runner/values.yml
    key_required: true
    config_files:
      - format: helm_values
        path: /etc/soda-runner/values.yml

- name: Remove the key and the Helm values from the host
  community.soda.soda_runner_config:
    name: warehouse-eu
    key_path: /etc/soda-runner/key.json
    config_files:
      - format: helm_values
        path: /etc/soda-runner/values.yml
    state: absent
"""

RETURN = r"""
key:
  description:
    - The runner key that is configured, or null if no key is stored. Never its secret.
  returned: success
  type: dict
  contains:
    api_key_id:
      description: The id of the runner key.
      type: str
      returned: always
      sample: 0d9c2b8e-5f0d-4f7e-9a37-3c3f6d1c2a55
    path:
      description: The file on the host that stores the key, or null if it is in another key store.
      type: str
      returned: always
      sample: /etc/soda-runner/key.json
    key_version:
      description: The version that the key was issued for.
      type: int
      returned: always
      sample: 1
    issued_at:
      description: When it was issued, in ISO 8601, UTC.
      type: str
      returned: always
      sample: '2026-01-01T12:00:00Z'
key_needed:
  description: Whether no key is stored, or one of a lower version than O(key_version), so a key must be issued.
  returned: success and O(state=present)
  type: bool
  sample: false
key_changed:
  description: Whether the module wrote the key file or changed its attributes.
  returned: success and O(state=present)
  type: bool
  sample: false
key_adoptable:
  description:
    - Whether no key is stored, and the key of O(existing_key) or O(import_from) can be adopted.
    - With another O(key_store) than V(file), also whether the host has a key file of this runner.
  returned: success and O(state=present)
  type: bool
  sample: false
escrow_emptied:
  description: Whether a key that waited on the controller was removed.
  returned: success and O(state=present)
  type: bool
  sample: false
files:
  description: The configuration files.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: Where the file is on the host.
      type: str
      returned: always
      sample: /etc/soda-runner/values.yml
    format:
      description: Its format.
      type: str
      returned: always
      sample: helm_values
    changed:
      description: Whether its content or its attributes were changed.
      type: bool
      returned: always
missing_folders:
  description:
    - The folders that did not exist on the host. The module creates them when it writes files.
  returned: success and O(state=present)
  type: list
  elements: str
  sample: []
restart_owed:
  description:
    - Whether the configuration was changed by this task, or, with O(track_restart=true), since the last restart that
      was acknowledged. Adopting a key does not change the configuration.
  returned: success, unless O(state=absent)
  type: bool
  sample: false
removed:
  description: The files that were removed, because they are no longer declared or because O(state=absent).
  returned: success
  type: list
  elements: str
  sample: [/etc/soda-runner/key.json, /etc/soda-runner/values.yml]
failure:
  description: What failed, as M(community.soda.soda_runner) returns it.
  returned: failure
  type: dict
  contains:
    code:
      description: One of this collection's codes, such as V(key_path_unusable) or V(config_format_unknown).
      type: str
      returned: always
      sample: key_path_unusable
    message:
      description: What is wrong, and what to do next.
      type: str
      returned: always
    operation:
      description: Always null, because the module sends no request to Soda Cloud.
      type: str
      returned: always
    http_status:
      description: Always null, because the module sends no request to Soda Cloud.
      type: int
      returned: always
    trace_id:
      description: Always null, because the module sends no request to Soda Cloud.
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
