# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What C(soda_runner_config) does on the host: observe, write, remove. What to write is decided on the controller."""

from __future__ import annotations

import grp
import os
import pwd
import typing as t

from ._errors import error
from ._key.atomic_write import TargetFile
from ._key.key_file import KeyFile
from ._key.stored_key import KeyChanged, StoredKey
from ._module import SodaModule
from ._seal import seal

LOCK_TIMEOUT = 60.0
"""Seconds to wait for another run that is at work on the same key file."""

Attributes = dict[str, t.Any]


class Host:
    """The files of one runner on this host."""

    def __init__(self, module: SodaModule) -> None:
        self._module = module
        parameters = module.params
        self._endpoint: str = parameters["endpoint"]
        self._name: str = parameters["name"]
        self._files: list[dict[str, t.Any]] = parameters["files"]
        self._key_parameters = {"owner": parameters["owner"], "group": parameters["group"], "mode": "0600"}

    def observe(self) -> dict[str, t.Any]:
        """
        What there is, and whether all places can be written to.

        Contents are sealed. C(attributes_differ) is whether owner, group or mode are not the declared ones.
        Folders that do not exist are C(missing_folders) where an earlier or a later task may make them.
        """
        may_be_missing = self._module.check_mode or not self._module.params["folders_required"]
        key_file = self._key_file()
        held = key_file.read()
        key_file.check_writable(folder_may_be_missing=may_be_missing)
        self._check_attributes(key_file.target, self._key_parameters)
        files = []
        for file in self._files:
            place = _place(file["path"])
            content = place.read()
            place.check(folder_may_be_missing=may_be_missing)
            self._check_attributes(place, file)
            files.append(
                {
                    "path": place.path,
                    "content": None if content is None else self._sealed(place.path, content),
                    "attributes_differ": content is not None and self._set_attributes(place.path, file, check=True),
                }
            )
        in_place = held is not None and held.in_place
        places = self._places()
        left = any(place.has_temporary() for place in places)
        folders = dict.fromkeys(place.folder for place in (key_file.target, *places))
        return {
            "changed": False,
            "observed": {
                "key": None if held is None else self._sealed(key_file.path, held.to_json()),
                "key_path": key_file.path,
                "key_left_behind": held is not None and not held.in_place,
                "untidy": key_file.has_leftovers() or left,
                "attributes_differ": in_place and self._set_attributes(key_file.path, self._key_parameters, check=True),
                "files": files,
                "missing_folders": [folder for folder in folders if not os.path.exists(folder)],
            },
        }

    def write(self) -> dict[str, t.Any]:
        """Put the key and the files that are given in place, and set the attributes of all of them."""
        key_file = self._key_file()
        with key_file.lock:
            changed = self._write_key(key_file)
            if key_file.exists():
                changed |= self._set_attributes(key_file.path, self._key_parameters)
            for file in self._files:
                changed |= self._write_file(_place(file["path"]), file)
        return {"changed": changed}

    def _write_file(self, place: TargetFile, file: dict[str, t.Any]) -> bool:
        changed = file["content"] is not None and not self._module.check_mode
        if changed:
            # The lock of the key keeps other runs away.
            place.write(file["content"].encode(), self._preparing(file))
        else:
            place.remove_temporary()
        return self._set_attributes(place.path, file) or changed

    def remove(self) -> dict[str, t.Any]:
        """Remove the key file and the configuration files. C(removed) are the paths of those that were there."""
        key_file = self._key_file()
        held = key_file.read()
        places = self._places()
        removed = [place.path for place in places if place.read() is not None]
        if not self._module.check_mode:
            for place in places:
                place.remove()
                place.remove_temporary()
        if held is not None:
            removed.insert(0, key_file.path)
            if not self._module.check_mode:
                key_file.remove(held)
        elif not self._module.check_mode:
            key_file.clean_up()
        return {"changed": bool(removed), "removed": removed}

    def _write_key(self, key_file: KeyFile) -> bool:
        content: str | None = self._module.params["key"]
        held = key_file.read()
        if held is not None and not held.in_place:
            held = key_file.recover(held)
        if content is None:
            key_file.clean_up()
            return False
        key = StoredKey.from_json(content.encode(), key_file.path)
        if held is not None and held.key_version > key.key_version:
            raise self._moved(key_file)
        try:
            with key_file.reserve(held) as reservation:
                reservation.commit(key)
        except KeyChanged:
            raise self._moved(key_file) from None
        except OSError as exc:
            # The key is not lost: the controller holds it in escrow until this module has succeeded.
            raise key_file.target.unusable(exc) from exc
        return True

    def _moved(self, key_file: KeyFile) -> Exception:
        return error(
            "key_file_changed",
            f"{key_file.path} was changed by another run during this task. Run the task again.",
            retryable=True,
        )

    def _check_attributes(self, place: TargetFile, parameters: Attributes) -> None:
        """Raise where owner or group do not exist, or the mode is none: before a key is issued, not after."""
        for kind, look_up in (("owner", pwd.getpwnam), ("group", grp.getgrnam)):
            name = parameters[kind]
            try:
                if name is not None and not name.isdigit():
                    look_up(name)
            except KeyError:
                raise place.unusable(f"its {kind} is to be {name!r}, which this host does not know") from None
        if os.path.isdir(place.folder):
            # The file may not be there yet. Nothing is set, only looked up.
            self._set_attributes(place.folder, parameters, check=True)

    def _places(self) -> list[TargetFile]:
        return [_place(file["path"]) for file in self._files]

    def _key_file(self) -> KeyFile:
        return KeyFile(
            self._module.params["key_path"],
            self._endpoint,
            self._name,
            LOCK_TIMEOUT,
            self._preparing(self._key_parameters),
            owner=self._key_parameters["owner"],
        )

    def _sealed(self, label: str, content: bytes) -> str:
        return seal(self._module.params["seal"] or "", label, content)

    def _preparing(self, parameters: Attributes) -> t.Callable[[str], None]:
        return lambda path: t.cast(None, self._set_attributes(path, parameters))

    def _set_attributes(self, path: str, parameters: Attributes, check: bool = False) -> bool:
        """Set owner, group and mode. Whether they differed; with C(check), only that."""
        module = self._module
        arguments = module.load_file_common_arguments(
            {option: parameters[option] for option in ("owner", "group", "mode")}, path=path
        )
        check_mode, module.check_mode = module.check_mode, module.check_mode or check
        try:
            return t.cast(bool, module.set_fs_attributes_if_different(arguments, False))
        finally:
            module.check_mode = check_mode


def _place(path: str) -> TargetFile:
    return TargetFile(path, "config_path_unusable", must_be_trusted=False)
