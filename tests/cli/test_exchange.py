"""Exchange by file and over the network: what is good is kept once, what is wrong is told."""

import hashlib

import pytest

from tests.cli.shell import listens, wait_for

COUNT = "from liptako.situation.models import Incident; print(Incident.objects.count())"
ENTRIES = (
    "from liptako.ledger.models import Entry; "
    "print(Entry.objects.exclude(kind='members.audit/1').count())"
)


@pytest.fixture
def bundle(ml, bf, tmp_path):
    """Return a file of ML for BF with an incident that was released to all."""
    ml.ok("demo-incident")
    file = tmp_path / "bundle"
    ml.ok("exchange", "write", "BF", file)
    return file


def events(home, event):
    """Return subject and detail of what the audit trail holds of an event."""
    return home.do(
        "from liptako.members.models import AuditEvent\n"
        f"rows = AuditEvent.objects.filter(event={event!r})\n"
        "print(*rows.values_list('subject', 'detail'))"
    )


def test_an_incident_goes_from_node_to_node_by_file(ml, bf, tmp_path):
    ml.ok("demo-incident")
    file = tmp_path / "bundle"
    assert ml.ok("exchange", "write", "BF", file) == f"1 records for BF in {file}\n"
    assert bf.ok("exchange", "read", file) == "1 new records from ML\n"
    assert bf.do(COUNT) == "1"
    assert bf.do(ENTRIES) != ml.do(ENTRIES)  # what ML keeps for itself stayed there


def test_both_sides_write_it_into_their_audit_trails(ml, bf, bundle):
    bf.ok("exchange", "read", bundle)
    assert events(ml, "bundle.export") == "('BF', '1')"
    assert events(bf, "bundle.import") == "('ML', '1')"


def test_the_same_file_read_twice_brings_nothing_new(bf, bundle):
    bf.ok("exchange", "read", bundle)
    state = bf.do("from liptako.ledger.digest import state_digest; print(state_digest())")
    assert bf.ok("exchange", "read", bundle) == "0 new records from ML\n"
    assert bf.do(COUNT) == "1"
    assert state != ""


def test_an_old_file_played_again_is_told_to_be_old(ml, bf, bundle, tmp_path):
    ml.ok("demo-incident")
    ml.ok("exchange", "write", "BF", tmp_path / "newer")
    bf.ok("exchange", "read", tmp_path / "newer")
    told = "This is an older state of ML than the one known here.\n"
    assert bf.run("exchange", "read", bundle) == (0, "0 new records from ML\n", told)


def test_what_a_partner_says_it_holds_is_not_written_again(ml, bf, bundle, tmp_path):
    bf.ok("exchange", "read", bundle)
    answer, again = tmp_path / "answer", tmp_path / "again"
    bf.ok("exchange", "write", "ML", answer)
    assert ml.ok("exchange", "read", answer) == "0 new records from BF\n"
    assert ml.ok("exchange", "write", "BF", again) == f"0 records for BF in {again}\n"


def digest(home, member):
    """Return what a node says of what it shares with a member, without its first words."""
    return home.ok("exchange", "digest", member).split(": ", 1)[1]


def test_partners_who_hold_the_same_say_the_same_digest(ml, bf, bundle):
    apart = (digest(ml, "BF"), digest(bf, "ML"))
    bf.ok("exchange", "read", bundle)
    assert digest(ml, "BF") == digest(bf, "ML") == apart[0] != apart[1]
    assert apart[0].startswith("1 logs, 1 records\nBasis: ")


def test_a_partner_says_how_much_of_each_log_it_holds_as_another_command_takes_it(ml, bf, bundle):
    bf.ok("exchange", "read", bundle)
    own = (
        "from liptako.ledger.models import Channel; "
        "logs = Channel.objects.filter(author='ML').exclude(audience__members=['ML']); "
        "print(*(f'{x.origin}={x.size}' for x in logs.order_by('origin')), sep='\\n')"
    )
    said = bf.ok("exchange", "digest", "ML", "--logs").splitlines()[1:-1]
    assert said == ml.do(own).splitlines() != []


