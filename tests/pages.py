"""What journeys through pages do again and again."""

import pytest
from playwright.sync_api import expect


def report(desk, summary):
    """Report an incident by hand, at the place where three borders meet."""
    page = desk.open("/incidents/report/")
    page.select_option("[name=kind]", "flood")
    page.select_option("[name=severity]", "2")
    page.fill("[name=summary]", summary)
    page.fill("[name=where]", "Labbezanga")
    page.fill("[name=lat]", "14°57'30\"N")
    page.fill("[name=lon]", "0,7 E")
    page.fill("[name=injured_best]", "3")
    page.fill("[name=text]", "Le gué est coupé.")
    page.click("button.main:has-text('Signaler')")
    expect(page.locator("h1")).to_contain_text(summary)
    return page.url.rstrip("/").rsplit("/", 1)[1]


def press_until(page, wanted, name=""):
    """Press Tab until an element has the focus, by its id, or its name in its form.

    Every stop on the way must be visible.
    """
    for _ in range(60):
        page.keyboard.press("Tab")
        focus = page.evaluate(
            "(() => { const e = document.activeElement, r = e.getBoundingClientRect();"
            " return [e.id, r.width > 0 && r.height > 0, e.name]; })()"
        )
        assert focus[1], f"an invisible stop before {wanted or name}"
        if focus[0] == wanted if wanted else focus[2] == name:
            return
    pytest.fail(f"Tab does not reach {wanted or name}")
