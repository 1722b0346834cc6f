#!/usr/bin/env bash
# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
set -eu -o pipefail

# Every kind of text, on whichever ansible-core runs this.
ansible-playbook -i "texthost," -c local --vault-password-file password.txt texts.yml \
    -e 'ansible_python_interpreter="{{ ansible_playbook_python }}"' \
    -e "folder=$OUTPUT_DIR/texts" -e extra=extra-Text_1 "$@"
