#!/bin/sh
# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Stands in for sudo: notes the modules in the command and on its input in the file that --log=FILE names, drops the other
# options, and runs the command as the caller. Ansible sends a module on the input if it uses pipelining.
log=/dev/null
while [ $# -gt 0 ] && [ "$1" != /bin/sh ]; do
    case $1 in
        --log=*) log=${1#--log=} ;;
    esac
    shift
done
input=$(mktemp)
trap 'rm -f "$input"' EXIT
tee "$input" | "$@"
status=$?
{
    echo "$*" | grep -o 'AnsiballZ_[a-z_]*'
    grep -ao 'ansible_collections[.]community[.]soda[.]plugins[.]modules[.][a-z_]*' "$input" | sed 's/.*[.]/AnsiballZ_/'
} >> "$log"
exit "$status"
