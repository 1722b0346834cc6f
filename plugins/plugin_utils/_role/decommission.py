# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The steps that delete runners, and what hosts store of them."""

from __future__ import annotations

import datetime
import typing as t

from ansible.errors import AnsibleConnectionFailure

from ...module_utils._account import Account
from ...module_utils._errors import DeletionStopped, InvalidTarget, ReportUnusable
from ...module_utils._runner.plan import STAYS_VALID
from .._declared import Declared
from .._parameters import to_plain
from . import declarations, evidence, messages, release, removal, target
from .calls import CallFailed, call_on_controller
from .removal import Evidence, Verdict
from .step import ACCOUNTS, DECLARED, OUTCOMES, Json, Steps, with_message

CLAIMS, DIRECTORY, STOPPED, REPORTED = "claims", "directory", "stopped", "reported"


class Decommission(Steps):
    """Delete the runner of a host, or the stale runners of a report."""

    def remove(self) -> Json:
        """Delete the runner, then its key and configuration. A failed step ends the removal."""
        self.refuse_extra_state("absent")
        declared = self.declared()
        self.publish(DECLARED, declared, wanted=False, identity=declared.identity())
        released = declared.deploy and self._uninstalled(declared)
        result = self._deleted(declared, stops_first=released and self.check_mode)
        deletion = removal.Deletion.of_result(result)
        removal.refuse_online(deletion, declared.name)
        self.warn(*result["warnings"])
        outcome: Json = {"changed": deletion.changed or released, "runner_deleted": deletion.deleted, "removed": []}
        left_behind: list[str] = []
        try:
            if declared.deploy:
                # Neither a key nor a configuration is on the host.
                removed: Json = {"changed": False, "removed": ["the Helm release"] if released else []}
            else:
                removed = self.config(declared.config_arguments(), state="absent")
        except AnsibleConnectionFailure:
            left_behind = [declared.key_path, *(file["path"] for file in declared.config_files)]
            self.warn(
                f"{declared.host} could not be reached. These files remain there if they exist:"
                f" {', '.join(left_behind)}. Run the role again when the host is back."
            )
        else:
            outcome |= {key: removed[key] for key in ("removed", "files", "diff", "warnings") if key in removed}
            outcome["changed"] |= removed["changed"]
            if declared.key_path in removed["removed"] and not deletion.registered_before:
                self.warn(
                    STAYS_VALID.format(
                        name=declared.name, key="key", location=f"{declared.key_path} on {declared.host}"
                    )
                )
        outcome["left_behind"] = left_behind
        self.publish(
            OUTCOMES,
            declared,
            account=str(declared.account),
            deleted=deletion.deleted,
            removed=bool(outcome["removed"]),
            left_behind=bool(left_behind),
        )
        return outcome

    def _uninstalled(self, declared: Declared) -> bool:
        """
        Uninstall the release of the runner, then wait until Soda Cloud reports the runner as offline.

        Return whether it was installed. A run that was killed in between is continued.
        """
        # A declaration that is wrong or an account that is refused must not cost a runner that works.
        release.check_target(declared)
        self.check_account(declared)
        uninstalled = release.Release(self.action, declared, self.task_vars).uninstall()
        if declared.wait_timeout > 0 and not declared.delete_online and not self.check_mode:
            wait = {"wait": True, "wait_for": "offline", "wait_timeout": declared.wait_timeout}
            wait |= {"names": [declared.name], "wait_interval": declared.wait_delay}
            self.soda_cloud(declared, "soda_runner_info", wait)
        return uninstalled

    def _deleted(self, declared: Declared, stops_first: bool = False) -> Json:
        """
        The result of the deletion in Soda Cloud.

        The account is listed once for all its hosts: in a large account, one listing for each host would take longer
        than the limits of the deletions. If the account is refused, the other hosts do not repeat the message.
        """
        topic = DIRECTORY if declared.key_store == "file" and not declared.is_direct else ACCOUNTS
        with self.files.once(topic, declared.account.cache_key) as entry:
            if not entry.is_published:
                failure: Json | None = None
                ids: dict[str, list[str]] = {}
                try:
                    if topic == ACCOUNTS:
                        return self._delete(declared, stops_first)
                    ids = removal.ids_by_name(self.soda_cloud(declared, "soda_runner_info", {})["runners"])
                except CallFailed as exc:
                    failure = exc.result["failure"] if exc.result["failure"]["operation"] == "list" else None
                    raise
                finally:
                    entry.publish({"host": declared.host, "failure": failure, "ids": ids})
            self.raise_account_failure(entry.data)
            known = entry.data.get("ids", {}).get(declared.name, ())
        if len(known) == 1:
            result = self._delete(declared, stops_first, id=known[0])
            if removal.Deletion.of_result(result).registered_before:
                return result
            # The runner has another id by now. The key in escrow may be removed already.
            self.warn(*result["warnings"])
            again = self._delete(declared, stops_first)
            return {**again, "changed": again["changed"] or result["changed"]}
        # The runner was not listed, or there are several of the name.
        return self._delete(declared, stops_first)

    def _delete(self, declared: Declared, stops_first: bool, **more: t.Any) -> Json:
        # In check mode, a runner whose release would be uninstalled is online, but would not be.
        unless_online = not declared.delete_online and not stops_first
        if declared.key_store != "file":
            return self.store(declared, state="absent", unless_online=unless_online)
        arguments = {
            "name": declared.name,
            "state": "absent",
            "unless_online": unless_online,
            "key_path": declared.key_path if declared.is_direct else declared.escrow_path,
            **more,
        }
        return self.soda_cloud(declared, "soda_runner", arguments)

    def choose_stale(self) -> Json:
        """The stale runners of the account of this host. The first host of each account deletes them."""
        target.refuse_extra_variables(self.extra_variables())
        declared = self.declared()
        self.publish(DECLARED, declared, wanted=declared.state == "present", identity=declared.identity())
        reported = self._evidence()
        self.files.publish(REPORTED, "all", [one.to_dict() for one in reported])
        with self.files.once(CLAIMS, declared.account.cache_key) as entry:
            if not entry.is_published:
                entry.publish({"host": declared.host, "account": str(declared.account)})
            claimed_by = entry.data["host"]
        if claimed_by != declared.host:
            return {"runners": []}
        mine = [one for one in reported if Account(one.endpoint, one.api_key_id) == declared.account]
        return {"runners": [one.to_dict() for one in mine]}

    def _evidence(self) -> list[Evidence]:
        variables = self._target_variables()
        max_age = evidence.read_max_age(variables.get(target.MAX_AGE))
        now = datetime.datetime.now(datetime.timezone.utc)
        if target.RUNNERS in variables:
            return evidence.read_list(variables[target.RUNNERS], max_age, now)
        if not isinstance(variables.get(target.REPORT), str):
            raise InvalidTarget("Set soda_decommission_audit to the path of a report. Nothing was deleted.")
        return evidence.read_report(variables[target.REPORT], max_age, now)

    def remove_stale(self) -> Json:
        """Delete one stale runner by its id, if the report still describes it."""
        declared = self.declared()
        one = Evidence(**to_plain(self.action._task.args["runner"]))
        stopped = self.files.collect(STOPPED).get(declared.account.cache_key)
        if stopped is not None:
            raise DeletionStopped(
                f"The runner {one.name!r} ({one.id}) was not deleted, because the deletion of {stopped!r} failed.",
            )
        identity = "\n".join((one.endpoint, one.api_key_id, declared.account_label, one.name))
        published = declarations.published(self.files.collect(DECLARED))
        hosts = [*published.get(identity, ()), *self.of_inventory(declared).get(identity, ())]
        declared_by = hosts[0] if hosts else None
        try:
            runner = None if declared_by else self._look_up(declared, one.id)
            verdict = removal.judge_stale(one, runner, declared_by)
            if verdict is Verdict.DELETE:
                arguments = {"id": one.id, "state": "absent", "unless_online": True}
                result = call_on_controller(
                    self.action, "soda_runner", {**declared.connection_arguments(), **arguments}, self.task_vars
                )
                if not removal.Deletion.of_result(result).deleted:
                    verdict = Verdict.ONLINE
        except CallFailed:
            self.files.publish(STOPPED, declared.account.cache_key, one.name)
            raise
        reason = removal.explain(verdict, one, declared_by)
        deleted = verdict is Verdict.DELETE
        self.files.publish(
            OUTCOMES,
            f"stale\n{one.id}",
            {
                "account": str(declared.account),
                "id": one.id,
                "name": one.name,
                "deleted": deleted,
                "reason": reason,
            },
        )
        return {"changed": deleted, "runner_deleted": deleted, "verdict": verdict.value}

    def _look_up(self, declared: Declared, runner_id: str) -> Json | None:
        try:
            result = call_on_controller(
                self.action, "soda_runner", {**declared.connection_arguments(), "id": runner_id}, self.task_vars
            )
        except CallFailed as exc:
            if exc.result["failure"]["code"] == "runner_not_found":
                return None
            raise
        return t.cast(Json, result["runner"])

    def check_target(self) -> Json:
        """Refuse a decommissioning without a target, also if the variables come from the inventory."""
        chosen = target.choose_target(self._target_variables())
        return {"kind": chosen.kind.value}

    def summarize(self) -> Json:
        reported = self.files.collect(REPORTED).get("all")
        if reported is None:
            hosts = len(self.hosts("ansible_play_hosts_all"))
            return with_message(messages.summarize_decommission(self.outcomes(), hosts, self.check_mode))
        accounts = {one["account"] for one in self.files.collect(CLAIMS).values()}
        unclaimed = [one for one in reported if str(Account(one["endpoint"], one["api_key_id"])) not in accounts]
        if unclaimed and len(unclaimed) == len(reported):
            raise ReportUnusable(
                "The report was made with another Soda Cloud API key than the hosts of this run declare. Nothing was"
                " deleted. Run community.soda.audit again.",
            )
        return with_message(messages.summarize_stale(self.outcomes(), len(reported), len(unclaimed), self.check_mode))

    def _target_variables(self) -> Json:
        names = [name for name in self.task_vars if name.startswith(target.PREFIX) or name in target.TARGETS]
        return {str(name): to_plain(self.action._templar.template(self.task_vars[name])) for name in names}
