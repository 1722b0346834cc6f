# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds the release of the collection: one reproducible tarball for each commit, with its provenance.

``ansible-galaxy collection build`` writes the tarball. It follows the order of the folder on disk, and keeps times and
modes of the checkout, so the tarball is packed again from what is in it, in one order, with one time, owner and mode.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import typing as t
import uuid
from pathlib import Path

from . import tree, venvs
from .environment import private_environment
from .process import run
from .result import Result, judged

DIST = tree.BUILD / "dist"
_ENCODING = "utf-8"


def main(arguments: t.Sequence[str], log: Path) -> Result:
    """Build the release of HEAD in ``build/dist``. With an argument, the key of that name signs it."""
    shutil.rmtree(DIST, ignore_errors=True)
    DIST.mkdir(parents=True)
    made = [tarball(tree.ROOT, DIST, log)]
    made += bills_of_materials(made[0], DIST, log)
    made.append(checksums(made, DIST))
    for key in arguments:
        made.append(signature(made[0], key, dict(os.environ)))
    for path in made:
        print(f"{path.relative_to(tree.ROOT)}  {path.stat().st_size} bytes")
    return judged(len(made), 0, made[0].name, 0)


def tarball(repository: Path, folder: Path, log: Path) -> Path:
    """The tarball of the commit that *repository* is at. Uncommitted changes are not included."""
    source = folder / "source"
    source.mkdir(parents=True)
    git = ["git", "-c", "safe.directory=*", "-C", str(repository)]
    archive = subprocess.run([*git, "archive", "HEAD"], check=True, stdout=subprocess.PIPE).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        packed.extractall(source, filter="tar")
    time = int(
        subprocess.run([*git, "log", "-1", "--format=%ct"], check=True, stdout=subprocess.PIPE, text=True).stdout
    )
    built = folder / "built"
    build = ["ansible-galaxy", "collection", "build", "--output-path", str(built)]
    finished = run(build, cwd=source, env=private_environment(), log=log)
    if finished.returncode:
        raise SystemExit("ansible-galaxy could not build the collection.")
    (first,) = built.glob("*.tar.gz")
    target = folder / first.name
    target.write_bytes(repacked(first.read_bytes(), time))
    shutil.rmtree(source)
    shutil.rmtree(built)
    return target


def repacked(content: bytes, time: int) -> bytes:
    """The collection in a normalized form: sorted by name, with one time, no owner, and only the executable bit."""
    with tarfile.open(fileobj=io.BytesIO(content)) as packed:
        entries = {entry.name: entry for entry in packed}
        contents = {name: _read(packed, entry) for name, entry in entries.items() if entry.isfile()}
    # Galaxy's list of files is in the order of the folder on disk too. The manifest has its checksum.
    files = json.loads(contents["FILES.json"])
    files["files"].sort(key=lambda file: str(file["name"]))
    contents["FILES.json"] = _as_galaxy_writes(files)
    manifest = json.loads(contents["MANIFEST.json"])
    manifest["file_manifest_file"]["chksum_sha256"] = hashlib.sha256(contents["FILES.json"]).hexdigest()
    contents["MANIFEST.json"] = _as_galaxy_writes(manifest)

    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as packing:
        # The manifest comes first, as in Galaxy's tarballs.
        for name in sorted(entries, key=lambda name: (name not in ("MANIFEST.json", "FILES.json"), name)):
            entry = tarfile.TarInfo(name)
            entry.type = entries[name].type
            entry.linkname = entries[name].linkname
            entry.mtime = time
            entry.mode = 0o755 if entry.isdir() or entries[name].mode & 0o100 else 0o644
            entry.size = len(contents.get(name, b""))
            packing.addfile(entry, io.BytesIO(contents.get(name, b"")))
    # No time and no file name in the header.
    return gzip.compress(plain.getvalue(), compresslevel=9, mtime=0)


def _read(packed: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    file = packed.extractfile(entry)
    assert file is not None
    return file.read()


def _as_galaxy_writes(value: t.Any) -> bytes:
    return json.dumps(value, indent=1).encode(_ENCODING)


def bills_of_materials(archive: Path, folder: Path, log: Path) -> list[Path]:
    """In CycloneDX: what the collection needs where it runs, and what it was tested and built with."""
    venv = venvs.pinned("supply")
    env = venvs.on_path(private_environment(), venv)
    stem = archive.name.removesuffix(".tar.gz")
    namespace, name, version = stem.split("-", 2)
    made = []
    for purpose, requirements in (
        ("run", [tree.ROOT / "requirements.txt"]),
        *((path.stem, [path.with_suffix(".txt")]) for path in sorted(venvs.REQUIREMENTS.glob("*.in"))),
    ):
        target = folder / f"{stem}-{purpose}.cdx.json"
        options = ["--output-reproducible", "--output-format", "JSON", "--output-file", str(target)]
        command = ["cyclonedx-py", "requirements", *options, *map(str, requirements)]
        if run(command, cwd=tree.ROOT, env=env, log=log).returncode:
            raise SystemExit(f"cyclonedx-py could not list {requirements}.")
        bill = json.loads(target.read_text(_ENCODING))
        hashes = [{"alg": "SHA-256", "content": hashlib.sha256(archive.read_bytes()).hexdigest()}]
        bill["metadata"]["component"] = {
            "type": "library",
            "bom-ref": archive.name,
            "group": namespace,
            "name": name,
            "version": version,
            "hashes": hashes,
            "licenses": [{"license": {"id": "GPL-3.0-or-later"}}],
        }
        needed = sorted(component["bom-ref"] for component in bill.get("components", []))
        bill.setdefault("dependencies", []).append({"ref": archive.name, "dependsOn": needed})
        bill["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, hashes[0]['content'] + purpose)}"
        target.write_text(json.dumps(bill, indent=2, sort_keys=True) + "\n", _ENCODING)
        made.append(target)
    return made


def checksums(paths: t.Sequence[Path], folder: Path) -> Path:
    """In the form that ``sha256sum --check`` reads."""
    target = folder / "SHA256SUMS"
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in paths]
    target.write_text("".join(lines), _ENCODING)
    return target


def signature(archive: Path, key: str, env: dict[str, str]) -> Path:
    """A detached signature of MANIFEST.json, through its checksums of everything, by a key of gpg."""
    with tarfile.open(archive) as packed:
        manifest = _read(packed, packed.getmember("MANIFEST.json"))
    target = archive.with_name(archive.name + ".asc")
    command = ["gpg", "--batch", "--yes", "--local-user", key, "--armor", "--detach-sign", "--output", str(target)]
    subprocess.run(command, input=manifest, check=True, env=env)
    return target


if __name__ == "__main__":
    main(sys.argv[1:], tree.LOGS / "dist.log")
