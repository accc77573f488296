"""Erasing by command: a record of our own, an account; the log still verifies."""


def test_an_incident_is_erased_and_the_log_still_verifies(ml):
    ml.ok("demo-incident")
    rows = "from liptako.situation.models import Incident as I; print(*I.objects.values_list('{}'))"
    reference = ml.do(rows.format("reference")).split("'")[1]
    told = ml.ok("erase", reference, "--reason", "A person was named")
    assert told == "Erased. The proof that it existed stays.\n"
    assert ml.do(rows.format("reference")) == ""
    assert ml.ok("verify").endswith("every signature, hash and payload is in order.\n")
    assert ml.run("erase", reference, "--reason", "again").code == 5
    assert ml.run("erase", reference).code == 2


def test_an_account_is_erased_with_its_name(ml):
    ml.ok("person", "awa", "--name", "Awa Test", "--office", "permanence")
    assert ml.ok("person-erase", "awa") == "The account and the name were erased.\n"
    refused = ml.run("person-erase", "awa")
    assert (refused.code, refused.err) == (5, "there is no account awa\n")
    people = "from liptako.members.models import Person; print(Person.objects.count())"
    assert ml.do(people) == "1"


def test_a_new_member_is_granted_what_was_released_before(ml):
    ml.ok("demo-incident")  # released to all members
    words = ("backfill", "NE", "--audience", "ML,BF", "--since", "2020-01-01", "--basis", "x")
    refused = ml.run("backfill", "BF", *words[2:])
    assert (refused.code, ml.run(*words[:5], "tomorrow", *words[6:]).code) == (5, 2)
    assert ml.run(*words).code == 5  # nothing was ever released to these two alone
