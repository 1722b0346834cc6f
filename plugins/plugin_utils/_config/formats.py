# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The four configuration formats, from a key to text, and to text that may be shown. No I/O and no Ansible."""

from __future__ import annotations

import dataclasses
import math
import re
import typing as t
from urllib.parse import urlsplit

from ...module_utils._errors import error
from ...module_utils._key.stored_key import StoredKey

YAML_IMPORT_ERROR: Exception | None
try:
    import yaml
except ImportError as exc:
    YAML_IMPORT_ERROR = exc
else:
    YAML_IMPORT_ERROR = None

ID_NAME, SECRET_NAME, RUNNER_ID_NAME = "SODA_API_KEY_ID", "SODA_API_KEY_SECRET", "SODA_AGENT_ID"
"""What the vendor's chart calls them, in its Secret and in its environment."""

CHART_SECRET = "soda-agent-apikey"
"""The name of the chart's own Secret."""

MASK = "********"


@dataclasses.dataclass(frozen=True)
class Settings:
    """What the files say besides the key."""

    name: str
    endpoint: str
    """Normalised."""
    values: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    """Merged over the Helm values."""
    values_section: str = "agent"
    """The product was renamed from agent to runner, the section was not yet."""
    existing_secret: str | None = None
    """The Kubernetes Secret that holds the key, instead of the Helm values."""


def check(file_format: str, settings: Settings) -> None:
    """Raise a C(SodaError) for what cannot be rendered, before there is a key."""
    if file_format not in _FORMATS:
        raise error(
            "config_format_unknown",
            f"{file_format!r} is not a configuration format. Choose one of {', '.join(_FORMATS)}.",
        )
    # A name is rendered like a key: with one that stands for it, everything but the key is checked.
    render(file_format, EXAMPLE, settings)


def render(file_format: str, key: StoredKey, settings: Settings) -> str:
    """The text of a configuration file in this format."""
    return _FORMATS[file_format](key, settings)


def masked(file_format: str, text: str, mask: str = MASK) -> str:
    """
    The same text with secrets masked, field by field, for a diff.

    A text that is not of the format is not shown at all: what in it is secret cannot be told.
    """
    try:
        if file_format == "dotenv":
            return "".join(f"{_masked_line(line, mask)}\n" for line in text.splitlines())
        documents = list(yaml.safe_load_all(text))
        if all(isinstance(document, (dict, type(None))) for document in documents):
            return "---\n".join(_dump(_masked(document, mask)) for document in documents)
    except (yaml.YAMLError, ValueError, RecursionError):
        pass
    return f"({len(text)} characters that are not {file_format}, not shown)\n"


def _helm_values(key: StoredKey, settings: Settings) -> str:
    if settings.existing_secret:
        apikey: dict[str, t.Any] = {
            "existingSecret": _secret_name(settings),
            "secretKeys": {"idKey": ID_NAME, "secretKey": SECRET_NAME},
        }
    else:
        apikey = {"id": key.api_key_id, "secret": key.api_key_secret}
    runner = {"name": settings.name}
    if key.runner_id is not None:
        # A name that was registered before can only register again with its id.
        runner["id"] = key.runner_id
    values = {"soda": {"apikey": apikey, settings.values_section: runner, "cloud": {"endpoint": settings.endpoint}}}
    return _written(_merged(values, settings.values))


def _kubernetes_secret(key: StoredKey, settings: Settings) -> str:
    return _written(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": _secret_name(settings)},
            "type": "Opaque",
            "stringData": {ID_NAME: key.api_key_id, SECRET_NAME: key.api_key_secret},
        }
    )


def _dotenv(key: StoredKey, settings: Settings) -> str:
    values = {ID_NAME: key.api_key_id, SECRET_NAME: key.api_key_secret}
    if key.runner_id is not None:
        values[RUNNER_ID_NAME] = key.runner_id
    for name, value in values.items():
        # Readers of such files disagree on quotes and escapes, so there are none. Soda Cloud's keys need none.
        if not re.fullmatch(r"[A-Za-z0-9_.:@/+=-]*", value):
            raise error(
                "config_not_expressible",
                f"{name} has characters that not every reader of a dotenv file takes. Choose another format.",
            )
    return "".join(f"{name}={value}\n" for name, value in values.items())


def _soda_core(key: StoredKey, settings: Settings) -> str:
    parts = urlsplit(settings.endpoint)
    if parts.path:
        raise error(
            "config_not_expressible",
            f"The format soda_core has no place for the path in the endpoint {settings.endpoint}."
            " Choose another format.",
        )
    host = str(parts.hostname)
    return _written(
        {
            "soda_cloud": {
                "host": f"[{host}]" if ":" in host else host,
                "port": str(parts.port or {"https": 443, "http": 80}[parts.scheme]),
                "scheme": parts.scheme,
                "api_key_id": key.api_key_id,
                "api_key_secret": key.api_key_secret,
            }
        }
    )


