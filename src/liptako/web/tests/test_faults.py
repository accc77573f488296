"""Errors as answers: which status, which words, and that nothing typed is lost or given away."""

import errno
import re
import sqlite3
from copy import deepcopy

import pytest
from django.db import OperationalError, connection, connections
from django.db.utils import load_backend
from django.http import HttpResponse
from django.test import Client
from django.urls import include, path

from liptako.core import errors
from liptako.ledger.models import Entry
from liptako.web import faults

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
MESSAGE = "expected %(limit)d <b>, got %(got)s"
PARAMS = {"limit": 3, "got": "four"}
KINDS = {
    "MalformedError": 400,
    "VerificationError": 422,
    "PinError": 422,
    "RefusedError": 409,
    "NotAllowedError": 403,
    "NetworkError": 502,
    "StorageError": 507,
    "SettingError": 500,
    "LiptakoError": 500,
    "CutError": 400,
    "GapError": 422,
    "UnderWayError": 409,
}
TYPED = {
    "text": "Convoi attendu à Gao",
    "password": "secret-one",
    "oldpassword": "secret-two",
    "password1": "secret-three",
    "credential": "secret-four",
    "code": "secret-five",
    "csrfmiddlewaretoken": "secret-six",
    "empty": "  ",
}


def fail(request, kind):
    """Fail with an error of ours, or with one of the program."""
    if kind == "broken":
        raise ZeroDivisionError
    if kind == "full":
        raise OSError(errno.ENOSPC, "No space left on device")
    if kind == "database":
        raise OperationalError("something that nobody foresaw")
    raise getattr(errors, kind)(MESSAGE, **PARAMS)


urlpatterns = [path("fail/<slug:kind>/", fail), path("", include("liptako.urls"))]
handler404 = "liptako.web.faults.not_found"
handler500 = "liptako.web.faults.broken"


def words(answer):
    """Return title, message and what had been typed, as the page shows them."""
    page = answer.content.decode()
    title = re.findall("<h1>(.*?)</h1>", page)
    message = re.findall('role="alert">(.*?)<', page)
    return [*title, *message], re.findall(r'<dt>(\w+)</dt><dd class="pre">(.*?)</dd>', page)


@pytest.fixture
def browser(client, awa, in_english):
    """A browser in which somebody signed in; it shows faults of the program as people see them."""
    client.raise_request_exception = False
    return client


def test_every_kind_of_error_has_a_status():
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type)}
    assert {kind.__name__: faults.status_of(kind("x")) for kind in kinds} == KINDS


def test_an_error_of_a_later_kind_has_the_status_of_the_nearest_one():
    later = type("LaterError", (errors.RefusedError,), {})
    assert faults.status_of(later("x")) == 409


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_becomes_a_page_with_its_status_and_its_words(browser, kind):
    answer = browser.get(f"/fail/{kind}/")
    assert answer.status_code == KINDS[kind]
    assert words(answer)[0][1:] == ["expected 3 &lt;b&gt;, got four"]
    assert answer.headers["Content-Security-Policy"]


def test_the_title_says_what_became_of_the_request(browser):
    titles = {
        kind: words(browser.get(f"/fail/{kind}/"))[0][0]
        for kind in ("NotAllowedError", "StorageError", "SettingError", "RefusedError")
    }
    assert titles == {
        "NotAllowedError": "Not allowed",
        "StorageError": "Not saved",
        "SettingError": "Something went wrong",
        "RefusedError": "This could not be done",
    }


@pytest.mark.parametrize("kind", ["RefusedError", "StorageError", "broken"])
def test_what_was_typed_is_shown_again_and_no_secret(browser, kind):
    answer = browser.post(f"/fail/{kind}/", TYPED)
    assert words(answer)[1] == [("text", "Convoi attendu à Gao")]
    assert "secret-" not in answer.content.decode()


def test_what_was_typed_into_a_form_with_a_file_is_shown_again_too(browser, tmp_path):
    (tmp_path / "bundle").write_bytes(b"bytes")
    with (tmp_path / "bundle").open("rb") as file:
        answer = browser.post("/fail/RefusedError/", {"text": ["a", "<b>"], "file": file})
    assert words(answer)[1] == [("text", "a"), ("text", "&lt;b&gt;")]


