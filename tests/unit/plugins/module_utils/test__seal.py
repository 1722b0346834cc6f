# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is sealed comes back with the same key and label, and says nothing without."""

from __future__ import annotations

import base64

import pytest

from ansible_collections.community.soda.plugins.module_utils._seal import new_key, seal, unseal

CONTENT = b'{"api_key_secret": "-secret"}\n\x00\xff' * 100


def test_each_task_has_another_key_of_32_bytes() -> None:
    keys = {new_key() for _task in range(10)}
    assert len(keys) == 10
    assert {len(bytes.fromhex(key)) for key in keys} == {32}


@pytest.mark.parametrize("content", [b"", b"x", CONTENT], ids=["nothing", "a byte", "many"])
def test_sealed_content_can_be_opened(content: bytes) -> None:
    assert unseal("a key", "a label", seal("a key", "a label", content)) == content


def test_a_seal_is_text_of_the_length_of_its_content() -> None:
    sealed = seal("a key", "a label", CONTENT)
    assert len(base64.b64decode(sealed, validate=True)) == len(CONTENT)


@pytest.mark.parametrize(("key", "label"), [("another", "a label"), ("a key", "another"), ("a", " keya label")])
def test_another_key_or_label_shows_nothing(key: str, label: str) -> None:
    zeros = bytes(len(CONTENT))
    sealed = seal("a key", "a label", zeros)
    assert zeros[:8] not in base64.b64decode(sealed)
    opened = unseal(key, label, sealed)
    assert zeros[:8] not in opened


def test_the_stream_is_shake_256_of_key_and_label() -> None:
    assert seal("a key", "a label", b"content") == "U6qiWEOibg=="
