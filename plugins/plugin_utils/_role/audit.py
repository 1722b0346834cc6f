# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""
The step of the audit: observe a host, list its account once a play, and publish both.

The observation is what the role would change: the same calls in check mode, with the same arguments. It does not travel
through facts or registered variables, which a host could fake and which Ansible copies for each task. The action
M(community.soda.soda_runner_audit) collects it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import typing as t

from ansible.errors import AnsibleConnectionFailure, AnsibleError

from ...module_utils._api.client import REQUESTS_IMPORT_ERROR, Client, Connection, connection
from ...module_utils._api.runners import Runners
from ...module_utils._errors import MissingLibrary, SodaError
from ...module_utils._names import validate_name
from .._audit import observe
from .._audit.model import AccountListing, Finding, Observation
from .._audit.rounds import Round
from .._declared import Declared
from .._parameters import to_plain
from .._run_files import RunFiles
from .calls import CallFailed
from .step import Json, Steps

# A failure of a key store becomes a separate finding.
STORE_FINDINGS = {"store_of_another_runner": "key_of_another_runner", "store_edited": "secret_changed"}


def observe_host(action: t.Any, task_vars: Json) -> Json:
    """A host or an account that cannot be observed is a finding, and the audit goes on."""
    host = to_plain(task_vars["inventory_hostname"])
    published = Round(RunFiles.of_task(action._task))
    try:
        one = _Observer(action, task_vars).observe(published)
    except SodaError as exc:
        one = observe.failed(host, _name(action, task_vars) or host, exc.failure.message)
    published.publish(one)
    return {}


def _name(action: t.Any, task_vars: Json) -> str | None:
    """The name of the runner, if the host declares a valid one. Its runner is then not judged without the host."""
    with contextlib.suppress(SodaError, AnsibleError):
        return validate_name(to_plain(action._templar.template(task_vars.get("soda_runner_name"))))
    return None


class _Observer(Steps):
    def observe(self, published: Round) -> Observation:
        declared = self.declared()
        to = self._connection(declared)
        one = self._observe(declared)
        listing = published.listing(declared.account, _fingerprint(to), lambda: self._list(to, declared.host))
        return dataclasses.replace(one, listing_failure=listing.failure)

    def _observe(self, declared: Declared) -> Observation:
        wanted = declared.state == "present"
        about = (declared.host, declared.name, declared.account, wanted)
        problems: list[Finding] = []
        try:
            stored = None
            if declared.key_store != "file":
                stored, problems = self._in_store(declared)
            more: Json = {} if stored is None else {"store_key": stored}
            if wanted:
                found = self.config(declared.config_arguments(), track_restart=True, **more)
            else:
                found = self.config(declared.config_arguments(), state="absent")
                if stored is not None:
                    found["removed"] = [f"the key in {declared.key_store}", *found["removed"]]
        except AnsibleConnectionFailure as exc:
            return observe.unreached(*about, str(exc))
        except CallFailed as exc:
            if exc.result.get("unreachable"):
                return observe.unreached(*about, str(exc))
            found = exc.result
        except AnsibleError as exc:
            found = {"failed": True, "msg": str(exc)}
        one = observe.observation(*about, found)
        if problems:
            # A key is there, but its time is not known.
            one = dataclasses.replace(one, issued_at=one.issued_at or "unknown", problems=tuple(problems))
        return one

    def _in_store(self, declared: Declared) -> tuple[Json | None, list[Finding]]:
        """The status of the key in its store, and its findings."""
        try:
            return self.store(declared, observe=True)["key"], []
        except CallFailed as exc:
            code = exc.result["failure"]["code"]
            if code not in STORE_FINDINGS:
                raise
            return None, [Finding(STORE_FINDINGS[code], observe.text(exc.result.get("msg")))]

    def _connection(self, declared: Declared) -> Connection:
        if REQUESTS_IMPORT_ERROR is not None:
            raise MissingLibrary("The Python of ansible-playbook has no library requests. Install it.")
        # This process belongs to this task. Proxies that the play sets by environment: apply to its requests.
        environment: dict[str, str] = {}
        self.action._compute_environment_string(environment)
        os.environ.update({name: str(value) for name, value in environment.items()})
        return connection(**declared.connection_arguments())

    def _list(self, to: Connection, host: str) -> AccountListing:
        try:
            listing = Runners(Client(to)).list()
        except SodaError as exc:
            return AccountListing(to.account, host, None, exc.failure.message)
        runners = tuple(listing.matching())
        self.warn({"warnings": listing.warnings()})
        return AccountListing(to.account, host, runners)


def _fingerprint(to: Connection) -> str:
    """Tells apart the connection options of an account: one host with a wrong secret must not fail the others."""
    return hashlib.sha256(repr(dataclasses.astuple(to)).encode(errors="surrogatepass")).hexdigest()
