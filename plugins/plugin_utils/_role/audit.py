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
from . import release
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
    def __init__(self, action: t.Any, task_vars: Json) -> None:
        super().__init__(action, task_vars)
        self._differences: list[str] = []
        """What the role would change in the key store."""

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
        stored: Json | None = None
        try:
            if declared.key_store != "file":
                stored, problems = self._in_store(declared)
            more: Json = {} if stored is None else {"store_key": stored}
            if declared.deploy:
                found, more_problems = self._deployed(declared, stored, wanted)
                problems += more_problems
            elif wanted:
                found = self.config(declared.config_arguments(), track_restart=True, **more)
                if stored is not None and found["key_adoptable"]:
                    self._differences.append(f"{declared.key_path} also stores a key")
            else:
                found = self.config(declared.config_arguments(), state="absent")
            if stored is not None and not wanted:
                found["removed"] = [f"the key in {stored['location']}", *found["removed"]]
        except AnsibleConnectionFailure as exc:
            return observe.unreached(*about, str(exc))
        except CallFailed as exc:
            if exc.result.get("unreachable"):
                return observe.unreached(*about, str(exc))
            found = exc.result
        except SodaError as exc:
            found = {"failed": True, "msg": exc.failure.message}
        except AnsibleError as exc:
            found = {"failed": True, "msg": str(exc)}
        one = observe.observation(*about, found)
        if stored is not None and wanted:
            # The host does not know when the key in the store was issued.
            one = dataclasses.replace(one, issued_at=observe.text(stored["issued_at"]) or "unknown")
        if problems:
            # A key is there, but its time is not known.
            one = dataclasses.replace(one, issued_at=one.issued_at or "unknown", problems=tuple(problems))
        return dataclasses.replace(one, differences=(*one.differences, *self._differences))

    def _in_store(self, declared: Declared) -> tuple[Json | None, list[Finding]]:
        """The status of the key in its store, and its findings."""
        try:
            observed = self.store(declared, observe=True)
        except CallFailed as exc:
            code = exc.result["failure"]["code"]
            if code not in STORE_FINDINGS:
                raise
            return None, [Finding(STORE_FINDINGS[code], observe.text(exc.result.get("msg")))]
        key = observed["key"]
        if key is not None and not observed["complete"]:
            self._differences.append(f"{key['location']} is not complete")
        return key, []

    def _deployed(self, declared: Declared, key: Json | None, wanted: bool) -> tuple[Json, list[Finding]]:
        """What differs in the Helm release of the runner. A release of an earlier key version is a finding."""
        release.check_target(declared)
        deployed = release.Release(self.action, declared, self.task_vars)
        if not wanted:
            installed = deployed.values() is not None
            return {"removed": [f"the Helm release {deployed.name}"] if installed else []}, []
        release.check(declared)
        if key is None:
            return {"key": None}, []
        problems: list[Finding] = []
        differs = False
        values = deployed.values()
        if values is None:
            problems.append(Finding("release_not_upgraded", f"the release {deployed.name} is not installed"))
        else:
            differs = values != release.values_of(declared, key)
            has = release.key_version_in(values)
            if has != str(key["key_version"]):
                text = f"the release {deployed.name} has the key version {has}, the key store {key['key_version']}"
                problems.append(Finding("release_not_upgraded", observe.text(text)))
                differs = False
        files = [{"path": f"the values of the release {deployed.name}", "changed": differs}]
        key_needed = key["key_version"] < declared.key_version
        return {"key": key, "key_needed": key_needed, "files": files}, problems

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
        self.warn(*listing.warnings())
        return AccountListing(to.account, host, runners)


def _fingerprint(to: Connection) -> str:
    """Tells apart the connection options of an account: one host with a wrong secret must not fail the others."""
    return hashlib.sha256(repr(dataclasses.astuple(to)).encode(errors="surrogatepass")).hexdigest()
