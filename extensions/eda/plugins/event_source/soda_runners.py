# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An event source for ansible-rulebook: changes of the Soda runners of an account."""

from __future__ import annotations

import asyncio
import concurrent.futures
import importlib
import importlib.machinery
import importlib.util
import logging
import sys
import threading
import typing as t
from pathlib import Path

DOCUMENTATION = r"""
name: soda_runners
short_description: Send an event when Soda runners register, go offline, come back or are removed
version_added: 1.0.0
author:
  - community.soda contributors (@community-soda)
description:
  - Lists the runners of an account at an interval, and sends an event for each change. A listing is one consistent
    snapshot of all pages.
  - "An event has the one key C(soda_runners), beside the C(meta) that ansible-rulebook adds. Below it are: C(event),
    which is V(registered), V(online), V(offline) or V(removed); C(runner), with its C(id), C(name), C(label), C(type),
    C(is_online), C(last_seen_timestamp) and C(versions), which are null if Soda Cloud reports no value; C(host), the
    name of its host in the inventory P(community.soda.soda_runners#inventory); C(endpoint); and C(initial), which is
    true if O(initial) is the reason for the event."
  - A new runner is V(registered), and then V(online) or V(offline). For a removed runner the only event is V(removed),
    and C(runner) is as it was listed last. A runner that registers again under another id is another runner.
  - Later listings are compared with the first one, which sends no event. With O(state_path), the first listing is
    compared with what was reported before ansible-rulebook started.
  - During an outage no event is sent. An outage is a failed connection, a rate limit that outlasts O(retry_budget), a
    status of 5xx or a listing that changes while it is read. After it, each change is reported once. The log has a
    warning at the beginning and at the end of an outage.
  - A failure that does not go away by waiting ends the source with an error that says what to do. Examples are a wrong
    option and a rejected Soda Cloud API key. Before the first listing, every failure except an outage ends the source.
requirements:
  - python >= 3.9
  - requests >= 2.25, in the Python of ansible-rulebook
  - ansible-core >= 2.16, in the same Python
options:
  endpoint:
    description:
      - The URL of Soda Cloud. V(https://cloud.soda.io) is the region EU, V(https://cloud.us.soda.io) is US.
        A Soda Cloud API key works in one region only.
      - V(http://) is allowed only for this machine itself. Redirects are not followed. The usual environment variables
        for proxies apply to V(https://).
      - If not set, the environment variable E(SODA_CLOUD_ENDPOINT) is used.
    type: str
    default: https://cloud.soda.io
  api_key_id:
    description:
      - The id of the Soda Cloud API key of a user or a service account. This is not a runner key.
      - If not set, the environment variable E(SODA_CLOUD_API_KEY_ID) is used. If neither is set, the source ends before
        any request.
    type: str
  api_key_secret:
    description:
      - The secret of the Soda Cloud API key.
      - If not set, the environment variable E(SODA_CLOUD_API_KEY_SECRET) is used. If neither is set, the source ends
        before any request.
    type: str
  validate_certs:
    description:
      - Whether to check the certificate of the server. Disable this only for testing.
      - If not set, the environment variable E(SODA_CLOUD_VALIDATE_CERTS) is used.
    type: bool
    default: true
  ca_path:
    description:
      - A file in PEM format, or a folder of such files, with the certificates of the authorities to trust.
        The default is the authorities that the Python library requests trusts.
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
      - How many seconds one listing may wait while it is rate limited, or while Soda Cloud is unreachable or
        unavailable. After that it is an outage. With V(0) it never waits.
      - If not set, the environment variable E(SODA_CLOUD_RETRY_BUDGET) is used.
    type: float
    default: 300.0
  interval:
    description:
      - The seconds between one listing and the next. A change is reported at most this much later.
      - Soda Cloud allows 60 pages of 1000 runners in 60 seconds. However short the interval is, the source waits at
        least 2 seconds for each page. This leaves half of the pages to others.
    type: float
    default: 60.0
  initial:
    description:
      - Whether the first listing sends V(online) or V(offline) for each runner, with C(initial) true.
      - Has no effect if O(state_path) has an earlier state.
    type: bool
    default: false
  state_path:
    description:
      - A file that stores what was reported, without any key. After a restart, the changes since then are reported, and
        nothing is reported twice. The file has the mode 0600. Its folder must exist.
      - A change is stored after its event is on the queue of ansible-rulebook, so no change is lost. If
        ansible-rulebook is killed in between, this one event is sent again.
      - The file belongs to one endpoint and one Soda Cloud API key. With others, the source ends with an error.
      - Without this option, changes while ansible-rulebook is down are not reported.
    type: path
  feedback:
    description:
      - Whether a change counts as reported only after the rules have processed its event. ansible-rulebook needs
        C(--persistence-id) for it. It then keeps the events whose actions have not finished.
    type: bool
    default: false
  name:
    description:
      - Only the runners with exactly this name.
      - An integer is converted to text. Booleans, decimal numbers, lists and mappings are refused. Quote such names.
    type: raw
  names:
    description: Only the runners whose name is exactly one of these, each text or an integer.
    type: list
    elements: raw
  id:
    description: Only the runner with this id.
    type: str
  type:
    description: Only runners of this type, such as V(SELF_HOSTED) or V(SODA_HOSTED).
    type: str
notes:
  - The filters combine with and. There is no filter for the state of a runner, because the events report the state.
  - Text from Soda Cloud is made inert when it is read, so that no playbook evaluates the name of a runner as a
    template.
  - The listing leaves out runners that are bound to a service account which the API key may not view. The source
    reports a hidden runner as V(removed). Use the API key of a Soda Cloud Admin, who sees every runner.
seealso:
  - plugin: community.soda.soda_runners
    plugin_type: inventory
  - module: community.soda.soda_runner_info
"""

