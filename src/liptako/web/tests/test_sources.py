"""Credits: each source with its licence and its caveat, and which data a node runs on."""

import csv
import re
from html import unescape

import pytest
from django.conf import settings as django_settings
from django.utils import translation

from liptako.core.errors import MalformedError
from liptako.web import basemap, sources
from liptako.web.sources import Source, Sources, read_sources, write_sources

ALL = [value for value in vars(sources).values() if isinstance(value, Source)]
FROM_DATA = Sources(complete=True, sources=(sources.NATURAL_EARTH, sources.AREAS, sources.INSIGHT))
FROM_OUTLINES = Sources(complete=False, sources=(sources.WORLD_ATLAS, sources.GEONAMES))
NO_MAP, OUTLINES = "No base map was built on this node", "runs on the outlines that come with"


@pytest.fixture
def set_up(node, db):
    """Return a maker of what the node of the pages was set up with: its sources and a map."""
    paths = [node.home / name for name in (sources.FILE, basemap.FILE)]

    def write(found, *, built=True):
        write_sources(node.home, found)
        if built:
            paths[1].write_bytes(b"SQLite format 3\x00")

    yield write
    for path in paths:
        path.unlink(missing_ok=True)


def rows_of(answer):
    """Return the cells of each row of the page."""
    rows = re.findall(r"<tr>(<td data-label.*?)</tr>", answer.content.decode(), re.DOTALL)
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL) for row in rows]
    return [tuple(unescape(cell) for cell in row) for row in cells]


def expected(found):
    return [(s.name, s.use, s.credit, s.licence, s.caveat) for s in found.sources]


def said(answer):
    """Return which of the two warnings the page gives."""
    page = answer.content.decode()
    return [text for text in (NO_MAP, OUTLINES) if text in page]


@pytest.mark.parametrize("found", [FROM_DATA, FROM_OUTLINES, Sources(complete=True, sources=())])
def test_what_is_written_down_is_read_again(tmp_path, found):
    write_sources(tmp_path, found)
    assert read_sources(tmp_path) == found


def test_a_node_without_a_map_has_no_sources(tmp_path):
    assert read_sources(tmp_path) == Sources(complete=False, sources=())


@pytest.mark.parametrize("text", [b"", b"[]", b"\xff", b'{"complete":true}', b'{"complete":1}'])
def test_sources_that_cannot_be_read_are_named(tmp_path, text):
    (tmp_path / sources.FILE).write_bytes(text)
    with pytest.raises(MalformedError) as caught:
        read_sources(tmp_path)
    assert str(caught.value) == "sources.json is damaged: build the map again"


def test_every_source_names_whom_to_credit_and_its_licence():
    assert len(ALL) == 5
    assert [source for source in ALL if not (source.use and source.credit and source.licence)] == []


@pytest.mark.parametrize("source", ALL, ids=lambda source: source.name)
def test_what_a_source_is_used_for_is_said_in_french_too(source):
    texts = [text for text in (source.use, source.caveat) if text]
    with translation.override("fr"):
        assert [text for text in texts if translation.gettext(text) == text] == []


def test_the_number_of_published_incidents_is_that_of_the_data_folder():
    data = django_settings.LIPTAKO.data
    if data is None:
        pytest.skip("the public data folder is not here")
    with (data / "incidents" / "insecurity_insight_sahel.csv").open(encoding="utf-8") as table:
        count = len(list(csv.DictReader(table)))
    assert sources.INSIGHT.use == f"{count} past published incidents"


@pytest.mark.parametrize(
    ("found", "warnings"), [(FROM_DATA, []), (FROM_OUTLINES, [OUTLINES])], ids=["data", "outlines"]
)
def test_the_page_credits_each_source_and_says_what_the_node_runs_on(
    client, set_up, in_english, found, warnings
):
    set_up(found)
    page = client.get("/sources/")
    assert (rows_of(page), said(page)) == (expected(found), warnings)


def test_the_page_says_that_no_map_was_built(client, set_up, in_english):
    set_up(Sources(complete=False, sources=()), built=False)
    page = client.get("/sources/")
    assert (page.status_code, rows_of(page), said(page)) == (200, [], [NO_MAP])


def test_the_page_takes_no_position_on_borders_and_claims_nothing_live(client, set_up, in_english):
    set_up(FROM_DATA)
    page = client.get("/sources/").content.decode()
    assert "Nothing of it is live. Borders are drawn without legal effect" in page


def test_a_credit_is_no_markup(client, set_up, in_english):
    source = Source(name="<b>", use="towns", credit="<i>", licence="CC BY", caveat="<script>")
    set_up(Sources(complete=True, sources=(source,)))
    page = client.get("/sources/")
    assert rows_of(page) == [("<b>", "towns", "<i>", "CC BY", "<script>")]
    assert "<script>" not in page.content.decode()


def test_sources_that_cannot_be_read_are_said_on_the_page(client, set_up, in_english, node):
    (node.home / sources.FILE).write_text("{")
    answer = client.get("/sources/")
    assert answer.status_code == 400
    assert "sources.json is damaged: build the map again" in answer.content.decode()


def test_every_page_leads_to_the_sources(client, db):
    assert 'href="/sources/"' in client.get("/account/sign-in/").content.decode()
