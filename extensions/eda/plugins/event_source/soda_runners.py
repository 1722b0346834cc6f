# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An event source for ansible-rulebook: what happens to the Soda runners of an account."""

from __future__ import annotations

import asyncio
import concurrent.futures
import dataclasses
import importlib
import importlib.machinery
import importlib.util
import json
import logging
import math
import os
import sys
import threading
import typing as t
from pathlib import Path

DOCUMENTATION = r"""
name: soda_runners
short_description: Tell when Soda runners register, go offline, come back or are removed
version_added: 1.0.0
author:
  - community.soda contributors (@community-soda)
description:
  - Lists the runners of an account again and again, all pages of them as of one moment, and tells what has changed.
  - "An event has the one key C(soda_runners), beside the C(meta) that ansible-rulebook adds. Below it are: C(event),
    which is V(registered), V(online), V(offline) or V(removed); C(runner), with its C(id), C(name), C(label), C(type),
    C(is_online), C(last_seen_timestamp) and C(versions), which are null where Soda Cloud says nothing; C(host), the
    name of its host in the inventory P(community.soda.soda_runners#inventory); C(endpoint); and C(initial), which is
    true where it is told because of O(initial)."
  - A new runner is V(registered), and then V(online) or V(offline). One that is removed is V(removed) alone, with
    C(runner) as it was listed last. A runner that is registered again under another id is another runner.
  - The first listing is what later ones are compared with, and tells nothing. With O(state_path), it is compared with
    what was told before ansible-rulebook was started.
  - An outage, such as no connection, a deferral that outlasts O(retry_budget), a status of 5xx or a listing that does
    not hold still, tells nothing. When it is over, what has changed meanwhile is told, each change once. The log has a
    warning when an outage begins and another when it ends.
  - What waiting does not mend ends the source with an error that says what to do, such as an option that is wrong, or a
    Soda Cloud API key that is refused. So does everything but an outage before the first listing, such as an endpoint
    that is not Soda Cloud's.
requirements:
  - python >= 3.9
  - requests >= 2.25, in the Python of ansible-rulebook
  - ansible-core >= 2.16, in the same
options:
  endpoint:
    description:
      - The URL of Soda Cloud. V(https://cloud.soda.io) is the region EU, V(https://cloud.us.soda.io) is US.
        A Soda Cloud API key works in its own region only.
      - V(http://) is refused unless the host is this machine itself. Redirects are not followed.
        Proxies are taken from the usual environment variables.
      - If not set, the environment variable E(SODA_CLOUD_ENDPOINT) is used.
    type: str
    default: https://cloud.soda.io
  api_key_id:
    description:
      - The id of the Soda Cloud API key, a user's or a service account's. This is not a runner key.
      - If not set, the environment variable E(SODA_CLOUD_API_KEY_ID) is used. The source ends before any request where
        neither is set.
    type: str
  api_key_secret:
    description:
      - The secret of the Soda Cloud API key.
      - If not set, the environment variable E(SODA_CLOUD_API_KEY_SECRET) is used. The source ends before any request
        where neither is set.
    type: str
  validate_certs:
    description:
      - Whether the certificate of the server is checked. Leave it so outside of tests.
      - If not set, the environment variable E(SODA_CLOUD_VALIDATE_CERTS) is used.
    type: bool
    default: true
  ca_path:
    description:
      - A file in PEM format, or a folder of such files, with the certificates of the authorities to trust.
        Without it, the ones that come with the Python library requests are trusted.
      - If not set, the environment variable E(SODA_CLOUD_CA_PATH) is used.
    type: path
  timeout:
    description:
      - How many seconds one request may take.
      - If not set, the environment variable E(SODA_CLOUD_TIMEOUT) is used.
    type: float
    default: 30.0
  retry_budget:
    description:
      - How many seconds one listing may spend waiting when Soda Cloud defers it, cannot be reached or is not available,
        before that is an outage. V(0) is to never wait.
      - If not set, the environment variable E(SODA_CLOUD_RETRY_BUDGET) is used.
    type: float
    default: 300.0
  interval:
    description:
      - How many seconds to wait between one listing and the next, and so how late a change may be told.
      - Soda Cloud allows 60 pages of 1000 runners in 60 seconds. However short the interval is, at least 2 seconds are
        waited for each page, so half of them are left to others.
    type: float
    default: 60.0
  initial:
    description:
      - Whether the first listing tells of each runner that it is V(online) or V(offline), with C(initial) true.
      - Does nothing where O(state_path) has what was told before.
    type: bool
    default: false
  state_path:
    description:
      - A file that keeps what was told, without any key, so that after a start what changed meanwhile is told, and
        nothing that was told before. It has the mode 0600. Its folder must exist.
      - A change is written down when its event is on the queue of ansible-rulebook, and not before. So however that
        ends, no change is left out. Where it is killed between the two, this one event is told again.
      - The file is of one endpoint and one Soda Cloud API key. With others, the source ends with an error.
      - Without it, what changes while ansible-rulebook is down is not told.
    type: path
  feedback:
    description:
      - Whether a change counts as told only when the rules have seen its event. ansible-rulebook needs
        C(--persistence-id) for it, and then keeps the events that its actions have not dealt with.
    type: bool
    default: false
  name:
    description: Only the runners of exactly this name.
    type: str
  names:
    description: Only the runners whose name is exactly one of these.
    type: list
    elements: str
  id:
    description: Only the runner of this id.
    type: str
  type:
    description: Only runners of this type, such as V(SELF_HOSTED) or V(SODA_HOSTED).
    type: str
notes:
  - The filters combine with and. There is none for the state of a runner, because that is what the events tell.
  - Text from Soda Cloud is inert. The character U+FFFD replaces control characters, and breaks up templates. So the
    name of a runner cannot make a playbook that receives the event run a template.
  - With service-account roles, Soda Cloud leaves out of its listing the runners that the owner of the API key may not
    see. A runner that is hidden is V(removed) here, so use a key that sees all runners.
seealso:
  - plugin: community.soda.soda_runners
    plugin_type: inventory
  - module: community.soda.soda_runner_info
"""