_FORMATS: dict[str, t.Callable[[StoredKey, Settings], str]] = {
    "helm_values": _helm_values,
    "kubernetes_secret": _kubernetes_secret,
    "dotenv": _dotenv,
    "soda_core": _soda_core,
}

FORMATS = tuple(_FORMATS)

EXAMPLE = StoredKey(
    endpoint="",
    name="",
    api_key_id="issued-in-the-run",
    api_key_secret="issued-in-the-run",
    key_version=1,
    issued_at="",
    runner_id=None,
)
"""Stands for a key that is not issued yet."""


def _secret_name(settings: Settings) -> str:
    name = settings.existing_secret or CHART_SECRET
    label = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
    if len(name) > 253 or not re.fullmatch(rf"{label}(\.{label})*", name):
        raise error(
            "config_not_expressible",
            f"{name!r} cannot be the name of a Kubernetes Secret: lower case letters, digits, - and . are allowed,"
            " with a letter or digit at both ends and on either side of each dot.",
        )
    return name


def _merged(base: t.Any, over: t.Any) -> t.Any:
    """Mappings are merged key by key, everything else is replaced, as Helm does with several values files."""
    if not isinstance(base, dict) or not isinstance(over, t.Mapping):
        return over
    return {**base, **{key: _merged(base[key], over[key]) if key in base else over[key] for key in over}}


def _written(data: dict[str, t.Any]) -> str:
    return _dump(plain(data, ""))


def _dump(data: t.Any) -> str:
    options: dict[str, t.Any] = {
        "sort_keys": False,
        "allow_unicode": True,
        "default_flow_style": False,
        "width": math.inf,
    }
    return t.cast(str, yaml.dump(data, Dumper=_dumper(), **options))


def _dumper() -> t.Any:
    """A YAML dumper that quotes every text value: unquoted, an all-digit id or 1e5 is a number to some readers."""

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: t.Any) -> bool:
            return True

        def represent_str(self, data: str) -> yaml.ScalarNode:
            return self.represent_scalar("tag:yaml.org,2002:str", data, style='"')

        def represent_mapping(self, tag: str, mapping: t.Any, flow_style: bool | None = None) -> yaml.MappingNode:
            node = super().represent_mapping(tag, mapping)
            for key, _value in node.value:
                if isinstance(key, yaml.ScalarNode):
                    # The names of fields are quoted only where they must be.
                    key.style = None
            return node

    Dumper.add_representer(str, Dumper.represent_str)
    return Dumper


# Fields that are called like a secret but hold the name of one.
_NAMES_OF_SECRETS = ("existingsecret", "secretkey", "secretname", "idkey")
_SECRET_FIELD = re.compile("secret|passw|token|credential|private", re.IGNORECASE)


def _masked(data: t.Any, mask: str, secret: bool = False) -> t.Any:
    """C(data) with what is secret in it masked. All of an environment and of a Secret's data is."""
    if isinstance(data, dict):
        return {key: _masked(value, mask, _is_secret(str(key), secret)) for key, value in data.items()}
    if isinstance(data, list):
        return [_masked(item, mask, secret) for item in data]
    return mask if secret and data is not None else data


def _is_secret(field: str, inside: bool) -> bool:
    if field == ID_NAME or field.lower() in _NAMES_OF_SECRETS:
        return False
    if inside and field == "name":
        return False  # An environment may be a list of names and values.
    return inside or field in ("env", "stringData", "data") or _SECRET_FIELD.search(field) is not None


def _masked_line(line: str, mask: str) -> str:
    name, equals, _value = line.partition("=")
    if not equals or line.lstrip().startswith("#"):
        return line if not line.strip() else "# (a line that is no NAME=value, not shown)"
    return line if name in (ID_NAME, RUNNER_ID_NAME) else f"{name}={mask}"


def plain(value: t.Any, where: str) -> t.Any:
    """
    C(value) as what YAML has: mappings, lists, text, numbers, booleans, null.

    Values from a play are subclasses of these, which a serializer does not take. Raises V(config_values_invalid).
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, t.Mapping):
        return {str(key): plain(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, f"{where}[{index}]") for index, item in enumerate(value)]
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    if hasattr(value, "vault"):
        return str(value)  # Text that ansible-core before 2.19 decrypts when it is read.
    raise error(
        "config_values_invalid",
        f"{where.lstrip('.')} is a {type(value).__name__}, which a configuration file cannot hold. Quote it, to make it"
        " text.",
    )
