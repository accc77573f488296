"""What the tests of web ask for: pages without collected files, somebody who signed in."""

import pytest

from liptako.members import actions
from liptako.members.records import Office, Role


@pytest.fixture(autouse=True)
def plain_pages(settings):
    """Serve static files by their own names."""
    settings.STATIC_ROOT.mkdir(exist_ok=True)
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }


@pytest.fixture
def in_english(client, settings):
    """Show pages in the language of the sources, so that no test depends on a catalogue."""
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"


@pytest.fixture
def awa(client, node, db):
    """Somebody in an office with every role, signed in on `client`; returns person and password."""
    office = Office(code="bureau", titles={"fr": "Bureau"}, roles=tuple(Role))
    actions.set_office(node, None, office)
    made, password = actions.add_person(
        node, None, username="awa", name="Awa Traoré", offices=["bureau"]
    )
    made.must_change_password = False
    made.save()
    client.force_login(made)
    return made, password
