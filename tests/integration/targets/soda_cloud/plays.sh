# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash

# For targets that run their own playbooks, sourced by their runme.sh.

export ANSIBLE_ROLES_PATH=..
export ANSIBLE_NOCOLOR=1
# Where root runs the tests, becoming root is something to be tested all the same.
export ANSIBLE_BECOME_ALLOW_SAME_USER=1
# The caller's are not there under ansible-test, and are not to be.
unset "${!SODA_@}"

# What the last play said.
said="$OUTPUT_DIR/said"

# play [ARGUMENT…]: runs ansible-playbook with this target's inventory; the run has to succeed.
play() {
    echo "--- ansible-playbook $*"
    ansible-playbook -i inventory.yml -e @../../integration_config.yml "${account[@]}" "$@" 2>&1 | tee "$said"
}

# fails [ARGUMENT…]: the same, and the run has to fail.
fails() {
    if play "$@"; then
        echo "This run was to fail."
        return 1
    fi
}

# says PATTERN: the last run said so.
says() {
    grep -Eq -- "$1" "$said"
}

# changed: the last run changed something on some host.
changed() {
    says '^\S+ +: ok=.* changed=[1-9]'
}

# unchanged: the last run changed nothing on any host.
unchanged() {
    if changed; then
        echo "This run was to change nothing."
        return 1
    fi
}

# keeps_secrets FOLDER FILE...: no key that a host holds below the folder is in what the last play said, or in these files.
keeps_secrets() {
    local folder="$1"
    shift
    grep -rhoP '"api_key_secret": "\K[^"]+' --include=key.json "$folder" > "$OUTPUT_DIR/secrets"
    if grep -Ff "$OUTPUT_DIR/secrets" "$said" "$@"; then
        echo "The output contains a secret."
        return 1
    fi
}

account=()
play ../soda_cloud/account.yml -e account_file="$OUTPUT_DIR/account.json"
account=(-e "@$OUTPUT_DIR/account.json")
