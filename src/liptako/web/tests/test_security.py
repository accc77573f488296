"""What protects a person at a page: headers, cookies, nothing inline, nothing from another host."""

import re
from html import unescape
from importlib import resources

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.test import Client
from django.urls import reverse

pytestmark = pytest.mark.django_db
SIGN_IN = "/account/sign-in/"
PACKAGE = resources.files("liptako")
TEMPLATES = sorted(PACKAGE.glob("*/templates/**/*.html"))
OWN = [
    path
    for pattern in ("web/static/web/*.*", "web/scripts/*.js")
    for path in sorted(PACKAGE.glob(pattern))
]
POLICY = {
    "default-src": {"'none'"},
    "script-src": {"'self'"},
    "style-src": {"'self'"},
    "img-src": {"'self'", "data:"},
    "font-src": {"'self'"},
    "connect-src": {"'self'"},
    "form-action": {"'self'"},
    "frame-ancestors": {"'none'"},
    "base-uri": {"'none'"},
    "manifest-src": {"'self'"},
}
PAGES = [
    "home",
    "incidents",
    "report",
    "map",
    "journal",
    "partners",
    "published",
    "people",
    "offices",
    "mandates",
    "audit",
    "sources",
    "mfa_index",
    "account_change_password",
    "account_logout",
]
INLINE = re.compile(
    r"<style|\sstyle\s*=|<script(?![^>]*(?:\bsrc=|application/json))|\son[a-z]+\s*=\s*[\"'{]"
    r"|javascript:|hx-on|<base\b|<iframe|<object|<embed",
    re.IGNORECASE,
)
SVG = 'xmlns="http://www.w3.org/2000/svg"'  # a name, not an address
OUTSIDE = re.compile(
    r"(?:\b(?:https?|wss?|ftp):|(?<=[\"'(\s=]))//[a-z0-9.-]+\.[a-z]{2,}", re.IGNORECASE
)


@pytest.fixture(autouse=True)
def plain_pages():
    """Serve static files as a node does: under the names that `collectstatic` gave them."""


def static(name):
    return staticfiles_storage.url(name)


def policy_of(answer):
    """Return what the policy of an answer allows from where."""
    words = [part.split() for part in answer.headers["Content-Security-Policy"].split(";")]
    return {name: set(places) for name, *places in words}


def refused(_client):
    """Send a form without the token of the session."""
    return Client(enforce_csrf_checks=True).post(SIGN_IN, {"login": "awa"})


ANSWERS = {
    "page": lambda client: client.get("/"),
    "page before the sign-in": lambda _client: Client().get(SIGN_IN),
    "way to the sign-in": lambda _client: Client().get("/"),
    "way back": lambda client: client.post("/preferences/", {"theme": "dark"}),
    "not found": lambda client: client.get("/nowhere/"),
    "refused form": refused,
    "wrong method": lambda client: client.get("/preferences/"),
    "wrong host": lambda client: client.get("/", headers={"host": "elsewhere.example"}),
    "refused exchange": lambda client: client.post(
        "/federation/exchange", b"x", content_type="application/octet-stream"
    ),
    "tile": lambda client: client.get("/tiles/0/0/0.pbf"),
    "geojson": lambda client: client.get("/incidents.geojson"),
    "style": lambda client: client.get(static("web/liptako.css")),
    "script": lambda client: client.get(static("web/vendor/map.js")),
    "icon": lambda client: client.get(static("web/icon.svg")),
    "no such file": lambda client: client.get("/static/web/nothing.css"),
}


@pytest.fixture(params=ANSWERS)
def answer(request, client, awa):
    """An answer of each kind."""
    found = ANSWERS[request.param](client)
    yield found
    found.close()


def test_every_kind_of_answer_allows_nothing_from_elsewhere_and_nothing_inline(answer):
    assert policy_of(answer) == POLICY


def test_no_answer_is_guessed_at_or_tells_others_where_one_was(answer):
    names = ("X-Content-Type-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy")
    said = [answer.headers.get(name) for name in names]
    assert said == ["nosniff", "same-origin", "same-origin"]


@pytest.mark.parametrize("kind", ["page", "page before the sign-in", "not found", "geojson"])
def test_no_page_is_shown_inside_another_one(client, awa, kind):
    assert ANSWERS[kind](client).headers["X-Frame-Options"] == "DENY"


@pytest.fixture
def signed_in(client, awa):
    """The cookies after a sign-in through the page and a choice of language and theme."""
    person, password = awa
    person.set_password(password)
    person.save()
    visitor = Client()
    visitor.get(SIGN_IN)
    visitor.post(SIGN_IN, {"login": person.username, "password": password})
    visitor.post("/preferences/", {"language": "en", "theme": "dark"})
    return visitor.cookies