EXAMPLES = r"""
- name: Say which runner goes offline
  hosts: all
  sources:
    # With the key in the environment of ansible-rulebook.
    - community.soda.soda_runners:
        interval: 120
        type: SELF_HOSTED
        state_path: /var/lib/ansible-rulebook/soda_runners.json
  rules:
    - name: Say it, once in a quarter of an hour for each runner
      condition: event.soda_runners.event == "offline"
      throttle:
        once_within: 15 minutes
        group_by_attributes:
          - event.soda_runners.runner.id
      action:
        debug:
          msg: "{{ event.soda_runners.runner.name }} is offline."

- name: Run a playbook on the host of a runner that goes offline
  hosts: all
  sources:
    - community.soda.soda_runners:
        endpoint: https://cloud.us.soda.io
        api_key_id: "{{ our_soda_key_id }}"
        api_key_secret: "{{ our_soda_key_secret }}"
      filters:
        # Has the playbook run on this host alone.
        - eda.builtin.insert_hosts_to_meta:
            host_path: soda_runners.host
  rules:
    - name: Provision again
      condition: event.soda_runners.event == "offline"
      action:
        run_playbook:
          name: community.soda.provision
"""


def _utility(name: str) -> t.Any:
    """
    A private utility of the collection that this file is in.

    ansible-rulebook runs this file by its path, and nothing there knows ``ansible_collections``. So the folder of the
    utilities, found from here, becomes a package under a name that nobody else has. No folder comes onto ``sys.path``,
    so nothing can stand before what others import.
    """
    package = "_community_soda_plugins"
    if package not in sys.modules:
        folder = Path(__file__).resolve().parents[4] / "plugins"
        if not folder.is_dir():
            raise ImportError(f"{__file__} works in its collection only: there is no {folder}.")
        spec = importlib.machinery.ModuleSpec(package, None, is_package=True)
        spec.submodule_search_locations = [str(folder)]
        sys.modules[package] = importlib.util.module_from_spec(spec)
    try:
        return importlib.import_module(f"{package}.{name}")
    except ModuleNotFoundError as exc:
        raise ImportError(
            f"{exc.name} has to be installed in the Python of ansible-rulebook, {sys.executable}."
        ) from exc


