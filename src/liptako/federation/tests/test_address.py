"""The page of the connection to a partner: its address, a cap, and hours for what is not urgent."""

from datetime import time

import pytest

from liptako.federation import peers


def test_an_address_with_a_fault_is_named_in_a_summary(desk):
    page = desk.post("/partners/BF/address/", {"url": "http://node.bf"}).content.decode()
    summary = page.partition('role="alert"')[2].partition("</div>")[0]
    assert '<a href="#id_url">Address</a>' in summary
    assert "Expected https://HOST:PORT." in summary
    assert page.count('id="id_url"') == 1


LINK = {
    "url": "https://node.bf:8443",
    "cap_kbit": "64",
    "bulk_from": "22:00",
    "bulk_until": "06:00",
}


def kept(desk):
    with desk.fleet.at("ML"):
        row = peers.peer("BF")
        return row.url, row.cap_kbit, row.bulk_from, row.bulk_until


def test_a_cap_and_hours_are_kept_shown_and_told_to_the_audit_trail(desk):
    answer = desk.post("/partners/BF/address/", LINK)
    assert kept(desk) == ("https://node.bf:8443", 64, time(22), time(6))
    page = " ".join(answer.content.decode().split())
    assert "64 kbit/s at most, what is not urgent from 22:00 to 06:00 only" in page
    form = desk.get("/partners/BF/address/").context["form"]
    assert [form[name].value() for name in ("url", "cap_kbit")] == ["https://node.bf:8443", 64]
    assert desk.events("ML", "partner.limits") == [("BF", "64 kbit/s, 22:00–06:00")]


def test_what_is_saved_unchanged_leaves_no_trace(desk):
    desk.post("/partners/BF/address/", LINK)
    desk.post("/partners/BF/address/", LINK)
    assert len(desk.events("ML", "partner.limits")) == 1
    assert len(desk.events("ML", "partner.address")) == 1


def test_without_limits_the_line_is_taken_as_it_is(desk):
    desk.post("/partners/BF/address/", LINK)
    desk.post("/partners/BF/address/", {"url": LINK["url"]})
    assert kept(desk) == ("https://node.bf:8443", 0, None, None)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"bulk_until": ""}, "bulk_until"),
        ({"bulk_from": ""}, "bulk_from"),
        ({"bulk_from": "25:00"}, "bulk_from"),
        ({"cap_kbit": "1"}, "cap_kbit"),
        ({"cap_kbit": "x"}, "cap_kbit"),
    ],
    ids=str,
)
def test_a_limit_that_is_none_is_shown_again(desk, changes, field):
    answer = desk.post("/partners/BF/address/", LINK | changes)
    assert (answer.status_code, field in answer.context["form"].errors) == (422, True)
    assert kept(desk)[1:] == (0, None, None)