def test_a_log_that_was_never_counted_has_no_digest_before_a_rebuild(ml):
    ml.ok("demo-incident")
    before = ml.ok("exchange", "digest", "BF")
    ml.do("from liptako.ledger.models import Tally; Tally.objects.all().delete()")
    told = "No digest yet: `rebuild` has to count what an older version has written.\n"
    result = ml.run("exchange", "digest", "BF")
    assert (result.code, result.err) == (1, told)
    ml.ok("rebuild")
    assert ml.ok("exchange", "digest", "BF") == before


def test_no_digest_is_told_of_a_stranger(ml):
    result = ml.run("exchange", "digest", "TG")
    assert result == (5, "", "TG is not a member of the compact\n")


@pytest.mark.parametrize("length", [0, 10, 300, 1000, -1])
def test_of_a_file_that_was_cut_nothing_wrong_is_kept(bf, bundle, length):
    data = bundle.read_bytes()
    before = bf.do(ENTRIES)
    bundle.write_bytes(data[:length])
    result = bf.run("exchange", "read", bundle)
    assert (result.code in {3, 4}, result.err != "") == (True, True)
    assert (bf.do(ENTRIES), bf.do(COUNT)) == (before, "0")


@pytest.mark.parametrize("place", [0.02, 0.3, 0.6, 0.98])
def test_of_a_file_with_a_flipped_bit_nothing_wrong_is_kept(bf, bundle, place):
    data = bytearray(bundle.read_bytes())
    data[int(len(data) * place)] ^= 4
    before = bf.do(ENTRIES)
    bundle.write_bytes(data)
    result = bf.run("exchange", "read", bundle)
    assert (result.code in {3, 4}, result.err != "") == (True, True)
    assert (bf.do(ENTRIES), bf.do(COUNT)) == (before, "0")


def test_of_a_long_file_that_was_cut_the_good_beginning_is_kept(ml, bf, tmp_path):
    table, file = tmp_path / "table.csv", tmp_path / "bundle"
    rows = [
        f"A{n},2022-03-01,health_care,MLI,Gao,16.2,-0.1,(2),{noise(n)},,0,0,0,0,f"
        for n in range(700)
    ]
    table.write_text("\n".join((HEADER, *rows)) + "\n")
    ml.ok("import", table, "--release")
    ml.ok("exchange", "write", "BF", file)
    file.write_bytes(file.read_bytes()[:-16_384])  # the last of three packages is longer
    cut = bf.run("exchange", "read", file)
    assert (cut.code, cut.out) == (3, "512 new records from ML\n")
    assert cut.err == "bundle: it is cut short; what came before its end was kept\n"
    assert bf.ok("verify").endswith("records: every signature, hash and payload is in order.\n")


HEADER = (
    "event_id,date,category,iso3,admin1,lat,lon,geo_precision,description,weapon,killed,injured,"
    "kidnapped,arrested,source_file"
)


def noise(number):
    """Return a text that cannot be compressed, so that the file gets long."""
    return hashlib.shake_256(str(number).encode()).hexdigest(300)


def test_a_file_for_somebody_else_is_refused(ml, bundle):
    refused = (
        "bundle: it cannot be opened with the keys of this node: it is for another one, it was "
        "changed, or its sender missed our last changes of keys: hand it a file of ours, and "
        "ask for another one\n"
    )
    assert ml.run("exchange", "read", bundle) == (4, "", refused)


def test_a_file_that_is_no_bundle_is_refused(bf, tmp_path):
    file = tmp_path / "file"
    file.write_text("a letter")
    refused = "bundle: this file is no bundle of Liptako, or its beginning is lost\n"
    assert bf.run("exchange", "read", file) == (3, "", refused)


@pytest.mark.parametrize("name", ["nothing", "."])
def test_a_file_that_cannot_be_read_is_named(bf, tmp_path, name):
    result = bf.run("exchange", "read", tmp_path / name)
    assert (result.code, result.out) == (3, "")
    assert result.err.startswith(f"{tmp_path / name} cannot be read: ")


