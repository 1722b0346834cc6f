# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page that docs.ansible.com shows lists each guide, and its links lead to files of the repository."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[3]
DOCSITE = ROOT / "docs" / "docsite"
GALAXY = yaml.safe_load((ROOT / "galaxy.yml").read_text("utf-8"))


def test_every_section_page_exists() -> None:
    sections = yaml.safe_load((DOCSITE / "extra-docs.yml").read_text("utf-8"))["sections"]
    pages = [page for section in sections for page in section["toctree"]]
    assert sorted(pages) == sorted(path.stem for path in (DOCSITE / "rst").glob("*.rst"))


def test_every_guide_is_listed_once() -> None:
    prefix = re.escape(f"{GALAXY['repository']}/blob/main/")
    targets = re.findall(rf"<{prefix}(docs/guides/[\w.-]+)>`__", (DOCSITE / "rst" / "guides.rst").read_text("utf-8"))
    assert sorted(targets) == sorted(f"docs/guides/{path.name}" for path in (ROOT / "docs" / "guides").glob("*.md"))


def test_links_of_the_collection_name_its_repository_and_issue_forms() -> None:
    links = yaml.safe_load((DOCSITE / "links.yml").read_text("utf-8"))
    assert links["edit_on_github"]["repository"] == GALAXY["repository"].removeprefix("https://github.com/")
    forms = {path.name for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")} - {"config.yml"}
    assert {link["url"].rpartition("template=")[2] for link in links["extra_links"]} == forms
