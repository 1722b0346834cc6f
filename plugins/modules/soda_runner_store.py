#!/usr/bin/python
# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This is a virtual module that is entirely implemented as an action plugin and runs on the controller.

from __future__ import annotations

DOCUMENTATION = r"""
module: soda_runner_store
short_description: Keep the key of a Soda runner in Vault or Kubernetes
version_added: 1.0.0
author:
  - community.soda contributors (@community-soda)
description:
  - Stores the key of a self-hosted Soda runner in a key store, and issues it if the store has none. A key store is a
    secret in HashiCorp Vault or OpenBao, or a Secret in a Kubernetes cluster.
  - The stored key is the state. If the store has a key of the wanted O(key_version), the action sends no request to
    Soda Cloud.
  - Before the action requests a key, it checks that the store accepts one, and writes its intent to the store. So two
    controllers that run at the same time issue one key.
  - The action writes a new key to O(escrow_dir) on the controller, then to the store, reads it back, and only then
    removes it from O(escrow_dir). If a run is killed, the next run on this controller stores that key.
  - The action runs on the controller, for any connection of the host. The secret is in no result, variable or log.
requirements:
  - requests >= 2.25 on the controller
  - with O(store=vault_kv2), the collection C(community.hashi_vault) (version 6 for ansible-core 2.16) and the Python
    library C(hvac) on the controller
  - with O(store=kubernetes_secret), the collection C(kubernetes.core) and the Python library C(kubernetes) on the
    controller
extends_documentation_fragment:
  - community.soda.soda_cloud
  - community.soda.soda_cloud.action_group
  - ansible.builtin.action_common_attributes
  - ansible.builtin.action_common_attributes.conn
attributes:
  action:
    description: It runs on the controller.
    support: full
  async:
    description: It can be run with C(async).
    support: none
  become:
    description: It can be used with C(become).
    support: partial
    details:
      - Only O(move_from) reads a file on the host.
  bypass_host_loop:
    description: It runs once for all hosts.
    support: none
  check_mode:
    support: full
    details:
      - Reads the store and the listing, and checks as far as possible that the store accepts a key. It writes nothing.
  connection:
    support: partial
    details:
      - Only O(move_from) contacts the host.
  delegation:
    support: none
  diff_mode:
    support: full
    details:
      - Shows the registration and the key before and after, without the secret.
  platform:
    platforms: posix
    support: full
options:
  name:
    description: The name of the runner, as in its own configuration. It must be text or an integer.
    type: raw
    required: true
  state:
    description:
      - V(present) stores a key of the runner, and issues it if necessary.
      - V(absent) deletes the runner from Soda Cloud and removes the key with all its versions. It fails if the runner
        is in use.
    type: str
    choices: [present, absent]
    default: present
  observe:
    description: Read the store only. Write nothing, and send no request to Soda Cloud.
    type: bool
    default: false
  store:
    description: Where the key is stored.
    type: str
    choices: [vault_kv2, kubernetes_secret]
    required: true
  account:
    description:
      - A label that distinguishes two accounts of Soda Cloud at one endpoint. It is part of the default names and of
        the metadata.
      - Do not change it for a runner that has a key.
    type: str
    default: ''
  adopt_store:
    description:
      - Take over a secret that another program made, if its fields are C(api_key_id) and C(api_key_secret), or
        C(SODA_API_KEY_ID) and C(SODA_API_KEY_SECRET). Otherwise the action replaces its content.
    type: bool
    default: false
  vault:
    description: Where the secret is in Vault, with O(store=vault_kv2).
    type: dict
    default: {}
    suboptions:
      mount:
        description: The mount of a secrets engine of the type KV version 2.
        type: str
        default: secret
      path:
        description:
          - The path of the secret below the mount.
          - The default is C(soda/runners/) with a readable and unique form of the name.
        type: str
  vault_options:
    description:
      - Options of the plugins C(community.hashi_vault.vault_read) and C(community.hashi_vault.vault_write) for the
        connection and the login, such as C(url), C(namespace), C(auth_method) and C(role_id).
      - The environment variables of that collection work too, such as E(VAULT_ADDR) and E(VAULT_TOKEN), and so do its
        variables, such as C(ansible_hashi_vault_auth_method).
    type: dict
    default: {}
  kubernetes:
    description: Where the Secret is in Kubernetes, with O(store=kubernetes_secret).
    type: dict
    default: {}
    suboptions:
      namespace:
        description: The namespace. It must exist.
        type: str
      secret:
        description:
          - The name of the Secret. Its data has the keys C(SODA_API_KEY_ID) and C(SODA_API_KEY_SECRET).
          - The default is a readable and unique form of the name.
        type: str
      pull_secret:
        description:
          - The name of a Secret with the login to Soda's image registry. The default is the name of the Secret with
            C(-pull) at the end. With an empty text, the action creates none.
        type: str
      labels:
        description: Labels of both Secrets. The action keeps other labels.
        type: dict
        default: {}
      annotations:
        description: Annotations of both Secrets. The action keeps other annotations.
        type: dict
        default: {}
  kubernetes_options:
    description:
      - Options of the modules of C(kubernetes.core) for the connection and the login, such as C(kubeconfig) and
        C(context).
      - The environment variables of that collection work too, such as E(K8S_AUTH_KUBECONFIG), and so does
        E(KUBECONFIG).
    type: dict
    default: {}
  key_version:
    description: Raise it to rotate the key. The action replaces a key of a lower version and fails for a higher one.
    type: int
    default: 1
  reissue:
    description:
      - Issue a key for a runner that is registered and has no key in the store, or whose key was deleted in Vault.
    type: bool
    default: false
  unless_online:
    description: With O(state=absent), do not delete a runner that Soda Cloud reports as online. A warning names it.
    type: bool
    default: false
  existing_key:
    description: If the store has no key, store this key instead of issuing one.
    type: dict
    suboptions:
      api_key_id:
        description: The id of the runner key.
        type: str
        required: true
      api_key_secret:
        description: The secret of the runner key.
        type: str
        required: true
  move_from:
    description:
      - The path of a key file on the host. If the store has no key, the action moves the key from this file to the
        store, and removes the file after it has read the key back from the store. No key is issued.
      - This is the only option for which the action contacts the host.
    type: str
  escrow_dir:
    description:
      - The folder on the controller in which a new key waits until the store has it. The action creates it with the
        mode V(0700).
      - The default is C(community.soda/escrow) below E(XDG_STATE_HOME), or below C(~/.local/state).
      - If this folder is lost after a run, for example with a container, the next run cannot find the key of a killed
        run. It reports that a key may be lost, and continues.
    type: path
seealso:
  - module: community.soda.soda_runner
  - module: community.soda.soda_runner_config
"""

