"""Releasing an incident: nothing leaves before it was seen, and nothing else than what was seen."""

import json
from datetime import timedelta

import msgspec
import pytest
from django.utils import timezone, translation

from liptako.core.clock import instant_of
from liptako.core.records.envelope import Precedence
from liptako.core.refs import audience_id
from liptako.ledger import store
from liptako.ledger.models import Entry
from liptako.ledger.reader import thread_records
from liptako.ledger.records import Thread
from liptako.situation import actions
from liptako.situation.models import Incident as Row
from liptako.situation.models import Release as ReleaseRow
from liptako.situation.records import Level, Period, PeriodPrecision, Place, Transform
from liptako.web.basemap import AREAS_FILE

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("compact")]
ALL, PAIR = frozenset({"ML", "BF", "NE"}), frozenset({"ML", "BF"})
ONE = "0000000000001"
OTHERS = "permanence", "planification", "audit", "administration", "redaction"
TYPED = {
    "audience": audience_id(ALL),
    "transform": "cell",
    "summary": "Attaque dans le Gourma",
    "basis": " Article 6 ",
    "precedence": "priority",
}
CELL = Place(lat=15_041_666, lon=-208_334, radius_m=6_600, level=Level.CELL)


@pytest.fixture
def report(node, actor, incident_of):
    """Return a desk that reports: `report(place=Place(words="Gao"))`."""

    def make(**changes):
        return actions.report(node, actor("watch_officer"), incident_of(**changes)).header.object

    return make


@pytest.fixture
def page(sign_in, report):
    """Return the page on which a releasing officer releases an incident of ours."""
    return Page(sign_in("diffusion"), report())


class Page:
    """What an officer does there: look at it, then let it go."""

    def __init__(self, browser, name):
        self.browser, self.name, self.url = browser, name, f"/incidents/{name}/release"

    def look(self, **changes):
        return self.browser.post(self.url, TYPED | changes | {"preview": "1"})

    def let_go(self, seen, **changes):
        return self.browser.post(self.url, TYPED | changes | {"release": "1", "seen": seen})


@pytest.fixture
def gao(node):
    """Give the node the outline of a region around the incident, as the set-up does."""
    ring = [[-1, 15], [1, 15], [1, 16], [-1, 16], [-1, 15]]
    feature = {
        "type": "Feature",
        "properties": {"iso_3166_2": "ML-7", "name": "Gao"},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    path = node.home / AREAS_FILE
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    yield
    path.unlink()


def gone():
    """Return to whom what has left."""
    copies = Row.objects.exclude(audience=audience_id(["ML"]))
    return list(copies.values_list("audience", "summary"))


def test_the_page_proposes_what_tells_no_place_and_shows_nothing_yet(page):
    answer = page.browser.get(page.url)
    form = answer.context["form"]
    proposed = {name: form[name].value() for name in ("summary", "transform", "precedence")}
    assert proposed == {"summary": "Armed attack", "transform": "cell", "precedence": "routine"}
    assert (answer.context["preview"], 'name="release"' in answer.content.decode()) == (None, False)


def test_every_audience_but_ourselves_alone_is_on_offer(page):
    choices = page.browser.get(page.url).context["form"].fields["audience"].choices
    with translation.override("en"):
        offered = [(code, str(word)) for code, word in choices]
    assert offered == [
        ("", "— choose —"),
        (audience_id(ALL), "All members"),
        (audience_id(PAIR), "Burkina Faso"),
        (audience_id({"ML", "NE"}), "Niger"),
    ]


def test_looking_shows_the_copy_itself_and_lets_nothing_leave(node, page):
    before = Entry.objects.count()
    answer = page.look()
    original = actions.own_incident(node, page.name)
    assert answer.context["preview"] == msgspec.structs.replace(
        original,
        summary="Attaque dans le Gourma",
        place=CELL,
        period=Period(begins=1_789_988_400_000, precision=PeriodPrecision.HOUR),
        text="",
        handled_by="",
        source=type(original.source)(),
    )
    assert (answer.context["audience"], Entry.objects.count(), gone()) == (
        "All members",
        before,
        [],
    )


def test_what_was_seen_leaves_and_its_basis_is_noted(page):
    shown = page.look().context
    answer = page.let_go(shown["seen"])
    copy = thread_records(Thread("ML", page.name, audience_id(ALL)))[-1]
    release = ReleaseRow.objects.get()
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/incidents/ML/{page.name}/")
    assert (copy.payload, copy.header.precedence) == (shown["preview"], Precedence.PRIORITY)
    assert (release.members, release.transform, release.basis, release.office, release.until) == (
        ["BF", "ML", "NE"], "cell", "Article 6", "diffusion", None
    )  # fmt: skip


def test_the_officer_is_told_that_it_leaves_with_the_next_exchange(page):
    seen = page.look().context["seen"]
    typed = TYPED | {"release": "1", "seen": seen}
    answer = page.browser.post(page.url, typed, follow=True)
    assert "It leaves with the next exchange." in answer.content.decode()


@pytest.mark.parametrize(
    "changes",
    [
        {"transform": "as_is"},
        {"summary": "Attaque au nord de Tessit"},
        {"audience": audience_id(PAIR)},
    ],
)
def test_what_was_not_seen_does_not_leave_but_is_shown(page, changes):
    seen = page.look().context["seen"]
    answer = page.let_go(seen, **changes)
    assert (answer.status_code, gone(), answer.context["seen"] == seen) == (422, [], False)
    assert "this is not what was shown" in answer.content.decode()
    page.let_go(answer.context["seen"], **changes)
    chosen = TYPED | changes
    assert gone() == [(chosen["audience"], chosen["summary"])]


@pytest.mark.parametrize("seen", ["", "0" * 64, "é"])
def test_nothing_leaves_without_having_been_seen(page, seen):
    assert (page.let_go(seen).status_code, gone()) == (422, [])


def test_a_change_after_the_look_must_be_looked_at_again(node, actor, page):
    seen = page.look().context["seen"]
    after = msgspec.structs.replace(actions.own_incident(node, page.name), severity=4)
    actions.update(node, actor("watch_officer"), page.name, after)
    answer = page.let_go(seen)
    assert (answer.status_code, gone(), answer.context["preview"].severity) == (422, [], 4)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"summary": ""}, "summary"),
        ({"basis": " "}, "basis"),
        ({"audience": audience_id(["ML"])}, "audience"),
        ({"audience": audience_id(["BF", "NE"])}, "audience"),
        ({"transform": "blurred"}, "transform"),
        ({"days": "0"}, "days"),
        ({"precedence": ""}, "precedence"),
    ],
)
def test_an_order_with_a_fault_is_shown_again_and_nothing_leaves(page, changes, field):
    answer = page.let_go(page.look().context["seen"], **changes)
    form = answer.context["form"]
    assert (answer.status_code, list(form.errors), gone()) == (422, [field], [])
    assert {name: form[name].value() for name in TYPED} == TYPED | {
        name: value for name, value in changes.items() if name in TYPED
    }


