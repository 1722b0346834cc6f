# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The names of a runner's Secrets in Kubernetes and of its secret in Vault. No I/O and no Ansible."""

from __future__ import annotations

import hashlib
import re
import typing as t
import unicodedata

from ...module_utils._errors import ConfigNotExpressible

LONGEST_SLUG = 40
_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = re.compile(rf"{_LABEL}(\.{_LABEL})*")


def unique_name(runner: str, endpoint: str, account: str = "") -> str:
    """
    A readable name that no other runner has: a valid DNS label, and a valid segment of a path in Vault.

    It does not depend on the Soda Cloud API key, which users rotate. C(account) is the label that distinguishes two
    accounts at one endpoint. The names never change between releases: keys are stored under them.
    """
    decomposed = unicodedata.normalize("NFKD", runner).encode("ascii", "ignore").decode().lower()
    slug = re.sub("[^a-z0-9]+", "-", decomposed)[:LONGEST_SLUG].strip("-")
    identity = "\n".join((endpoint, account, runner)).encode(errors="surrogatepass")
    return f"{slug or 'runner'}-{hashlib.sha256(identity).hexdigest()[:10]}"


def pull_secret_name(secret: str) -> str:
    """The default name of the image pull Secret that belongs to a Secret with a runner key."""
    return f"{secret[:248].rstrip('.-')}-pull"


def vault_path(runner: str, endpoint: str, account: str = "") -> str:
    """The default path of a runner's secret below the mount."""
    return f"soda/runners/{unique_name(runner, endpoint, account)}"


def check_secret_name(name: str, option: str = "the name of a Secret") -> str:
    """Return the name of a Kubernetes Secret if it is valid. Raises V(config_not_expressible)."""
    if len(name) > 253 or not _SUBDOMAIN.fullmatch(name):
        raise ConfigNotExpressible(
            f"{name!r} is not valid as {option}. Use lowercase letters, digits, hyphens and dots. Begin and end each"
            " part between dots with a letter or a digit. The maximum length is 253 characters.",
        )
    return name


def check_namespace(name: str) -> str:
    """Return the name of a Kubernetes namespace if it is valid. Raises V(config_not_expressible)."""
    if len(name) > 63 or not re.fullmatch(_LABEL, name):
        raise ConfigNotExpressible(
            f"{name!r} is not valid as a Kubernetes namespace. Use lowercase letters, digits and hyphens, with a letter"
            " or a digit at both ends. The maximum length is 63 characters.",
        )
    return name


def check_vault_path(path: str, option: str = "the path of a secret in Vault") -> str:
    """Return a path in Vault if each segment is a plain name. Raises V(config_not_expressible)."""
    segments: t.Sequence[str] = path.split("/")
    if any(segment in ("", ".", "..") or not re.fullmatch(r"[A-Za-z0-9_.\-]+", segment) for segment in segments):
        raise ConfigNotExpressible(
            f"{path!r} is not valid as {option}. Use segments of letters, digits, hyphens, underscores and dots,"
            " separated by single slashes, and no segment that is '.' or '..'.",
        )
    return path