EXAMPLES = r"""
- name: Report runners that go offline
  hosts: all
  sources:
    # The API key is in the environment of ansible-rulebook.
    - community.soda.soda_runners:
        interval: 120
        type: SELF_HOSTED
        state_path: /var/lib/ansible-rulebook/soda_runners.json
  rules:
    - name: Report each runner once in 15 minutes
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
        # Runs the playbook on this host only.
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
    A private utility of the collection that this file is part of.

    ansible-rulebook runs this file by its path, and does not know ``ansible_collections``. So the folder of the
    plugins, found from here, becomes a package with a unique name. No folder is added to ``sys.path``, so nothing
    can hide what others import.
    """
    package = "_community_soda_plugins"
    if package not in sys.modules:
        folder = Path(__file__).resolve().parents[4] / "plugins"
        if not folder.is_dir():
            raise ImportError(f"{__file__} works only inside its collection, and {folder} is missing.")
        spec = importlib.machinery.ModuleSpec(package, None, is_package=True)
        spec.submodule_search_locations = [str(folder)]
        sys.modules[package] = importlib.util.module_from_spec(spec)
    try:
        return importlib.import_module(f"{package}.{name}")
    except ModuleNotFoundError as exc:
        raise ImportError(
            f"The Python of ansible-rulebook, {sys.executable}, has no library {exc.name}. Install it."
        ) from exc


if t.TYPE_CHECKING:
    from ansible_collections.community.soda.plugins.module_utils import _argspec, _errors, _filters, _numbers
    from ansible_collections.community.soda.plugins.module_utils._api import client as _client
    from ansible_collections.community.soda.plugins.module_utils._api import runner as _runner
    from ansible_collections.community.soda.plugins.module_utils._api import runners as _runners
    from ansible_collections.community.soda.plugins.plugin_utils import _changes, _event_state, _inventory_names
else:
    _argspec = _utility("module_utils._argspec")
    _changes = _utility("plugin_utils._changes")
    _client = _utility("module_utils._api.client")
    _errors = _utility("module_utils._errors")
    _event_state = _utility("plugin_utils._event_state")
    _filters = _utility("module_utils._filters")
    _inventory_names = _utility("plugin_utils._inventory_names")
    _numbers = _utility("module_utils._numbers")
    _runner = _utility("module_utils._api.runner")
    _runners = _utility("module_utils._api.runners")

LOG = logging.getLogger("community.soda.soda_runners")

# Soda Cloud allows 60 pages in 60 seconds. Half of them are left to modules, inventories and other rulebooks.
SECONDS_A_PAGE = 2.0

# There is no filter for the state of a runner, because the events report it.
FILTERS = ("name", "id", "type")

# ansible-rulebook adds this queue to the options if feedback is true. It contains what the rules have processed.
FEEDBACK = "eda_feedback_queue"

_T = t.TypeVar("_T")
Sleep = t.Callable[[float], t.Awaitable[t.Any]]


async def main(queue: asyncio.Queue[t.Any], args: dict[str, t.Any]) -> None:
    """The entry point for ansible-rulebook. Runs until it is cancelled, or raises ``SodaError``."""
    await follow(queue, args, asyncio.sleep)


async def follow(queue: asyncio.Queue[t.Any], args: t.Mapping[str, t.Any], sleep: Sleep) -> None:
    """List the runners and report the changes, at an interval."""
    options = validate(args)
    to = _client.connection(**{option: options[option] for option in _argspec.connection_spec()})
    emitter = EventEmitter(queue, args.get(FEEDBACK), options, to)
    has_listed = in_outage = False
    warnings: list[str] = []
    pages = 1
    while True:
        try:
            listing = await in_thread(lambda wait: list_runners(to, emitter.reported, wait))
        except _errors.SodaError as exc:
            if ends_source(exc.failure, has_listed):
                raise
            if not in_outage:
                LOG.warning("Soda runners cannot be listed: %s Changes are reported later.", exc)
            in_outage = True
        else:
            if in_outage:
                LOG.warning("The outage has ended: Soda Cloud at %s has listed the Soda runners.", to.endpoint)
            in_outage, has_listed, pages = False, True, listing.pages
            runners = listing.matching()
            if listing.warnings() != warnings:
                warnings = listing.warnings()
                LOG.warning("%s", " ".join(warnings))
            await emitter.emit(runners)
        await sleep(max(options["interval"], pages * SECONDS_A_PAGE))


