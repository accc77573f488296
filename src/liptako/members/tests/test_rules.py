"""Offices, mandates and watches: every verdict of the rules, and what the records leave behind."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liptako.core.errors import MalformedError, RefusedError
from liptako.members.records import (
    Duty,
    HandOver,
    Mandate,
    MandateEnd,
    Office,
    Role,
    Watch,
    WatchEnd,
)
from liptako.members.rules import (
    MandateState,
    WatchState,
    fold_duty,
    fold_mandate,
    fold_office,
    fold_watch,
)

START = 1_790_000_000_000
LAST = 253_402_300_799_999  # the end of the year 9999


def office(**changes):
    fields = {"code": "permanence", "titles": {"fr": "Permanence"}, "roles": ("watch_officer",)}
    return Office(**(fields | changes))


def mandate(**changes):
    fields = {"office": "delegue", "subjects": ("mesures",), "begins": START, "ends": None}
    return Mandate(**(fields | changes))


END = MandateEnd(reason="relève")


def said(verdicts):
    return ["" if fault is None else str(fault) for fault in verdicts]


def test_nothing_leaves_no_office():
    assert fold_office([]) == (None, [])


def test_an_office_stands_as_its_last_record_says():
    later = office(titles={"fr": "Quart"}, roles=("planner", "auditor"), closed=True)
    assert fold_office([office(), later]) == (later, [None, None])


def test_an_office_that_was_closed_may_open_again():
    assert fold_office([office(closed=True), office()]) == (office(), [None, None])


@pytest.mark.parametrize("code", ["ab", "a-1", "a" + "9" * 31])
def test_a_code_has_2_to_32_small_letters_digits_or_hyphens(code):
    assert fold_office([office(code=code)]) == (office(code=code), [None])


@pytest.mark.parametrize(
    "code", ["", "a", "Permanence", "1er", "-a", "a b", "é-1", "ab\n", "a" + "9" * 32]
)
def test_another_code_is_refused(code):
    left, verdicts = fold_office([office(code=code)])
    told = code[:40].replace("\n", " ")  # an error is one line
    message = f"office: expected a code of 2 to 32 small letters, digits or hyphens, got {told}"
    assert (left, said(verdicts)) == (None, [message])


def test_a_refused_code_is_quoted_no_further_than_40_characters():
    _, verdicts = fold_office([office(code="X" * 99)])
    assert said(verdicts)[0].endswith("got " + "X" * 40)


def test_the_code_of_an_office_never_changes():
    left, verdicts = fold_office([office(), office(code="quart")])
    assert (left, said(verdicts)) == (
        office(),
        ["", "office: its code permanence cannot be changed"],
    )


def test_the_first_role_that_nobody_knows_is_named():
    left, verdicts = fold_office([office(roles=("watch_officer", "tsar", "king"))])
    assert (left, said(verdicts)) == (None, ["office: there is no role king"])


@pytest.mark.parametrize("role", Role)
def test_every_role_may_be_given_to_an_office(role):
    assert fold_office([office(roles=(role.value,))])[1] == [None]


def test_an_office_may_have_no_role():
    assert fold_office([office(roles=())]) == (office(roles=()), [None])


@pytest.mark.parametrize("titles", [{}, {"fr": ""}, {"fr": " \t", "en": "\n"}])
def test_an_office_without_a_title_is_refused(titles):
    left, verdicts = fold_office([office(titles=titles)])
    assert (left, said(verdicts)) == (None, ["office: expected a title"])


def test_one_title_is_enough():
    titles = {"fr": "", "en": "Watch"}
    assert fold_office([office(titles=titles)]) == (office(titles=titles), [None])


def test_what_was_refused_is_skipped_and_the_rest_counts():
    later = office(titles={"fr": "Quart"})
    left, verdicts = fold_office([office(code="X"), office(), office(titles={}), later])
    assert (left, [fault is None for fault in verdicts]) == (later, [False, True, False, True])


offices = st.builds(
    Office,
    code=st.sampled_from(["permanence", "quart", "X", ""]),
    titles=st.sampled_from([{}, {"fr": "Permanence"}, {"en": " "}]),
    roles=st.lists(st.sampled_from(["planner", "king"]), max_size=2).map(tuple),
    closed=st.booleans(),
)


@given(st.lists(offices))
def test_each_record_of_an_office_gets_a_verdict_and_the_last_good_one_stands(records):
    left, verdicts = fold_office(records)
    good = [record for record, fault in zip(records, verdicts, strict=True) if fault is None]
    assert left == (good[-1] if good else None)
    assert len({record.code for record in good}) <= 1


def test_nothing_leaves_no_mandate():
    assert fold_mandate([]) == (None, [])


def test_a_mandate_is_in_force_as_it_was_given():
    assert fold_mandate([mandate()]) == (MandateState(mandate=mandate()), [None])


def test_a_mandate_is_ended_with_its_reason():
    state = MandateState(mandate=mandate(), ended=END)
    assert fold_mandate([mandate(), END]) == (state, [None, None])


def test_a_mandate_is_given_once():
    state, verdicts = fold_mandate([mandate(), mandate(subjects=("tout",))])
    message = "mandate: it was given already; end it and give another"
    assert (state, said(verdicts)) == (MandateState(mandate=mandate()), ["", message])


def test_a_mandate_that_was_ended_is_not_given_again():
    state, verdicts = fold_mandate([mandate(), END, mandate()])
    message = "mandate: it was given already; end it and give another"
    assert (state.ended, said(verdicts)) == (END, ["", "", message])


@pytest.mark.parametrize("changes", [{"subjects": ()}, {"office": ""}, {"office": "Délégué"}])
def test_a_mandate_names_an_office_and_a_subject(changes):
    state, verdicts = fold_mandate([mandate(**changes)])
    message = "mandate: expected an office and at least one subject"
    assert (state, said(verdicts)) == (None, [message])


@pytest.mark.parametrize("ends", [START + 1, LAST])
def test_a_mandate_may_end_any_time_after_its_beginning(ends):
    assert fold_mandate([mandate(ends=ends)])[1] == [None]


@pytest.mark.parametrize("ends", [START, START - 1, 0])
def test_a_mandate_that_ends_before_it_begins_is_refused(ends):
    state, verdicts = fold_mandate([mandate(ends=ends)])
    assert (state, said(verdicts)) == (None, ["mandate: expected an end after its beginning"])


@pytest.mark.parametrize("changes", [{"begins": -1}, {"begins": LAST + 1}, {"ends": LAST + 1}])
def test_a_time_that_no_calendar_holds_is_malformed(changes):
    state, (fault,) = fold_mandate([mandate(**changes)])
    assert (state, type(fault)) == (None, MalformedError)
    assert str(fault).startswith("time: expected the years 1970 to 9999")


def test_there_is_no_end_without_a_mandate():
    state, verdicts = fold_mandate([END])
    assert (state, said(verdicts)) == (None, ["mandate: there is none in force that could end"])


def test_a_mandate_ends_once():
    state, verdicts = fold_mandate([mandate(), END, MandateEnd(reason="encore")])
    message = "mandate: there is none in force that could end"
    assert (state.ended, said(verdicts)) == (END, ["", "", message])


def test_an_end_without_a_reason_leaves_the_mandate_in_force():
    state, verdicts = fold_mandate([mandate(), MandateEnd(reason=" \n")])
    assert (state, said(verdicts)) == (
        MandateState(mandate=mandate()),
        ["", "mandate: expected a reason for its end"],
    )


def test_a_refusal_by_rule_says_so_by_its_class():
    _, verdicts = fold_mandate([END, mandate(subjects=())])
    assert [type(fault) for fault in verdicts] == [RefusedError, RefusedError]


steps = st.one_of(
    st.builds(MandateEnd, reason=st.sampled_from(["", "relève"])),
    st.builds(
        Mandate,
        office=st.sampled_from(["delegue", "?"]),
        subjects=st.sampled_from([(), ("mesures",)]),
        begins=st.integers(-1, 9),
        ends=st.none() | st.integers(0, 9),
    ),
)


@given(st.lists(steps))
def test_a_mandate_has_one_beginning_and_at_most_one_end(records):
    state, verdicts = fold_mandate(records)
    good = [record for record, fault in zip(records, verdicts, strict=True) if fault is None]
    assert good == [] if state is None else good == [state.mandate, state.ended][: len(good)]
    assert len(good) <= 2


WATCH = Watch(person="a", due=START)
HANDED = HandOver(person="a", proof="password", text="RAS")
RELIEVED = WatchEnd(person="b", by="0000000000002")


def test_a_watch_is_begun_handed_over_and_relieved():
    again = HandOver(person="a", proof="password", text="Convoi à 18 h")
    state, verdicts = fold_watch([WATCH, HANDED, again, RELIEVED])
    assert state == WatchState(watch=WATCH, handed=again, ended=RELIEVED)
    assert verdicts == [None] * 4


def test_nothing_leaves_no_watch():
    assert fold_watch([]) == (None, [])


@pytest.mark.parametrize(
    ("before", "wrong", "message"),
    [
        ([], HANDED, "watch: there is none that is kept now"),
        ([], RELIEVED, "watch: there is none that is kept now"),
        ([WATCH], WATCH, "watch: it has begun already"),
        ([WATCH, RELIEVED], HANDED, "watch: there is none that is kept now"),
        ([WATCH, RELIEVED], RELIEVED, "watch: there is none that is kept now"),
        ([], Watch(person="", due=START), "watch: expected somebody who keeps it"),
        (
            [WATCH],
            HandOver(person="b", proof="password", text="RAS"),
            "watch: only who keeps it hands it over",
        ),
        (
            [WATCH],
            HandOver(person="a", proof="password", text=" "),
            "watch: expected what the next officer must know; if nothing, say so",
        ),
        (
            [WATCH],
            HandOver(person="a", proof="password", text="RAS", more=-1),
            "watch: expected how much more is open, got -1",
        ),
        (
            [WATCH],
            HandOver(person="a", proof="password", text="RAS", more=2**31),
            "watch: expected how much more is open, got 2147483648",
        ),
        (
            [WATCH],
            WatchEnd(person="a", reason=" "),
            "watch: expected a reason why it ends without relief",
        ),
    ],
)
def test_a_step_that_does_not_fit_is_refused_and_changes_nothing(before, wrong, message):
    left, _ = fold_watch(before)
    stands, verdicts = fold_watch([*before, wrong])
    assert (stands, said(verdicts)) == (left, [*[""] * len(before), message])


def test_a_watch_ends_without_relief_for_a_reason():
    ended = WatchEnd(person="a", reason="Tempête")
    assert fold_watch([WATCH, ended]) == (WatchState(watch=WATCH, ended=ended), [None, None])


@pytest.mark.parametrize("due", [-1, LAST + 1])
def test_a_watch_that_is_due_at_no_time_is_refused(due):
    left, (fault,) = fold_watch([Watch(person="a", due=due)])
    assert (left, type(fault)) == (None, MalformedError)


@pytest.mark.parametrize(
    ("duty", "kind"),
    [
        (Duty(person="a", begins=-1, ends=START), MalformedError),
        (Duty(person="a", begins=START, ends=LAST + 1), MalformedError),
        (Duty(person="a", begins=START, ends=START), RefusedError),
        (Duty(person="a", begins=START, ends=START + 7 * 86_400_000 + 1), RefusedError),
        (Duty(person="", begins=START, ends=START + 1), RefusedError),
    ],
)
def test_a_turn_that_makes_no_sense_is_refused_and_the_one_before_stands(duty, kind):
    good = Duty(person="a", begins=START, ends=START + 7 * 86_400_000)
    left, verdicts = fold_duty([good, duty])
    assert (left, verdicts[0], type(verdicts[1])) == (good, None, kind)


def test_nothing_leaves_no_turn():
    assert fold_duty([]) == (None, [])
