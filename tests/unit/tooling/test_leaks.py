# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The search for secrets finds them in every form, and only outside the files where they belong."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote

import pytest

from tooling.leaks import Credential, search

KEY = Credential("5a1e-id", "-s3cret_With-some-LENGTH-to-it_0123456789abcdefghijklm")
SECRET = KEY.api_key_secret.encode()


def nowhere(path: Path) -> bool:
    return False


@pytest.mark.parametrize(
    "planted",
    [
        SECRET,
        b"{'api_key_secret': '" + SECRET + b"'}",
        quote(KEY.api_key_secret, safe="").encode(),
        SECRET.hex().encode(),
        base64.b64encode(f"{KEY.api_key_id}:{KEY.api_key_secret}".encode()),
        base64.b64encode(b"AA" + SECRET + b"Z"),
        base64.b64encode(b"A" + SECRET + b"ZZ"),
        base64.b64encode(SECRET + b"rest"),
    ],
)
def test_a_planted_secret_is_found_whatever_its_form(tmp_path: Path, planted: bytes) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "log").write_bytes(b"before\n" + planted + b"\nafter")
    assert search([KEY], tmp_path, nowhere).found == ("deep/log",)


def test_a_secret_that_json_escapes_is_found(tmp_path: Path) -> None:
    key = Credential("id", 'quote " and \\ backslash')
    (tmp_path / "log").write_text(json.dumps({"key": key.api_key_secret}))
    assert search([key], tmp_path, nowhere).found == ("log",)


def test_a_file_that_may_hold_the_secret_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "key.json").write_bytes(SECRET)
    (tmp_path / "log").write_bytes(b"nothing")
    found = search([KEY], tmp_path, lambda path: path.name == "key.json")
    assert (found.files, found.size, found.found) == (1, 7, ())


def test_the_id_of_a_key_is_no_secret(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(KEY.api_key_id)
    assert search([KEY], tmp_path, nowhere).found == ()


def test_a_search_for_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no secret"):
        search([], tmp_path, nowhere)
