"""The compact as the pages tell it: the foreign reader believes what the program believes."""

import json
import re
from pathlib import Path

import pytest

from liptako.core.compact.delegation import Revoked
from liptako.core.compact.document import State
from liptako.core.compact.dossier import write_dossier
from liptako.core.compact.versions import read_version as from_envelope
from liptako.core.errors import LiptakoError
from liptako.core.log.checkpoint import Checkpoint as Head
from liptako.core.log.checkpoint import sign_checkpoint
from tests.foreign.deeds import Compact, phrase_of, read_delegation, read_envelope, read_version
from tests.foreign.logs import read_checkpoint, read_note
from tests.foreign.reader import Reader
from tests.foreign.spelling import RefusedError
from tests.pact import after, by, card, delegated, dossier, first, roots, signed_by, signer

PAGE = Path(__file__).parents[2] / "docs" / "spec" / "compact.md"
ORIGIN = "SA/c/0001020304050607/e1"
FIRST = first("SA", "SB", "SC", approve=2)
LINES = tuple(delegated(member) for member in ("SA", "SB", "SC"))
OLD, NEW = signer("node SA"), signer("next node SA")
SUSPENDED = {"SC": (State.SUSPENDED, {"SC/c/0001020304050607/e1": 3})}
TAKEN_BACK = (Revoked(key=OLD.public, caps={ORIGIN: 2}),)
ROTATED = delegated("SA", before=LINES[0], sign=NEW.public, revoked=TAKEN_BACK)
OTHER_ROOT = card("SC", keys=roots("SC", 2)[1:])


def believed(*versions, delegations=LINES):
    compact = Compact()
    compact.take(write_dossier(dossier(*versions, delegations=delegations)))
    return compact


VERSIONS = {
    "by all that the rule wants": (after(FIRST, "SA", "SB", states=SUSPENDED), 2),
    "too few of before": (after(FIRST, "SA", "SC", states=SUSPENDED), 1),
    "too few of the new rule": (after(FIRST, "SA", "SB", approve="all"), 1),
    "all of the new rule": (after(FIRST, "SA", "SB", "SC", approve="all"), 2),
    "a new member that has not signed": (
        after(FIRST, "SA", "SB", "SC", cards=(card("SD"),), approve=3), 1,
    ),
    "a new member without keys": (
        after(FIRST, "SA", "SB", "SD", cards=(card("SD"),), approve=3), 1,
    ),
    "a new root key that has not signed": (after(FIRST, "SA", "SB", cards=(OTHER_ROOT,)), 1),
    "a root key that was lost, by a number": (after(FIRST, "SA", cards=(OTHER_ROOT,)), 1),
    "behind another first one": (after(first("SA", "SB", "SC"), "SA", "SB", "SC"), 1),
}  # fmt: skip


@pytest.mark.parametrize("case", VERSIONS)
def test_a_version_is_believed_if_enough_have_signed_under_both_rules(case):
    version, believes = VERSIONS[case]
    assert len(believed(FIRST, version).versions) == believes
    try:
        dossier(FIRST, version, delegations=LINES).compact()
    except LiptakoError:
        assert believes == 1
    else:
        assert believes == 2


@pytest.mark.parametrize(("others", "believes"), [(("SA", "SB"), 2), (("SA",), 1)])
def test_lost_root_keys_are_replaced_where_all_must_sign(others, believes):
    base, keys = first("SA", "SB", "SC"), roots("SC", 2)[1:]
    draft = after(base, *others, cards=(OTHER_ROOT,))
    later = from_envelope(signed_by(draft.envelope, keys))
    delegations = (*LINES[:2], delegated("SC", before=LINES[2], keys=keys), LINES[2])
    assert len(believed(base, later, delegations=delegations).versions) == believes
    try:
        dossier(base, later, delegations=delegations).compact()
    except LiptakoError:
        assert believes == 1
    else:
        assert believes == 2