def test_no_cookie_is_sent_along_from_another_site(signed_in, settings):
    named = {settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME, "theme"}
    assert named <= set(signed_in)
    assert [name for name, cookie in signed_in.items() if cookie["samesite"] != "Lax"] == []


def test_no_script_can_read_a_cookie(signed_in):
    assert [name for name, cookie in signed_in.items() if not cookie["httponly"]] == []


def test_a_sign_in_ends_with_the_browser_and_with_the_watch(signed_in, settings):
    assert signed_in[settings.SESSION_COOKIE_NAME]["max-age"] == ""
    assert settings.SESSION_COOKIE_AGE == 12 * 3600


def test_the_sign_in_has_a_new_session(client, awa):
    visitor = Client()
    visitor.get("/audit/")
    before = visitor.session.session_key
    visitor.force_login(awa[0])
    assert visitor.session.session_key not in {before, None}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_has_script_style_or_handler_inline(template):
    html = re.sub(r"{%.*?%}|{{.*?}}", "", template.read_text(encoding="utf-8"))
    assert INLINE.findall(html) == []


@pytest.mark.parametrize("file", [*TEMPLATES, *OWN], ids=lambda path: path.name)
def test_no_file_of_ours_names_another_host(file):
    text = file.read_text(encoding="utf-8").replace(SVG, "")
    assert OUTSIDE.findall(text) == []


def test_there_are_files_to_look_into():
    assert len(TEMPLATES) > 20
    assert {path.name for path in OWN} >= {"liptako.css", "icon.svg", "map.js"}


@pytest.mark.parametrize(
    "text", ["<p style='x'>", "<script>x", '<a onclick="x">', "<style>", "<a href='javascript:x'>"]
)
def test_what_is_inline_would_be_found(text):
    assert INLINE.search(text)


@pytest.mark.parametrize(
    "text", ["url(https://a.example/x)", 'src="//a.example/x"', "fetch('wss://a.example')"]
)
def test_another_host_would_be_found(text):
    assert OUTSIDE.search(text)


@pytest.fixture(params=[*PAGES, "account_login"])
def page(request, client, awa):
    """The text of each page as it is sent."""
    client = Client() if request.param == "account_login" else client
    answer = client.get(reverse(request.param))
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def test_no_page_has_anything_inline_or_from_another_host(page):
    assert (INLINE.findall(page), OUTSIDE.findall(page)) == ([], [])


def test_every_file_that_a_page_asks_for_has_its_fingerprint_in_its_name(page):
    asked = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
    assert len(asked) >= 3
    assert [url for url in asked if not re.search(r"\.[0-9a-f]{12}\.\w+$", url)] == []


def test_every_form_that_is_sent_has_the_token_of_the_session(page):
    forms = re.findall(r"<form[^>]*method=\"post\".*?</form>", page, re.DOTALL | re.IGNORECASE)
    assert len(forms) >= 2
    assert [form[:80] for form in forms if "csrfmiddlewaretoken" not in form] == []


@pytest.mark.parametrize("name", ["web/liptako.css", "web/icon.svg", "web/vendor/map.js"])
def test_a_file_with_a_fingerprint_may_be_kept_for_ever(client, name):
    answer = client.get(static(name))
    answer.close()
    kept = {part.strip() for part in answer.headers["Cache-Control"].split(",")}
    assert (answer.status_code, kept) == (200, {"max-age=315360000", "public", "immutable"})


def test_the_styles_ask_for_files_with_fingerprints(client):
    styles = client.get(static("web/liptako.css")).getvalue().decode()
    fonts = re.findall(r"url\([\"']?([^\"')]+)", styles)
    assert len(fonts) >= 1
    assert [url for url in fonts if not re.search(r"\.[0-9a-f]{12}\.woff2$", url)] == []


def test_a_file_outside_the_static_folder_is_not_served(client, node):
    for path in ("../secret", "%2e%2e/secret", "..%2fkeys/node.key", "/etc/passwd"):
        assert client.get(f"/static/{path}").status_code == 404


def test_a_host_that_is_not_ours_is_told_nothing(client, db):
    answer = client.get(SIGN_IN, headers={"host": "elsewhere.example"})
    assert (answer.status_code, b"elsewhere" in answer.content) == (400, False)


def test_htmx_neither_evaluates_nor_styles_nor_asks_others(client):
    (text,) = re.findall(r"name=\"htmx-config\" content='([^']+)'", page_text(client))
    assert dict(re.findall(r'"(\w+)":(\w+)', text)) == {
        "includeIndicatorStyles": "false",
        "allowEval": "false",
        "selfRequestsOnly": "true",
    }


def page_text(client):
    return client.get(SIGN_IN).content.decode()
