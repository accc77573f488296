"""What the tests of these pages ask for: pages without collected files, offices, people."""

import pytest

from liptako.members import actions, queries
from liptako.members.records import Office


@pytest.fixture(autouse=True)
def plain_pages(settings):
    """Serve static files by their own names."""
    settings.STATIC_ROOT.mkdir(exist_ok=True)
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }


@pytest.fixture
def office(node, db):
    """Return a maker of offices: `office("permanence", "watch_officer")`."""

    def make(code, *roles, **changes):
        titles = {"fr": f"Bureau {code}"}
        payload = Office(**({"code": code, "titles": titles, "roles": roles} | changes))
        actions.set_office(node, None, payload)

    return make


@pytest.fixture
def person(node, db):
    """Return a maker of people who have signed in before: `person("awa", "permanence")`."""

    def make(username, *offices, name="Awa Traoré"):
        made, _ = actions.add_person(node, None, username=username, name=name, offices=offices)
        made.must_change_password = False
        made.save()
        return made

    return make


@pytest.fixture
def acting(client, office, person, settings):
    """Return a maker of browsers: `acting("auditor")` acts in an office with these roles.

    Its pages are in English, the language of the sources, so that no test depends on a catalogue.
    """
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"

    def sign_in(*roles):
        office("bureau", *roles)
        who = queries.people().filter(username="chef").first()
        client.force_login(who or person("chef", "bureau", name="Zoé Chef"))
        return client

    return sign_in