if t.TYPE_CHECKING:
    from ansible_collections.community.soda.plugins.module_utils import _argspec as _arguments
    from ansible_collections.community.soda.plugins.module_utils import _errors as _failure
    from ansible_collections.community.soda.plugins.module_utils import _filters
    from ansible_collections.community.soda.plugins.module_utils._api import client as _client
    from ansible_collections.community.soda.plugins.module_utils._api import runners as _runners
    from ansible_collections.community.soda.plugins.module_utils._key import atomic_write as _files
    from ansible_collections.community.soda.plugins.plugin_utils import _changes
    from ansible_collections.community.soda.plugins.plugin_utils import _inventory_names as _host_names
else:
    _arguments = _utility("module_utils._argspec")
    _changes = _utility("plugin_utils._changes")
    _client = _utility("module_utils._api.client")
    _failure = _utility("module_utils._errors")
    _files = _utility("module_utils._key.atomic_write")
    _filters = _utility("module_utils._filters")
    _host_names = _utility("plugin_utils._inventory_names")
    _runners = _utility("module_utils._api.runners")

LOG = logging.getLogger("community.soda.soda_runners")

# Soda Cloud gives 60 pages in 60 seconds. Half of them are left to modules, inventories and other rulebooks.
SECONDS_A_PAGE = 2.0

# 100,000 runners are about 30 MB.
LARGEST_STATE = 256 * 1024 * 1024

# Names that mean something else to Ansible than the host of a runner.
RESERVED = {"all", "ungrouped", "localhost", "127.0.0.1", "soda_runners", "soda_online", "soda_offline"}

# Not by the state of a runner: that is what the events tell.
FILTERS = ("name", "id", "type")

# What ansible-rulebook adds to the options where feedback is true: it puts there what the rules have seen.
FEEDBACK = "eda_feedback_queue"

_T = t.TypeVar("_T")
Sleep = t.Callable[[float], t.Awaitable[t.Any]]


async def main(queue: asyncio.Queue[t.Any], args: dict[str, t.Any]) -> None:
    """What ansible-rulebook calls. It goes on until it is cancelled, or raises ``SodaError``."""
    await follow(queue, args, asyncio.sleep)


async def follow(queue: asyncio.Queue[t.Any], args: t.Mapping[str, t.Any], sleep: Sleep) -> None:
    """List, tell what has changed, sleep, and so on."""
    options = checked(args)
    to = _client.connection(**{option: options[option] for option in _arguments.connection_spec()})
    teller = Teller(queue, args.get(FEEDBACK), options, to)
    listed_once = outage = False
    pages = 1
    while True:
        try:
            listing = await in_thread(lambda wait: list_runners(to, teller.told, wait))
        except _failure.SodaError as exc:
            if ends(exc.failure, listed_once):
                raise
            if not outage:
                LOG.warning("Soda runners cannot be followed: %s What changes meanwhile is told later.", exc)
            outage = True
        else:
            if outage:
                LOG.warning("Soda runners are followed again: Soda Cloud at %s has listed them.", to.endpoint)
            outage, listed_once, pages = False, True, listing.pages
            await teller.tell(listing.matching())
        await sleep(max(options["interval"], pages * SECONDS_A_PAGE))


def argument_spec() -> dict[str, t.Any]:
    """The options, as DOCUMENTATION has them."""
    filters = _filters.filter_spec()
    return {
        **_arguments.connection_spec(),
        **{name: filters[name] for name in FILTERS},
        "names": {"type": "list", "elements": "str"},
        "interval": {"type": "float", "default": 60.0},
        "initial": {"type": "bool", "default": False},
        "state_path": {"type": "path"},
        "feedback": {"type": "bool", "default": False},
    }


