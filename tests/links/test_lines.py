"""Two real nodes on a thin line: it is slow, is cut, comes back; what is urgent goes first."""

import sys
import time
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest

from tests.cli.shell import POSTGRESQL, kill, run, wait_for
from tests.links import shaping
from tests.links.killing import write_table
from tests.links.watch import lanes, place, report

WHY_NOT = shaping.why_not() or ("another namespace has no PostgreSQL" if POSTGRESQL else "")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)]

PORT = 8443
RECORDS = 300
BUNDLE = 40_000  # bytes: what 64 kbit/s carry in the four seconds of a bundle, and what is around


@pytest.fixture
def link():
    with shaping.Link(kbit=64, round_trip_ms=600) as made:
        yield made


@pytest.fixture
def ml(copy_of, link):
    """ML at one end, with some records for its partners, which knows where BF is."""
    home = copy_of("ML empty")
    write_table(home / "table.csv", RECORDS)
    home.ok("import", home / "table.csv", "--release")
    return at_end(home, link, 0)


@pytest.fixture
def bf(copy_of, link):
    """BF at the other end."""
    return at_end(copy_of("BF"), link, 1)


def at_end(home, link, end):
    """Put a node at one end of a line; BF is known to it if it is not BF."""
    home.inside = tuple(link.inside(end, ()))
    if end == 0:
        home.ok("partner", "BF", f"https://{link.addresses[1]}:{PORT}")
    return home


@contextmanager
def served(home, link, end=1):
    """Serve a node to its partners; BF, if nothing else is said."""
    address = link.addresses[end]
    words = ("serve", "--only", f"https://{address}:{PORT}")
    with home.process(*words, LIPTAKO_HOSTS=address) as process:
        code = f"import socket; socket.create_connection(('{address}', {PORT}), 1)"
        probe = link.inside(end, [sys.executable, "-c", code])
        wait_for(lambda: run(probe, {}).code == 0, 60)
        yield process


def exchange(ml):
    """Exchange until nothing is left; return how many seconds that took."""
    begun = time.monotonic()
    while ml.run("exchange", "now", "BF").code:
        time.sleep(0.2)
    return time.monotonic() - begun


def show(what, seconds, link):
    sys.stderr.write(f"\n{what}: {seconds:.1f} s, {link.sent(0)} + {link.sent(1)} bytes\n")


def held_alike(ml, bf):
    """Say whether BF holds all that ML has for it, and nothing is wrong with either."""
    mine, theirs = report(ml), report(bf)
    shared = {origin: mine["logs"][origin] for origin in theirs["logs"] if origin[:3] == "ML/"}
    held = {origin: size for origin, size in theirs["logs"].items() if origin[:3] == "ML/"}
    return held == shared and [*mine["faults"], *theirs["faults"]] == [] and len(held) > 0


def test_records_arrive_over_a_thin_line(ml, bf, link):
    with served(bf, link):
        show(f"{RECORDS} records", exchange(ml), link)
    assert held_alike(ml, bf)
    assert link.sent(0) < RECORDS * 500


@pytest.mark.parametrize("how", ["down", "killed", "dropped"])
def test_a_line_that_is_cut_for_a_moment_goes_on_where_it_was(ml, bf, link, how):
    with served(bf, link), ml.process("exchange", "now", "BF") as process:
        wait_for(lambda: link.sent(0) > 15_000, 60)
        with link.cut(how):
            time.sleep(3)
        said, _ = process.communicate(timeout=120)
        show(f"cut ({how})", 0, link)
        assert said == "0 new records from BF\n"
    assert held_alike(ml, bf)


def test_after_a_long_cut_no_more_than_a_bundle_is_sent_again(ml, bf, link):
    with served(bf, link):
        with ml.process("exchange", "now", "BF") as process:
            wait_for(lambda: place(bf).taken > RECORDS / 3, 120)
            time.sleep(1)  # in the middle of the next bundle
            with link.cut("killed"):
                kill(process)
        held, before = place(bf).taken, link.sent(0)
        exchange(ml)
        again = link.sent(0) - before
    total = place(bf).taken
    whole = link.sent(0) / total  # bytes an entry on the line, all included
    show(f"{held} of {total} were held before the cut; after it {again} bytes", 0, link)
    assert held_alike(ml, bf)
    assert again <= (total - held) * whole + BUNDLE


def test_an_urgent_record_overtakes_the_backlog(copy_of, bf, link):
    ml = at_end(copy_of("ML"), link, 0)
    with served(bf, link), ml.process("work"):
        wait_for(lambda: lanes(bf)[1] > 0, 120)
        with ml.process("demo-incident"):
            wait_for(lambda: lanes(ml)[0] > 0, 60)
            begun = time.monotonic()
            wait_for(lambda: lanes(bf)[0] > 0, 120)
        bulk, backlog = lanes(bf)[1], lanes(ml)[1]
        show(f"urgent behind a backlog ({bulk} of {backlog})", time.monotonic() - begun, link)
    assert bulk < backlog


def test_two_nodes_that_begin_at_once_send_a_backlog_once(ml, bf, link):
    with served(bf, link), served(ml, link, 0):
        bf.ok("partner", "ML", f"https://{link.addresses[0]}:{PORT}")
        with bf.process("work", LIPTAKO_EXCHANGE_SECONDS="1"):
            exchange(ml)
    show("both at once", 0, link)
    assert held_alike(ml, bf)
    assert link.sent(0) < RECORDS * 300


def limit(ml, **limits):
    """Set how much of the line to BF may be taken."""
    words = ", ".join(f"{name}={value!r}" for name, value in limits.items())
    ml.do(
        f"import datetime\nfrom liptako.federation.models import Peer\n"
        f"Peer.objects.filter(member='BF').update({words})"
    )


def test_no_more_of_a_line_is_taken_than_its_cap(ml, bf, link):
    limit(ml, cap_kbit=32)
    with served(bf, link):
        before, seconds = link.sent(0), exchange(ml)
        sent = link.sent(0) - before
    show("cap of 32 kbit/s", seconds, link)
    assert held_alike(ml, bf)
    assert sent / seconds < 32 * 125 * 1.25


def test_outside_its_hours_only_what_is_urgent_goes(ml, bf, link):
    now = datetime.now().astimezone()
    limit(
        ml,
        bulk_from=(now + timedelta(hours=2)).time().replace(tzinfo=None),
        bulk_until=(now + timedelta(hours=3)).time().replace(tzinfo=None),
    )
    ml.ok("demo-incident")
    with served(bf, link):
        show("outside the hours", exchange(ml), link)
        assert lanes(bf)[1] == 0
        assert lanes(bf)[0] > 0
        assert link.sent(0) < 16_000
        limit(ml, bulk_from=None, bulk_until=None)
        exchange(ml)
    assert held_alike(ml, bf)


def test_uploads_that_were_cut_leave_the_server_free_for_others(ml, bf, link):
    """No end of the connection ever reaches the server: it must not wait for ever with each."""
    with served(bf, link):
        for _ in range(6):
            with ml.process("exchange", "now", "BF") as process:
                before = link.sent(0)
                wait_for(lambda before=before: link.sent(0) > before + 8_000, 60)
                with link.cut("dropped"):
                    kill(process)
                    time.sleep(1)
        show("after six uploads that were cut", exchange(ml), link)
    assert held_alike(ml, bf)
