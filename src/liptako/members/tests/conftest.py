"""What the tests of members ask for: pages without collected files, offices, people."""

import pytest
from django.core.cache import cache

from liptako.members import actions
from liptako.members.records import Office

PASSWORD = "une phrase assez longue"  # noqa: S105 (of people who exist in tests only)


@pytest.fixture(autouse=True)
def plain_pages(settings):
    """Serve static files by their own names, and forget how often somebody tried to sign in."""
    settings.STATIC_ROOT.mkdir(exist_ok=True)
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    cache.clear()


@pytest.fixture
def password():
    """The password of every person whom a test makes."""
    return PASSWORD


@pytest.fixture
def office(node, db):
    """Return a maker of offices: `office("permanence", "watch_officer")`."""

    def make(code, *roles, **changes):
        titles = {"fr": f"Bureau {code}"}
        actions.set_office(
            node, None, Office(**({"code": code, "titles": titles, "roles": roles} | changes))
        )

    return make


@pytest.fixture
def person(node, db):
    """Return a maker of people with a password of their own: `person("awa", "permanence")`."""

    def make(username, *offices, name="Awa Traoré"):
        made, _ = actions.add_person(node, None, username=username, name=name, offices=offices)
        made.set_password(PASSWORD)
        made.must_change_password = False
        made.save()
        return made

    return make
