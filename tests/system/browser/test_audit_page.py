# Copyright (c) 2026, community.soda contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of an audit, on a desktop and a phone, by keyboard and for screen readers."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from browser.pages import SCREENSHOTS, Open, ago, fleet, runner

DESKTOP = {"viewport": {"width": 1280, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}
LOOKS = {
    "desktop": DESKTOP,
    "dark": {**DESKTOP, "color_scheme": "dark"},
    "phone": PHONE,
    "phone-dark": {**PHONE, "color_scheme": "dark"},
    "contrast": {**DESKTOP, "forced_colors": "active"},
}
SIZES = (0, 3, 10_000)
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "<svg/onload=alert(1)>",
    '"><b>bold</b>',
    "javascript:alert(1)",
    "&lt;i&gt;",
    "{{ lookup('pipe', 'id') }}",
    "\u202eevil\u2066",
    "'; alert(1); '",
)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("size", SIZES)
def test_it_renders_and_the_accessibility_checker_finds_nothing(opened: Open, size: int, look: str) -> None:
    one = opened(fleet(size), **LOOKS[look])
    assert one.page.locator("#app").is_visible()
    assert one.page.locator("#rows tr").count() == min(size, 100)
    assert one.page.locator("h1").text_content() == "Soda runners"
    # Nothing is wider than the window.
    width = one.page.evaluate("document.documentElement.scrollWidth")
    assert width <= LOOKS[look]["viewport"]["width"]  # type: ignore[index]
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    one.page.screenshot(path=SCREENSHOTS / f"audit-{size}-{look}.png", full_page=size < 100)
    found = Axe().run(one.page)
    assert found.violations_count == 0, found.generate_report()


def test_filtered_page_is_accessible(opened: Open) -> None:
    one = opened(fleet(300), **DESKTOP)
    one.page.get_by_role("button", name="Drift").click()
    one.page.get_by_role("searchbox").fill("warehouse-2")
    assert Axe().run(one.page).violations_count == 0
    one.page.get_by_role("searchbox").fill("nothing is called so")
    assert one.page.get_by_text("No matches.").is_visible()
    assert Axe().run(one.page).violations_count == 0


def test_names_with_markup_stay_text(opened: Open) -> None:
    hostile = [runner(number, name=name, is_online=False) for number, name in enumerate(HOSTILE)]
    one = opened(fleet(0, *hostile), **DESKTOP)
    assert sorted(one.rows()) == sorted(HOSTILE)
    assert one.page.locator("img, svg, b:not(.key b)").count() == 0
    for name in HOSTILE:
        one.page.get_by_role("searchbox").fill(name)
        assert name in one.rows()


def test_sorting_works_by_keyboard(opened: Open) -> None:
    one = opened(fleet(30), **DESKTOP)
    head = one.page.locator("th[data-by=name]")
    assert head.get_attribute("aria-sort") == "none"
    head.get_by_role("button").focus()
    one.page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    assert one.rows()[:4] == ["warehouse-0", "warehouse-1", "warehouse-2", "warehouse-3"]
    one.page.keyboard.press("Space")
    assert head.get_attribute("aria-sort") == "descending"
    assert one.rows()[0] == "warehouse-29"
    assert one.page.locator("th[aria-sort=ascending], th[aria-sort=descending]").count() == 1


@pytest.mark.parametrize("column", ["name", "state", "host", "contact", "versions", "findings"])
def test_every_column_sorts_both_ways_and_keeps_every_row(opened: Open, column: str) -> None:
    one = opened(fleet(60), **DESKTOP)
    every = sorted(one.rows())
    button = one.page.locator(f"th[data-by={column}] button")
    orders = set()
    for way in ("ascending", "descending"):
        while one.page.locator(f"th[data-by={column}]").get_attribute("aria-sort") != way:
            button.click()
        orders.add(tuple(one.rows()))
        assert sorted(one.rows()) == every
    assert len(orders) == 2


