"""The port to the network against real servers: only who holds the pinned key is told anything."""

import socket
from contextlib import closing

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from liptako.core.errors import MalformedError, NetworkError, PinError
from liptako.federation.client import (
    ANSWER_LIMIT,
    DEEDS_PATH,
    PATH,
    SEALED_LIMIT,
    Follow,
    HttpsClient,
    check_address,
    key_pin,
)
from liptako.federation.pipe import CONTENT_TYPE
from tests.servers import OLDER, PIN, Door, SlowDoor, StayingDoor, certificate, served, write_tls


@pytest.fixture
def files(tmp_path):
    """Return where key and certificate of the servers of these tests lie."""
    return write_tls(tmp_path)


def exchange(url, pins, bundle):
    """Make one exchange with a client of its own."""
    with HttpsClient() as client:
        return client.exchange(url, pins, bundle)


def test_a_pin_is_the_hash_of_the_public_key_whatever_certificate_it_comes_in():
    assert key_pin(certificate().public_bytes(Encoding.DER)) == PIN


def test_who_holds_the_pinned_key_is_asked_and_answers(files):
    with served((200, b"answer"), files) as (url, requests):
        assert exchange(url, [PIN], b"bundle") == b"answer"
    assert requests == [(PATH, CONTENT_TYPE, b"bundle")]


def test_deeds_are_asked_of_whoever_answers_who_is_told_only_by_whom(files):
    with served((200, b"deeds"), files) as (url, requests):
        assert HttpsClient().deeds(url, "BF") == b"deeds"
    assert requests == [f"{DEEDS_PATH}/BF"]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((200, bytes(SEALED_LIMIT + 1)), "too many bytes"),
        ((404, b"no"), "answered 404: no"),
        ((None, b""), "cannot be reached"),
    ],
    ids=["too many", "older", "nothing"],
)
def test_deeds_that_are_none_say_what_came(files, answer, message):
    with served(answer, files) as (url, _), pytest.raises(NetworkError, match=message):
        HttpsClient().deeds(url, "BF")


def test_who_holds_another_key_is_told_nothing(files):
    with (
        served((200, b"answer"), files) as (url, requests),
        pytest.raises(PinError, match="does not hold the key of the compact"),
    ):
        exchange(url, [bytes(32)], b"bundle")
    assert requests == []


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((422, b"bundle: not for us"), "answered 422: bundle: not for us"),
        ((500, "é".encode("latin-1")), "answered 500: �"),
        ((302, b""), "answered 302: $"),
        ((400, b"x" * 400), "answered 400: x{300}$"),
        ((None, b"no HTTP at all\r\n\r\n"), "cannot be reached: no HTTP at all"),
        ((None, b""), "cannot be reached: "),
    ],
    ids=["refused", "broken", "elsewhere", "long", "no HTTP", "nothing"],
)
def test_an_answer_that_is_none_says_what_came(files, answer, message):
    with served(answer, files) as (url, _), pytest.raises(NetworkError, match=message):
        exchange(url, [PIN], b"bundle")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n4\r\n",
    ],
)
def test_an_answer_that_is_cut_is_handed_on_as_far_as_it_came(files, answer):
    with served((None, answer), files) as (url, _):
        assert exchange(url, [PIN], b"bundle") == b"short"


def test_an_answer_that_never_ends_is_not_taken(files):
    with (
        served((200, bytes(ANSWER_LIMIT + 1)), files) as (url, _),
        pytest.raises(NetworkError, match="too many bytes"),
    ):
        exchange(url, [PIN], b"bundle")


def test_an_older_tls_is_not_spoken(files):
    with (
        served((200, b"answer"), files, OLDER) as (url, requests),
        pytest.raises(NetworkError, match="cannot be reached"),
    ):
        exchange(url, [PIN], b"bundle")
    assert requests == []


def test_a_server_without_tls_is_told_nothing():
    with (
        served((200, b"answer")) as (url, requests),
        pytest.raises(NetworkError, match="cannot be reached"),
    ):
        exchange(url, [PIN], b"bundle")
    assert requests == []


def test_where_nobody_listens_it_says_so():
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        with pytest.raises(NetworkError, match=f"127.0.0.1:{port} cannot be reached"):
            exchange(f"https://127.0.0.1:{port}", [PIN], b"bundle")


# What follows before the answer is here

SLOW_SIZE = 8 * 2**20  # bytes: more than the system keeps on both sides


def follow_with(*bundles):
    """Return what gives these bundles one after the other, then nothing; and what it was told."""
    left, told = list(bundles), []

    def write(rate):
        told.append(rate)
        return left.pop(0) if left else b""

    return Follow(write, 8_000), told


@pytest.mark.parametrize("door", [StayingDoor, Door], ids=["stays", "closes"])
def test_what_follows_goes_before_the_answer_and_once_where_the_connection_stays(files, door):
    second, third = b"second", b"third"
    follow, told = follow_with(second, third)
    with served((200, b"answer"), files, door=door) as (url, requests), HttpsClient() as client:
        for bundle in (b"first", second, third):
            assert client.exchange(url, [PIN], bundle, follow) == b"answer"
    assert [body for *_, body in requests] == [b"first", b"second", b"third"]
    assert told == [0, 0, 0]  # so few bytes are gone at once


def test_what_follows_is_asked_for_when_little_is_left_to_go_and_told_the_rate(files):
    rates: list[int] = []
    while not any(rates) and len(rates) < 5:  # on a busy machine all may be gone before we look
        follow, told = follow_with()
        with served((200, b"answer"), files, door=SlowDoor) as (url, _), HttpsClient() as client:
            assert client.exchange(url, [PIN], bytes(SLOW_SIZE), follow) == b"answer"
        rates += told
    assert 0 < rates[-1] < SLOW_SIZE


def test_a_fault_in_an_answer_is_told_and_what_follows_is_not_taken_for_its_answer(files):
    follow, _ = follow_with(b"second")
    with served((422, b"not for us"), files, door=StayingDoor) as (url, _), HttpsClient() as client:
        with pytest.raises(NetworkError, match="not for us"):
            client.exchange(url, [PIN], b"first", follow)
        with pytest.raises(NetworkError, match="not for us"):
            client.exchange(url, [PIN], b"other")


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://node.bf", "https://node.bf"),
        (" https://node.bf:8443/ ", "https://node.bf:8443"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ("https://nœud.bf", "https://nœud.bf"),
    ],
)
def test_an_address_is_kept_without_spaces_and_slash(text, url):
    assert check_address(text) == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        "node.bf:8443",
        "http://node.bf",
        "http://foo/bar?x",
        "https://node.bf/path",
        "https://node.bf?x",
        "https://awa@node.bf",
        "https://node.bf:99999",
        "https://node bf",
        "https://node.bf\nx",
        "https://" + "x" * 193,
    ],
)
def test_what_is_no_address_is_told_to_be_none(text):
    with pytest.raises(MalformedError, match="address: expected https://HOST:PORT, got"):
        check_address(text)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "node.bf",
        "http://127.0.0.1:9",
        "https://",
        "https://:8443",
        "https://[::1",
        "https://127.0.0.1:port",
        "https://127.0.0.1:99999",
        "https://node bf",
        "https://" + "x" * 70 + ".é",
    ],
)
def test_an_address_that_is_none_is_an_error_of_ours(url):
    with pytest.raises((MalformedError, NetworkError)):
        exchange(url, [PIN], b"bundle")
