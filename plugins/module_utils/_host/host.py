# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The part of C(soda_runner_config) that runs on the host: observe, decide, act."""

from __future__ import annotations

import contextlib
import dataclasses
import grp
import os
import pwd
import typing as t

from .._errors import ConfigPathUnusable, KeyFileChanged, KeyPathUnusable, SodaError
from .._key.atomic_write import TargetFile
from .._key.key_file import KeyFile
from .._key.stored_key import IssuedKey, KeyChanged, StoredKey
from .._module import SodaModule
from .._seal import seal
from . import paths as _paths
from .plan import Observed, ObservedFile, Plan, Source, decide
from .request import FileAttributes, Request
from .state import HostState, StateFile

LOCK_TIMEOUT = 60.0
"""Seconds to wait for another run that changes the same files."""
SHORTEST_SECRET = 8
"""Shorter text is not removed from results: it would be removed from other words too."""


class Host:
    """The files of one runner on this host."""

    def __init__(self, module: SodaModule, request: Request) -> None:
        self._module = module
        self._request = request
        self._key_file = KeyFile(
            _paths.expand(request.key_path),
            request.endpoint,
            request.name,
            LOCK_TIMEOUT,
            self._setter(request.key_attributes),
            self._checker(request.key_attributes),
            request.key_attributes.owner,
        )
        self._key_path = _paths.resolve(self._key_file.path)
        self._state_file = StateFile(self._key_path)
        self._targets = [
            TargetFile(_paths.expand(file.path), ConfigPathUnusable, file.attributes.owner) for file in request.files
        ]
        self._config_paths = [_paths.resolve(target.path) for target in self._targets]
        _paths.check_distinct(
            self._key_path, _beside(self._key_file.target, self._key_path, self._key_file.lock.name), self._config_paths
        )

    def run(self) -> dict[str, t.Any]:
        """Do what is requested. The result contains no secret."""
        work: dict[str, t.Callable[[], dict[str, t.Any]]] = {
            "present": self._present,
            "absent": self._absent,
            "acknowledge": self._acknowledge,
            "export": self._export,
            "remove_key": self._remove_key,
        }
        return work[self._request.action]()

    # Present

    def _present(self) -> dict[str, t.Any]:
        check_mode = self._module.check_mode
        observed = self._observe()
        plan = decide(self._request, observed, check_mode)
        if not check_mode and (plan.changed or plan.clean_up or self._is_state_new(plan, observed)):
            for folder in plan.create_folders:
                self._create_folder(folder)
            if plan.contents is not None:
                with self._key_file.lock:
                    # Another run may have changed the files before this one got the lock.
                    again = self._observe()
                    acted = decide(self._request, again, check_mode)
                    self._act(acted)
                plan, observed = dataclasses.replace(acted, create_folders=plan.create_folders), again
        return self._result(plan, observed)

    def _observe(self) -> Observed:
        request = self._request
        found, stored = self._read_key_file(), None
        self._remember_secret(found)
        if request.key_store == "file":
            stored = found
            self._check_folder(self._key_file.target, request.key_attributes)
            self._key_file.check_writable()
        files = []
        for target, path, file in zip(self._targets, self._config_paths, request.files):
            content = target.read()
            self._check_folder(target, file.attributes)
            target.check(folder_may_be_missing=True)
            differ = content is not None and self._set_attributes(target.path, file.attributes, check=True)
            text = None if content is None else content.decode("utf-8", "surrogateescape")
            files.append(ObservedFile(path, text, differ))
        state = self._state_file.read()
        own = HostState(request.endpoint, request.name, request.account, self._key_path)
        _paths.check_not_shared(own, self._key_path, self._config_paths)
        in_place = stored is not None and stored.in_place
        return Observed(
            key=stored,
            key_path=self._key_path,
            key_attributes_differ=in_place and self._set_attributes(self._key_path, request.key_attributes, check=True),
            state=state,
            files=tuple(files),
            undeclared=tuple(self._undeclared(state)),
            missing_folders=tuple(_paths.missing_folders((self._key_path, *self._config_paths))),
            adoptable=None if stored is not None else self._adoptable(),
            key_movable=found is not None and stored is None,
            has_leftovers=self._key_file.has_leftovers()
            or self._state_file.has_leftovers()
            or any(target.has_temporary() for target in self._targets),
        )

    def _act(self, plan: Plan) -> None:
        state = t.cast(HostState, plan.state)
        # First, so that a run that is killed later in this method is remembered.
        self._state_file.write(state)
        if plan.recover_key:
            self._key_file.recover(t.cast(StoredKey, plan.key))
        if plan.write_key:
            self._write_key(t.cast(StoredKey, plan.key))
        elif self._request.key_store == "file":
            self._key_file.clean_up()
            if self._key_file.exists():
                self._set_attributes(self._key_path, self._request.key_attributes)
        contents = t.cast("tuple[str, ...]", plan.contents)
        for target, config, content, differs in zip(self._targets, self._request.files, contents, plan.contents_differ):
            if differs:
                target.write(content.encode("utf-8", "surrogateescape"), self._setter(config.attributes))
            else:
                target.remove_temporary()
                self._set_attributes(target.path, config.attributes)
        for file in plan.remove:
            TargetFile(file.path, ConfigPathUnusable).remove()
        if plan.remove:
            self._state_file.write(dataclasses.replace(state, config_paths=tuple(self._config_paths)))

    def _write_key(self, key: StoredKey) -> None:
        stored = self._key_file.read()
        try:
            with self._key_file.reserve(stored) as reservation:
                reservation.commit(key)
        except KeyChanged:
            raise KeyFileChanged(
                f"Another run changed {self._key_path} during this task. Run the task again.",
                retryable=True,
            ) from None
        except OSError as exc:
            # The key is not lost: it is in escrow, or in the file that it is imported from.
            raise self._key_file.target.unusable(exc) from exc

    def _read_key_file(self) -> StoredKey | None:
        """The key in the key file. With another key store, the key file of another runner is ignored."""
        try:
            return self._key_file.read()
        except SodaError:
            if self._request.key_store == "file":
                raise
            return None

    def _is_state_new(self, plan: Plan, observed: Observed) -> bool:
        return plan.state is not None and plan.state != observed.state

    def _undeclared(self, state: HostState | None) -> list[ObservedFile]:
        files = []
        for path in () if state is None else state.config_paths:
            if path not in self._config_paths and _is_ours(path):
                target = TargetFile(path, ConfigPathUnusable)
                target.check()
                content = target.read()
                if content is not None:
                    files.append(ObservedFile(path, content.decode("utf-8", "surrogateescape"), False))
        return files

    def _adoptable(self) -> tuple[IssuedKey, str | None] | None:
        request = self._request
        if request.existing_key is not None:
            key, runner_id = IssuedKey(**request.existing_key), None
        elif request.import_from is not None:
            # Imported here, and mask below, because a host compiles each file. An up-to-date host needs neither.
            from .imported import import_key

            path = _paths.expand(request.import_from)
            found = import_key(path, request.name, request.endpoint, request.values_section)
            key, runner_id = found.key, found.runner_id
        else:
            return None
        self._remember_secret(key)
        return key, request.runner_id or runner_id

    def _result(self, plan: Plan, observed: Observed) -> dict[str, t.Any]:
        key = plan.key if plan.source is not Source.ASSUMED else None
        path = self._key_file.path if self._request.key_store == "file" else None
        return {
            "changed": plan.changed,
            "key": None if key is None else key.as_result(path),
            "key_path": self._key_file.path,
            "key_needed": plan.key_needed,
            "key_adoptable": plan.key_adoptable,
            "key_changed": plan.key_changed,
            "key_source": plan.source.value,
            "files_changed": list(plan.touched) or [False] * len(self._targets),
            "missing_folders": list(observed.missing_folders or plan.create_folders),
            "removed": [file.path for file in plan.remove],
            "restart_owed": plan.restart_owed,
            "warnings": list(plan.warnings),
            "diff": self._diff(plan, observed),
        }

    def _diff(self, plan: Plan, observed: Observed) -> list[dict[str, str]]:
        if not self._request.diff or plan.contents is None:
            return []
        changes = [
            (target.path, file.content, content)
            for target, file, content, differs in zip(
                self._targets, observed.files, plan.contents, plan.contents_differ
            )
            if differs
        ]
        removals = [(file.path, file.content, None) for file in plan.remove]
        return [self._entry(*change) for change in (*changes, *removals)]

    def _entry(self, path: str, before: str | None, after: str | None) -> dict[str, str]:
        from .mask import mask_diff

        shown_before, shown_after = mask_diff(before, after, self._request.values_section)
        return {"path": path, "before": shown_before, "after": shown_after}

    # Other actions

    def _absent(self) -> dict[str, t.Any]:
        request = self._request
        stored = self._read_key_file()
        state = self._state_file.read()
        is_own = state is not None and state.is_of(request.endpoint, request.name, request.account)
        files = [
            ObservedFile(target.path, content.decode("utf-8", "surrogateescape"), False)
            for target in self._targets
            if (content := target.read()) is not None
        ]
        files += self._undeclared(state) if is_own else []
        diff = [self._entry(file.path, file.content, None) for file in files] if request.diff else []
        removed = [file.path for file in files]
        if stored is not None:
            removed.insert(0, self._key_file.path)
            if request.diff:
                before = f"(the runner key {stored.api_key_id})\n"
                diff.insert(0, {"path": self._key_file.path, "before": before, "after": ""})
        if not self._module.check_mode:
            needs_lock = bool(removed or state is not None) and os.path.isdir(self._key_file.target.folder)
            with self._key_file.lock if needs_lock else contextlib.nullcontext():
                self._remove(files, stored, state)
        return {"changed": bool(removed), "removed": removed, "diff": diff}

    def _remove(self, files: t.Sequence[ObservedFile], stored: StoredKey | None, state: HostState | None) -> None:
        for target in (*self._targets, *(TargetFile(file.path, ConfigPathUnusable) for file in files)):
            if os.path.isdir(target.folder):
                target.remove()
                target.remove_temporary()
        if stored is not None:
            self._key_file.remove(stored)
        self._key_file.clean_up()
        # Last, so that a run that is killed before is repeated.
        self._state_file.remove(state)

    def _acknowledge(self) -> dict[str, t.Any]:
        """Record that the runner was restarted."""
        state = self._state_file.read()
        owed = state is not None and state.restart_owed
        if owed and not self._module.check_mode:
            with self._key_file.lock:
                state = self._state_file.read()
                if state is not None:
                    self._state_file.write(dataclasses.replace(state, restart_owed=False))
        return {"changed": False, "restart_owed": owed and self._module.check_mode}

    def _export(self) -> dict[str, t.Any]:
        """The key, sealed, to move it to another key store."""
        stored = self._key_file.read()
        if stored is not None and not stored.in_place and not self._module.check_mode:
            stored = self._key_file.recover(stored)
        sealed = None if stored is None else seal(self._request.seal, self._key_path, stored.to_json())
        return {"changed": False, "key_path": self._key_path, "sealed_key": sealed}

    def _remove_key(self) -> dict[str, t.Any]:
        """Remove the key file after the key was moved. Another key stays."""
        stored = self._key_file.read()
        if stored is None or stored.api_key_id != self._request.api_key_id:
            return {"changed": False, "removed": []}
        if not self._module.check_mode:
            self._key_file.remove(stored)
        return {"changed": True, "removed": [self._key_file.path]}

    # Files

    def _create_folder(self, folder: str) -> None:
        try:
            os.makedirs(folder, exist_ok=True)
        except OSError as exc:
            raise TargetFile(os.path.join(folder, "file"), KeyPathUnusable).unusable(exc) from exc

    def _check_folder(self, target: TargetFile, attributes: FileAttributes) -> None:
        """Raise if the folder cannot be created or used, or the attributes cannot be set."""
        ancestor = _paths.existing_ancestor(target.folder)
        if not os.path.isdir(ancestor):
            raise target.unusable(f"{ancestor} is not a folder")
        if ancestor != target.folder and not _can_write(ancestor):
            raise target.unusable(f"the folder {target.folder} does not exist, and {ancestor} cannot be written to")
        for kind, value, look_up in (
            ("owner", attributes.owner, pwd.getpwnam),
            ("group", attributes.group, grp.getgrnam),
        ):
            try:
                if value is not None and not value.isdigit():
                    t.cast("t.Callable[[str], object]", look_up)(value)
            except KeyError:
                raise target.unusable(f"its {kind} is {value!r}, which does not exist on this host") from None
        self._set_attributes(ancestor, attributes, check=True)

    def _setter(self, attributes: FileAttributes) -> t.Callable[[str], None]:
        return lambda path: t.cast(None, self._set_attributes(path, attributes))

    def _checker(self, attributes: FileAttributes) -> t.Callable[[str], None]:
        return lambda path: t.cast(None, self._set_attributes(path, attributes, check=True))

    def _set_attributes(self, path: str, attributes: FileAttributes, check: bool = False) -> bool:
        """Set owner, group and mode. Return whether they differed. With C(check), set nothing."""
        module = self._module
        arguments = module.load_file_common_arguments(attributes.as_arguments(), path=path)
        check_mode, module.check_mode = module.check_mode, module.check_mode or check
        try:
            return t.cast(bool, module.set_fs_attributes_if_different(arguments, False))
        finally:
            module.check_mode = check_mode

    def _remember_secret(self, key: StoredKey | IssuedKey | None) -> None:
        """Let Ansible remove the secret from the result of the module."""
        if key is not None and len(key.api_key_secret) >= SHORTEST_SECRET:
            self._module.no_log_values.add(key.api_key_secret)