def test_the_last_contact_sorts_by_time_and_what_has_none_comes_last(opened: Open) -> None:
    seen = {"day": ago(days=1), "weeks": ago(days=20), "hour": ago(hours=1)}
    made = [runner(n, name=name, is_online=False, last_seen_timestamp=at) for n, (name, at) in enumerate(seen.items())]
    never = runner(9, name="never", is_online=None, last_seen_timestamp=None)
    one = opened(fleet(0, *made, never, runner(10, name="online")), **DESKTOP)
    button = one.page.locator("th[data-by=contact] button")
    button.click()
    assert one.rows() == ["online", "hour", "day", "weeks", "never"]
    button.click()
    assert one.rows() == ["weeks", "day", "hour", "online", "never"]


def test_search_works_by_keyboard_and_says_how_many_match(opened: Open) -> None:
    one = opened(fleet(300), **DESKTOP)
    one.page.keyboard.press("/")
    assert one.page.evaluate("document.activeElement.id") == "search"
    one.page.keyboard.type("Offline warehouse-1")
    # Each word must match, in any column.
    assert sorted(one.rows()) == ["warehouse-1", "warehouse-101"]
    assert one.status() == "2 of 303 match"
    assert one.page.locator("#count").get_attribute("role") == "status"
    one.page.keyboard.press("Escape")
    assert one.page.get_by_role("searchbox").input_value() == ""
    assert one.status() == "303 rows"


def test_a_bar_of_a_picture_shows_only_those_and_again_all(opened: Open) -> None:
    one = opened(fleet(300), **DESKTOP)
    drift = one.page.get_by_role("button", name="Drift 6")
    drift.focus()
    one.page.keyboard.press("Enter")
    assert drift.get_attribute("aria-pressed") == "true"
    assert one.status() == "6 of 303 match"
    one.page.get_by_role("button", name="Online now").click()
    assert one.status() == "6 of 303 match"
    one.page.get_by_role("button", name="Clear filters").click()
    assert drift.get_attribute("aria-pressed") == "false"
    assert one.status() == "303 rows"


def test_bar_scrolls_to_the_rows_that_it_selects(opened: Open) -> None:
    one = opened(fleet(300), **DESKTOP)
    in_view = "document.querySelector('#rows tr').getBoundingClientRect().top < innerHeight"
    drift = one.page.get_by_role("button", name="Drift 6")
    drift.scroll_into_view_if_needed()
    assert one.page.evaluate("document.querySelector('#runners').getBoundingClientRect().top") < -1000
    drift.click()
    assert one.page.evaluate(in_view)
    assert one.page.evaluate("document.querySelector('#runners').getBoundingClientRect().top") >= -1


@pytest.mark.parametrize(("link", "section"), [("Charts", "charts"), ("Meanings", "meanings")])
def test_link_leads_to_a_section_below_the_table(opened: Open, link: str, section: str) -> None:
    one = opened(fleet(300), **DESKTOP)
    one.page.get_by_role("link", name=link).click()
    box = one.page.locator(f"#{section}").bounding_box()
    assert box is not None
    assert box["y"] < DESKTOP["viewport"]["height"]


def test_only_the_stale_can_be_shown(opened: Open) -> None:
    one = opened(fleet(300), **DESKTOP)
    one.page.get_by_role("button", name="Only stale").click()
    assert sorted(one.rows()) == ["warehouse-1", "warehouse-101", "warehouse-201"]


def test_pages_are_turned_by_keyboard_and_a_new_order_begins_with_the_first(opened: Open) -> None:
    one = opened(fleet(10_000), **DESKTOP)
    page_range = one.page.locator("#range")
    assert page_range.text_content() == "1–100 of 10,100"
    first = one.rows()
    one.page.get_by_role("button", name="Next").focus()
    one.page.keyboard.press("Enter")
    assert page_range.text_content() == "101–200 of 10,100"
    assert not set(first) & set(one.rows()) or first != one.rows()
    # The new rows are shown from the first one.
    assert one.page.evaluate("document.activeElement.id") == "table"
    one.page.locator("th[data-by=name] button").click()
    assert page_range.text_content() == "1–100 of 10,100"
    assert one.page.get_by_role("button", name="Previous").is_disabled()
    one.page.get_by_role("searchbox").fill("warehouse-9999")
    assert one.rows() == ["warehouse-9999"]


