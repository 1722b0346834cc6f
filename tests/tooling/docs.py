# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds the documentation as a site: the reference of plugins and role, and the guides. A warning is a failure."""

from __future__ import annotations

import os.path
import re
import shutil
import typing as t
from pathlib import Path

import yaml

from . import tree, venvs
from .environment import private_environment
from .process import run
from .result import Result, judged

_SITE = tree.BUILD / "docs"
_TEXTS = (".md", ".svg", ".png")


def main(arguments: t.Sequence[str], log: Path) -> Result:
    """Build the site into build/docs/html. *arguments* are for sphinx-build."""
    shutil.rmtree(_SITE, ignore_errors=True)
    env = venvs.on_path(private_environment(), venvs.pinned("docs"))
    env["ANSIBLE_COLLECTIONS_PATH"] = str(tree.linked_collections())
    source = _SITE / "source"
    _copy_texts(source)
    reference = ["antsibull-docs", "collection", "--use-current", "--squash-hierarchy"]
    reference += ["--fail-on-error", "--dest-dir", str(source / "collections"), "community.soda"]
    site = ["sphinx-build", "--builder", "html", "--fail-on-warning", "--keep-going", "--jobs", "auto", *arguments]
    site += [str(source), str(_SITE / "html")]
    (source / "collections").mkdir()
    passed = failed = 0
    said = []
    for command in (reference, site):
        finished = run(command, cwd=tree.ROOT, env=env, log=log)
        warnings = re.findall(r"^.*(?:WARNING|ERROR): .*$", finished.output, re.MULTILINE)
        if finished.returncode or warnings:
            failed += 1
            said.append(f"{command[0]}: {len(warnings)} warnings, exit status {finished.returncode}")
        else:
            passed += 1
    pages = list((_SITE / "html").rglob("*.html"))
    # antsibull-docs writes the error about invalid markup into the page and reports success.
    broken = [page.name for page in pages if "ERROR while parsing" in page.read_text("utf-8")]
    if broken:
        failed += 1
        said.append(f"markup that cannot be parsed: {', '.join(sorted(broken))}")
    else:
        passed += 1
    summary = "; ".join(said) or f"{len(pages)} pages in {(_SITE / 'html').relative_to(tree.ROOT)}"
    return judged(passed, failed, summary, 0)


def _copy_texts(source: Path) -> None:
    """Copy the pages in the folders of the checkout, so that links between them work, and the pages of the site."""
    names = [name for name in tree.own_files() if _is_text(name)]
    for name in names:
        target = source / (Path(name).name if name.startswith("docs/site/") else name)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(tree.ROOT / name, target)
        if name.endswith(".md"):
            target.write_text(_linked(target.read_text("utf-8"), name, set(names)), "utf-8")
    for name in ("conf.py", "site.css"):
        shutil.copy2(tree.ROOT / "docs" / "site" / name, source)


def _is_text(name: str) -> bool:
    return name.endswith(_TEXTS) and (Path(name).parts[0] in ("docs", "roles") or "/" not in name)


def _linked(text: str, page: str, pages: set[str]) -> str:
    """The page. Links to files outside the site lead to the repository."""
    repository = yaml.safe_load((tree.ROOT / "galaxy.yml").read_text("utf-8"))["repository"]

    def link(match: re.Match[str]) -> str:
        target = os.path.normpath(os.path.join(os.path.dirname(page), match[1]))
        inside = target in pages or not (tree.ROOT / target).exists()
        return match[0] if inside else f"]({repository}/blob/main/{target})"

    return re.sub(r"\]\((?![a-z]+:|#)([^)#\s]+)\)", link, text)
