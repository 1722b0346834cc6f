# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the modules of this collection against an account of an emulated Soda Cloud.

A test checks the result that a play would get, the operations that Soda Cloud received, and the files on disk.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import io
import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from ansible.module_utils import basic
from ansible.module_utils.common import warnings

try:
    from ansible.module_utils import _internal
except ImportError:
    _internal = None  # before ansible-core 2.19

from ansible_collections.community.soda.plugins.module_utils._errors import FAILURE_CODES, Failure
from emulator.client import Account, Key

Json = dict[str, Any]

COLLECTIONS = next(folder for folder in Path(__file__).parents if folder.name == "ansible_collections").parent
"""The collections path on which Ansible finds this collection."""

FAILURE_KEYS = {field.name for field in dataclasses.fields(Failure)}
KEY_FILE_FIELDS = {"endpoint", "name", "api_key_id", "api_key_secret", "key_version", "issued_at", "runner_id"}

# Names that are valid in a play but could break a command line or a text file.
ODD_NAMES = (
    "two words",
    " spaces around ",
    " ",
    "single ' quote",
    'double " quote',
    "sla/sh",
    "../up",
    "back\\slash",
    "Zürich ☂ 東京 🎉",
    "-leading dash",
    "--help",
    "new\nline",
    "tab\tand\rreturn",
    "{{ jinja }}",
    "${env.HOME} $(id) `id`",
    "colon: #hash",
    "1e5",
    "0123",
    "yes",
    "null",
    "~",
    "*",
    "x" * 300,
)


def plain_id(value: object) -> str:
    """An id for a test. pytest cannot select a test by a name with a backslash."""
    return ascii(value).replace("\\", "/")


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@dataclass(frozen=True)
class Ran:
    """The outcome of one run of a module."""

    result: Json
    output: str
    """The printed text."""
    operations: list[str]
    """The operations that Soda Cloud received during the run, in order."""

    def __getitem__(self, field: str) -> Any:
        return self.result[field]

    @property
    def warnings(self) -> list[str]:
        """The texts that a play would show. Since ansible-core 2.19, a module returns more than the text."""
        given = self.result.get("warnings", [])
        return [warning if isinstance(warning, str) else warning["event"]["msg"] for warning in given]

    @property
    def failure(self) -> Json:
        """The failure. Checks that the module failed with a valid `failure`."""
        assert self.result.get("failed") is True, self.result
        failure: Json = self.result["failure"]
        assert set(failure) == FAILURE_KEYS
        assert failure["code"] in FAILURE_CODES
        assert failure["occurred_at"].endswith("Z")
        assert failure["message"] == self.result["msg"]
        assert failure["message"]
        assert isinstance(failure["retryable"], bool)
        assert "Traceback" not in self.output
        return failure

    @property
    def succeeded(self) -> bool:
        assert not self.result.get("failed"), self.result.get("msg")
        return True


def run_module(name: str, arguments: Mapping[str, Any]) -> tuple[Json, str]:
    """Run the ``main()`` of a module in this process. Returns its result and the printed text."""
    return run_main(
        importlib.import_module(f"ansible_collections.community.soda.plugins.modules.{name}").main, arguments
    )


def run_main(main: Callable[[], object], arguments: Mapping[str, Any]) -> tuple[Json, str]:
    """Run a ``main()`` function with these arguments. Returns its result and the printed text."""
    given = {option: str(value) if isinstance(value, Path) else value for option, value in arguments.items()}
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": given}).encode()
    basic._ANSIBLE_PROFILE = "legacy"  # required from ansible-core 2.19 on
    # ansible-core keeps these for the whole process, because a process normally runs one module.
    warnings._global_warnings.clear()
    warnings._global_deprecations.clear()
    printed = io.StringIO()
    with _no_controller(), contextlib.redirect_stdout(printed), pytest.raises(SystemExit) as ended:
        main()
    result: Json = json.loads(printed.getvalue())
    assert ended.value.code == (1 if result.get("failed") else 0)
    return result, printed.getvalue()


@contextlib.contextmanager
def _no_controller() -> Iterator[None]:
    """
    Since ansible-core 2.19, a process that has loaded controller code shows warnings instead of returning them.
    Tests of plugins load controller code.
    """
    with pytest.MonkeyPatch.context() as patch:
        if hasattr(_internal, "is_controller"):
            patch.setattr(_internal, "is_controller", False)
        yield


class Entry(NamedTuple):
    """The properties of a file system object that tests compare."""

    mode: int
    uid: int
    gid: int
    inode: int
    modified: int
    content: bytes | str | None


def snapshot(folder: Path) -> dict[str, Entry]:
    """The folder and everything in it. A snapshot differs after any write, even if it was undone."""
    return {str(path.relative_to(folder)): _entry(path) for path in (folder, *sorted(folder.rglob("*")))}


def _entry(path: Path) -> Entry:
    there = path.lstat()
    content: bytes | str | None = None
    if stat.S_ISLNK(there.st_mode):
        content = os.readlink(path)
    elif stat.S_ISREG(there.st_mode):
        content = path.read_bytes()
    return Entry(there.st_mode, there.st_uid, there.st_gid, there.st_ino, there.st_mtime_ns, content)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


