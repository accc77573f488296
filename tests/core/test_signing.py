"""What a root key signs once only, and the proof against a member that has signed two."""

import pytest

from liptako.core.compact.document import Root
from liptako.core.compact.envelope import Envelope
from liptako.core.compact.signing import Place, check_unsigned, line_for, place_of, proves_double
from liptako.core.errors import MalformedError, RefusedError
from tests.pact import RECIPIENTS, after, delegated, first, roots

FIRST = first("SA", "SB")
SECOND, TWIN = after(FIRST, "SA", "SB"), after(FIRST, "SA", approve=2)
KEY, OTHER_KEY = (signer.public for signer in roots("SA", 2))
ROOT = Root(threshold=1, keys=(KEY,))


def test_a_document_has_a_place_by_its_kind_its_member_and_its_number():
    assert place_of(SECOND.envelope) == Place(
        type="application/vnd.liptako.compact+json", member="", number=2
    )
    assert place_of(delegated("SA").envelope) == Place(
        type="application/vnd.liptako.delegation+json", member="SA", number=1
    )
    with pytest.raises(MalformedError):
        place_of(Envelope(type="other", payload=b""))


def test_a_key_signs_one_document_of_a_number():
    kept = [line_for(item.envelope, KEY) for item in (FIRST, SECOND)]
    check_unsigned(kept, line_for(SECOND.envelope, KEY))
    check_unsigned(kept, line_for(delegated("SA").envelope, KEY))
    check_unsigned(kept, line_for(TWIN.envelope, OTHER_KEY))
    with pytest.raises(RefusedError, match="another document with number 2 already"):
        check_unsigned(kept, line_for(TWIN.envelope, KEY))


def test_two_signed_versions_of_one_number_prove_who_signed_both():
    assert proves_double(SECOND.envelope, TWIN.envelope, ROOT)
    assert not proves_double(SECOND.envelope, TWIN.envelope, FIRST.document.members[1].root)


def test_two_signed_delegations_of_one_serial_prove_it_too():
    one, other = delegated("SA"), delegated("SA", seals=RECIPIENTS[1:])
    assert proves_double(one.envelope, other.envelope, ROOT)
    assert not proves_double(one.envelope, delegated("SA", before=one).envelope, ROOT)
    unsigned = delegated("SA", seals=RECIPIENTS[1:], keys=[])
    assert not proves_double(unsigned.envelope, one.envelope, ROOT)


def test_one_document_with_more_signatures_proves_nothing():
    assert not proves_double(FIRST.envelope, first("SA", "SB").envelope, ROOT)
