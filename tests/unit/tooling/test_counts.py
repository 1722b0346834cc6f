# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parts of the tests count what they ran, and cannot look better than they are."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from tooling import integration, lint, molecule, sanity, units
from tooling.environment import settings_of_pip
from tooling.process import Finished
from tooling.result import Result, judged

SANITY_PASSED = 'Running sanity test "compile" on Python 3.11\nRunning sanity test "compile" on Python 3.12\n'
SANITY_FAILED = """\
Running sanity test "compile" on Python 3.11
Running sanity test "pep8"
Running sanity test "pylint"
FATAL: The 2 sanity test(s) listed below (out of 34) failed. See error output above for details.
compile --python 3.11
pylint
"""


def test_a_part_that_ran_nothing_has_failed() -> None:
    assert judged(0, 0, "", 0) == Result(0, 1, "; nothing was run")


def test_a_part_that_ended_badly_has_failed_whatever_it_counted() -> None:
    assert judged(5, 0, "fine", 2) == Result(5, 1, "fine; exit status 2")


def test_failures_are_counted_once_although_the_exit_status_says_so_too() -> None:
    assert judged(5, 2, "bad", 1) == Result(5, 2, "bad")


def test_a_sanity_test_on_several_pythons_counts_once() -> None:
    assert sanity.counted(Finished(0, SANITY_PASSED)) == Result(1, 0, "no ignore file")


def test_failed_sanity_tests_are_named() -> None:
    assert sanity.counted(Finished(1, SANITY_FAILED)) == Result(1, 2, "failed: compile, pylint")


def test_sanity_that_ran_nothing_has_failed() -> None:
    assert sanity.counted(Finished(0, "WARNING: nothing to do\n")).failed == 1


@pytest.mark.parametrize(
    ("attributes", "passed", "failed"),
    [
        ('tests="7" failures="0" errors="0" skipped="2"', 5, 0),
        ('tests="7" failures="1" errors="1" skipped="0"', 5, 2),
        ('tests="2" failures="0" errors="0" skipped="2"', 0, 1),
    ],
)
def test_skipped_unit_tests_have_not_passed(attributes: str, passed: int, failed: int) -> None:
    report = ET.fromstring(f"<testsuites><testsuite {attributes}/></testsuites>")
    result = units.counted(report, 1 if failed else 0)
    assert (result.passed, result.failed) == (passed, failed)


@pytest.mark.parametrize(
    ("name", "output", "fine"),
    [
        ("ruff format", "12 files already formatted", True),
        ("ruff format", "warning: No Python files found under the given path(s)", False),
        ("ruff check", "warning: No Python files found under the given path(s)\nAll checks passed!", False),
        ("mypy --strict of plugins", "Success: no issues found in 9 source files", True),
        ("mypy --strict of plugins", "Success: no issues found in 0 source files", False),
        ("ansible-lint", "Passed: 0 failure(s), 0 warning(s) in 25 files processed of 40 encountered.", True),
        ("ansible-lint", "Passed: 0 failure(s), 0 warning(s) in 0 files processed of 40 encountered.", False),
    ],
)
def test_a_linter_that_saw_no_file_found_nothing_out(name: str, output: str, fine: bool) -> None:
    (check,) = lint.chosen_checks([name])
    assert lint.found_no_fault(check, Finished(0, output)) is fine
    assert not lint.found_no_fault(check, Finished(1, output))


def test_pip_settings_are_read_wherever_they_come_from_and_the_environment_wins() -> None:
    listing = (
        "global.cert='/etc/ca.pem'\n"
        "global.extra-index-url='https://one.example/ https://two.example/'\n"
        ":env:.cert='/other.pem'\n"
        "freeze.timeout='10'\n"
    )
    assert settings_of_pip(listing) == {
        "cert": "/other.pem",
        "extra-index-url": "https://one.example/ https://two.example/",
    }


def test_a_molecule_scenario_that_never_converged_has_failed() -> None:
    output = "INFO     [default > create] Executed: Successful\n"
    assert molecule.counted(Finished(0, output)).failed == len(molecule.NEEDED)


def test_the_actions_of_a_molecule_scenario_are_counted() -> None:
    actions = ("create", "converge", "idempotence", "verify")
    output = "".join(f"INFO     [default > {action}] Executed: Successful\n" for action in actions)
    assert molecule.counted(Finished(0, output)) == Result(4, 0, "create converge idempotence verify")
    output = output.replace("idempotence] Executed: Successful", "idempotence] Executed: Failed")
    assert molecule.counted(Finished(1, output)) == Result(3, 1, "idempotence failed")


@pytest.mark.parametrize(
    ("output", "returncode", "passed"),
    [
        ("Running one integration test role\ntesthost : ok=7 changed=1\n", 0, True),
        ("Running one integration test role\ntesthost : ok=7 changed=1\n", 1, False),
        ("Running one integration test role\n", 0, False),
        ("Running another integration test role\ntesthost : ok=7 changed=1\n", 0, False),
    ],
)
def test_an_integration_target_passes_only_if_it_ran_tasks_to_the_end(
    output: str, returncode: int, passed: bool
) -> None:
    result = integration.counted(Finished(returncode, output), "one")
    assert (result.passed == 1, result.failed == 0) == (passed, passed)