class Soda:
    """An account of Soda Cloud, a folder for the key of one runner, and the modules that use them."""

    name = "warehouse-eu"

    def __init__(self, account: Account, folder: Path) -> None:
        self.account = account
        self.folder = folder
        self.key_path = folder / "key.json"
        self._secrets = {account.api_key_secret}

    # Preparation

    def listed(self, name: str | None = None, **fields: Any) -> str:
        """Add a runner to the listing. Returns its id."""
        (runner_id,) = self.account.seed({"name": name or self.name, **fields}, allow_duplicates=True)
        return runner_id

    def stored(self, path: Path | None = None, **fields: Any) -> Json:
        """Store a key on disk. Returns the content of its file."""
        key = self.account.issue_runner_key()
        content = self.key_file_of(key, **fields)
        path = path or self.key_path
        path.write_text(json.dumps(content), encoding="utf-8")
        path.chmod(0o600)
        return content

    def key_file_of(self, key: Key, **fields: Any) -> Json:
        """The content of the key file for *key*."""
        self._secrets.add(key.api_key_secret)
        return {
            "endpoint": self.account.endpoint,
            "name": self.name,
            "api_key_id": key.api_key_id,
            "api_key_secret": key.api_key_secret,
            "key_version": 1,
            "issued_at": "2026-01-01T12:00:00Z",
            "runner_id": None,
            **fields,
        }

    # The run

    def runner(self, check: bool = False, diff: bool = False, reveals: bool = False, **options: Any) -> Ran:
        """Run ``soda_runner``, by default with ``name`` and ``key_path``. None omits an option."""
        return self.run(
            "soda_runner", check, diff, reveals, **{"name": self.name, "key_path": self.key_path, **options}
        )

    def info(self, **options: Any) -> Ran:
        """Run ``soda_runner_info``."""
        return self.run("soda_runner_info", **options)

    def run(self, module: str, check: bool = False, diff: bool = False, reveals: bool = False, **options: Any) -> Ran:
        """Run a module with the connection of this account. Checks for secrets in the output unless ``reveals``."""
        since = max((entry["sequence"] for entry in self.account.journal()), default=0)
        result, output = run_module(module, self.arguments(check, diff, **options))
        ran = Ran(result, output, self.account.operations(since))
        for secret in () if reveals else self.secrets():
            assert secret not in output, "the result contains a secret"
        return ran

    def arguments(self, check: bool = False, diff: bool = False, **options: Any) -> Json:
        given = {
            "endpoint": self.account.endpoint,
            "api_key_id": self.account.api_key_id,
            "api_key_secret": self.account.api_key_secret,
            "timeout": 10,
            "retry_budget": 5,
            "_ansible_check_mode": check,
            "_ansible_diff": diff,
            **options,
        }
        return {option: value for option, value in given.items() if value is not None}

    def start(self, module: str, **options: Any) -> subprocess.Popen[str]:
        """Start a module in a separate process, which prints its result."""
        process = subprocess.Popen(
            [sys.executable, "-c", f"from {__name__} import in_process; in_process()", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert process.stdin is not None
        process.stdin.write(json.dumps(self.arguments(**options), default=str))
        process.stdin.close()
        process.stdin = None
        return process

    # Outcome

    def key(self) -> Json:
        """The content of the key file. Checks that all fields are present."""
        content: Json = json.loads(self.key_path.read_text(encoding="utf-8"))
        assert set(content) == KEY_FILE_FIELDS
        return content

    def files(self) -> list[str]:
        """The names of the files in the folder."""
        return sorted(path.name for path in self.folder.iterdir())

    def keys_issued(self) -> int:
        issued: int = self.account.stats()["keys_issued"]
        return issued

    def secrets(self) -> set[str]:
        """All known secrets: of the account, and of all keys that are or were on disk."""
        for path in self.folder.rglob("*"):
            if path.is_file() and not path.is_symlink():
                with contextlib.suppress(ValueError, OSError, TypeError, KeyError, RecursionError):
                    self._secrets.add(json.loads(path.read_bytes())["api_key_secret"])
        return {secret for secret in self._secrets if isinstance(secret, str) and secret}


ORDINARY_USER = 65534
"""The user that ``ordinary_user()`` becomes."""


@contextlib.contextmanager
def ordinary_user() -> Iterator[int]:
    """Act as a user without root's privileges. Yields the id of the user."""
    if os.geteuid() != 0:
        yield os.geteuid()
        return
    user = ORDINARY_USER
    os.setegid(user)
    os.seteuid(user)
    try:
        yield user
    finally:
        os.seteuid(0)
        os.setegid(0)


def wait_until(true: Callable[[], bool], timeout: float = 30) -> None:
    deadline = time.monotonic() + timeout
    while not true():
        assert time.monotonic() < deadline, "the condition was not met in time"
        time.sleep(0.02)


def result_of(process: subprocess.Popen[str], timeout: float = 60) -> Json:
    """Wait for a started module and read its result."""
    try:
        printed, errors = process.communicate(timeout=timeout)
    finally:
        process.kill()
    assert printed, errors
    result: Json = json.loads(printed)
    return result


def in_process() -> None:
    """Run the module named on the command line with the arguments from standard input."""
    _unused, output = run_module(sys.argv[1], json.load(sys.stdin))
    print(output)
