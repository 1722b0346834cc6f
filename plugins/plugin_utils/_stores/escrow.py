# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The folder on the controller in which a key waits between the answer of Soda Cloud and the commit to a store."""

from __future__ import annotations

import os
import re
import secrets

from ...module_utils._errors import KeyPathUnusable
from ...module_utils._key.atomic_write import TargetFile

_INSTANCE = "instance"


class EscrowFolder:
    """The folder, and the id that distinguishes it from the folders of other controllers."""

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(path)

    def file(self, name: str) -> str:
        """The path of the escrow file of one runner."""
        return os.path.join(self.path, f"{name}.json")

    def create(self) -> None:
        """Create the folder for the current user only, with its parents. An existing one must belong to this user."""
        try:
            os.makedirs(self.path, mode=0o700, exist_ok=True)
            there = os.stat(self.path)
        except OSError as exc:
            raise KeyPathUnusable(
                f"The escrow folder {self.path} cannot be used: {exc.strerror}. Set escrow_dir."
            ) from exc
        if there.st_uid not in (os.geteuid(), 0) or there.st_mode & 0o022:
            raise KeyPathUnusable(
                f"The escrow folder {self.path} belongs to another user, or others may write to it."
                " Set escrow_dir to a folder that belongs to you and has mode 0700.",
            )

    def instance(self) -> str:
        """The random id of this folder. It is kept in the folder, so a new folder has a new id."""
        target = TargetFile(os.path.join(self.path, _INSTANCE), KeyPathUnusable)
        known = target.read()
        if known is None:
            self._write_instance(target)
            known = target.read()
        text = (known or b"").decode("ascii", "replace").strip()
        if not re.fullmatch("[0-9a-f]{32}", text):
            raise KeyPathUnusable(f"{target.path} is not valid. Remove it and run the task again.")
        return text

    @staticmethod
    def _write_instance(target: TargetFile) -> None:
        """Write a new id, unless another run does at the same moment: the first one counts."""
        temporary = f"{target.path}.{secrets.token_hex(8)}"
        try:
            with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
                file.write(secrets.token_hex(16) + "\n")
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(temporary, target.path)
            except FileExistsError:
                pass
            finally:
                os.unlink(temporary)
        except OSError as exc:
            raise target.unusable(exc) from exc