def run_request(module: SodaModule) -> dict[str, t.Any]:
    """Do what the module's only argument requests. Failures for lack of permission get a hint."""
    try:
        return Host(module, Request.from_json(module.params["request"])).run()
    except SodaError as exc:
        if os.geteuid() != 0 and _is_permission_failure(exc):
            raise type(exc)(f"{exc.failure.message} {HINT}", retryable=exc.failure.retryable) from exc
        raise


HINT = "The task runs as a normal user. Use --become if root owns the files."


def _is_permission_failure(exc: SodaError) -> bool:
    return isinstance(exc.__cause__, PermissionError) or "cannot be written to" in exc.failure.message


def _can_write(folder: str) -> bool:
    effective = {"effective_ids": True} if os.access in os.supports_effective_ids else {}
    return os.access(folder, os.W_OK | os.X_OK, **effective)


def _is_ours(path: str) -> bool:
    """Whether a recorded path still means the file that was written: no folder was replaced by a link."""
    return os.path.isfile(path) and not os.path.islink(path) and _paths.resolve(path) == path


def _beside(target: TargetFile, key_path: str, lock: str) -> list[str]:
    folder = os.path.dirname(key_path)
    state = f".{target.name}.state"
    return [os.path.join(folder, name) for name in (target.temporary, lock, state, f".{state}.new")]