def test_a_very_long_text_is_shown_up_to_20_000_characters(browser):
    answer = browser.post("/fail/RefusedError/", {"text": "é" * 20_001})
    assert words(answer)[1] == [("text", "é" * 20_000)]


def test_bytes_that_are_no_form_are_not_shown(browser):
    answer = browser.post("/fail/RefusedError/", b"text=typed", content_type="text/plain")
    assert (answer.status_code, words(answer)[1]) == (409, [])


def test_the_address_is_not_what_was_typed(browser):
    assert words(browser.get("/fail/RefusedError/?text=typed"))[1] == []


@pytest.mark.parametrize("kind", ["broken", "database"])
def test_a_fault_of_the_program_is_a_page_that_tells_nothing_of_it(browser, kind):
    answer = browser.get(f"/fail/{kind}/")
    message = "This is a fault of the program. It was written to the node&#x27;s log."
    assert (answer.status_code, words(answer)[0]) == (500, ["Something went wrong", message])
    assert "foresaw" not in answer.content.decode()


def test_an_address_that_leads_nowhere_is_a_page(browser):
    answer = browser.get("/nowhere/")
    message = "There is nothing at this address, or not for you."
    assert (answer.status_code, words(answer)[0]) == (404, ["Not found", message])


def test_an_error_is_told_in_the_language_of_the_person(client, awa, settings):
    answer = client.get("/fail/RefusedError/")
    assert b'<html lang="fr">' in answer.content
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
    assert b'<html lang="en">' in client.get("/fail/RefusedError/").content


class Refuse:
    """A middleware that fails."""

    def __init__(self, _get_response):
        pass

    def __call__(self, request):
        fail(request, request.path.strip("/"))


@pytest.mark.parametrize(
    ("kind", "status"), [("RefusedError", 409), ("database", 500), ("broken", 500)]
)
def test_an_error_of_another_middleware_becomes_a_page_too(browser, settings, kind, status):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.Refuse"]
    answer = browser.get(f"/{kind}/")
    assert (answer.status_code, b"foresaw" in answer.content) == (status, False)
    assert words(answer)[0]


def test_an_error_that_is_not_ours_is_left_to_django(rf):
    middleware = faults.FaultMiddleware(lambda _request: HttpResponse())
    assert middleware.process_exception(rf.get("/"), ZeroDivisionError()) is None


def test_what_is_sent_after_the_session_has_ended_is_shown_again(client, in_english, db):
    answer = client.post("/journal/", TYPED)
    assert (answer.status_code, words(answer)[1]) == (403, [("text", "Convoi attendu à Gao")])
    assert "sign in again" in words(answer)[0][1]


def test_somebody_who_only_looks_is_asked_to_sign_in(client, db):
    assert client.get("/journal/")["Location"] == "/account/sign-in/?next=/journal/"


def test_a_form_that_is_too_old_is_shown_again(awa, settings):
    strict = Client(enforce_csrf_checks=True)
    strict.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
    strict.force_login(awa[0])
    answer = strict.post("/offices/", TYPED)
    assert (answer.status_code, words(answer)[1]) == (403, [("text", "Convoi attendu à Gao")])
    assert "too old" in words(answer)[0][1]


SAID = {
    "database or disk is full": "full",
    "disk I/O error": "full",
    'could not extend file "x": No space left on device': "full",
    "database is locked": "busy",
    "database table is locked": "busy",
    "canceling statement due to lock timeout": "busy",
    "attempt to write a readonly database": "cannot be written to",
    "cannot execute INSERT in a read-only transaction": "cannot be written to",
    "connection failed: Connection refused": "cannot be reached",
    "server closed the connection unexpectedly": "cannot be reached",
    "unable to open database file": "cannot be reached",
}


def test_a_full_disk_that_is_not_the_database_s_is_told_as_well(browser):
    answer = browser.post("/fail/full/", TYPED)
    assert answer.status_code == 507
    assert "Convoi attendu à Gao" in answer.content.decode()


@pytest.mark.parametrize("said", SAID)
def test_what_a_database_says_becomes_a_sentence(said):
    assert SAID[said] in str(faults.storage_error(OperationalError(said)))


