# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The release workflow: tests, build and publication are apart, and no test code runs near a secret."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8"))
JOBS: dict[str, dict[str, Any]] = WORKFLOW["jobs"]
SECRET = re.compile(r"\$\{\{[^}]*\b(?:secrets\.|github\.token)")

# The programs that may run in a job with a secret. They come with the runner image, except the last two.
WITHOUT_SECRET = {"sha256sum", "tar", "pip"}
WITH_SECRET = {"printf", "gpg", "gh", "ansible-galaxy"}


def has_secret(part: Any) -> bool:
    return SECRET.search(yaml.safe_dump(part, width=10_000)) is not None


def is_privileged(job: dict[str, Any]) -> bool:
    return has_secret(job) or "environment" in job or "write" in job.get("permissions", {}).values()


PRIVILEGED = {name: job for name, job in JOBS.items() if is_privileged(job)}
STEPS = [(name, step) for name, job in JOBS.items() for step in job["steps"]]


def commands(script: str) -> list[list[str]]:
    """The commands of a script, each as its words. Separators and redirections are separate words."""
    found: list[list[str]] = []
    for line in script.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        current: list[str] = []
        for word in lexer:
            if set(word) <= set("|&;"):
                found.append(current)
                current = []
            else:
                current.append(word)
        found.append(current)
    return [words for words in found if words]


def needed(job: str) -> set[str]:
    """The jobs that must have succeeded before this one starts."""
    direct = JOBS[job].get("needs", [])
    names = {direct} if isinstance(direct, str) else set(direct)
    return names.union(*(needed(name) for name in names))


def test_parser_splits_pipes_lists_and_lines() -> None:
    script = "printf 'a; b' | gpg --batch > out\nmake test && rm -r x\n"
    assert [words[0] for words in commands(script)] == ["printf", "gpg", "make", "rm"]


def test_no_permission_is_granted_to_all_jobs() -> None:
    assert WORKFLOW["permissions"] == {}
    assert {name: job.get("permissions") for name, job in JOBS.items()} == {
        "test": {"contents": "read"},
        "build": {"contents": "read"},
        "sign": {},
        "publish-galaxy": {"contents": "read"},
        "publish-github": {"contents": "write"},
    }


def test_every_secret_belongs_to_the_protected_environment_and_to_one_step() -> None:
    assert set(PRIVILEGED) == {"sign", "publish-galaxy", "publish-github"}
    assert not has_secret({name: value for name, value in WORKFLOW.items() if name != "jobs"})
    for name, job in PRIVILEGED.items():
        assert job["environment"] == "release"
        assert not has_secret({key: value for key, value in job.items() if key != "steps"}), name
        assert len([step for step in job["steps"] if has_secret(step)]) == 1, name
        assert all(not has_secret({**step, "env": {}}) for step in job["steps"]), name


def test_tests_and_build_run_in_jobs_without_a_secret() -> None:
    test, build = JOBS["test"], JOBS["build"]
    assert [words[:2] for step in test["steps"] for words in commands(step.get("run", ""))] == [
        [".ci/run"],
        ["make", "test-tarball"],
    ]
    assert "needs" not in build
    assert ["make", "dist"] in [words for step in build["steps"] for words in commands(step.get("run", ""))]


@pytest.mark.parametrize("name", PRIVILEGED)
def test_job_with_a_secret_runs_only_known_programs(name: str) -> None:
    for step in PRIVILEGED[name]["steps"]:
        programs = {words[0] for words in commands(step.get("run", ""))}
        assert programs <= (WITH_SECRET if has_secret(step) else WITH_SECRET | WITHOUT_SECRET), step["name"]
        assert "shell" not in step


@pytest.mark.parametrize("name", PRIVILEGED)
def test_job_with_a_secret_checks_out_no_code(name: str) -> None:
    for step in PRIVILEGED[name]["steps"]:
        if step.get("uses", "").startswith("actions/checkout@"):
            options = step["with"]
            assert options["persist-credentials"] is False
            assert options["sparse-checkout-cone-mode"] is False
            assert all(path.startswith("tests/requirements/") for path in options["sparse-checkout"].split())


def test_every_installation_is_pinned_by_hashes_and_builds_nothing() -> None:
    installs = [words for _job, step in STEPS for words in commands(step.get("run", "")) if "pip" in words[0]]
    assert installs
    for words in installs:
        assert {"--require-hashes", "--only-binary=:all:", "--no-deps", "--requirement"} <= set(words)
        requirements = ROOT / words[words.index("--requirement") + 1]
        assert "--hash=sha256:" in requirements.read_text("utf-8")


@pytest.mark.parametrize("name", PRIVILEGED)
def test_job_with_a_secret_uses_what_was_tested_built_and_checked(name: str) -> None:
    assert {"test", "build"} <= needed(name)
    steps = PRIVILEGED[name]["steps"]
    downloaded = [index for index, step in enumerate(steps) if step.get("with", {}).get("name") == "dist"]
    checked = [
        index
        for index, step in enumerate(steps)
        if step.get("env", {}).get("SHA256") == "${{ needs.build.outputs.sha256 }}"
        and [words[0] for words in commands(step["run"])] == ["printf", "sha256sum", "sha256sum"]
    ]
    secret = [index for index, step in enumerate(steps) if has_secret(step)]
    assert len(downloaded) == len(checked) == 1
    assert downloaded < checked < secret


def test_scripts_take_values_from_the_environment_and_never_from_expressions() -> None:
    assert [step["name"] for _job, step in STEPS if "${{" in step.get("run", "")] == []


def test_tag_must_be_the_version_of_the_collection() -> None:
    (check,) = [step for step in JOBS["build"]["steps"] if "galaxy.yml" in step.get("run", "")]
    assert commands(check["run"]) == [["grep", "-qx", "version: $GITHUB_REF_NAME", "galaxy.yml"]]