def test_a_release_for_some_days_ends(page):
    seen = page.look(days="10").context["seen"]
    page.let_go(seen, days="10")
    left = ReleaseRow.objects.get().until - timezone.now()
    assert timedelta(days=10) < left <= timedelta(days=11)


# Coarse places


def test_the_region_that_holds_the_place_is_what_they_see(gao, page):
    place = page.look(transform="region").context["preview"].place
    assert (place.area, place.words, place.level) == ("ML-7", "Gao", Level.REGION)
    assert (place.lat, place.lon) == (15_500_000, 0)


def test_a_region_that_nobody_knows_is_refused_and_a_cell_advised(page):
    answer = page.look(transform="region")
    assert (answer.status_code, answer.context["preview"]) == (422, None)
    assert "no region is known for this place; release its cell" in answer.content.decode()


def test_a_place_in_words_alone_has_no_cell(sign_in, report):
    page = Page(sign_in("diffusion"), report(place=Place(words="Nord de Tessit")))
    answer = page.look()
    assert (answer.status_code, "Tessit" in answer.content.decode()) == (422, True)
    assert "a place without coordinates has no cell" in answer.content.decode()


def test_a_place_in_words_alone_can_be_released_as_it_is(sign_in, report):
    page = Page(sign_in("diffusion"), report(place=Place(words="Nord de Tessit")))
    preview = page.look(transform="as_is").context["preview"]
    assert (preview.place, preview.text) == (
        Place(words="Nord de Tessit"), "Deux camions immobilisés au gué."
    )  # fmt: skip


# Who may


@pytest.mark.parametrize(
    "changes", [{"precedence": "flash"}, {"days": "7"}, {"basis": "Article 7"}]
)
def test_how_it_goes_out_is_part_of_what_was_seen(page, changes):
    seen = page.look().context["seen"]
    assert (page.let_go(seen, **changes).status_code, gone()) == (422, [])
    assert page.let_go(seen).status_code == 302


def test_a_release_that_has_ended_is_told_as_such_and_can_be_given_again(node, actor, page):
    order = actions.ReleaseOrder(
        members=ALL,
        transform=Transform.CELL,
        summary="Attaque",
        basis="Article 6",
        until=1_700_000_000_000,
    )
    actions.release(node, actor("releasing_officer"), page.name, order)
    store.expire(instant_of(timezone.now()))
    form = page.browser.get(page.url).context["form"]
    proposed = [form[name].value() for name in ("basis", "summary")]
    assert (proposed, gone()) == (["Article 6", "Armed attack"], [])
    told = page.browser.get(f"/incidents/ML/{page.name}/").content.decode()
    assert '<span class="tag">ended</span>' in told
    assert page.name in page.browser.get("/incidents/?pile=release").content.decode()
    assert page.let_go(page.look().context["seen"]).status_code == 302


@pytest.mark.parametrize("office", OTHERS)
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_office_without_the_right_releases_nothing(node, sign_in, report, office, method):
    name = report()
    order = actions.ReleaseOrder(
        members=ALL, transform=Transform.CELL, summary=TYPED["summary"], basis="Article 6"
    )
    seen = actions.fingerprint(actions.preview(node, name, order), order)
    typed = TYPED | {"release": "1", "seen": seen}
    answer = getattr(sign_in(office), method)(f"/incidents/{name}/release", typed)
    assert (answer.status_code, gone()) == (403, [])


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_partners_incident_is_not_ours_to_release(sign_in, partner_of, incident_of, method):
    partner_of("BF").write(ONE, incident_of(reference="BF-1")).send()
    browser = sign_in("diffusion")
    answer = getattr(browser, method)(f"/incidents/{ONE}/release", TYPED | {"preview": "1"})
    assert (answer.status_code, ReleaseRow.objects.count()) == (409, 0)
