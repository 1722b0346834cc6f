#!/bin/sh
# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# install.sh VENV python INTERPRETER   makes the virtual environment VENV anew
# install.sh VENV SET                  installs tests/requirements/SET.txt into it
# Either leaves the stamp VENV/.python or VENV/.SET, which make looks at.
set -eu

venv=$1
what=$2
requirements=tests/requirements

# uv is several times faster than pip. Only pip reads pip's own settings (a mirror, say), so it is what remains.
# The tests write no bytecode anywhere, so what they import is compiled here, once.
install() {
    "$venv/bin/uv" pip install --quiet --require-hashes --compile-bytecode --python "$venv/bin/python" "$@" ||
        { echo "uv could not; trying pip" >&2; "$venv/bin/python" -m pip install --quiet --require-hashes "$@"; }
}

if [ "$what" = python ]; then
    echo "Making $venv with $("$3" --version)"
    rm -rf "$venv"
    "$3" -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --require-hashes --requirement "$requirements/uv.txt"
else
    echo "Installing what 'make $what' needs into $venv"
    install --requirement "$requirements/$what.txt"
fi
touch "$venv/.$what"
