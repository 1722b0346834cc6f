# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The step that deploys a runner: its key in a key store, then its Helm release."""

from __future__ import annotations

from ...module_utils._host.mask import mask_diff
from .._config.yaml_text import dump
from .._declared import Declared
from . import messages, release
from .provision import Provision
from .step import DECLARED, OUTCOMES, Json, with_message


class Deployment(Provision):
    """Deploy, and summarize."""

    def deploy(self) -> Json:
        """Store the key of the runner, and install or upgrade the release that refers to it."""
        declared = self.declared()
        if not declared.deploy or declared.state == "absent":
            self.publish(OUTCOMES, declared, skipped=True)
            return {"wait": False}
        release.check(declared)
        self.publish(DECLARED, declared, wanted=True, identity=declared.identity())
        observed = self.store(declared, observe=True)
        key, origin, changed = observed["key"], None, False
        deployed = release.Release(self.action, declared, self.task_vars)
        if key is None or key["key_version"] != declared.key_version or not observed["complete"]:
            self._refuse_shared_name(declared)
            self.check_account(declared)
            # Helm must be there and reach the release before a key exists.
            deployed.values()
            stored = self._stored(declared)
            key, origin, changed = stored["key"], stored["key_origin"], bool(stored["changed"])
        values = release.values_of(declared, key)
        diff = self._diff(deployed, values, declared)
        changed |= deployed.install(values)
        waits = declared.wait_timeout > 0 and not self.check_mode
        if waits:
            self._await(declared)
        self.publish(OUTCOMES, declared, changed=changed, account=str(declared.account))
        return {
            "changed": changed,
            "key_issued": origin == "issued",
            "release": deployed.name,
            "wait": waits,
            **({} if diff is None else {"diff": diff}),
        }

    def _diff(self, deployed: release.Release, values: Json, declared: Declared) -> list[Json] | None:
        """The change of the values. Secrets are masked."""
        if not self.action._task.diff:
            return None
        now = deployed.values()
        before, after = mask_diff(None if now is None else dump(now), dump(values), declared.values_section)
        header = f"values of the release {deployed.name}"
        return [{"before_header": header, "before": before, "after_header": header, "after": after}]

    def summarize(self) -> Json:
        hosts = len(self.hosts("ansible_play_hosts_all"))
        return with_message(messages.summarize_deployment(self.outcomes(), hosts, self.check_mode))
