"""Journeys through real browsers on three real nodes."""

import re
import sys
import time
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.pages import press_until, report

pytestmark = [pytest.mark.browser, pytest.mark.slow]

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
PAGES = {
    "permanence": (
        "/",
        "/incidents/",
        "/incidents/?text=Mopti&kind=abduction",
        "/incidents/?text=nothing-fits-this",
        "/incidents/report/",
        "/map/",
        "/journal/",
        "/watch/",
        "/watch/roster/",
        "/partners/",
        "/partners/recalled/",
        "/stick/",
        "/compact/",
        "/mandates/",
        "/sources/",
        "/account/factors/",
        "/account/password/",
        "/account/factors/totp/activate/",
        "/no/such/page",
    ),
    "admin": (
        "/",
        "/people/",
        "/offices/",
        "/offices/permanence/",
        "/mandates/",
        "/published/",
        "/partners/",
        "/partners/BF/address/",
        "/partners/set-aside/waiting/",
        "/partners/set-aside/rejected/",
        "/partners/BF/outbox/",
        "/compact/",
    ),
    "audit": ("/audit/", "/incidents/"),
    "diffusion": ("/", "/backfill/"),
}
EVERY_PAGE = [(account, path) for account, paths in PAGES.items() for path in paths]


def test_an_incident_reported_and_released_in_mali_is_on_the_page_of_burkina_faso(desk, capsys):
    summary = f"Crue à Labbezanga n{int(time.time()):x}"
    name = report(desk("ML", "permanence"), summary)
    burkina = desk("BF", "permanence")
    assert burkina.open(f"/incidents/?text={summary}").locator("tbody a").count() == 0

    officer = desk("ML", "diffusion")
    page = officer.open(f"/incidents/{name}/release")
    page.select_option("[name=audience]", label="Tous les membres de la Confédération")
    page.check("[name=transform][value=cell]")
    page.fill("[name=summary]", summary)
    page.fill("[name=basis]", "Ordre permanent 3")
    page.click("button[name=preview]")
    expect(page.locator(".sheet")).to_contain_text("non diffusé")
    expect(page.locator(".sheet")).not_to_contain_text("Labbezanga, ")
    began = time.monotonic()
    page.click("button[name=release]")
    link = burkina.page.locator("tbody a", has_text=summary)
    while not link.count():
        assert time.monotonic() - began < 20
        burkina.open(f"/incidents/?text={summary}")
    with capsys.disabled():
        sys.stdout.write(f"\nfrom the click on ML to BF's page: {time.monotonic() - began:.2f} s\n")

    link.click()
    page = burkina.page
    expect(page.locator("main")).to_contain_text("Vérifié ici contre le registre signé")
    expect(page.locator("main")).not_to_contain_text("Le gué est coupé")
    expect(page.locator("main")).to_contain_text("maille d’environ 9 km")


def test_what_was_not_released_is_in_no_byte_of_another_node(desk, live):
    needle = f"aiguille-n{time.time_ns():x}"
    report(desk("ML", "permanence"), needle)
    diary = desk("ML", "permanence").open("/journal/")
    diary.fill("[name=text]", f"Inscription {needle}")
    diary.click("button:has-text('Écrire')")
    report(desk("BF", "permanence"), f"Crue n{int(time.time()):x}")  # all nodes work on meanwhile
    time.sleep(6)  # more than a round of the workers
    holding = {
        path.relative_to(live.folder).parts[0]
        for path in live.folder.rglob("*")
        if path.is_file() and needle.encode() in path.read_bytes()
    }
    assert holding == {"ML"}


def test_french_comes_first_whatever_the_browser_wishes(desk):
    page = desk("ML").open("/account/sign-in/")
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    expect(page.locator("h1")).to_have_text("Connexion")


def test_the_language_and_the_theme_are_changed_in_sight_and_kept(desk):
    someone = desk("NE", "permanence")
    someone.page.click("button:has-text('English')")
    expect(someone.page.locator("h1")).to_have_text("What waits for me")
    someone.page.click("button:has-text('Dark')")
    page = someone.open("/incidents/")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("h1")).to_have_text("Incidents")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(21, 24, 23)"


def test_everything_can_be_done_without_javascript(desk):
    someone = desk("NE", "permanence", java_script_enabled=False)
    summary = f"Sans JavaScript n{int(time.time()):x}"
    report(someone, summary)
    page = someone.open("/journal/")
    page.fill("[name=text]", f"Inscription {summary}")
    page.click("button:has-text('Écrire')")
    expect(page.locator("tbody")).to_contain_text(f"Inscription {summary}")
    page = someone.open("/map/")
    expect(page.locator("#map-table")).to_contain_text(summary)
    page.click("button:has-text('English')")
    expect(page.locator("h1")).to_have_text("Map")


def test_an_incident_is_reported_with_the_keyboard_alone(desk):
    someone = desk("ML", "permanence")
    page = someone.open("/incidents/report/")
    summary = f"Au clavier n{int(time.time()):x}"
    for choice, wanted in (("id_kind", "Inondation"), ("id_severity", "Grave")):
        press_until(page, choice)
        page.keyboard.type(wanted)
    press_until(page, "id_summary")
    page.keyboard.type(summary)
    press_until(page, "id_where")
    page.keyboard.type("Gao")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text(summary)