@pytest.mark.parametrize("target", ["/proc/bundle", ".", "/"])
def test_a_file_that_cannot_be_written_is_named(ml, target):
    result = ml.run("exchange", "write", "BF", target)
    assert (result.code, result.out) == (8, "")
    assert result.err.startswith(f"{target} cannot be written: ")


def test_nothing_is_written_for_a_stranger(ml, tmp_path):
    result = ml.run("exchange", "write", "TG", tmp_path / "bundle")
    assert result == (5, "", "TG is not a member of the compact\n")
    assert [path.name for path in tmp_path.iterdir()] == ["ML"]


def test_a_partner_that_does_not_answer_is_told_as_such(ml, free_port):
    port = free_port()
    ml.ok("partner", "BF", f"https://127.0.0.1:{port}")
    result = ml.run("exchange", "now", "BF")
    assert (result.code, result.out) == (7, "")
    assert result.err.startswith(f"127.0.0.1:{port} cannot be reached: ")


@pytest.fixture
def served(bf, free_port):
    """Let BF answer over HTTPS; return its address."""
    port = free_port()
    with bf.process("serve", LIPTAKO_LISTEN=f"https://127.0.0.1:{port}") as process:
        wait_for(lambda: listens(port))
        yield f"https://127.0.0.1:{port}"
        process.terminate()
        process.communicate(timeout=15)


def test_two_nodes_exchange_over_the_network_now(ml, bf, served):
    ml.ok("partner", "BF", served)
    ml.ok("demo-incident")
    assert ml.ok("exchange", "now", "BF") == "0 new records from BF\n"
    assert bf.do(COUNT) == "1"


def test_a_partner_with_another_key_is_not_spoken_to(ml, bf, served, tmp_path):
    for _ in range(2):  # the present key and the next one are others then
        words = ("--renew", "tls", "--key", bf / "keys/root.key", "--output", tmp_path / "keys")
        bf.ok("delegate", *words)
    ml.ok("compact-adopt", tmp_path / "keys")
    ml.ok("partner", "BF", served)
    result = ml.run("exchange", "now", "BF")
    assert (result.code, "does not hold the key of the compact" in result.err) == (4, True)


def test_the_folders_are_worked_once_and_say_so(ml, bf, tmp_path):
    stick = tmp_path / "stick"
    stick.mkdir()
    folders = {"LIPTAKO_SPOOL_OUT": str(stick), "LIPTAKO_SPOOL_IN": str(stick)}
    ml.ok("demo-incident")
    told = ml.ok("exchange", "spool", **folders)
    (file,) = stick.glob("liptako-ML-BF-*")
    assert f"1 records for BF in {file.name}\n" in told
    assert f"{file.name}: 1 new records from ML\n" in bf.ok("exchange", "spool", **folders)
    assert (bf.do(COUNT), [path.name for path in (stick / "done").iterdir()]) == ("1", [file.name])
    again = ml.ok("exchange", "spool", **folders)
    assert "0 new records from BF" in again


def test_without_folders_or_without_the_stick_it_says_what_is_missing(ml, tmp_path):
    assert ml.run("exchange", "spool").code == 9
    gone = ml.run("exchange", "spool", LIPTAKO_SPOOL_OUT=str(tmp_path / "gone"))
    assert (gone.code, "is the stick in?" in gone.err) == (8, True)
    assert ml.run("exchange", "spool", LIPTAKO_SPOOL_OUT="relative").code == 9


def test_the_worker_writes_files_and_takes_them_in_by_itself(ml, bf, tmp_path):
    stick = tmp_path / "stick"
    stick.mkdir()
    folders = {"LIPTAKO_SPOOL_OUT": str(stick), "LIPTAKO_SPOOL_IN": str(stick)}
    ml.ok("demo-incident")
    with ml.process("work", **folders) as worker:
        wait_for(lambda: list(stick.glob("liptako-ML-BF-*.bundle")), seconds=120)
        worker.terminate()
        worker.communicate(timeout=60)
    with bf.process("work", **folders) as worker:
        wait_for(lambda: list(stick.glob("done/liptako-ML-BF-*.bundle")), seconds=120)
        worker.terminate()
        worker.communicate(timeout=60)
    assert bf.do(COUNT) == "1"
