"""The bytes of every kind of record: what is written today is read for ever (I1)."""

import pytest

from liptako.ledger.testing import check_bytes
from liptako.members.records import (
    AUDIT,
    DUTY,
    HAND_OVER,
    MANDATE,
    MANDATE_END,
    OFFICE,
    RECORDS,
    WATCH,
    WATCH_END,
    Audit,
    Duty,
    HandOver,
    Mandate,
    MandateEnd,
    Office,
    OpenItem,
    Watch,
    WatchEnd,
)

GOLDEN = {
    OFFICE: (
        Office(
            code="permanence",
            titles={"fr": "Officier de permanence", "en": "Watch officer"},
            roles=("watch_officer", "releasing_officer"),
            closed=True,
        ),
        (
            b'{"code":"permanence","titles":{"fr":"Officier de permanence","en":"Watch officer"},'
            b'"roles":["watch_officer","releasing_officer"],"closed":true}'
        ),
    ),
    MANDATE: (
        Mandate(
            office="delegue",
            subjects=("mesures communes", "règlement"),
            begins=1_790_000_000_000,
            ends=1_800_000_000_000,
        ),
        (
            b'{"office":"delegue","subjects":["mesures communes","r\xc3\xa8glement"],'
            b'"begins":1790000000000,"ends":1800000000000}'
        ),
    ),
    MANDATE_END: (MandateEnd(reason="relève"), b'{"reason":"rel\xc3\xa8ve"}'),
    WATCH: (
        Watch(
            person="0000000000001",
            due=1_790_028_800_000,
            proof="password",
            after="0000000000002",
            remarks="vu",
            reason="absent",
        ),
        (
            b'{"person":"0000000000001","due":1790028800000,"proof":"password",'
            b'"after":"0000000000002","remarks":"vu","reason":"absent"}'
        ),
    ),
    HAND_OVER: (
        HandOver(
            person="0000000000001",
            proof="password",
            text="Gué coupé",
            items=(
                OpenItem(
                    kind="situation.incident/1",
                    author="ML",
                    object="0000000000003",
                    status="verifying",
                    versions=2,
                ),
            ),
            more=7,
        ),
        (
            b'{"person":"0000000000001","proof":"password","text":"Gu\xc3\xa9 coup\xc3\xa9",'
            b'"items":[{"kind":"situation.incident/1","author":"ML","object":"0000000000003",'
            b'"status":"verifying","versions":2}],"more":7}'
        ),
    ),
    WATCH_END: (
        WatchEnd(person="0000000000001", by="0000000000004", reason="relève"),
        b'{"person":"0000000000001","by":"0000000000004","reason":"rel\xc3\xa8ve"}',
    ),
    DUTY: (
        Duty(
            person="0000000000001",
            begins=1_790_000_000_000,
            ends=1_790_028_800_000,
            note="nuit",
            cancelled=True,
        ),
        (
            b'{"person":"0000000000001","begins":1790000000000,"ends":1790028800000,'
            b'"note":"nuit","cancelled":true}'
        ),
    ),
    AUDIT: (
        Audit(event="office.assign", person="0000000000001", subject="g", detail="permanence"),
        b'{"event":"office.assign","person":"0000000000001","subject":"g","detail":"permanence"}',
    ),
}


def test_there_is_a_golden_vector_for_every_kind():
    assert {kind: type(payload) for kind, (payload, _) in GOLDEN.items()} == RECORDS


@pytest.mark.parametrize("kind", GOLDEN)
def test_the_bytes_of_a_kind_never_change(kind):
    payload, data = GOLDEN[kind]
    assert check_bytes(kind, payload) == data


def test_what_is_left_out_is_written_as_its_default():
    assert check_bytes(OFFICE, Office(code="audit", titles={"fr": "Audit"}, roles=())) == (
        b'{"code":"audit","titles":{"fr":"Audit"},"roles":[],"closed":false}'
    )
    assert check_bytes(AUDIT, Audit(event="sign_in.failed")) == (
        b'{"event":"sign_in.failed","person":"","subject":"","detail":""}'
    )
    assert check_bytes(WATCH, Watch(person="g", due=0)) == b'{"person":"g","due":0}'
    assert check_bytes(DUTY, Duty(person="g", begins=0, ends=1)) == (
        b'{"person":"g","begins":0,"ends":1}'
    )
    assert check_bytes(WATCH_END, WatchEnd(person="g")) == b'{"person":"g"}'
    assert check_bytes(HAND_OVER, HandOver(person="g", proof="password", text="RAS")) == (
        b'{"person":"g","proof":"password","text":"RAS"}'
    )
    assert check_bytes(MANDATE, Mandate(office="delegue", subjects=("a",), begins=0)) == (
        b'{"office":"delegue","subjects":["a"],"begins":0,"ends":null}'
    )
