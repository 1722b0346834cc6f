#!/usr/bin/env bash
# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

set -eu -o pipefail
source ../soda_cloud/plays.sh

# A fleet, in all four formats. The counts are of requests in the journal of Soda Cloud.
# The first host of an account checks the account with one listing.
play fleet.yml --check --diff -e '{"soda_cloud_counts": {"listRunners": 4}}' "$@"
says '3 hosts would need a new runner key'
changed
play fleet.yml --diff -e '{"soda_cloud_counts": {"listRunners": 4, "createRunner": 3}}' "$@"
changed
says '3 hosts need a new runner key.*less than a minute'
# Ansible has one warning for the host whose interpreter it discovers, and prints it once.
if says 'WarningSummary'; then
    exit 1
fi
play registered.yml "$@"
play fleet.yml --diff -e '{"soda_cloud_counts": {}}' "$@"
unchanged
play fleet.yml --check --diff -e '{"soda_cloud_counts": {}}' "$@"
unchanged

# A fleet is never wrong, whatever the order in which its hosts are visited.
play fleet.yml -e '{"soda_cloud_counts": {}, "fleet_strategy": "free"}' "$@"
unchanged
play fleet.yml --limit two,localhost -e '{"soda_cloud_counts": {}, "fleet_serial": 1}' "$@"
unchanged

# An empty text means that the runner is not deployed. The bool filter of Ansible will refuse it.
play fleet.yml -e '{"soda_cloud_counts": {}, "soda_runner_deploy": ""}' "$@"
unchanged
if says 'bool. filter'; then
    exit 1
fi

# A higher version rotates the key; a lower one is an older declaration.
play fleet.yml --check -e '{"soda_cloud_counts": {"listRunners": 4}, "soda_runner_key_version": 2}' "$@"
changed
play fleet.yml -e '{"soda_cloud_counts": {"listRunners": 4, "createRunner": 3}, "soda_runner_key_version": 2}' "$@"
changed
play registered.yml "$@"
play fleet.yml -e '{"soda_cloud_counts": {}, "soda_runner_key_version": 2}' "$@"
unchanged
fails fleet.yml -e '{"soda_cloud_counts": {}, "soda_runner_key_version": 1}' "$@"
says 'key_version_too_low'

# Decommissioned. An online runner is refused, and so is one in use, with ignore_errors too: nothing is removed.
play in_use.yml -e is_online=true -e in_use=false "$@"
fails absent.yml -e '{"soda_cloud_counts": {}}' "$@"
says 'is online, so nothing was deleted'
play in_use.yml -e is_online=false -e in_use=false "$@"
# One listing for all hosts of the account.
play absent.yml --check -e '{"soda_cloud_counts": {"listRunners": 1, "getRunner": 3}}' "$@"
changed
play in_use.yml -e is_online=false -e in_use=true "$@"
fails absent.yml -e '{"soda_cloud_counts": {}}' "$@"
play in_use.yml -e is_online=false -e in_use=true "$@"
play absent.yml -e '{"soda_cloud_counts": {"listRunners": 1, "getRunner": 3, "deleteRunner": 3}, "ignore_failures": true}' "$@"
play in_use.yml -e is_online=false -e in_use=false "$@"
play absent.yml -e '{"soda_cloud_counts": {"listRunners": 1, "getRunner": 3, "deleteRunner": 3}}' "$@"
changed
play nothing_left.yml "$@"
play absent.yml -e '{"soda_cloud_counts": {"listRunners": 4}}' "$@"
unchanged

play several_runners.yml "$@"
play two_accounts.yml "$@"
fails wait.yml "$@"
says "did not list the runner 'waits on two' within 5 seconds"
play wait_online.yml "$@"
play diffs.yml --diff "$@"
play recovery.yml "$@"
play on_the_host.yml "$@"
play refused.yml "$@"
play same_name.yml "$@"
play twice_declared.yml "$@"
play facts.yml -e state=present "$@"
play facts.yml -e state=absent "$@"

# A restart that is owed is made up, whether a later task or the handler fails, and after a rotation. A failed task costs the
# handlers, unless they are forced, as ansible-test does.
export ANSIBLE_FORCE_HANDLERS=false
for form in roles include; do
    fails restart.yml -e form="$form" -e late=false "$@"
    play restart.yml -e form="$form" "$@"
    changed
    says 'RUNNING HANDLER \[Restart the runner\]'
    play restart.yml -e form="$form" "$@"
    unchanged
    fails restart.yml -e form="$form" -e soda_runner_key_version=2 -e restart=false "$@"
    play restart.yml -e form="$form" -e soda_runner_key_version=2 "$@"
    says 'RUNNING HANDLER \[Restart the runner\]'
    play restart.yml -e form="$form" -e soda_runner_key_version=2 "$@"
    unchanged
    ANSIBLE_FORCE_HANDLERS=true fails restart.yml -e form="$form" -e soda_runner_key_version=3 -e restart=false "$@"
    play restart.yml -e form="$form" -e soda_runner_key_version=3 "$@"
    says 'RUNNING HANDLER \[Restart the runner\]'
done

# A key that exists is adopted.
play adopt.yml "$@"
