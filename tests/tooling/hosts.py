# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the molecule scenario ``hosts`` in containers with systemd, then the recipes of ``tests/system/hosts`` on them.

As root, it builds an image once and runs podman with a separate storage in separate namespaces. The namespaces end
with this process, so no process, mount, network or address remains. With ``SODA_HOST_IMAGE``, it runs the podman of the
caller on that image, as any user.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import typing as t
import xml.etree.ElementTree as ET
from pathlib import Path

from . import molecule, tree, units
from .environment import private_environment, write_private
from .process import Finished, run
from .result import Result, judged

SCENARIO = "hosts"
LIMIT = 3000
"""Seconds for everything except building the image."""

_PROGRAMS = ("podman", "crun", "conmon", "iptables", "debootstrap", "ssh", "ssh-keygen", "ip", "unshare", "faketime")
_PACKAGES = [
    *("podman", "crun", "conmon", "netavark", "aardvark-dns", "iptables", "iproute2", "util-linux"),
    *("debootstrap", "openssh-client", "faketime"),
]
_SUITE = "bookworm"
_ON_A_HOST = "python3,python3-requests,python3-yaml,systemd,systemd-sysv,openssh-server,sudo,faketime,iproute2"
_LEFT_OUT = ("var/cache/apt/archives", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale")
_FOLDER = tree.CACHE / "hosts"

# systemd in a container needs a plain cgroup2, not a hybrid one. podman needs a separate /run for the state of running
# containers. The shell remains as the parent of orphaned processes.
_INSIDE = """
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs tmpfs /run
ip link set lo up
"$@"
"""
_NAMESPACES = ("--mount", "--propagation", "private", "--pid", "--net", "--fork", "--kill-child", "--mount-proc")


def main(arguments: t.Sequence[str], log: Path) -> Result:
    """Run the scenario and the recipes. *arguments* are for pytest, for example ``-k rotation``."""
    env = private_environment()
    env.update(
        MOLECULE_EPHEMERAL_DIRECTORY=str(tree.BUILD / "molecule-hosts"),
        MOLECULE_PROJECT_DIRECTORY=str(tree.ROOT / "extensions"),
    )
    inside = [sys.executable, "-m", "tooling.hosts", *arguments]
    env["PYTHONPATH"] = os.pathsep.join(map(str, tree.TESTS))
    image = os.environ.get("SODA_HOST_IMAGE")
    if image:
        # podman finds the images of the caller through these variables.
        env.update({name: os.environ[name] for name in ("HOME", "XDG_RUNTIME_DIR") if name in os.environ})
        env["SODA_HOST_IMAGE"] = image
    else:
        _install_what_is_missing(env, log)
        env.update(_podman_of_our_own())
        env["SODA_HOST_IMAGE"] = _built_image(env, log)
        inside = ["unshare", *_NAMESPACES, "sh", "-ec", _INSIDE, "sh", *inside]
    report().unlink(missing_ok=True)
    # unshare ignores all other signals.
    finished = run(["timeout", "--signal=KILL", str(LIMIT), *inside], cwd=tree.ROOT, env=env, log=log)
    return counted(finished, ET.parse(report()).getroot() if report().exists() else None)


def obstacle() -> str:
    """Why this machine cannot run the hosts, or an empty string."""
    if os.environ.get("SODA_HOST_IMAGE"):
        return ""
    if os.geteuid():
        return "only root can build the image; set SODA_HOST_IMAGE to another image"
    enters = subprocess.run(["unshare", *_NAMESPACES, "true"], capture_output=True, check=False)
    return "this machine does not allow namespaces" if enters.returncode else ""


def report() -> Path:
    """The report of pytest about the recipes."""
    return tree.BUILD / "hosts.xml"


def counted(finished: Finished, recipes: ET.Element | None) -> Result:
    """Count the actions of the scenario and the recipes."""
    # molecule removes the hosts before and after. Count a message about the skipped step once.
    lines = "\n".join(dict.fromkeys(finished.output.splitlines()))
    scenario = molecule.counted(Finished(0, lines))
    if recipes is None:
        return Result(scenario.passed, scenario.failed + 1, f"{scenario.summary}; the recipes did not run")
    tried = units.counted(recipes, 0)
    summary = f"{scenario.summary}; {tried.passed} recipes, {tried.summary}"
    return judged(scenario.passed + tried.passed, scenario.failed + tried.failed, summary, finished.returncode)


def _install_what_is_missing(env: t.Mapping[str, str], log: Path) -> None:
    missing = [program for program in _PROGRAMS if shutil.which(program, path=env["PATH"]) is None]
    if os.geteuid():
        raise RuntimeError("Only root can build an image. Set SODA_HOST_IMAGE to another image.")
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise RuntimeError(f"Install these programs: {' '.join(missing)}.")
    apt = {**env, "DEBIAN_FRONTEND": "noninteractive"}
    _run(["apt-get", "update", "-qq"], apt, log)
    _run(["apt-get", "install", "-qq", "--yes", "--no-install-recommends", *_PACKAGES], apt, log)


def _podman_of_our_own() -> dict[str, str]:
    """Settings for a podman that shares nothing with that of the machine."""
    write_private(
        _FOLDER / "storage.conf",
        f'[storage]\ndriver = "overlay"\nrunroot = "/run/storage"\ngraphroot = "{_FOLDER}/storage"\n',
    )
    write_private(
        _FOLDER / "containers.conf",
        '[containers]\ndefault_ulimits = ["nofile=16384:16384", "nproc=32768:32768"]\n'
        '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\nruntime = "crun"\n'
        f'[network]\nnetwork_backend = "netavark"\nnetwork_config_dir = "{_FOLDER}/networks"\n',
    )
    return {
        "CONTAINERS_STORAGE_CONF": str(_FOLDER / "storage.conf"),
        "CONTAINERS_CONF": str(_FOLDER / "containers.conf"),
        # The path of a socket is limited to about 100 characters. The path of a checkout may be longer.
        "ANSIBLE_SSH_CONTROL_PATH_DIR": "/run/ssh",
    }


def _built_image(env: t.Mapping[str, str], log: Path) -> str:
    """Build the image if its archive is not in ``.cache/hosts``. The name of the image depends on its content."""
    stamp = hashlib.sha256(" ".join([_SUITE, _ON_A_HOST, *_LEFT_OUT]).encode()).hexdigest()[:12]
    archive = _archive(image := f"localhost/soda-host:{stamp}")
    if not archive.exists():
        print(f"Building {image}, once. This takes one or two minutes", flush=True)
        with tempfile.TemporaryDirectory(dir=_FOLDER, prefix="root-") as root:
            # Its mounts end with its namespace.
            private = ["unshare", "--mount", "--propagation", "private"]
            command = ["debootstrap", "--variant=minbase", f"--include={_ON_A_HOST}", _SUITE, root]
            _run([*private, *command], env, log)
            left_out = [f"--exclude=./{folder}/*" for folder in _LEFT_OUT]
            part = archive.with_suffix(".part")
            _run(["tar", "-C", root, *left_out, "-cf", str(part), "."], env, log)
            part.replace(archive)
    return image


def _archive(image: str) -> Path:
    return _FOLDER / f"{image.rpartition(':')[2]}.tar"


def _run(command: list[str], env: t.Mapping[str, str], log: Path) -> None:
    """Run a command with long output, which goes only to the log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        status = subprocess.run(
            command, env=env, stdin=subprocess.DEVNULL, stdout=file, stderr=file, check=False
        ).returncode
    if status:
        raise RuntimeError(f"{command[0]} ended with exit status {status}; see {log.relative_to(tree.ROOT)}")


def _inside(arguments: list[str]) -> int:
    """Run the scenario, then the recipes on its hosts. This runs in the namespaces of the containers."""
    image = os.environ["SODA_HOST_IMAGE"]
    if "CONTAINERS_STORAGE_CONF" in os.environ:
        _import(image)
    folder = tree.ROOT / "extensions"
    scenario = ["molecule", "test", "--no-command-borders", "--scenario-name", SCENARIO, "--destroy=never"]
    destroy = ["molecule", "destroy", "--scenario-name", SCENARIO]
    try:
        # After a killed run, molecule expects that the hosts exist.
        subprocess.run(destroy, cwd=folder, check=True)
        status = subprocess.run(scenario, cwd=folder, check=False).returncode
        if status == 0:
            pytest = ["pytest", "-p", "no:cacheprovider", f"--junit-xml={report()}", "--verbose", "tests/system/hosts"]
            status = subprocess.run([*pytest, *arguments], cwd=tree.ROOT, check=False).returncode
    finally:
        subprocess.run(destroy, cwd=folder, check=False)
    return status


def _import(image: str) -> None:
    if subprocess.run(["podman", "image", "exists", image], check=False).returncode:
        # Remove earlier images.
        subprocess.run(["podman", "system", "reset", "--force"], check=True)
        subprocess.run(["podman", "import", "--quiet", str(_archive(image)), image], check=True)


if __name__ == "__main__":
    sys.exit(_inside(sys.argv[1:]))
