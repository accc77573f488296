"""The page of the roster, and the feed that calendars of others read."""

import re
import subprocess
import sys
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from icalendar import Calendar

from liptako.members.models import AuditEvent, Duty

pytestmark = pytest.mark.django_db
TOMORROW = (timezone.now() + timedelta(days=1)).replace(hour=6, minute=0, second=0, microsecond=0)


def wall(moment):
    """Return a moment as a browser sends it: Mali's clock shows UTC."""
    return moment.strftime("%Y-%m-%dT%H:%M")


def order(**changes):
    """Return a form with a turn of tomorrow morning."""
    fields = {
        "plan": "1",
        "begins": wall(TOMORROW),
        "ends": wall(TOMORROW + timedelta(hours=8)),
        "times": "1",
        "note": "Jour",
    }
    return fields | changes


@pytest.fixture
def desk_page(sign_in):
    """Return a browser at the desk, and the code of its person."""
    browser = sign_in("permanence")
    page = browser.get("/watch/roster/").content.decode()
    return browser, re.search(r'<option value="([0-9a-z]{13})"', page)[1]


def plan(browser, person, **changes):
    """Plan turns; return the page that comes of it."""
    return browser.post("/watch/roster/", order(person=person, **changes), follow=True)


def test_a_roster_without_turns_says_so(desk_page):
    browser, _ = desk_page
    assert "No turn is planned." in browser.get("/watch/roster/").content.decode()


def test_turns_are_planned_every_day_at_the_same_hour_and_cancelled(desk_page):
    browser, person = desk_page
    page = plan(browser, person, repeat="1", times="3").content.decode()
    assert "3 turns are planned." in page
    begins = list(Duty.objects.order_by("begins").values_list("begins", flat=True))
    assert begins == [TOMORROW + timedelta(days=number) for number in range(3)]
    assert page.count("Awa Test") >= 3
    name = Duty.objects.order_by("begins").first().object
    page = browser.post("/watch/roster/", {"cancel": name}, follow=True).content.decode()
    assert "The turn is cancelled." in page
    assert Duty.objects.filter(cancelled=False).count() == 2
    assert browser.post("/watch/roster/", {"cancel": name}).status_code == 409


def test_what_is_typed_wrong_is_kept_and_told(desk_page):
    browser, person = desk_page
    plan(browser, person)
    answer = plan(browser, person, note="Encore")
    assert answer.status_code == 422
    assert "there is a turn already from" in answer.content.decode()
    assert "Encore" in answer.content.decode()
    assert plan(browser, person, ends=wall(TOMORROW)).status_code == 422
    far = {"begins": "9999-12-30T08:00", "ends": "9999-12-30T16:00", "repeat": "1", "times": "120"}
    assert plan(browser, person, **far).status_code == 422
    assert plan(browser, person, begins="1960-01-01T08:00").status_code == 422
    assert plan(browser, "0000000000009").status_code == 422
    assert Duty.objects.count() == 1


def test_the_watch_is_due_when_the_turn_ends(desk_page):
    browser, person = desk_page
    begins = (timezone.now() - timedelta(hours=1)).replace(second=0, microsecond=0)
    ends = wall(begins + timedelta(hours=5))
    plan(browser, person, begins=wall(begins), ends=ends)
    assert f'value="{ends}"' in browser.get("/watch/").content.decode()


def address_of(browser):
    """Make an address for a calendar; return its path."""
    page = browser.post("/watch/roster/", {"subscribe": "1"}, follow=True).content.decode()
    return re.search(r"<code>https?://[^/]+(/watch/roster/[0-9a-f]{40}\.ics)</code>", page)[1]


