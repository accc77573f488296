"""A database of an older version comes to this one with all it holds; a newer one is refused."""

import pytest

DIGEST = "from liptako.ledger.digest import state_digest; print(state_digest())"
BACK = """
from django.core.management import call_command
for app in ("situation", "federation", "ledger"):
    call_command("migrate", app, "0001", verbosity=0, interactive=False)
"""
TEST = """
from liptako.federation.outbox import send_test
from liptako.ledger.node import this_node
from liptako.cli.acting import releasing_administrator
send_test(this_node(), releasing_administrator(this_node()), "BF")
"""
PROBES = "from liptako.federation.models import Probe; print(Probe.objects.count())"
LATER = """
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
MigrationRecorder(connection).record_applied("ledger", "9999_of_a_later_version")
"""


@pytest.fixture
def old(ml, originals):
    """A node with records, and its database as the first version left it."""
    ml.ok("demo-incident")
    ml.do(TEST)
    digest = ml.do(DIGEST)
    ml.do(BACK)
    return ml, digest


def test_an_older_database_is_refused_until_it_was_brought_to_this_version(old):
    ml, _ = old
    told = "the database was not prepared for this version: run `liptako init` on the same folder\n"
    assert ml.run("verify") == (8, "", told)


def test_an_older_database_comes_to_this_version_with_all_it_holds(old, originals):
    ml, digest = old
    ml.ok("init", "--member", "ML", "--data", "")
    assert ml.do(DIGEST) == digest
    shown = ml.ok("compact-show", originals / "compact.json")
    phrase = shown.rpartition("aloud: ")[2].splitlines()[0]
    ml.ok("compact-adopt", originals / "compact.json", "--phrase", phrase)
    assert ml.ok("verify").endswith("every signature, hash and payload is in order.\n")
    assert ml.ok("rebuild").endswith("The tables were as the log says.\n")


def test_records_that_the_version_before_could_only_keep_are_drawn(old):
    ml, _ = old
    ml.ok("init", "--member", "ML", "--data", "")
    assert ml.do(PROBES) == "1"


def test_a_database_that_a_newer_version_has_prepared_is_refused(ml):
    ml.do(LATER)
    result = ml.run("verify")
    assert (result.code, result.out) == (8, "")
    assert result.err.startswith("the database was prepared by a newer version of the program: ")
