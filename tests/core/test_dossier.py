"""Dossiers: cards, versions and delegations in one file, and what follows from them."""

from dataclasses import replace

import pytest

from liptako.core.compact import dossier as dossiers
from liptako.core.compact.dossier import (
    Dossier,
    dossier_of,
    join_dossiers,
    make_card,
    read_dossier,
    write_dossier,
)
from liptako.core.compact.envelope import Envelope
from liptako.core.errors import MalformedError, RefusedError, VerificationError
from tests.pact import after, by, card, delegated, dossier, first

VERSION = first("SA", "SB")
DELEGATIONS = (delegated("SA"), delegated("SB"))
WHOLE = dossier(VERSION, delegations=DELEGATIONS)


def unsigned(version):
    return Envelope(type=version.envelope.type, payload=version.envelope.payload)


def test_a_dossier_reads_what_it_writes():
    whole = replace(WHOLE, cards=(card("SA"), card("SB")))
    assert read_dossier(write_dossier(whole)) == whole
    assert write_dossier(whole).count(b"\n") == 5


def test_a_card_says_what_its_member_is():
    assert make_card(card("SA").member) == card("SA")


def test_empty_lines_and_the_order_of_lines_say_nothing():
    lines = write_dossier(WHOLE).splitlines(keepends=True)
    assert read_dossier(b"\n\n".join(reversed(lines)) + b" \n") == WHOLE


def test_dossiers_are_joined_as_if_their_lines_stood_in_one_file():
    draft = dossiers.read_version(unsigned(VERSION))
    parts = [
        replace(dossier(by(draft, "SA"), delegations=DELEGATIONS[:1]), cards=(card("SA"),)),
        replace(dossier(by(draft, "SB"), delegations=DELEGATIONS), cards=(card("SA"),)),
    ]
    joined = join_dossiers(parts)
    assert joined == replace(WHOLE, cards=(card("SA"),))
    assert read_dossier(b"".join(map(write_dossier, parts))).versions == joined.versions


def test_a_whole_dossier_says_what_is_in_force():
    second = after(VERSION, "SA", "SB")
    later = dossier(second, VERSION, delegations=DELEGATIONS)
    assert [item.document.version for item in later.versions] == [1, 2]
    assert (later.compact().version, WHOLE.compact().version) == (2, 1)
    assert later.line("SB") == DELEGATIONS[1:]


def test_a_dossier_with_a_signature_too_few_is_refused():
    with pytest.raises(VerificationError, match="missing: SB"):
        dossier(by(dossiers.read_version(unsigned(VERSION)), "SA")).compact()


def test_two_versions_of_one_number_are_refused():
    twin = first("SA", "SB", approve=2)
    with pytest.raises(RefusedError, match="expected version 2 next, got 1"):
        dossier(VERSION, twin, delegations=DELEGATIONS).compact()


def test_an_empty_dossier_has_no_compact():
    assert read_dossier(b"\n") == Dossier()
    with pytest.raises(MalformedError, match="expected a version"):
        Dossier().compact()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"id":"SA"}', "card:"),
        (
            write_dossier(Dossier(cards=(card("SA"),))).replace(b"{", b'{"state":"left",', 1),
            "card:",
        ),
        (b'{"id": "SA"}', "no spaces"),
        (b'{"payload":"","payloadType":"other","signatures":[]}', "dossier: expected a compact"),
        (b'{"payload":"!","payloadType":"other","signatures":[]}', "envelope:"),
    ],
)
def test_a_line_that_is_wrong_says_what_is_wrong(line, message):
    with pytest.raises(MalformedError, match=message):
        read_dossier(line)


def test_a_dossier_has_an_end():
    with pytest.raises(MalformedError, match="dossier: expected at most"):
        read_dossier(b"\n" * (dossiers.DOSSIER_LIMIT + 1))


def test_an_envelope_of_another_type_is_refused():
    with pytest.raises(MalformedError, match="got other"):
        dossier_of([Envelope(type="other", payload=b"")])
