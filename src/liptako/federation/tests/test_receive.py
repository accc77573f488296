"""The door for partners' nodes: a sealed request, a sealed answer; nothing else comes in or out."""

import io

import pytest
from django.test import Client

from liptako.core.compact.dossier import write_dossier
from liptako.core.errors import VerificationError
from liptako.core.log.bundle import BundleWriter
from liptako.core.log.frames import DeedsFrame, HeadsFrame
from liptako.core.log.heads import Heads, sign_heads
from liptako.core.log.sealed import recipient_of, seal
from liptako.federation import sync
from liptako.federation.client import DEEDS_PATH, PATH
from liptako.federation.pipe import CONTENT_TYPE
from liptako.ledger import compacts
from liptako.ledger.models import Entry
from tests.bundles import open_for


@pytest.fixture
def knock(desk):
    """Return a program that calls the door of ML: no cookies, no token."""
    stranger = Client(enforce_csrf_checks=True)

    def call(body, method="POST"):
        with desk.fleet.at("ML"):
            return stranger.generic(method, PATH, body, content_type=CONTENT_TYPE)

    return call


def entries(desk):
    with desk.fleet.at("ML"):
        return Entry.objects.count()


def request_of(desk, sender, signer):
    """Return heads of a sender as a request to ML."""
    plain, target = io.BytesIO(), io.BytesIO()
    writer = BundleWriter(plain)
    heads = Heads(sender=sender, recipient="ML")
    writer.write(HeadsFrame(sign_heads(heads, desk.fleet.nodes[signer].signer)))
    writer.close()
    plain.seek(0)
    seal(plain, target, recipient_of(desk.fleet.nodes["ML"].identity))
    return target.getvalue()


def test_a_partner_leaves_its_records_and_takes_ours_along(desk, knock):
    desk.write("BF", "theirs")
    desk.write("ML", "ours")
    desk.write("ML", "for ourselves", audience=frozenset())
    answer = knock(desk.bundle("BF", "ML"))
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, CONTENT_TYPE)
    with desk.fleet.at("BF") as node:
        report = sync.read_sealed(node, io.BytesIO(answer.content), how="network")
    assert (report.sender, report.taken, report.faults) == ("ML", 1, [])
    assert [detail for _, detail in desk.events("ML")] == ["for ourselves", "ours", "theirs"]


def test_a_request_that_was_overheard_and_sent_again_brings_nothing_new(desk, knock):
    desk.write("BF", "theirs")
    bundle = desk.bundle("BF", "ML")
    knock(bundle)
    before = entries(desk)
    assert (knock(bundle).status_code, entries(desk)) == (200, before)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_only_a_post_is_answered(desk, knock, method):
    desk.write("BF", "theirs")
    before = entries(desk)
    answer = knock(desk.bundle("BF", "ML"), method)
    assert (answer.status_code, entries(desk)) == (405, before)


@pytest.mark.parametrize("body", [b"", b"garbage", bytes(10_000), b"age-encryption.org/v1\n"])
def test_what_is_no_bundle_is_refused_in_one_line(desk, knock, body):
    before = entries(desk)
    answer = knock(body)
    assert answer.status_code in {400, 422}
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert (len(answer.content.splitlines()), entries(desk)) == (1, before)


def test_a_request_for_somebody_else_is_refused(desk, knock):
    answer = knock(desk.bundle("BF", "NE"))
    assert (answer.status_code, b"the keys of this node" in answer.content) == (422, True)


@pytest.mark.parametrize(
    ("sender", "signer", "status"), [("BF", "NE", 422), ("TG", "BF", 409), ("ML", "ML", 409)]
)
def test_who_is_not_who_they_say_gets_no_answer(desk, knock, sender, signer, status):
    desk.write("ML", "secret of ours")
    answer = knock(request_of(desk, sender, signer))
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "text/plain")


def test_a_partner_that_says_who_it_is_gets_an_answer(desk, knock):
    assert knock(request_of(desk, "BF", "BF")).status_code == 200


def test_a_request_that_is_too_large_is_not_read(desk, knock, settings):
    desk.write("BF", "theirs")
    bundle, before = desk.bundle("BF", "ML"), entries(desk)
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = len(bundle) - 1
    answer = knock(bundle)
    assert (answer.status_code in {400, 413}, entries(desk)) == (True, before)
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = len(bundle)
    assert knock(bundle).status_code == 200


def test_anybody_may_ask_for_the_deeds_and_only_the_member_can_read_them(desk):
    with desk.fleet.at("ML"):
        answer = Client().get(f"{DEEDS_PATH}/BF")
        held = write_dossier(compacts.dossier())
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, CONTENT_TYPE)
    with pytest.raises(VerificationError):
        open_for(desk.fleet, "NE", answer.content)
    assert open_for(desk.fleet, "BF", answer.content, deeds=True) == [DeedsFrame(held)]


def test_a_stranger_is_given_no_deeds(desk):
    with desk.fleet.at("ML"):
        answer = Client().get(f"{DEEDS_PATH}/TG")
        assert Client().post(f"{DEEDS_PATH}/BF").status_code == 405
    assert (answer.status_code, answer.content) == (409, b"TG is not a member of the compact")
