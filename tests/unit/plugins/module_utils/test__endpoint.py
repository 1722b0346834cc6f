# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which ways to write an endpoint are one, and which are refused."""

from __future__ import annotations

import pytest

from ansible_collections.community.soda.plugins.module_utils._endpoint import normalise_endpoint, redact
from ansible_collections.community.soda.plugins.module_utils._errors import SodaError


@pytest.mark.parametrize(
    ("written", "normalised"),
    [
        ("https://cloud.soda.io", "https://cloud.soda.io"),
        ("https://cloud.soda.io/", "https://cloud.soda.io"),
        ("https://cloud.soda.io//", "https://cloud.soda.io"),
        ("https://cloud.soda.io:443", "https://cloud.soda.io"),
        ("https://cloud.soda.io:443/", "https://cloud.soda.io"),
        ("HTTPS://Cloud.Soda.IO", "https://cloud.soda.io"),
        ("  https://cloud.soda.io\n", "https://cloud.soda.io"),
        ("https://cloud.soda.io:8443", "https://cloud.soda.io:8443"),
        ("https://cloud.soda.io:80", "https://cloud.soda.io:80"),
        ("https://example.org/Soda/", "https://example.org/Soda"),
        ("https://example.org/X", "https://example.org/X"),
        ("https://example.org:443/Soda//", "https://example.org/Soda"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://LOCALHOST:80/", "http://localhost"),
        ("http://localhost:443", "http://localhost:443"),
        ("http://127.0.0.1", "http://127.0.0.1"),
        ("http://127.1.2.3", "http://127.1.2.3"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
        ("https://[2001:DB8::1]:443", "https://[2001:db8::1]"),
    ],
)
def test_endpoints_that_are_written_differently_and_are_one(written: str, normalised: str) -> None:
    assert normalise_endpoint(written) == normalised
    assert normalise_endpoint(normalised) == normalised


@pytest.mark.parametrize(
    ("endpoint", "code"),
    [
        ("", "invalid_endpoint"),
        ("cloud.soda.io", "invalid_endpoint"),
        ("//cloud.soda.io", "invalid_endpoint"),
        ("ftp://cloud.soda.io", "invalid_endpoint"),
        ("https://", "invalid_endpoint"),
        ("https:///path", "invalid_endpoint"),
        ("https://cloud.soda.io:port", "invalid_endpoint"),
        ("https://cloud.soda.io:99999", "invalid_endpoint"),
        ("https://[::1", "invalid_endpoint"),
        ("https://user@cloud.soda.io", "invalid_endpoint"),
        ("https://@cloud.soda.io", "invalid_endpoint"),
        ("https://user:word@cloud.soda.io", "invalid_endpoint"),
        ("https://cloud.soda.io?region=eu", "invalid_endpoint"),
        ("https://cloud.soda.io/#eu", "invalid_endpoint"),
        ("http://cloud.soda.io", "insecure_endpoint"),
        ("http://10.0.0.1", "insecure_endpoint"),
        ("http://localhost.example.org", "insecure_endpoint"),
        ("http://127.0.0.1.example.org", "insecure_endpoint"),
        ("http://", "invalid_endpoint"),
        ("http://0.0.0.0", "insecure_endpoint"),
        ("http://[2001:db8::1]", "insecure_endpoint"),
    ],
)
def test_endpoints_that_are_refused(endpoint: str, code: str) -> None:
    with pytest.raises(SodaError) as failed:
        normalise_endpoint(endpoint)
    assert failed.value.failure.code == code
    assert "word" not in failed.value.failure.message


@pytest.mark.parametrize(
    ("endpoint", "said"),
    [
        ("https://[::1", "The endpoint is not a valid URL."),
        ("cloud.soda.io", "The endpoint is not a URL with a scheme and a host."),
        ("https://user:word@Cloud.soda.io/", "The endpoint must be scheme, host and port only:"),
        ("http://cloud.soda.io", "The endpoint http://cloud.soda.io would send the Soda Cloud API key in clear text"),
    ],
)
def test_message_explains_an_invalid_endpoint(endpoint: str, said: str) -> None:
    with pytest.raises(SodaError) as failed:
        normalise_endpoint(endpoint)
    assert failed.value.failure.message.startswith(said)
    assert failed.value.failure.retryable is False


@pytest.mark.parametrize(
    "endpoint",
    [
        "user:pass-word@cloud.soda.io",
        "https://user:pass-word",
        "https://user:pass-word@",
        "https://user:pass-word@cloud.soda.io",
        "https://user:pass-word@cloud.soda.io:port",
        "https://user:pass-word/@cloud.soda.io",
        "https://user:pass-word@[cloud",
        "ftp://user:pass-word@cloud.soda.io",
        "http://user:pass-word@cloud.soda.io",
        "https://user:pass-word@\u2100.example",
        "https:user:pass-word@cloud.soda.io",
        "https://cloud.soda.io?user:pass-word",
        "https://cloud soda:pass-word@x y",
    ],
)
def test_no_message_about_an_endpoint_quotes_a_password(endpoint: str) -> None:
    with pytest.raises(SodaError) as failed:
        normalise_endpoint(endpoint)
    assert "pass" not in repr((failed.value.failure, str(failed.value), failed.value.__cause__))


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("Failed to parse: http://user:pass@host:bad", "Failed to parse: http://********@host:bad"),
        ("http://user:p@ss/w@host/path and https://a:b@c", "http://********@host/path and https://********@c"),
        ("no login at https://host/path", "no login at https://host/path"),
        ("mail me@example.com", "mail me@example.com"),
    ],
)
def test_logins_in_urls_are_redacted(text: str, redacted: str) -> None:
    assert redact(text) == redacted


def test_the_message_names_the_alternative_to_clear_text() -> None:
    with pytest.raises(SodaError) as failed:
        normalise_endpoint("http://cloud.soda.io")
    assert failed.value.failure.message.endswith(" to another machine. Use https://.")