def test_the_first_stop_of_the_keyboard_leads_to_the_content(desk):
    page = desk("ML", "permanence").open("/incidents/")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Aller au contenu")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_what_was_typed_stays_when_a_form_is_not_accepted(desk):
    someone = desk("ML", "permanence")
    page = someone.open("/incidents/report/")
    page.select_option("[name=kind]", "flood")
    page.select_option("[name=severity]", "2")
    page.fill("[name=summary]", "Coordonnées fausses")
    page.fill("[name=lat]", "quatorze")
    page.fill("[name=lon]", "1")
    page.click("button.main:has-text('Signaler')")
    expect(page.locator(".faulty .errorlist")).to_contain_text("14,35 ou 14°21'N")
    expect(page.locator("[name=summary]")).to_have_value("Coordonnées fausses")
    someone.faults.clear()  # the browser logs the status 422


def test_a_passkey_is_added_and_then_signs_in(desk):
    someone = desk("BF", "audit")
    cdp = someone.context.new_cdp_session(someone.page)
    cdp.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    page = someone.open("/account/factors/webauthn/add/")
    if "reauthenticate" in page.url:
        page.fill("[name=password]", someone.live.sign_ins["BF"]["audit"])
        page.click("main button[type=submit]")
    page.fill("[name=name]", "Clé d’essai")
    page.check("[name=passwordless]")
    page.click("#mfa_webauthn_add")
    page.wait_for_url(re.compile("recovery-codes|webauthn/$"))
    someone.open("/").click("button:has-text('Se déconnecter')")
    someone.open("/account/sign-in/").click("#passkey_login")
    page.wait_for_url(someone.live.url("BF", "/"))
    expect(someone.open("/audit/").locator("tbody")).to_contain_text("Second facteur ajouté")


def test_the_map_shows_the_incidents_and_is_linked_with_the_table(desk):
    page = desk("BF", "permanence").open("/map/")
    page.wait_for_selector("#map[data-ready]")
    page.wait_for_timeout(1500)
    colours = page.evaluate(
        """() => { const seen = new Set();
        for (const canvas of document.querySelectorAll('#map canvas')) {
          const {width, height} = canvas;
          const data = canvas.getContext('2d').getImageData(0, 0, width, height).data;
          for (let i = 0; i < data.length; i += 4 * 97) seen.add(data.slice(i, i + 4).join());
        } return seen.size; }"""
    )
    assert colours > 30, "the map is blank"
    page.locator("#map-table tr[data-id] a").first.focus()
    expect(page.locator("#map .popup")).to_be_visible()
    expect(page.locator("#map-table tr.picked")).to_have_count(1)
    page.keyboard.press("Escape")


def test_the_map_says_so_when_its_incidents_cannot_be_loaded(desk):
    someone = desk("BF", "permanence")
    someone.context.route("**/incidents.geojson*", lambda route: route.fulfill(status=500))
    page = someone.open("/map/")
    expect(page.locator("#map-note")).to_contain_text("n’ont pas pu être chargés")
    expect(page.locator("#map-table a").first).to_be_visible()
    someone.faults.clear()  # the browser logs the status 500


def test_a_page_prints_without_its_navigation(desk):
    page = desk("ML", "permanence").open("/incidents/")
    page.emulate_media(media="print")
    expect(page.locator("nav.nav")).to_be_hidden()
    expect(page.locator("table")).to_be_visible()
    assert len(page.pdf(format="A4")) > 10_000


@pytest.mark.parametrize("account", PAGES)
def test_no_page_scrolls_sideways_on_a_telephone(desk, account):
    someone = desk("ML", account, viewport={"width": 390, "height": 844})
    wide = []
    for path in PAGES[account]:
        page = someone.open(path)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wide.append(path)
    someone.faults.clear()  # the browser logs the status 404 of the page that is none
    assert wide == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("account", PAGES)
def test_axe_finds_no_serious_fault_on_any_page(desk, account, theme):
    if not AXE.exists():
        pytest.skip("axe-core is not installed here: make build")
    someone = desk("ML", account, color_scheme=theme)
    script, found = AXE.read_text(), []
    for path in PAGES[account]:
        page = someone.open(path)
        page.evaluate(script)
        result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        found += [
            f"{path}: {fault['id']}: {fault['nodes'][0]['html'][:120]}"
            for fault in result["violations"]
            if fault["impact"] in {"serious", "critical"}
        ]
    someone.faults.clear()  # the browser logs the status 404 of the page that is none
    assert found == []


def test_the_pages_about_one_incident_have_no_serious_fault_either(desk):
    name = report(desk("ML", "permanence"), "Page d’un incident")
    officer = desk("ML", "diffusion")
    for path in (f"/incidents/ML/{name}/", f"/incidents/{name}/release"):
        page = officer.open(path)
        page.evaluate(AXE.read_text())
        result = page.evaluate("axe.run(document)")
        serious = [f for f in result["violations"] if f["impact"] in {"serious", "critical"}]
        assert serious == []
