"""What templates say in one word: times and their age, names, places, addresses, bytes."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import timezone, translation

from liptako.web.templatetags import liptako as tags

LONG_AGO = datetime(2025, 7, 14, 16, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _in_english():
    """Let words be those of the sources, so that no test depends on a catalogue."""
    with translation.override("en"):
        yield


def shown(text, **context):
    """Return what a template shows."""
    return Template("{% load liptako %}" + text).render(Context(context))


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        ({"minutes": -1}, "in the future"),
        ({"seconds": 0}, "just now"),
        ({"seconds": 58}, "just now"),
        ({"seconds": 60}, "1 minute ago"),
        ({"minutes": 59, "seconds": 50}, "59 minutes ago"),
        ({"minutes": 60}, "1 hour ago"),
        ({"hours": 23, "minutes": 59}, "23 hours ago"),
        ({"hours": 24}, "1 day ago"),
        ({"days": 400}, "400 days ago"),
    ],
)
def test_an_age_is_told_in_the_largest_whole_unit(ago, words):
    moment = timezone.now() - timedelta(**ago)
    assert shown("{{ moment|age }}", moment=moment) == words


@pytest.mark.parametrize("zone", ["UTC", "Africa/Bamako"])
def test_where_the_clocks_show_utc_a_time_stands_once_with_z(zone):
    assert shown("{% when moment %}", moment=LONG_AGO, zone=ZoneInfo(zone)) == (
        '<time datetime="2025-07-14T16:05:00+00:00">14 July 2025, 16:05Z</time>'
    )


def test_elsewhere_the_time_of_the_walls_comes_first_and_utc_behind_it():
    moment = LONG_AGO.replace(hour=23)
    assert shown("{% when moment %}", moment=moment, zone=ZoneInfo("Africa/Niamey")) == (
        '<time datetime="2025-07-14T23:05:00+00:00">15 July 2025, 00:05 (23:05Z)</time>'
    )


def test_a_page_without_a_zone_shows_utc_whatever_zone_the_moment_has():
    moment = LONG_AGO.astimezone(ZoneInfo("Africa/Niamey"))
    assert "14 July 2025, 16:05Z<" in shown("{% when moment %}", moment=moment)


def test_no_moment_is_a_dash():
    assert shown("{% when moment %}", moment=None) == "—"


def test_a_time_of_late_has_its_age_beside_it():
    moment = timezone.now() - timedelta(hours=2)
    assert shown("{% when moment %}", moment=moment).count(">2 hours ago<") == 1


def test_after_sixty_days_an_age_says_little_and_is_left_out():
    young, old = (timezone.now() - timedelta(days=days) for days in (59, 61))
    seen = [" ago" in shown("{% when moment %}", moment=moment) for moment in (young, old)]
    assert seen == [True, False]


def test_a_short_time_has_no_age():
    moment = timezone.now() - timedelta(hours=2)
    assert " ago" not in shown('{% when moment "short" %}', moment=moment)


@pytest.mark.parametrize(("code", "name"), [("NE", "Niger"), ("TG", "TG")])
def test_a_member_is_called_by_its_name_and_a_stranger_by_its_code(code, name):
    assert shown("{% member code %}", code=code, member_names={"NE": "Niger"}) == name


def test_a_member_is_called_by_its_code_where_no_names_are_known():
    assert shown("{% member 'NE' %}") == "NE"


def test_a_name_is_no_markup():
    names = {"NE": "<b>Niger</b>"}
    assert shown("{% member 'NE' %}", member_names=names) == "&lt;b&gt;Niger&lt;/b&gt;"


@pytest.mark.parametrize(("code", "title"), [("quart", "Watch"), ("audit", "audit")])
def test_an_office_is_called_by_its_title_else_by_its_code(code, title):
    titles = {"quart": {"fr": "Quart", "en": "Watch"}}
    assert shown("{% office_title code %}", code=code, office_titles=titles) == title


def test_an_office_is_called_by_its_code_where_no_titles_are_known():
    assert shown("{% office_title 'quart' %}") == "quart"


@pytest.mark.parametrize(
    ("tag", "address"),
    [
        ("{% query page=3 %}", "?text=L%26L&amp;kind=flood&amp;kind=attack&amp;page=3"),
        ("{% query page='' %}", "?text=L%26L&amp;kind=flood&amp;kind=attack"),
        ("{% query page=nothing kind=nothing %}", "?text=L%26L"),
        ("{% query kind='needs' page=nothing %}", "?text=L%26L&amp;kind=needs"),
    ],
)
def test_a_query_keeps_what_it_does_not_change(tag, address):
    request = RequestFactory().get("/?text=L%26L&kind=flood&page=2&kind=attack")
    assert shown(tag, request=request, nothing=None) == address


def test_a_query_leaves_the_request_as_it_was():
    request = RequestFactory().get("/?page=2")
    shown("{% query page=3 %}", request=request)
    assert request.GET.dict() == {"page": "2"}


@pytest.mark.parametrize(("key", "value"), [("a", "1"), ("b", "None")])
def test_a_table_gives_what_it_holds(key, value):
    assert shown("{{ table|get:key }}", table={"a": 1}, key=key) == value


@pytest.mark.parametrize(
    ("micro", "axis", "words"),
    [
        (14_350_000, "lat", "14.3500° N"),
        (-238_000, "lon", "0.2380° W"),
        (-33_856_784, "lat", "33.8568° S"),
        (179_999_999, "lon", "180.0000° E"),
        (0, "lat", "0.0000° N"),
    ],
)
def test_a_coordinate_is_shown_in_degrees_with_its_letter(micro, axis, words):
    assert tags.degrees(micro, axis) == words


def test_a_coordinate_has_the_decimal_sign_of_the_language():
    with translation.override("fr"):
        assert tags.degrees(14_350_000, "lat") == "14,3500° N"


@pytest.mark.parametrize(
    ("metres", "words"),
    [(0, "0 m"), (999, "999 m"), (1000, "1 km"), (6_600, "7 km"), (25_000, "25 km")],
)
def test_a_distance_is_said_in_metres_or_kilometres(metres, words):
    assert shown("{{ metres|distance }}", metres=metres) == words.replace(" ", "\N{NO-BREAK SPACE}")


def test_a_label_has_a_colon_and_is_no_markup():
    assert shown("{{ word|labelled }}", word="<b>") == "&lt;b&gt;:"


@pytest.mark.parametrize("kind", [bytes, memoryview, bytearray])
def test_bytes_are_shown_as_hexadecimal_digits(kind):
    assert shown("{{ data|hex }}", data=kind(b"\x00\xfe\x10")) == "00fe10"


@pytest.mark.parametrize(
    ("language", "names", "name"),
    [
        ("en", {"fr": "Quart", "en": "Watch"}, "Watch"),
        ("en-gb", {"fr": "Quart", "en": "Watch"}, "Watch"),
        ("fr", {"en": "Watch"}, "Watch"),
        ("fr", {"fr": "", "en": "Watch"}, "Watch"),
        ("fr", {}, "quart"),
    ],
)
def test_a_name_is_in_the_language_of_the_person_else_in_another(language, names, name):
    with translation.override(language):
        assert shown("{{ names|named:'quart' }}", names=names) == name


def test_a_reason_is_told_with_its_parameters_and_is_no_markup():
    reason = {"template": "expected %(limit)d, got %(got)s", "params": {"limit": 3, "got": "<b>"}}
    assert shown("{% reason template params %}", **reason) == "expected 3, got &lt;b&gt;"


def test_a_reason_without_parameters_may_hold_a_percent_sign():
    assert shown("{% reason template params %}", template="at 5 %", params={}) == "at 5 %"
