"""Long lists: which page an address shows, and how the page leads to the others."""

import re
from urllib.parse import parse_qs

import pytest
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils import translation

from liptako.members.models import Person
from liptako.web.paging import PAGE_SIZE, page_of

pytestmark = pytest.mark.django_db


def people(count):
    """Make people p000, p001 … and return the query of all in that order."""
    names = [f"p{number:03}" for number in range(count)]
    Person.objects.bulk_create(Person(username=name, code=name) for name in names)
    return Person.objects.order_by("username")


def asked(query=""):
    return RequestFactory().get(f"/people/{query}")


def pager(query, count, size):
    """Return the words of the pager in English, and where its links lead."""
    request = asked(query)
    context = {"page": page_of(request, people(count), size)}
    with translation.override("en"):
        html = render_to_string("web/_pager.html", context, request)
    links = re.findall(r'href="\?([^"]*)" rel="(\w+)"', html)
    words = " ".join(re.sub(r"<[^>]+>", "", html).split())
    return words, {rel: parse_qs(link.replace("&amp;", "&")) for link, rel in links}


def test_a_page_holds_fifty_rows_in_their_order():
    page = page_of(asked(), people(PAGE_SIZE + 1))
    names = [f"p{number:03}" for number in range(50)]
    assert ([row.username for row in page], page.paginator.count) == (names, 51)


def test_the_last_page_holds_the_rest():
    page = page_of(asked("?page=2"), people(PAGE_SIZE + 1))
    assert [row.username for row in page] == ["p050"]


def test_a_page_may_have_another_size():
    page = page_of(asked("?page=2"), people(5), 2)
    assert ([row.username for row in page], page.paginator.num_pages) == (["p002", "p003"], 3)


@pytest.mark.parametrize(
    ("wanted", "shown"),
    [("", 1), ("x", 1), ("%00", 1), ("1.5", 1), ("0", 3), ("-1", 3), ("4", 3), ("9" * 400, 3)],
)
def test_a_number_out_of_range_shows_the_nearest_page(wanted, shown):
    assert page_of(asked(f"?page={wanted}"), people(5), 2).number == shown


def test_an_empty_list_has_one_empty_page():
    page = page_of(asked("?page=7"), people(0))
    assert (list(page), page.number, page.paginator.num_pages) == ([], 1, 1)


def test_one_page_needs_no_links():
    assert pager("", 2, 2) == ("2 entries", {})


def test_one_entry_is_counted_in_the_singular():
    assert pager("", 1, 2) == ("1 entry", {})


def test_the_first_page_leads_to_older_entries_only():
    words, links = pager("", 3, 2)
    assert words.startswith("3 entries · page 1 of 2")
    assert links == {"next": {"page": ["2"]}}


def test_a_page_in_the_middle_leads_both_ways_and_keeps_the_filter():
    _, links = pager("?kind=flood&text=L%26L&page=2", 5, 2)
    kept = {"kind": ["flood"], "text": ["L&L"]}
    assert links == {"prev": kept | {"page": ["1"]}, "next": kept | {"page": ["3"]}}


def test_a_large_number_is_grouped_as_its_language_does():
    assert pager("", 1001, 1000)[0].startswith("1,001 entries")
