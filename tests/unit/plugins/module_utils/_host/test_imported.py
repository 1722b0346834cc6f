# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The key in a configuration file that existed before, from any author."""

from __future__ import annotations

import base64
import sys
from pathlib import Path

import pytest

from ansible_collections.community.soda.plugins.module_utils._errors import SodaError
from ansible_collections.community.soda.plugins.module_utils._host import imported
from ansible_collections.community.soda.plugins.module_utils._host.imported import Found, import_key
from ansible_collections.community.soda.plugins.module_utils._key.stored_key import IssuedKey

NAME, ENDPOINT = "warehouse-eu", "https://cloud.soda.io"
KEY = IssuedKey("738780652368330656", "-a_secret")
BOMB = "\n".join(
    [
        "a: &a [x, x, x, x, x, x, x, x, x]",
        *(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in zip("abcdef", "bcdefg")),
        "soda: {apikey: {id: '1', secret: '2'}}",
    ]
)


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def found_in(folder: Path, text: str) -> Found:
    path = folder / "file"
    path.write_text(text, encoding="utf-8")
    return import_key(str(path), NAME, ENDPOINT, "agent")


def message_for(folder: Path, text: str) -> str:
    with pytest.raises(SodaError) as failed:
        found_in(folder, text)
    assert failed.value.failure.code == "import_failed"
    assert str(folder / "file") in failed.value.failure.message
    assert "S3CRET" not in failed.value.failure.message
    return failed.value.failure.message


@pytest.mark.parametrize(
    ("text", "runner_id"),
    [
        ("SODA_API_KEY_ID=738780652368330656\nSODA_API_KEY_SECRET=-a_secret\n", None),
        (
            "# c\nexport SODA_API_KEY_ID='738780652368330656'\nSODA_API_KEY_SECRET=\"-a_secret\"\nSODA_AGENT_ID=r1\n",
            "r1",
        ),
        (
            "SODA_API_KEY_ID = 738780652368330656 # the id\nSODA_API_KEY_SECRET='-a_secret' # from Soda\n"
            'SODA_AGENT_ID="r1"#c\n',
            "r1",
        ),
        ("\ufeffSODA_API_KEY_ID=738780652368330656\r\nSODA_API_KEY_SECRET=-a_secret\r\n", None),
        ("\ufeffsoda: {apikey: {id: 738780652368330656, secret: -a_secret}}\n", None),
        ("soda: {apikey: {id: 738780652368330656, secret: -a_secret}}\n", None),
        ("a: 1\n---\nsoda:\n  apikey: {id: '738780652368330656', secret: -a_secret}\n  agent: {id: r1}\n", "r1"),
        (
            f"soda:\n  apikey: {{id: '738780652368330656', secret: -a_secret}}\n  cloud: {{endpoint: {ENDPOINT}/}}\n",
            None,
        ),
        ("kind: Secret\nstringData: {SODA_API_KEY_ID: '738780652368330656', SODA_API_KEY_SECRET: -a_secret}\n", None),
        (
            "kind: Secret\ndata:\n"
            f"  SODA_API_KEY_ID: {encoded('738780652368330656')}\n  SODA_API_KEY_SECRET: {encoded('-a_secret')}\n"
            f"  SODA_AGENT_ID: {encoded('r1')}\n",
            "r1",
        ),
        (
            "soda_cloud: {host: cloud.soda.io, port: '443', api_key_id: '738780652368330656',"
            " api_key_secret: '-a_secret'}\n",
            None,
        ),
    ],
    ids=[
        "dotenv",
        "dotenv by hand",
        "comments",
        "dotenv with BOM",
        "BOM",
        "values",
        "second document",
        "endpoint",
        "stringData",
        "data",
        "soda_core",
    ],
)
def test_the_key_is_found_in_each_format(tmp_path: Path, text: str, runner_id: str | None) -> None:
    found = found_in(tmp_path, text)
    assert found.key == KEY
    assert found.runner_id == runner_id


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it contains no runner key"),
        ("soda: {apikey: {existingSecret: a}}\n", "it contains no runner key"),
        ("SODA_API_KEY_ID=a\n", "it contains no runner key"),
        *(
            (f"SODA_API_KEY_ID=a\nSODA_API_KEY_SECRET={value}\n", "SODA_API_KEY_SECRET has a value that cannot be read")
            for value in ("$S3CRET", "'S3CRET", '"S3\\nCRET"', "S3CRET two", "'S3CRET' two", "#S3CRET", "x#'S3CRET")
        ),
        # The last value of a variable applies.
        (
            "SODA_API_KEY_ID=a\nSODA_API_KEY_SECRET=S3CRET\nSODA_API_KEY_SECRET=$OTHER\n",
            "SODA_API_KEY_SECRET has a value that cannot be read",
        ),
        ("soda: {apikey: {id: [a], secret: S3CRET}}\n", "it contains no runner key"),
        ("kind: Secret\ndata: {SODA_API_KEY_ID: '%', SODA_API_KEY_SECRET: '%'}\n", "it contains no runner key"),
        ("soda_cloud: {api_key_id: a, api_key_secret: '${env.S3CRET}'}\n", "its key refers to an environment variable"),
        ("soda: {apikey: {id: a, secret: S3CRET}, agent: {name: other}}\n", "it is the configuration of the runner"),
        ("soda: {apikey: {id: a, secret: S3CRET}, cloud: {endpoint: 'https://a'}}\n", "it is for another endpoint"),
        ("soda_cloud: {host: cloud.us.soda.io, api_key_id: a, api_key_secret: S3CRET}\n", "it is for another endpoint"),
        ('soda: {apikey: {id: a, secret: "S3CRET\\n"}}\n', "its key is empty, too long, or has control characters"),
        (BOMB, "it is neither a dotenv file nor YAML without aliases"),
        ("a: " + "[" * 200 + "]" * 200, "it is neither a dotenv file nor YAML without aliases"),
        ("S3CRET: [", "it is neither a dotenv file nor YAML without aliases"),
        ("--- a\n" * 60, "it has more than 50 documents"),
        ("#" * (imported.LARGEST + 1), "it is larger than"),
    ],
)
def test_a_file_without_a_usable_key_is_refused_with_its_path(tmp_path: Path, text: str, reason: str) -> None:
    assert reason in message_for(tmp_path, text)


