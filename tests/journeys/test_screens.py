"""The pages of the exchange as a tired officer meets them: no script, no mouse, a telephone."""

import re
import time

import pytest
from playwright.sync_api import expect

from tests.pages import press_until, report

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TELEPHONE = {"width": 390, "height": 844}
PAGES = {
    "permanence": (
        "/partners/",
        "/partners/BF/outbox/",
        "/partners/BF/address/",
        "/partners/set-aside/waiting/",
        "/partners/set-aside/rejected/",
        "/partners/recalled/",
        "/stick/",
        "/compact/",
        "/watch/",
        "/watch/roster/",
    ),
    "diffusion": ("/backfill/", "/journal/"),
    "admin": ("/compact/", "/people/", "/stick/"),
}
STOPS = """() => { const e = document.activeElement;
if (!e || e === document.body) return null;
const r = e.getBoundingClientRect(), s = getComputedStyle(e);
return {name: e.tagName + ' ' + (e.name || e.textContent || '').trim().slice(0, 40),
  seen: r.width > 0 && r.height > 0 && r.bottom > 0 && r.top < innerHeight,
  ring: s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2}; }"""
SMALL = """() => [...document.querySelectorAll(
  'main a, main button, main select, main summary, main input:not([type=hidden]), .nav a')]
  .map(e => [e, e.getBoundingClientRect()])
  .filter(([e, r]) => r.width && r.height < 24 && !e.closest('label') && !e.closest('p'))
  .map(([e, r]) => `${e.textContent.trim() || e.name}: ${Math.round(r.height)}`)"""


def line_of(someone, text):
    """Write a line into the journal, and return its object."""
    page = someone.open("/journal/")
    page.fill("[name=text]", text)
    page.click("button:has-text('Écrire')")
    row = page.locator("tbody tr", has_text=text)
    return row.locator("a[href*='corrects=']").get_attribute("href").partition("=")[2]


def focused(page):
    """Return what has the focus, by its id."""
    return page.locator(":focus").get_attribute("id")


def grant(page, audience):
    """Fill in a grant to NE of what was released to an audience."""
    page.select_option("[name=member]", "NE")
    choice = page.locator(f"[name=audience] option:has-text('{audience}')").first
    page.select_option("[name=audience]", choice.get_attribute("value"))
    page.fill("[name=since]", "2026-01-01")
    page.fill("[name=basis]", "Décision du collège")


def release(desk, summary, audience):
    """Report an incident of ML and release it; return its object."""
    name = report(desk("ML", "permanence"), summary)
    page = desk("ML", "diffusion").open(f"/incidents/{name}/release")
    page.select_option("[name=audience]", label=audience)
    page.check("[name=transform][value=cell]")
    page.fill("[name=summary]", summary)
    page.fill("[name=basis]", "Ordre permanent 3")
    page.click("button[name=preview]")
    page.click("button[name=release]")
    expect(page.locator("main")).to_contain_text("Ordre permanent 3")
    return name


# The keyboard


@pytest.mark.parametrize("account", PAGES)
def test_tab_goes_through_every_page_in_sight_and_out_again(desk, account):
    someone, wrong = desk("ML", account), []
    for path in PAGES[account]:
        page = someone.open(path)
        for _ in range(120):
            page.keyboard.press("Tab")
            stop = page.evaluate(STOPS)
            if stop is None:
                break
            if not (stop["seen"] and stop["ring"]):
                wrong.append((path, stop["name"]))
        else:
            wrong.append((path, "no way out"))
    assert wrong == []


def test_files_for_a_stick_are_made_with_the_keyboard_alone(desk):
    page = desk("ML", "permanence").open("/stick/")
    press_until(page, "", name="partners")
    page.keyboard.press("Space")
    expect(page.locator("[name=partners]").first).not_to_be_checked()
    press_until(page, "id_size")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#ready + ul a")).to_have_count(1)
    expect(page.locator("#ready + ul a")).to_contain_text("liptako-ML-NE-")


def test_a_line_of_the_journal_is_erased_with_the_keyboard_alone(desk):
    text = f"Ligne n{time.time_ns():x}"
    name = line_of(desk("ML", "permanence"), text)
    page = desk("ML", "diffusion").open(f"/erase/{name}/")
    expect(page.locator("main form")).to_contain_text(text)
    press_until(page, "id_reason")
    page.keyboard.type("Une personne y était nommée.")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.locator("tbody")).not_to_contain_text(text)
    expect(page.locator("tbody")).to_contain_text("Effacé le")


# What is wrong


@pytest.mark.parametrize("script", [True, False])
def test_the_focus_goes_to_what_is_wrong(desk, script):
    someone = desk("ML", "permanence", java_script_enabled=script, viewport=TELEPHONE)
    page = someone.open("/stick/")
    for box in page.locator("[name=partners]").all():
        box.uncheck()
    page.click("button:has-text('Préparer')")
    expect(page.locator("#errors")).to_contain_text("Pour qui")
    assert focused(page) == "errors"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert focused(page) == "id_partners"
    someone.faults.clear()  # the browser logs the status 422


