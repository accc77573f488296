"""The specification against the code: limits, kinds, and what a reader takes or refuses."""

import json
import re
from pathlib import Path

import pytest

from liptako.core import clock
from liptako.core.errors import MalformedError
from liptako.core.geo import CELL_RADIUS_M
from liptako.core.records.envelope import decode_header
from liptako.ledger import registry, store
from liptako.members import rules as members
from liptako.members.words import EVENTS
from liptako.situation import rules

DOCS = Path(__file__).parents[2] / "docs"
HEADER = {
    "v": 1,
    "kind": "situation.incident/1",
    "author": "ML",
    "office": "permanence",
    "audience": "5ex32j7raeh5jzlf",
    "compact": 1,
    "object": "0123456789abc",
    "lamport": 7,
    "time": 1790000000000,
    "payload": {"hash": "A" * 43 + "=", "size": 12, "type": "json"},
}


def text_of(name):
    return " ".join((DOCS / name).read_text(encoding="utf-8").split())


def held(module, name):
    """Return what a module holds for itself, to compare a page with it."""
    return getattr(module, name)


def cases():
    """Return the rows of the page about headers: a field as it stands, and what becomes of it."""
    page = (DOCS / "spec" / "record.md").read_text(encoding="utf-8")
    return re.findall(r"^\| `(\"\w+\":.+)` \| (takes|refuses) it", page, re.MULTILINE)


def is_taken(field):
    """Say whether our reader takes a header with this field."""
    fields = HEADER | json.loads(f"{{{field}}}")
    try:
        decode_header(json.dumps(fields, separators=(",", ":")).encode())
    except MalformedError:
        return False
    return True


@pytest.mark.parametrize(("field", "fate"), cases())
def test_a_reader_takes_and_refuses_what_the_page_says(field, fate):
    assert ("takes" if is_taken(field) else "refuses") == fate


def test_the_page_says_both_of_what_is_taken_and_of_what_is_refused():
    assert {fate for _, fate in cases()} == {"takes", "refuses"}


def test_the_years_of_a_time_are_those_of_the_page():
    for page in ("spec/record.md", "spec/kinds.md"):
        assert f"from 0 to {held(clock, '_LAST')}" in text_of(page)


def test_the_page_about_records_names_how_far_a_lamport_is_followed():
    assert f"lamports more than {held(store, '_LAMPORT_JUMP'):,} above" in text_of("spec/record.md")


def test_every_kind_has_its_rules_on_a_page():
    page = (DOCS / "spec" / "kinds.md").read_text(encoding="utf-8")
    heads = re.findall(r"^## (.+)$", page, re.MULTILINE)
    named = [kind for head in heads for kind in re.findall(r"`([^`]+)`", head)]
    assert sorted(named) == [kind.name for kind in registry.kinds()]


def test_the_examples_of_the_page_about_kinds_are_payloads_that_no_rule_refuses():
    page = (DOCS / "spec" / "kinds.md").read_text(encoding="utf-8")
    lines = re.search(r"^```\n(.+?)^```", page, re.MULTILINE | re.DOTALL)[1].splitlines()
    parts = [line.split(maxsplit=1) for line in lines]
    payloads = [registry.decode_payload(kind, text.encode()) for kind, text in parts]
    incident, entry, mandate = payloads
    assert rules.fold_incident([incident])[1] == [None]
    assert rules.journal_fault(None, entry) is None
    assert members.fold_mandate([mandate])[1] == [None]


@pytest.mark.parametrize(
    "words",
    [
        f"`summary`: not blank, at most {rules.SUMMARY_LIMIT} characters",
        f"`text`: at most {rules.TEXT_LIMIT:,} characters",
        f"`words` at most {rules.TEXT_LIMIT:,}",
        f"`reference`: 1 to {rules.NAME_LIMIT} characters",
        f"`source.id`: at most {rules.NAME_LIMIT} characters each",
        f"0 ≤ `radius_m` ≤ {rules.RADIUS_LIMIT_M:,}",
        f"`text`: not blank, at most {rules.JOURNAL_LIMIT:,} characters",
        f"A **code** matches `{held(rules, '_CODE').pattern}`",
        f"`code` matches `{held(members, '_CODE').pattern}`",
        f"`office` matches `{held(members, '_CODE').pattern}`",
        f"later than `begins` by {members.DUTY_LIMIT} at most",
        f"0 ≤ `more` ≤ {members.MORE_LIMIT}",
        f"`radius_m` {CELL_RADIUS_M:,} larger ({rules.RADIUS_LIMIT_M:,} at most)",
    ],
)
def test_the_page_about_kinds_names_the_limits_that_are_held(words):
    assert words in text_of("spec/kinds.md")


def test_the_page_about_kinds_lists_every_character_that_is_blank():
    line = re.search(r"has only (.+?)\.(?: -|$)", text_of("spec/kinds.md"))[1]
    spans = re.findall(r"U\+([0-9A-F]+)(?:–U\+([0-9A-F]+))?", line)
    listed = {n for low, high in spans for n in range(int(low, 16), int(high or low, 16) + 1)}
    assert listed == {n for n in range(0x110000) if not chr(n).strip()}


def test_the_threat_model_names_every_event_of_the_audit_trail():
    page = text_of("threat-model.md")
    assert [event for event in EVENTS if f"`{event}`" not in page] == []
