# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where relative paths and ~ lead to, and whether two paths are one file."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from ansible_collections.community.soda.plugins.module_utils._paths import expand, home_folder, is_same_file, resolve


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a folder and a link to it; PWD names another folder."""
    (tmp_path / "dir").mkdir()
    (tmp_path / "link").symlink_to("dir")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PWD", str(tmp_path / "elsewhere"))
    return tmp_path


SAME = [
    ("dir/key.json", "dir/./key.json"),
    ("dir//key.json", "dir/key.json"),
    ("a.yml", "./a.yml"),
    ("link/a.yml", "dir/a.yml"),
    ("{here}/a.yml", "a.yml"),
    ("dir/../a.yml", "a.yml"),
    ("link/../dir/a.yml", "dir/a.yml"),
    ("missing/a.yml", "missing/./a.yml"),
    ("~/a.yml", "{home}/a.yml"),
]
DIFFERENT = [
    ("a.yml", "b.yml"),
    ("dir/a.yml", "a.yml"),
    ("a.yml", "A.yml"),
    ("{here}/elsewhere/a.yml", "a.yml"),
]


@pytest.mark.parametrize(("first", "second"), SAME, ids=str)
def test_two_ways_to_write_a_path_are_one_file(here: Path, first: str, second: str) -> None:
    paths = [path.format(here=here, home=home_folder()) for path in (first, second)]
    assert is_same_file(*paths) is True
    assert resolve(paths[0]) == resolve(paths[1])


@pytest.mark.parametrize(("first", "second"), DIFFERENT, ids=str)
def test_two_files_are_two(here: Path, first: str, second: str) -> None:
    (here / "a.yml").write_text("")
    (here / "dir" / "a.yml").write_text("")
    assert is_same_file(first.format(here=here), second.format(here=here)) is False


def test_two_hard_links_are_one_file(here: Path) -> None:
    (here / "a.yml").write_text("")
    os.link(here / "a.yml", here / "dir" / "b.yml")
    assert is_same_file("a.yml", "link/b.yml") is True


def test_a_link_in_the_place_of_the_file_is_another_file(here: Path) -> None:
    (here / "a.yml").write_text("")
    (here / "b.yml").symlink_to("a.yml")
    assert is_same_file("a.yml", "b.yml") is False
    assert resolve("b.yml") == str(here / "b.yml")


def test_a_relative_path_is_below_the_folder_of_the_process(here: Path) -> None:
    assert expand("a.yml") == str(here / "a.yml")


@pytest.mark.parametrize("home", [None, ""], ids=["unset", "empty"])
def test_without_home_the_user_database_names_the_home_folder(
    monkeypatch: pytest.MonkeyPatch, home: str | None
) -> None:
    monkeypatch.delenv("HOME", raising=False)
    if home is not None:
        monkeypatch.setenv("HOME", home)
    expected = pwd.getpwuid(os.geteuid()).pw_dir
    assert home_folder() == expected
    assert expand("~/a.yml") == os.path.join(expected, "a.yml")
    assert expand("~") == expected


def test_home_wins_over_the_user_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/somewhere")
    assert expand("~/a.yml") == "/somewhere/a.yml"


def test_a_user_without_an_entry_has_the_root_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_uid: int) -> None:
        raise KeyError

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert home_folder() == "/"


def test_the_home_folder_of_another_user_is_known_by_name() -> None:
    root = pwd.getpwuid(0)
    assert expand(f"~{root.pw_name}/a.yml") == os.path.join(root.pw_dir, "a.yml")
