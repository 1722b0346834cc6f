#!/usr/bin/env bash
# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

set -eu -o pipefail
source ../soda_cloud/plays.sh

# A fleet with running runners, and not one key that the collection has issued. Its keys are adopted: no POST, no restart.
export ANSIBLE_FORKS=${ADOPTED_AT_ONCE:-5}
{
    echo '[fleet]'
    printf 'host-%03d\n' $(seq "${ADOPTED_HOSTS:-10}")
} > "$OUTPUT_DIR/hosts"
fleet=(-i "$OUTPUT_DIR/hosts")
play "${fleet[@]}" running.yml "$@"
play "${fleet[@]}" adopt.yml --check --diff -e '{"soda_cloud_counts": {"listRunners": 1}}' "$@"
changed
play "${fleet[@]}" adopt.yml --diff -e '{"soda_cloud_counts": {"listRunners": 1}}' "$@"
changed
play "${fleet[@]}" adopted.yml "$@"
play "${fleet[@]}" adopt.yml --diff -e '{"soda_cloud_counts": {}}' "$@"
unchanged
echo "Adopted hosts: $(wc -l < <(grep '^host-' "$OUTPUT_DIR/hosts"))"