def argument_spec() -> dict[str, t.Any]:
    """The options as in DOCUMENTATION."""
    filters = _filters.filter_spec()
    return {
        **_argspec.connection_spec(),
        **{name: filters[name] for name in FILTERS},
        "names": {"type": "list", "elements": "raw"},
        "interval": {"type": "float", "default": 60.0},
        "initial": {"type": "bool", "default": False},
        "state_path": {"type": "path"},
        "feedback": {"type": "bool", "default": False},
    }


def validate(args: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The options in their types, with values of the environment and defaults. Raises ``SodaError``."""
    from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

    if _client.REQUESTS_IMPORT_ERROR is not None:
        raise _errors.MissingLibrary(
            f"The Python of ansible-rulebook, {sys.executable}, has no library requests. Install it."
        )
    given = {name: value for name, value in args.items() if value is not None and name != FEEDBACK}
    unknown = ", ".join(sorted(set(given) - set(argument_spec())))
    if unknown:
        raise _errors.InvalidArguments(
            f"Unknown option: {unknown}. The options are {', '.join(sorted(argument_spec()))}."
        )
    result = ArgumentSpecValidator(argument_spec()).validate(given)
    if result.error_messages:
        raise _errors.InvalidArguments(" ".join(result.error_messages))
    options: dict[str, t.Any] = result.validated_parameters
    _numbers.check_duration("interval", options["interval"])
    return options


def ends_source(failure: _errors.Failure, has_listed: bool) -> bool:
    """
    Whether a failure ends the source. Otherwise it is an outage.

    Before the first listing, every failure that waiting does not solve ends it. After it the options are known to be
    right, so the cause is Soda Cloud or the network, unless the API key is rejected.
    """
    return failure.http_status in (401, 403) or not (failure.retryable or has_listed)


async def in_thread(work: t.Callable[[t.Callable[[float], None]], _T]) -> _T:
    """
    Run work in its own thread and return its result. Work gets a function to sleep with.

    ``asyncio.to_thread`` would delay the end of ansible-rulebook until the thread has ended, which may take as long as
    a request or a rate limit. This thread is left behind: it wakes from its sleep and ends. A request in it ends with
    the process.
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

    # It counts as running from now on, so that cancelling does not take it for a future that never started.
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
    All runners. If one is missing, or if this is the first listing, a second listing must confirm it.

    A listing of several pages can miss a runner. A listing of one page cannot.
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


class EventEmitter:
    """Puts an event on the queue for each change, and stores that it was reported."""

    def __init__(
        self,
        queue: asyncio.Queue[t.Any],
        processed: asyncio.Queue[t.Any] | None,
        options: t.Mapping[str, t.Any],
        to: _client.Connection,
    ) -> None:
        self._queue = queue
        self._processed = processed
        self._initial: bool = options["initial"]
        self._endpoint = to.endpoint
        self._filters = _filters.Filters.from_options(
            {**dict.fromkeys(_filters.filter_spec()), **{name: options[name] for name in FILTERS}},
            names=options["names"],
        )
        self._state = _event_state.StateFile(options["state_path"], to.account)
        self.reported: _changes.Snapshot | None = self._state.load()

    async def emit(self, runners: t.Iterable[_runner.Runner]) -> None:
        """
        Report the changes since the last listing.

        A change counts as reported after its event is on the queue, and is stored then. If it were stored before, a
        kill in between would lose it. This way the event is sent again.
        """
        initial = self.reported is None and self._initial
        after = _changes.snapshot(runners, self.reported or {})
        if self.reported is None:
            self.reported = _changes.without_states(after) if initial else dict(after)
            LOG.info("Following %d Soda runners at %s.", len(after), self._endpoint)
        changes = _changes.changes(self.reported, after)
        if changes:
            self._state.replace(self.reported)
            hosts = {**host_names(self.reported), **host_names(after)}
        for change in changes:
            if self._filters.passes(change.runner):
                host = hosts[t.cast(str, change.runner.id)]
                await self._put(event_of(change, host, self._endpoint, initial))
            _changes.record(self.reported, change)
            self._state.append(change)
        self.reported = after
        self._state.replace(after)

    async def _put(self, event: dict[str, t.Any]) -> None:
        await self._queue.put(event)
        if self._processed is not None:
            await self._processed.get()


def host_names(runners: t.Mapping[str, _runner.Runner]) -> dict[str, str]:
    """The host of each runner by the runner's id. It is never empty, a pattern or one of the inventory's groups."""
    reserved = {*_inventory_names.RESERVED, *_inventory_names.type_groups(runners.values())}
    hosts = _inventory_names.name_hosts([(runner.name, runner) for runner in runners.values()], reserved)
    return {
        **{runner_id: _inventory_names.host_name(runner_id) for runner_id in runners},
        **{t.cast(str, runner.id): name for name, runner in hosts.named},
    }


def event_of(change: _changes.Change, host: str, endpoint: str, initial: bool) -> dict[str, t.Any]:
    """The event as in DOCUMENTATION."""
    return {
        "soda_runners": {
            "event": change.event,
            "host": host,
            "endpoint": endpoint,
            "initial": initial,
            "runner": change.runner.to_dict(),
        }
    }
