# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The steps that give a host its runner key and configuration."""

from __future__ import annotations

import typing as t
import uuid

from ...module_utils._errors import KeyMissing
from .._declared import Declared
from .._parameters import to_plain
from . import declarations, messages
from .calls import CallFailed, make_private_folder
from .step import DECLARED, OUTCOMES, Json, Steps, key_of, with_message

NEEDED, ANNOUNCED, AWAITED, LISTED, OWED = "needed", "announced", "awaited", "listed", "owed"


class Provision(Steps):
    """Write, issue, restart, wait."""

    def write(self) -> Json:
        """Write what the host needs, if its key is current. An up-to-date host needs this step only."""
        declared = self.declared()
        if declared.state == "absent":
            # Only the playbook community.soda.provision gets here: it never removes anything.
            self.publish(OUTCOMES, declared, skipped=True)
            return {"unfinished": False}
        if declared.deploy:
            # Likewise: the configuration of this runner is its Helm release.
            self.publish(OUTCOMES, declared, deployed=True)
            return {"unfinished": False}
        self.publish(DECLARED, declared, wanted=True, identity=declared.identity())
        key, is_current = self._observed_in_store(declared)
        written = self._configure(declared, **_store_key(key if is_current else None))
        # A run that was killed after it moved the key to its store has left the key file.
        leftover = is_current and bool(written["key_adoptable"])
        waits = declared.wait and not self.check_mode
        # A key that another store has with a lower version is rotated, whatever is on the host.
        if written["key_needed"] and not (written["key_adoptable"] and key is None):
            self.publish(NEEDED, declared, account=str(declared.account))
        if waits:
            self._await(declared)
        self.publish(OUTCOMES, declared, changed=written["changed"])
        return {
            **written,
            "key_needed": bool(written["key_needed"]) or leftover,
            "wait": waits,
            "unfinished": bool(written["key_needed"]) or leftover or waits or bool(written["restart_owed"]),
        }

    def announce(self) -> Json:
        """Report once for each batch how many keys are needed and how long the limits make that take."""
        batch = self.hosts("ansible_play_batch")
        needed = {key: one for key, one in self.files.collect(NEEDED).items() if one["host"] in batch}
        with self.files.once(ANNOUNCED, "\n".join(batch)) as entry:
            if entry.is_published or not needed:
                return {}
            entry.publish(True)
        accounts: dict[str, int] = {}
        for one in needed.values():
            accounts[one["account"]] = accounts.get(one["account"], 0) + 1
        return {"msg": messages.announce_keys(accounts, self.check_mode), "_ansible_verbose_always": True}

    def issue(self) -> Json:
        """Issue the key, or adopt one, and put it and the configuration on the host."""
        declared = self.declared()
        self._refuse_shared_name(declared)
        self.check_account(declared)
        # The host must be able to store the key before a key exists.
        written = self._configure(declared, create_folders=True)
        origin = None
        changed = False
        if declared.key_store != "file":
            # The key file of the host if there is one, else a new key.
            result = self._stored(declared, move_from=declared.key_path)
            origin, changed = result["key_origin"], bool(result["changed"])
            written = self._configure(declared, key_required=True, **_store_key(result["key"]))
        elif written["key_adoptable"]:
            origin = "existing"
            # Without the runner's id: the configuration of a runner that runs stays as it is. A rotation finds the id.
            written = self._configure(declared, create_folders=True, key_required=True)
        elif written["key_needed"]:
            result = self._issued(declared, stored=written["key"])
            changed = bool(result["changed"])
            origin = "issued" if changed else None
            # Check mode has no key to take the id from.
            runner_id = (result["runner"] or {}).get("id") if self.check_mode else None
            written = self._configure(declared, key_required=True, runner_id=runner_id)
        changed |= bool(written["changed"])
        self.publish(
            OUTCOMES,
            declared,
            changed=changed,
            origin=origin,
            restart=bool(written["restart_owed"]),
            account=str(declared.account),
        )
        return {
            **written,
            "changed": changed,
            "key_issued": origin == "issued",
            "key_adopted": origin in ("existing", "moved"),
        }

    def _observed_in_store(self, declared: Declared) -> tuple[Json | None, bool]:
        """The status of the key in a store other than the host, and whether the store needs no change."""
        if declared.key_store == "file":
            return None, False
        observed = self.store(declared, observe=True)
        key = observed["key"]
        return key, key is not None and key["key_version"] == declared.key_version and observed["complete"]

    def _stored(self, declared: Declared, **more: t.Any) -> Json:
        """Put a key into its store."""
        result = self.store(declared, **more)
        if result["key"] is None:
            raise KeyMissing(
                f"The runner {declared.name!r} is registered in Soda Cloud, but its key is not in its store. Soda"
                " Cloud shows a key only once. Run the role with soda_runner_reissue=true to issue a new key. The"
                " runner keeps its id."
            )
        self.warn(*result["warnings"])
        return result

    def _configure(self, declared: Declared, **more: t.Any) -> Json:
        return self.config(declared.config_arguments(), track_restart=True, **more)

    def _issued(self, declared: Declared, stored: Json | None) -> Json:
        arguments = {"name": declared.name, "key_version": declared.key_version, "state": "present"}
        if declared.is_direct:
            arguments |= {"key_path": declared.key_path, "reissue": declared.reissue}
            arguments |= {option: declared.variables[f"soda_runner_{option}"] for option in ("owner", "group")}
        else:
            if not self.check_mode:
                make_private_folder(declared.escrow_dir)
            # The escrow does not know a key of a lower version on the host. So a rotation is a reissue there.
            arguments |= {"key_path": declared.escrow_path, "reissue": declared.reissue or stored is not None}
        result = self.soda_cloud(declared, "soda_runner", arguments)
        if result["key"] is None:
            raise KeyMissing(
                f"The runner {declared.name!r} is registered in Soda Cloud, but its key is neither on the host"
                f" ({declared.key_path}) nor in escrow. Soda Cloud shows a key only once. If the key is in Vault or"
                " Kubernetes, set soda_runner_key_store. Otherwise restore the key file, or run the role with"
                " soda_runner_reissue=true to issue a new key. The runner keeps its id.",
            )
        self.warn(*result["warnings"])
        return result

    def _refuse_shared_name(self, declared: Declared) -> None:
        entries = self.files.collect(DECLARED)
        declarations.refuse_shared_name(declared, declarations.published(entries), self.of_inventory(declared))

    def schedule_acknowledgement(self) -> Json:
        """Note that a handler at the end of the play has to acknowledge the restart of this runner."""
        declared = self.declared()
        self.publish(OWED, declared, config=declared.acknowledge_arguments())
        return {"changed": True}

    def report_changes(self) -> Json:
        """Report the runners of the host whose configuration changed. A handler runs once for all of them."""
        names = [owed["config"]["name"] for owed in self._owed().values()]
        return with_message(messages.report_changes(names, self.check_mode))

    def acknowledge(self) -> Json:
        """Clear the restarts that the handlers of the play have made."""
        if self.check_mode:
            return {}
        for key, owed in self._owed().items():
            self.config(owed["config"])
            self.files.publish(OWED, key, {"host": owed["host"]})
        return {}

    def _owed(self) -> dict[str, Json]:
        """The runners of the host whose restarts are not acknowledged."""
        host = str(to_plain(self.task_vars["inventory_hostname"]))
        return {key: one for key, one in self.files.collect(OWED).items() if one["host"] == host and one.get("config")}

    def _await(self, declared: Declared) -> None:
        """Note that the step C(wait) has to wait for this runner."""
        # The token is new for each run of the role, so no run takes the outcome of an earlier one.
        terms, token = self._terms_of_wait(declared), uuid.uuid4().hex
        self.publish(AWAITED, declared, terms=terms, name=declared.name, token=token)

    def wait(self) -> Json:
        """Wait until Soda Cloud lists the runners of all hosts of the batch that share the account."""
        declared = self.declared()
        key, terms = key_of(declared), self._terms_of_wait(declared)
        mine = self.files.collect(AWAITED)[key]
        with self.files.once(LISTED, terms) as entry:
            outcomes: Json = entry.data or {}
            if mine["token"] not in outcomes:
                batch = self.hosts("ansible_play_batch")
                awaited = {
                    one["token"]: one["name"]
                    for one in self.files.collect(AWAITED).values()
                    if one["terms"] == terms and one["host"] in batch and one["token"] not in outcomes
                }
                outcome = self._wait_for(declared, sorted(set(awaited.values())))
                outcomes = {**outcomes, **dict.fromkeys(awaited, outcome)}
                entry.publish(outcomes)
        failure, missing = (outcomes[mine["token"]][field] for field in ("failure", "missing"))
        if failure is not None and missing is None:
            raise CallFailed({"failed": True, "msg": failure["message"], "failure": failure})
        if declared.name in (missing or ()):
            is_online = declared.wait_for == "online"
            log, again = "the runner's log on the host", "role"
            if declared.deploy:
                log, again = "the log of the runner's pod", "playbook"
            message = (
                f"Soda Cloud did not {'report' if is_online else 'list'} the runner {declared.name!r}"
                f"{' as online' if is_online else ''} within {declared.wait_timeout:g} seconds. Read {log}. If the"
                f" runner starts later, run the {again} again. It issues no other key."
            )
            failure = {**failure, "message": message}
            raise CallFailed({"failed": True, "msg": message, "failure": failure, "missing": missing})
        return {}

    def _wait_for(self, declared: Declared, names: list[str]) -> Json:
        arguments = {
            "names": names,
            "wait": True,
            "wait_for": declared.wait_for,
            "wait_timeout": declared.wait_timeout,
            "wait_interval": declared.wait_delay,
        }
        try:
            self.soda_cloud(declared, "soda_runner_info", arguments)
        except CallFailed as exc:
            return {"missing": exc.result.get("missing"), "failure": exc.result["failure"]}
        return {"missing": [], "failure": None}

    @staticmethod
    def _terms_of_wait(declared: Declared) -> str:
        """Hosts with the same terms wait together. A host that sends its requests itself waits alone."""
        terms = (declared.account.cache_key, declared.wait_for, declared.wait_timeout, declared.wait_delay)
        return "\n".join(map(str, (*terms, declared.host if declared.is_direct else "")))

    def summarize(self) -> Json:
        return with_message(messages.summarize_provision(self.outcomes(), self.check_mode))


def _store_key(key: Json | None) -> Json:
    """The option store_key. In check mode a key that would be issued has no id."""
    return {"store_key": key} if key is not None and key["api_key_id"] else {}