def test_the_advice_for_the_file_of_another_runner_never_leads_to_a_new_key(tmp_path: Path) -> None:
    message = message_for(tmp_path, "soda: {apikey: {id: a, secret: S3CRET}, agent: {name: other}}\n")
    assert message.endswith("Set the name in the file as the name of the runner, or correct import_from.")


def test_a_missing_file_is_refused_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(SodaError) as failed:
        import_key(str(tmp_path / "missing"), NAME, ENDPOINT, "agent")
    assert failed.value.failure.message.startswith(
        f"No key was imported from {tmp_path}/missing: the file does not exist"
    )


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\xff\xfe")
    with pytest.raises(SodaError) as failed:
        import_key(str(tmp_path / "file"), NAME, ENDPOINT, "agent")
    assert "it is not text in UTF-8" in failed.value.failure.message


def test_a_link_to_a_file_is_followed(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("SODA_API_KEY_ID=a\nSODA_API_KEY_SECRET=b\n", encoding="utf-8")
    (tmp_path / "link").symlink_to("file")
    assert import_key(str(tmp_path / "link"), NAME, ENDPOINT, "agent").key == IssuedKey("a", "b")


def test_without_pyyaml_dotenv_is_read_and_the_others_fail_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imported, "yaml", None)
    assert found_in(tmp_path, "SODA_API_KEY_ID=a\nSODA_API_KEY_SECRET=b\n").key == IssuedKey("a", "b")
    message = message_for(tmp_path, "soda: {apikey: {id: a, secret: S3CRET}}\n")
    assert f"{sys.executable} has no PyYAML" in message
    message = message_for(tmp_path, "SODA_API_KEY_ID=a\nSODA_API_KEY_SECRET=$S3CRET\n")
    assert "SODA_API_KEY_SECRET has a value that cannot be read" in message
