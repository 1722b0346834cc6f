#!/bin/sh
# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Stands in for sudo: notes the command in the file that --log=FILE names, drops the other options, and runs it as
# whoever calls.
log=/dev/null
while [ $# -gt 0 ] && [ "$1" != /bin/sh ]; do
    case $1 in
        --log=*) log=${1#--log=} ;;
    esac
    shift
done
echo "$*" >> "$log"
exec "$@"