@pytest.mark.parametrize("script", [True, False])
def test_a_preview_that_failed_shows_why_and_not_the_place_of_the_preview(desk, script):
    release(desk, f"Crue n{time.time_ns():x}", "Tous les membres de la Confédération")
    someone = desk("ML", "diffusion", java_script_enabled=script, viewport=TELEPHONE)
    page = someone.open("/backfill/")
    grant(page, "BF, ML, NE")
    page.click("[name=preview]")
    expect(page.locator("#errors")).to_be_in_viewport()
    expect(page.locator("#errors")).to_contain_text("il a déjà tout cela")
    assert focused(page) == "errors"
    someone.faults.clear()  # the browser logs the status 422


# A telephone


@pytest.mark.parametrize("language", ["Français", "English"])
@pytest.mark.parametrize("account", PAGES)
def test_on_a_telephone_everything_can_be_touched_and_nothing_is_out_of_sight(
    desk, account, language
):
    someone = desk("ML", account, viewport=TELEPHONE)
    someone.page.click(f"button:has-text('{language}')")
    wrong = []
    for path in PAGES[account]:
        page = someone.open(path)
        wrong += [(path, small) for small in page.evaluate(SMALL)]
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wrong.append((path, "wide"))
        for here in page.locator(".nav [aria-current]").all():
            expect(here).to_be_in_viewport(ratio=1)
    assert wrong == []


def test_after_a_grant_a_telephone_shows_what_was_done(desk):
    summary = f"Crue n{time.time_ns():x}"
    release(desk, summary, "Burkina Faso")
    page = desk("ML", "diffusion", viewport=TELEPHONE).open("/backfill/")
    grant(page, "(BF, ML)")
    page.click("[name=preview]")
    cell = page.locator("td", has_text=summary).first
    label, text = cell.bounding_box(), cell.locator("span", has_text=summary).bounding_box()
    assert text["x"] > label["x"] + 100  # beside its label, not below it
    page.click("[name=grant]")
    notice = page.locator(".notices")
    expect(notice).to_contain_text(re.compile(r"\d+ incidents? .*: Niger"))
    expect(notice).to_be_in_viewport()


# No script


def test_the_exchange_can_be_worked_without_javascript(desk, tmp_path):
    someone = desk("ML", "permanence", java_script_enabled=False)
    page = someone.open("/partners/")
    page.click("button:has-text('Envoyer un message d’essai') >> nth=0")
    expect(page.locator(".notices")).to_contain_text("Le message d’essai est écrit")
    page.click("button:has-text('Échanger maintenant') >> nth=0")
    expect(page.locator(".notices")).to_contain_text("demandé")
    page.click("main a:has-text('Modifier') >> nth=0")
    page.fill("[name=cap_kbit]", "64")
    page.click("button.main:has-text('Enregistrer')")
    expect(page.locator("#partners")).to_contain_text("64 kbit/s au plus")
    page.click("main a:has-text('Par clé USB') >> nth=0")
    page.click("button:has-text('Préparer')")
    with page.expect_download() as waiting:
        page.click("#ready + ul a >> nth=0")
    file = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(file)
    other = desk("BF", "permanence", java_script_enabled=False).open("/stick/")
    other.set_input_files("[name=bundles]", file)
    other.click("button:has-text('Lire les fichiers')")
    expect(other.locator("[aria-labelledby=read]")).to_contain_text(file.name)
    expect(other.locator("[aria-labelledby=read]")).not_to_contain_text("non lu")


def test_an_incident_is_erased_and_its_page_says_so_without_javascript(desk):
    summary = f"À effacer n{time.time_ns():x}"
    name = release(desk, summary, "Tous les membres de la Confédération")
    page = desk("ML", "diffusion", java_script_enabled=False).open(f"/incidents/ML/{name}/")
    page.click("main a:has-text('Effacer')")
    expect(page.locator("main form")).to_contain_text(summary)
    page.fill("[name=reason]", "Une personne y était nommée.")
    page.click("button.danger")
    expect(page.locator("h1")).to_have_text("Cet incident a été effacé")
    expect(page.locator("main")).not_to_contain_text(summary)
    page.click("main a:has-text('Incidents')")
    expect(page.locator("main")).not_to_contain_text(summary)


def test_a_file_with_the_compact_is_shown_before_it_is_taken_in_without_javascript(desk):
    page = desk("ML", "admin", java_script_enabled=False).open("/compact/")
    with page.expect_download() as waiting:
        page.click("a:has-text('Enregistrer en fichier')")
    page.set_input_files("[name=file]", waiting.value.path())
    page.click("button:has-text('Montrer ce qu’il dit')")
    expect(page.locator("main")).to_contain_text("Voici ce que dit le fichier")
