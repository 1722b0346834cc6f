# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records the tasks and handlers of a play, and kills the play and its descendants before one of them."""

from __future__ import annotations

import os
import signal
import typing as t

from ansible.plugins.callback import CallbackBase

from crash.in_play import passed, struck
from crash.watch import watch
from tooling.process import descendants

DOCUMENTATION = r"""
name: crash
type: aggregate
short_description: Kills the play before a task
description:
  - Kills the play before the task that is named by C(CRASH_POINT).
author:
  - community.soda contributors (@community-soda)
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Ends at the chosen point."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "crash"

    def __init__(self) -> None:
        super().__init__()
        if os.environ.get("CRASH_MODULE") == "controller":
            # The workers, in which action plugins run, are forks of this process.
            watch(passed)

    def v2_playbook_on_task_start(self, task: t.Any, is_conditional: bool) -> None:
        self._passed(f"before the task {task.name!r}")

    def v2_playbook_on_handler_task_start(self, task: t.Any) -> None:
        self._passed(f"before the handler {task.name!r}")

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        self._passed("after the last task")

    def _passed(self, point: str) -> None:
        if "CRASH_LOG" in os.environ:
            with open(os.environ["CRASH_LOG"], "a", encoding="utf-8") as log:
                log.write(f"{point}\n")
        if point == os.environ.get("CRASH_POINT") and struck(point):
            for pid in (*descendants(os.getpid()), os.getpid()):
                os.kill(pid, signal.SIGKILL)