def test_every_control_is_reached_by_tab_and_shows_that_it_has_the_focus(opened: Open) -> None:
    one = opened(fleet(150), **DESKTOP)
    reached, without_outline = set(), []
    for _step in range(60):
        one.page.keyboard.press("Tab")
        # Between the last control and the first, the focus is with the browser itself.
        name, outline = one.page.evaluate(
            "(() => { const at = document.activeElement; const style = getComputedStyle(at);"
            "return at === document.body ? ['', ''] : [at.id || at.textContent.trim(), style.outlineStyle] })()"
        )
        reached.add(name)
        if outline == "none":
            without_outline.append(name)
    assert {"Skip to the table of runners", "search", "stale", "table", "next", "Runner", "Versions"} <= reached
    assert without_outline == []


def test_on_a_phone_a_row_is_a_card_that_is_still_a_row_of_a_table(opened: Open) -> None:
    one = opened(fleet(3), **PHONE)
    assert one.page.get_by_role("rowheader").count() == 3
    assert one.page.get_by_role("cell").count() == 15
    assert one.page.locator("#rows tr").first.evaluate("row => getComputedStyle(row).display") == "block"
    one.page.get_by_role("combobox", name="Sort by").select_option("name down")
    assert one.rows() == ["warehouse-2", "warehouse-1", "warehouse-0"]


def test_on_a_phone_the_first_screen_shows_the_table(opened: Open) -> None:
    one = opened(fleet(300), **PHONE)
    box = one.page.locator("#rows tr").first.bounding_box()
    assert box is not None
    # The name, the state and the host of the first row.
    assert box["y"] + 120 <= PHONE["viewport"]["height"]  # type: ignore[index]


def test_a_version_takes_one_line(opened: Open) -> None:
    long = runner(1, versions={"runner": "1.8.2-build.20260131.1234567890-with-a-very-long-name", "library": "4.28.0"})
    for look in (DESKTOP, PHONE):
        one = opened(fleet(0, long), **look)
        heights = one.page.locator(".version").evaluate_all("all => all.map(each => each.getClientRects().length)")
        assert heights == [1, 1]
        assert one.page.locator(".version").nth(1).get_attribute("title") == long.versions["runner"].join(
            ["runner ", ""]
        )


def test_the_command_for_stale_runners_can_be_copied(opened: Open) -> None:
    one = opened(fleet(300), permissions=["clipboard-read", "clipboard-write"], **DESKTOP)
    button = one.page.locator("button.copy").last
    button.click()
    assert one.page.get_by_role("button", name="Copied").is_visible()
    assert one.page.evaluate("navigator.clipboard.readText()") == (
        "ansible-playbook -i INVENTORY community.soda.decommission -e soda_decommission_audit=soda-audit.json"
    )
    assert opened(fleet(0, runner(1)), **DESKTOP).page.locator("button.copy").count() == 0


def test_without_scripts_the_totals_are_there_and_the_page_explains_what_is_missing(opened: Open) -> None:
    one = opened(fleet(3), **DESKTOP, java_script_enabled=False)
    assert "2 of 3 runners and hosts have findings." in (one.page.locator("main").text_content() or "")
    assert one.page.locator("noscript p").is_visible()


def test_the_policy_of_the_page_stops_what_it_should_not_do(opened: Open) -> None:
    """If markup was not escaped, its script would not run, and no request would be sent."""
    one = opened(fleet(3), **DESKTOP)
    one.page.evaluate("document.querySelector('h1').insertAdjacentHTML('beforeend', '<img src=x onerror=alert(1)>')")
    one.page.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'alert(2)'}))")
    one.page.wait_for_timeout(200)
    assert one.complaints, "the browser was to say that it refused"
    assert all("Content Security Policy" in complaint for complaint in one.complaints)
    assert one.answered == one.requests[:1]
    one.complaints.clear()
    one.requests.clear()
