# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tarball without a checkout: two builds are equal, and it can be verified, installed and used."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import typing as t
from pathlib import Path

from emulator.client import Emulator

from . import dist, tree, venvs
from .environment import private_environment
from .process import Finished, run
from .result import Result, judged

WORK = tree.BUILD / "tarball"
COLLECTION = Path("ansible_collections", "community", "soda")


class Trial:
    """A machine that has Ansible, ``requests`` and the tarball, and no checkout."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.failed: list[str] = []
        self.passed: list[str] = []
        shutil.rmtree(WORK, ignore_errors=True)
        WORK.mkdir(parents=True)
        # A GNUPGHOME must be near the root: gpg's agent listens on a socket in it.
        self.gpg_home = Path(subprocess.check_output(["mktemp", "-d", "/tmp/soda-gpg.XXXXXX"], text=True).strip())
        self.env = venvs.on_path(private_environment(home=WORK / "home"), venvs.pinned("runtime"))
        self.env |= {"ANSIBLE_COLLECTIONS_PATH": str(WORK / "installed"), "GNUPGHOME": str(self.gpg_home)}
        self.env["ANSIBLE_PYTHON_INTERPRETER"] = str(Path(self.env["VIRTUAL_ENV"]) / "bin" / "python")

    def close(self) -> None:
        subprocess.run(["gpgconf", "--kill", "all"], env=self.env, check=False)
        shutil.rmtree(self.gpg_home, ignore_errors=True)

    def holds(self, rule: str, true: bool) -> None:
        print(f"{'ok' if true else 'FAILED'}: {rule}", flush=True)
        (self.passed if true else self.failed).append(rule)

    def run(self, *command: str | Path, **more: str) -> Finished:
        return run([str(word) for word in command], cwd=WORK, env=self.env | more, log=self.log)


def main(_arguments: t.Sequence[str], log: Path) -> Result:
    """Build it twice, and use one as a user would."""
    trial = Trial(log)
    try:
        archive = same_from_every_build(trial)
        installs_and_works(trial, archive)
        is_as_it_was_signed(trial, archive)
    finally:
        trial.close()
    summary = f"failed: {'; '.join(trial.failed)}" if trial.failed else archive.name
    return judged(len(trial.passed), len(trial.failed), summary, 0)


def same_from_every_build(trial: Trial) -> Path:
    """Two clones of one commit, whose files differ in time, mode and order."""
    built = []
    for number, mask in ((1, 0o022), (2, 0o077)):
        clone = WORK / f"clone-{number}"
        before = os.umask(mask)
        try:
            trial.run("git", "-c", "safe.directory=*", "clone", "--quiet", "--no-local", tree.ROOT, clone)
            built.append(dist.tarball(clone, WORK / f"built-{number}", trial.log))
        finally:
            os.umask(before)
    trial.holds("one commit gives one tarball, byte for byte", built[0].read_bytes() == built[1].read_bytes())
    dist.checksums(built[:1], built[0].parent)
    checked = subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=built[0].parent, check=False)
    trial.holds("its checksum is the one in SHA256SUMS", checked.returncode == 0)
    return built[0]


def installs_and_works(trial: Trial, archive: Path) -> None:
    installed = trial.run("ansible-galaxy", "collection", "install", "--offline", archive, "-p", WORK / "installed")
    trial.holds("it installs in an empty environment", installed.returncode == 0)
    checkout = ("ansible-galaxy", "collection", "install", WORK / "clone-1", "-p", WORK / "from-checkout")
    from_checkout = trial.run(*checkout)
    trial.holds("a checkout can be installed", from_checkout.returncode == 0)
    modules = sorted(path.stem for path in (WORK / "installed" / COLLECTION / "plugins" / "modules").glob("soda_*.py"))
    documented = trial.run("ansible-doc", "--json", *(f"community.soda.{name}" for name in modules))
    trial.holds("its modules are documented", documented.returncode == 0 and bool(modules))

    inventory = WORK / "inventory"
    inventory.write_text("warehouse-eu ansible_connection=local\n", "utf-8")
    with Emulator(log=tree.LOGS / "emulator.log") as emulator:
        account = emulator.account(window_factor=0)
        options = {
            "soda_runner_cloud_endpoint": account.endpoint,
            "soda_runner_dir": str(WORK / "host"),
            "soda_runner_escrow_dir": str(WORK / "escrow"),
        }
        keys = {"SODA_CLOUD_API_KEY_ID": account.api_key_id, "SODA_CLOUD_API_KEY_SECRET": account.api_key_secret}
        command = ("ansible-playbook", "-i", inventory, "-e", json.dumps(options))
        first = trial.run(*command, "community.soda.provision", **keys)
        trial.holds("its playbook provisions a host", first.returncode == 0 and (WORK / "host" / "key.json").exists())
        second = trial.run(*command, "community.soda.provision", **keys)
        trial.holds("a second run changes nothing", second.returncode == 0 and "changed=0" in second.output)
        last = trial.run(*command, "community.soda.decommission", **keys)
        trial.holds(
            "its playbook decommissions the host", last.returncode == 0 and not (WORK / "host" / "key.json").exists()
        )
        trial.holds("every request followed the contract", account.violations() == [])


def is_as_it_was_signed(trial: Trial, archive: Path) -> None:
    """Sign with a key that is created for this test, and verify with a keyring that contains only this key."""
    owner = "Release test <release@community.soda.invalid>"
    trial.run("gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", owner, "ed25519", "sign", "1d")
    signature = dist.signature(archive, owner, trial.env)
    keyring = WORK / "keyring.gpg"
    trial.run("gpg", "--batch", "--output", keyring, "--export", owner)
    signed = ("--keyring", str(keyring), "--signature", signature.as_uri(), "--required-valid-signature-count", "+1")
    # `ansible-galaxy collection install` ignores the signature of a tarball on disk, so the check comes after it.
    verify = (
        "ansible-galaxy",
        "collection",
        "verify",
        "--offline",
        *signed,
        "community.soda",
        "-p",
        WORK / "installed",
    )
    trial.holds("the installed files match the signature", trial.run(*verify).returncode == 0)

    module = WORK / "installed" / COLLECTION / "plugins" / "module_utils" / "_client.py"
    true = module.read_bytes()
    module.write_bytes(true + b"# tampered\n")
    trial.holds("a file that was tampered with is refused", trial.run(*verify).returncode != 0)
    module.write_bytes(true)
    trial.holds("the original file is accepted again", trial.run(*verify).returncode == 0)
    manifest = WORK / "installed" / COLLECTION / "MANIFEST.json"
    true = manifest.read_bytes()
    manifest.write_bytes(true.replace(b"community.soda contributors", b"somebody else"))
    trial.holds("a manifest that was tampered with is refused", trial.run(*verify).returncode != 0)
    manifest.write_bytes(true)
    keyring.unlink()
    other = "Another <another@community.soda.invalid>"
    trial.run("gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", other, "ed25519", "sign", "1d")
    trial.run("gpg", "--batch", "--output", keyring, "--export", other)
    trial.holds("a key that the keyring does not know is refused", trial.run(*verify).returncode != 0)