def test_the_address_for_a_calendar_is_shown_once_and_opens_without_signing_in(desk_page):
    browser, person = desk_page
    plan(browser, person)
    address = address_of(browser)
    assert address not in browser.get("/watch/roster/").content.decode()
    answer = Client().get(address)
    (event,) = Calendar.from_ical(answer.content).events
    assert (event.start, event.end, str(event["description"])) == (
        TOMORROW, TOMORROW + timedelta(hours=8), "Jour"
    )  # fmt: skip
    assert "Officier de permanence" in str(event["summary"])
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer["Cache-Control"] == "private, no-store"
    assert b"Awa" not in answer.content


def test_no_other_address_opens_a_roster(desk_page):
    browser, _ = desk_page
    first = address_of(browser)
    assert Client().get(f"/watch/roster/{'0' * 40}.ics").status_code == 404
    address_of(browser)
    assert Client().get(first).status_code == 404
    assert Client().post(first).status_code == 405


def test_a_cancelled_turn_leaves_the_calendar(desk_page):
    browser, person = desk_page
    plan(browser, person, repeat="7", times="2")
    browser.post("/watch/roster/", {"cancel": Duty.objects.order_by("begins").first().object})
    assert len(Calendar.from_ical(Client().get(address_of(browser)).content).events) == 1


def test_a_calendar_that_others_wrote_reads_the_roster(desk_page, tmp_path):
    browser, person = desk_page
    plan(browser, person, repeat="1", times="2")
    feed, config = tmp_path / "quart.ics", tmp_path / "config"
    feed.write_bytes(Client().get(address_of(browser)).content)
    config.write_text(
        f"[calendars]\n[[quart]]\npath = {tmp_path}/calendar\ntype = calendar\n"
        f"[sqlite]\npath = {tmp_path}/khal.db\n"
        "[locale]\ntimeformat = %H:%M\ndateformat = %Y-%m-%d\nlongdateformat = %Y-%m-%d\n"
        "datetimeformat = %Y-%m-%d %H:%M\nlongdatetimeformat = %Y-%m-%d %H:%M\n"
        "local_timezone = Africa/Bamako\ndefault_timezone = Africa/Bamako\n"
        "[default]\ndefault_calendar = quart\n"
    )
    (tmp_path / "calendar").mkdir()
    khal(config, "import", "--batch", str(feed))
    day = datetime.now().astimezone().strftime("%Y-%m-%d")
    said = khal(config, "list", "--format", "{start}|{end}|{title}", "--day-format", "", day, "4d")
    lines = [line.split("|") for line in said.splitlines() if "|" in line]
    assert [line[:2] for line in lines] == [
        [
            f"{TOMORROW + timedelta(days=number):%Y-%m-%d %H:%M}",
            f"{TOMORROW + timedelta(days=number, hours=8):%Y-%m-%d %H:%M}",
        ]
        for number in range(2)
    ]
    assert all("Officier de permanence" in line[2] for line in lines)


def khal(config, *words):
    """Run khal; return what it said."""
    command = [sys.executable, "-m", "khal", "--config", str(config), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 (ours)
    return done.stdout


@pytest.mark.parametrize("office", ["diffusion", "planification", "audit", "administration"])
def test_an_office_without_a_watch_has_no_such_page(sign_in, office):
    browser = sign_in(office)
    answers = browser.get("/watch/roster/"), browser.post("/watch/roster/")
    assert [answer.status_code for answer in answers] == [403, 403]


def test_an_address_that_was_ended_opens_nothing(desk_page):
    browser, _person = desk_page
    assert "End the address" not in browser.get("/watch/roster/").content.decode()
    address = address_of(browser)
    assert "End the address" in browser.get("/watch/roster/").content.decode()
    page = browser.post("/watch/roster/", {"unsubscribe": "1"}, follow=True).content.decode()
    assert "no calendar reads the roster by it" in page
    assert Client().get(address).status_code == 404
    again = browser.post("/watch/roster/", {"unsubscribe": "1"})
    assert again.status_code == 409
    events = AuditEvent.objects.filter(event__startswith="roster.").order_by("at", "event")
    assert list(events.values_list("event", flat=True)) == [
        "roster.subscribe", "roster.unsubscribe",
    ]  # fmt: skip