def checked(args: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The options in their types, with what the environment and the defaults give. Raises ``SodaError``."""
    from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

    if _client.REQUESTS_IMPORT_ERROR is not None:
        raise _failure.error(
            "missing_library", f"ansible-rulebook's own Python, {sys.executable}, has no requests; install it."
        )
    given = {name: value for name, value in args.items() if value is not None and name != FEEDBACK}
    unknown = ", ".join(sorted(set(given) - set(argument_spec())))
    if unknown:
        raise _failure.error(
            "invalid_arguments", f"There is no option {unknown}. There are {', '.join(sorted(argument_spec()))}."
        )
    result = ArgumentSpecValidator(argument_spec()).validate(given)
    if result.error_messages:
        raise _failure.error("invalid_arguments", " ".join(result.error_messages))
    options: dict[str, t.Any] = result.validated_parameters
    if not (math.isfinite(options["interval"]) and options["interval"] > 0):
        raise _failure.error(
            "invalid_arguments", f"interval must be a number of seconds above 0, not {options['interval']}."
        )
    return options


def ends(failure: _failure.Failure, listed_once: bool) -> bool:
    """
    Whether a failure ends the source, and is no outage.

    Before the first listing whatever waiting does not mend does. After it the options are known to be right, so it is
    Soda Cloud that fails, or something between, unless the key is refused.
    """
    return failure.http_status in (401, 403) or not (failure.retryable or listed_once)


async def in_thread(work: t.Callable[[t.Callable[[float], None]], _T]) -> _T:
    """
    What work returns, which is given a function to sleep with. It is run in a thread of its own.

    ``asyncio.to_thread`` would hold up the end of ansible-rulebook until the thread has ended, and so for as long as
    Soda Cloud keeps a request or a deferral open. This thread is left behind: it wakes from its sleep to end itself,
    and out of a request it comes with the process.
    """
    done: concurrent.futures.Future[_T] = concurrent.futures.Future()
    left = threading.Event()

    def wait(seconds: float) -> None:
        if left.wait(seconds):
            raise concurrent.futures.CancelledError

    def run() -> None:
        try:
            done.set_result(work(wait))
        except BaseException as exc:
            done.set_exception(exc)

    # So that nobody who cancels takes it for one that was not begun.
    done.set_running_or_notify_cancel()
    threading.Thread(target=run, name="soda_runners", daemon=True).start()
    try:
        return await asyncio.wrap_future(done)
    finally:
        left.set()


def list_runners(
    to: _client.Connection, known: t.Mapping[str, t.Any] | None, wait: t.Callable[[float], None]
) -> _runners.Listing:
    """
    All runners. That one is gone, or was not there at the first, is believed when a second listing says so too.

    A reading of several pages can miss a runner; that of one page cannot.
    """
    client = _client.Client(to, sleep=wait)
    try:
        runners = _runners.Runners(client)
        listing = runners.list()
        if listing.pages > 1 and (known is None or not known.keys() <= listing.ids()):
            listing = runners.list_again(listing)
        return listing
    finally:
        client.close()


class Teller:
    """Puts an event on the queue for each change, and has it kept that it was told."""

    def __init__(
        self,
        queue: asyncio.Queue[t.Any],
        seen: asyncio.Queue[t.Any] | None,
        options: t.Mapping[str, t.Any],
        to: _client.Connection,
    ) -> None:
        self._queue = queue
        self._seen = seen
        self._initial: bool = options["initial"]
        self._endpoint = to.endpoint
        self._filters = _filters.Filters.from_options(
            {**dict.fromkeys(_filters.filter_spec()), **{name: options[name] for name in FILTERS}},
            names=options["names"],
        )
        self._state = State(options["state_path"], to)
        self.told: _changes.Snapshot | None = self._state.load()

    async def tell(self, runners: t.Iterable[_runners.Runner]) -> None:
        """
        Tell what has changed since the last time.

        A change counts as told from when its event is on the queue. It is written down then and not before, because
        one that was written down before might be lost for ever; so after a kill in between, this one is told again.
        """
        initial = self.told is None and self._initial
        after = _changes.snapshot(runners, self.told or {})
        if self.told is None:
            self.told = _changes.without_states(after) if initial else dict(after)
            LOG.info("Following %d Soda runners at %s.", len(after), self._endpoint)
        changes = _changes.changes(self.told, after)
        if changes:
            self._state.keep(self.told)
            hosts = {**host_names(self.told), **host_names(after)}
        for change in changes:
            if self._filters.passes(change.runner):
                host = hosts[t.cast(str, change.runner.id)]
                await self._put(event_of(change, host, self._endpoint, initial))
            _changes.note(self.told, change)
            self._state.add(change)
        self.told = after
        self._state.keep(after)

    async def _put(self, event: dict[str, t.Any]) -> None:
        await self._queue.put(event)
        if self._seen is not None:
            await self._seen.get()


class State:
    """
    The file that keeps what was told. Without a path nothing is kept.

    Its first line is a snapshot, and each further one a change that was told after it. So a change is kept as soon as
    it is told, however many runners there are. A line that was not written whole is of a change that is told again.
    """

    def __init__(self, path: str | None, to: _client.Connection) -> None:
        self._place = None if path is None else _files.TargetFile(path, "state_path_unusable")
        self._account = dataclasses.asdict(to.account)
        self._kept: bytes | None = None

    def load(self) -> _changes.Snapshot | None:
        """What was told before, or None where nothing was. Raises ``SodaError`` where the file cannot be used."""
        if self._place is None:
            return None
        self._place.check()
        content = self._place.read(largest=LARGEST_STATE)
        if content is None:
            return None
        first, *lines = content.split(b"\n")
        try:
            state = json.loads(first)
            account = {name: state[name] for name in self._account}
            told = _changes.snapshot([_runners.Runner.from_dict(entry) for entry in state["runners"]], {})
            # What is behind the last line break was not written whole.
            for line in lines[:-1]:
                change = json.loads(line)
                _changes.note(told, _changes.Change(change["event"], _runners.Runner.from_dict(change["runner"])))
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as exc:
            raise self._place.unusable(
                "it holds nothing that this event source wrote; name another state_path, or remove it to begin anew"
            ) from exc
        if account != self._account:
            raise self._place.unusable(
                "it is of another endpoint or Soda Cloud API key; name another state_path, or remove it to begin anew"
            )
        return told

    def keep(self, told: _changes.Snapshot) -> None:
        """Replace the file where it holds something else. Raises ``SodaError``."""
        if self._place is None:
            return
        content = _line({**self._account, "runners": [runner.to_dict() for runner in told.values()]})
        if content == self._kept:
            return
        self._place.write(content)
        self._kept = content

    def add(self, change: _changes.Change) -> None:
        """Add a change that was told since. Raises ``SodaError``."""
        if self._place is None:
            return
        self._kept = None
        try:
            fd = os.open(self._place.path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC)
            with open(fd, "ab") as file:
                file.write(_line({"event": change.event, "runner": change.runner.to_dict()}))
                file.flush()
                os.fsync(fd)
        except OSError as exc:
            raise self._place.unusable(exc) from exc


def _line(content: t.Any) -> bytes:
    return json.dumps(content).encode() + b"\n"


def host_names(runners: t.Mapping[str, _runners.Runner]) -> dict[str, str]:
    """The host of each runner by the runner's id. It is never empty, never a pattern and never a group of ours."""
    types = {_host_names.type_group(runner.type) for runner in runners.values() if runner.type}
    hosts = _host_names.name_hosts([(runner.name, runner) for runner in runners.values()], RESERVED | types)
    return {
        **{runner_id: _host_names.host_name(runner_id) for runner_id in runners},
        **{t.cast(str, runner.id): name for name, runner in hosts.named},
    }


def event_of(change: _changes.Change, host: str, endpoint: str, initial: bool) -> dict[str, t.Any]:
    """The event that DOCUMENTATION describes."""
    return {
        "soda_runners": {
            "event": change.event,
            "host": host,
            "endpoint": endpoint,
            "initial": initial,
            "runner": change.runner.to_dict(),
        }
    }