EXAMPLES = r"""
- name: Keep the key of a runner in Vault
  community.soda.soda_runner_store:
    name: warehouse-eu
    store: vault_kv2
    vault:
      mount: secret
      path: soda/runners/warehouse-eu

- name: Rotate the key, with AppRole as the login
  community.soda.soda_runner_store:
    name: warehouse-eu
    store: vault_kv2
    vault_options:
      auth_method: approle
      role_id: "{{ vault_role_id }}"
      secret_id: "{{ vault_secret_id }}"
    key_version: 2

- name: Keep the key of a runner in a Secret
  community.soda.soda_runner_store:
    name: warehouse-eu
    store: kubernetes_secret
    kubernetes:
      namespace: soda
    kubernetes_options:
      kubeconfig: ~/.kube/config

- name: Move the key of a runner from the host to Vault, without issuing another one
  community.soda.soda_runner_store:
    name: warehouse-eu
    store: vault_kv2
    move_from: /etc/soda-runner/key.json

- name: Delete a runner and its key
  community.soda.soda_runner_store:
    name: warehouse-eu
    store: vault_kv2
    state: absent
"""

RETURN = r"""
runner:
  description: The runner as Soda Cloud lists it, or null if it is not listed or no request was needed.
  returned: success
  type: dict
registration:
  description:
    - V(registered) if the runner is listed, V(pending) if it has a key and is not listed, V(absent) otherwise.
    - Null if no request was needed.
  returned: success
  type: str
  sample: pending
key:
  description: The stored key, or null. The secret is never part of it.
  returned: success
  type: dict
  contains:
    api_key_id:
      description: The id of the runner key, or null if check mode does not know it yet.
      type: str
      returned: always
      sample: 0d9c2b8e-5f0d-4f7e-9a37-3c3f6d1c2a55
    key_version:
      description: The O(key_version) that the key was issued for.
      type: int
      returned: always
      sample: 1
    issued_at:
      description: When the key was issued, in ISO 8601, UTC.
      type: str
      returned: always
      sample: '2026-01-01T12:00:00Z'
    runner_id:
      description: The id of the runner, or null if the runner was not registered when the key was issued.
      type: str
      returned: always
    location:
      description: Where the key is stored.
      type: str
      returned: always
      sample: Vault at secret/soda/runners/warehouse-eu
complete:
  description:
    - Whether the stored key and its metadata need no change. For Kubernetes, this includes the image pull Secret.
  returned: O(observe=true)
  type: bool
  sample: true
key_origin:
  description:
    - Where the key comes from that this run stored. V(issued) is a new key, V(existing) the one of O(existing_key), and
      V(moved) the one of O(move_from).
    - Null if the store had the key already.
  returned: success and O(state=present)
  type: str
  sample: issued
unique_name:
  description: The readable and unique form of the name. It is valid as the name of a Secret and of a Helm release.
  returned: success
  type: str
  sample: warehouse-eu-1f3a5c7e90
failure:
  description: What failed, as with M(community.soda.soda_runner).
  returned: failure
  type: dict
"""
