# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of an audit in a headless Chromium, without console messages and without requests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from browser.pages import Open, Opened


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # As root, and in containers, Chromium's own sandbox does not start.
        launched = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens a page. At the end, no page has written to the console or requested anything except itself."""
    every: list[Opened] = []

    def open_page(text: str, **options: object) -> Opened:
        file = tmp_path / f"audit-{len(every)}.html"
        file.write_text(text, encoding="utf-8")
        page = browser.new_context(**options).new_page()  # type: ignore[arg-type]
        one = Opened(page)
        every.append(one)
        page.on("console", lambda message: one.complaints.append(message.text))
        page.on("pageerror", lambda error: one.complaints.append(str(error)))
        page.on("dialog", lambda dialog: one.complaints.append(dialog.message))
        page.on("request", lambda request: one.requests.append(request.url))
        page.on("requestfinished", lambda request: one.answered.append(request.url))
        page.goto(file.as_uri())
        return one

    yield open_page
    for one in every:
        complaints, requests = one.complaints, [url for url in one.requests if url != one.page.url.partition("#")[0]]
        one.page.context.close()
        assert complaints == []
        assert [url for url in requests if not url.startswith("data:")] == []
