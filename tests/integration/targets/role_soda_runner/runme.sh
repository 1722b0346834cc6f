#!/usr/bin/env bash
# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

set -eu -o pipefail
source ../soda_cloud/plays.sh

# A fleet, in all four formats. The counts are of requests in the journal of Soda Cloud.
play fleet.yml --check --diff -e '{"soda_cloud_counts": {"listRunners": 3}}' "$@"
changed
play fleet.yml --diff -e '{"soda_cloud_counts": {"listRunners": 3, "createRunner": 3}}' "$@"
changed
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

# A higher version rotates the key; a lower one is an older declaration.
play fleet.yml --check -e '{"soda_cloud_counts": {"listRunners": 3}, "soda_runner_key_version": 2}' "$@"
changed
play fleet.yml -e '{"soda_cloud_counts": {"listRunners": 3, "createRunner": 3}, "soda_runner_key_version": 2}' "$@"
changed
play registered.yml "$@"
play fleet.yml -e '{"soda_cloud_counts": {}, "soda_runner_key_version": 2}' "$@"
unchanged
fails fleet.yml -e '{"soda_cloud_counts": {}, "soda_runner_key_version": 1}' "$@"
says 'declar'

# Decommissioned: a runner in use keeps everything; then nothing is left, and a second run finds nothing to do.
play absent.yml --check -e '{"soda_cloud_counts": {"listRunners": 3}}' "$@"
changed
play in_use.yml -e in_use=true "$@"
fails absent.yml -e '{"soda_cloud_counts": {}}' "$@"
play in_use.yml -e in_use=false "$@"
play absent.yml -e '{"soda_cloud_counts": {"listRunners": 3, "deleteRunner": 3}}' "$@"
changed
play nothing_left.yml "$@"
play absent.yml -e '{"soda_cloud_counts": {"listRunners": 3}}' "$@"
unchanged

play several_runners.yml "$@"
play two_accounts.yml "$@"
play recovery.yml "$@"
play on_the_host.yml "$@"
play refused.yml "$@"
play same_name.yml "$@"
