#!/usr/bin/env bash
# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

set -eu -o pipefail
source ../soda_cloud/plays.sh

export ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED=true
echo over-the-rainbow > "$OUTPUT_DIR/password"
password=(--vault-password-file "$OUTPUT_DIR/password")

# shows ARGUMENT…: runs ansible or ansible-inventory, which has to succeed.
shows() {
    echo "--- $*"
    # shellcheck disable=SC2154  # plays.sh sets it
    "$@" 2>&1 | tee "$said"
}

# asked COUNTS: the requests in the journal of Soda Cloud since the last time.
asked() {
    play asked.yml -e "{\"soda_cloud_counts\": $1}"
}

play scene.yml -e output_dir="$OUTPUT_DIR"

# The secret is a vaulted value.
shows ansible-inventory -i "$OUTPUT_DIR/vaulted.soda_runners.yml" "${password[@]}" --graph
says 'soda_online'
says 'warehouse-eu'
asked '{"listRunners": 1}'

# The secret is a template, and its variable is vaulted. The listing is in the cache: no request.
shows ansible-inventory -i "$OUTPUT_DIR/template.soda_runners.yml" -e "@$OUTPUT_DIR/vault.yml" "${password[@]}" --graph
says 'warehouse-us'
asked '{}'

# Without the cache, which would hide a secret that was not decrypted.
# ansible-inventory has --flush-cache since ansible-core 2.19 only.
rm -r "$OUTPUT_DIR/cache"
shows ansible-inventory -i "$OUTPUT_DIR/template.soda_runners.yml" -e "@$OUTPUT_DIR/vault.yml" "${password[@]}" --graph
says 'warehouse-us'
asked '{"listRunners": 1}'

# Ad hoc, for one group.
shows ansible -i "$OUTPUT_DIR/vaulted.soda_runners.yml" "${password[@]}" soda_offline -c local \
    -m ansible.builtin.debug -a 'msg="{{ soda_name }} is offline"'
says 'warehouse-us is offline'
if says 'warehouse-eu'; then
    exit 1
fi
asked '{}'
