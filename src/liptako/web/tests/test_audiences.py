"""The audiences on offer: this State alone, those that the compact names, each partner."""

import pytest
from django.utils import translation

from liptako.core.compact.document import State
from liptako.core.compact.draft import Changes
from liptako.core.errors import RefusedError
from liptako.core.refs import audience_id
from liptako.web.audiences import audience_choices, audience_words, members_of_choice

pytestmark = pytest.mark.django_db
ALL = frozenset({"ML", "BF", "NE"})


@pytest.fixture(autouse=True)
def _in_english():
    """Let names be given in English."""
    with translation.override("en"):
        yield


@pytest.fixture
def name_audiences(amend):
    """Return an adopter of the compact with these audiences more: `adopt(couple="ML BF")`."""

    def adopt(**audiences):
        named = [({"en": name}, frozenset(members.split())) for name, members in audiences.items()]
        amend(Changes(audiences=tuple(named)))

    return adopt


def offered(member, **options):
    """Return the words of each offer by the members that it stands for."""
    choices = audience_choices(member, **options)
    return [(members_of_choice(member, choice), words) for choice, words in choices]


def test_this_state_alone_comes_first_then_the_named_ones_then_each_partner(compact):
    assert offered("ML") == [
        (frozenset({"ML"}), "Mali"),
        (ALL, "All members"),
        (frozenset({"ML", "BF"}), "Burkina Faso"),
        (frozenset({"ML", "NE"}), "Niger"),
    ]


def test_what_must_leave_is_not_offered_to_this_state_alone(compact):
    assert [words for _, words in offered("BF", alone=False)] == ["All members", "Mali", "Niger"]


def test_a_choice_is_the_name_that_the_roster_has_in_the_ledger(compact):
    rosters = [{"ML"}, ALL, {"ML", "BF"}, {"ML", "NE"}]
    choices = [choice for choice, _ in audience_choices("ML")]
    assert choices == [audience_id(frozenset(roster)) for roster in rosters]


def test_names_are_in_the_language_of_the_person(compact):
    with translation.override("fr"):
        assert audience_words("ML", ALL) == "Tous les membres"
        assert "Tous les membres" in [words for _, words in offered("ML")]


def test_a_node_that_stands_alone_offers_itself_only(db):
    assert offered("ML") == [(frozenset({"ML"}), "ML")]
    assert offered("ML", alone=False) == []


def test_an_audience_without_this_state_is_not_offered(name_audiences):
    name_audiences(others="BF NE", all="ML BF NE")
    assert offered("ML", alone=False) == [
        (ALL, "all"),
        (frozenset({"ML", "BF"}), "Burkina Faso"),
        (frozenset({"ML", "NE"}), "Niger"),
    ]


def test_a_pair_that_the_compact_names_is_offered_once_under_its_name(name_audiences):
    name_audiences(couple="BF ML")
    assert offered("ML", alone=False) == [
        (ALL, "All members"),
        (frozenset({"ML", "BF"}), "couple"),
        (frozenset({"ML", "NE"}), "Niger"),
    ]


def test_no_audience_with_a_suspended_member_is_offered_but_it_has_its_words(amend):
    amend(Changes(states={"NE": (State.SUSPENDED, {})}))
    assert offered("ML", alone=False) == [(frozenset({"ML", "BF"}), "Burkina Faso")]
    assert audience_words("ML", ALL) == "All members"


@pytest.mark.parametrize("roster", [{"BF"}, {"BF", "NE"}, {"ML", "TG"}])
def test_an_audience_that_is_not_on_offer_is_refused(compact, roster):
    choice = audience_id(frozenset(roster))
    with pytest.raises(RefusedError) as caught:
        members_of_choice("ML", choice)
    assert str(caught.value) == f"this audience is not on offer: {choice}"


@pytest.mark.parametrize("choice", ["", "all", "x" * 5000])
def test_a_choice_that_is_none_is_refused(compact, choice):
    with pytest.raises(RefusedError, match="this audience is not on offer"):
        members_of_choice("ML", choice)


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"ML"}, "Mali"),
        ({"ML", "NE"}, "Niger"),
        (ALL, "All members"),
        ({"NE", "BF"}, "Burkina Faso, Niger"),
        ({"TG", "ML"}, "Mali, TG"),
    ],
)
def test_an_audience_has_words_whether_on_offer_or_not(compact, members, words):
    assert audience_words("ML", frozenset(members)) == words