@pytest.mark.parametrize(
    ("state", "meaning"),
    [
        ("53100", "full"),
        ("55P03", "busy"),
        ("40P01", "busy"),
        ("25006", "cannot be written to"),
        ("57P01", "cannot be reached"),
        ("08006", "cannot be reached"),
        ("42P01", "None"),
    ],
)
def test_a_server_that_speaks_french_is_understood_by_its_code(state, meaning):
    error = OperationalError("quelque chose ne va pas")
    error.__cause__ = type("ServerError", (Exception,), {"sqlstate": state})()
    assert meaning in str(faults.storage_error(error))


OFFICE = {"code": "quart", "title_fr": "Quart de nuit"}


def make_read_only(vendor):
    connection.check_constraints()  # what was written before is checked while that is still allowed
    with connection.cursor() as cursor:
        read_only = {
            "sqlite": "PRAGMA query_only = ON",
            "postgresql": "SET LOCAL transaction_read_only = on",
        }
        cursor.execute(read_only[vendor])


@pytest.fixture
def _read_only(awa):
    """Let the database refuse to be written to, as on a disk that was remounted or a standby."""
    make_read_only(connection.vendor)
    yield
    if connection.vendor == "sqlite":
        connection.cursor().execute("PRAGMA query_only = OFF")


@pytest.mark.usefixtures("_read_only")
def test_a_database_that_cannot_be_written_to_loses_nothing(browser):
    answer = browser.post("/offices/", OFFICE)
    message = "the database cannot be written to: tell the administrator"
    assert (answer.status_code, words(answer)[0]) == (507, ["Not saved", message])
    assert words(answer)[1] == [("title_fr", "Quart de nuit")]


@pytest.fixture
def _full_disk(awa):
    """Let the database be as large as it may ever be."""
    if connection.vendor != "sqlite":
        pytest.skip("a server's disk cannot be filled from here")
    cursor = connection.cursor()
    pages = cursor.execute("PRAGMA page_count").fetchone()[0]
    cursor.execute(f"PRAGMA max_page_count = {pages}")
    yield
    cursor.execute(f"PRAGMA max_page_count = {2**30}")


@pytest.mark.django_db(transaction=True)  # a full disk takes the whole transaction back
@pytest.mark.usefixtures("_full_disk")
def test_a_full_disk_loses_nothing(browser):
    before = Entry.objects.count()
    answer = browser.post("/mandates/", {"text": "x" * 9000} | OFFICE)
    assert answer.status_code == 422  # the form is wrong; nothing was written yet
    titles = {"title_fr": "Quart de nuit", "title_en": "x" * 120}
    for number in range(60):
        answer = browser.post("/offices/", titles | {"code": f"quart-{number}"})
        if answer.status_code != 302:
            break
    assert (answer.status_code, words(answer)[1][0]) == (507, ("title_fr", "Quart de nuit"))
    assert words(answer)[0][1].startswith("the disk of this node is full: nothing was saved")
    assert Entry.objects.count() == before + 2 * number  # each with its line in the audit trail


@pytest.fixture
def _no_database(awa):
    """Let the database be one that cannot be reached."""
    settings = deepcopy(connections.settings["default"])
    settings |= {"NAME": "/nowhere/at/all.sqlite3", "HOST": "127.0.0.1", "PORT": "1"}
    real = connections["default"]
    connections["default"] = load_backend(settings["ENGINE"]).DatabaseWrapper(settings, "default")
    yield
    connections["default"] = real


@pytest.mark.parametrize("address", ["/", "/fail/RefusedError/", "/account/sign-in/"])
@pytest.mark.usefixtures("_no_database")
def test_without_a_database_there_is_still_a_page(browser, address):
    answer = browser.post(address, {"text": "Convoi attendu à Gao"})
    message = "the database cannot be reached: tell the administrator"
    assert (answer.status_code, words(answer)[0]) == (507, ["Not saved", message])
    assert words(answer)[1] == [("text", "Convoi attendu à Gao")]
    assert answer.headers["Content-Security-Policy"]


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_busy_loses_nothing(browser):
    if connection.vendor != "sqlite":
        pytest.skip("a server waits as long as its own setting says")
    name = connection.settings_dict["NAME"]
    other = sqlite3.connect(name, uri=True, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("UPDATE ledger_counter SET position = position")
    try:
        answer = browser.post("/offices/", OFFICE)
    finally:
        other.execute("ROLLBACK")
        other.close()
    assert (answer.status_code, words(answer)[1]) == (507, [("title_fr", "Quart de nuit")])
    assert words(answer)[0][1].startswith("the database was busy for too long")