def test_a_new_member_comes_in_with_its_delegation():
    second = after(FIRST, "SA", "SB", "SD", cards=(card("SD"),), approve=3)
    delegations = (*LINES, delegated("SD"))
    compact = believed(FIRST, second, delegations=delegations)
    assert compact.is_active("SD")
    whole = dossier(FIRST, second, delegations=delegations)
    assert {len(whole.versions), whole.compact().version, len(compact.versions)} == {2}


def test_signatures_that_came_apart_are_put_together():
    draft = after(FIRST)
    compact = believed(FIRST)
    for member in ("SA", "SB"):
        compact.take(write_dossier(dossier(by(draft, member))))
    assert len(compact.versions) == 2


def checkpoint_by(key, size):
    return sign_checkpoint(Head(origin=ORIGIN, size=size, root=bytes(32)), key)


@pytest.mark.parametrize(
    ("key", "size", "good"),
    [(NEW, 3, True), (OLD, 2, True), (OLD, 3, False), (signer("stranger"), 1, False)],
)
def test_a_key_that_was_taken_back_counts_up_to_its_cap(key, size, good):
    compact = believed(FIRST, delegations=(*LINES, ROTATED))
    reader = Reader(member="SB", identity="", compact=compact)
    note = checkpoint_by(key, size)
    theirs = dossier(FIRST, delegations=(*LINES, ROTATED)).compact()
    if good:
        assert reader.opened_checkpoint(note, ORIGIN) == read_checkpoint(read_note(note).lines)
        assert theirs.open_checkpoint(note, ORIGIN).size == size
        return
    with pytest.raises(RefusedError):
        reader.opened_checkpoint(note, ORIGIN)
    with pytest.raises(LiptakoError):
        theirs.open_checkpoint(note, ORIGIN)


LINES_REFUSED = {
    "a gap": (delegated("SA", before=ROTATED, sign=NEW.public),),
    "the former key not taken back": (delegated("SA", before=LINES[0], sign=NEW.public),),
    "a key that was taken back": (ROTATED, delegated("SA", before=ROTATED, sign=OLD.public)),
    "signed by nobody": (delegated("SA", keys=[]),),
}


@pytest.mark.parametrize("case", LINES_REFUSED)
def test_a_line_with_a_fault_is_refused(case):
    delegations = LINES_REFUSED[case]
    first_ones = LINES[1:] if case in {"a gap", "signed by nobody"} else LINES
    with pytest.raises(LiptakoError):
        dossier(FIRST, delegations=(*first_ones, *delegations)).compact()
    try:
        assert believed(FIRST, delegations=(*first_ones, *delegations)).versions == []
    except RefusedError:
        return


def test_a_frozen_log_ends_where_the_compact_says():
    compact = believed(FIRST, after(FIRST, "SA", "SB", states=SUSPENDED))
    origins = ("SC/c/0001020304050607/e1", "SC/c/0001020304050607/e2")
    assert [compact.limit_of("SC", origin) for origin in origins] == [3, 0]
    assert (compact.limit_of("SA", ORIGIN), compact.is_active("SC")) == (None, False)


def test_the_example_of_the_page_is_a_version_of_two_and_two_delegations_of_one():
    page = PAGE.read_text(encoding="utf-8")
    lines = [line.encode() for line in page.splitlines() if line.startswith('{"payload":')]
    documents = re.findall(r'^\{"v":1,.*$', page, re.MULTILINE)
    version = read_version(read_envelope(lines[0]))
    delegations = [read_delegation(read_envelope(line)) for line in lines[1:]]
    assert version.approved_by(version.envelope) == {"BF", "ML"}
    assert [json.loads(one.envelope.payload) for one in (version, delegations[1])] == [
        json.loads(document) for document in documents
    ]
    root = version.members["ML"]
    assert all(root.has_signed(one.envelope) for one in delegations)
    assert [one.serial for one in delegations] == [1, 2]
    assert f"`{phrase_of(version.envelope.digest)}`" in page


def test_the_trust_in_heads_is_what_both_believe():
    assert believed(FIRST).trust != believed(FIRST, after(FIRST, "SA", "SB")).trust
    assert Compact().trust == "0" * 16
