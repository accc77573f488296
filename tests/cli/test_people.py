"""Accounts, base map and published incidents at the command line."""

import pytest

from liptako.web import basemap

TABLE = (
    "event_id,date,category,iso3,admin1,lat,lon,geo_precision,description,weapon,killed,injured,"
    "kidnapped,arrested,source_file\n"
    "A1,2022-03-01,health_care,MLI,Gao,16.2,-0.1,(2) 25 km Precision,One,Firearms,0,1,0,0,f.xlsx\n"
    "A2,2022-03-02,education,BFA,Sahel,14.1,-1.6,(2) 25 km Precision,Two,Firearms,0,0,0,0,f.xlsx\n"
)


def person(home, account):
    """Return what the node knows of an account."""
    return home.do(
        "from liptako.members.models import Person\n"
        f"p = Person.objects.get(username={account!r})\n"
        "offices = sorted(p.assignments.filter(until=None).values_list('office', flat=True))\n"
        "print(p.name, p.must_change_password, *offices)"
    )


def fits(home, account, password):
    """Say whether a password opens an account."""
    return home.do(
        "from liptako.members.models import Person\n"
        f"print(Person.objects.get(username={account!r}).check_password({password!r}))"
    )


def password_in(said, account):
    before, _, password = said.strip().partition("  password: ")
    assert before == f"Account: {account}"
    return password


def test_an_account_is_created_with_its_offices_and_a_password_that_fits(ml):
    words = ("--name", "Awa Traoré", "--office", "permanence", "--office", "audit")
    password = password_in(ml.ok("person", "awa", *words), "awa")
    assert person(ml, "awa") == "Awa Traoré True audit permanence"
    assert fits(ml, "awa", password) == "True"


def test_an_account_without_a_name_is_named_like_itself(ml):
    ml.ok("person", "awa")
    assert person(ml, "awa") == "awa True"


def test_an_account_that_exists_is_given_a_new_password_and_more_offices(ml):
    first = password_in(ml.ok("person", "awa", "--office", "audit"), "awa")
    second = password_in(ml.ok("person", "awa", "--office", "permanence"), "awa")
    assert person(ml, "awa") == "awa True audit permanence"
    assert (fits(ml, "awa", first), fits(ml, "awa", second)) == ("False", "True")


def test_with_an_office_that_is_none_no_account_is_created(ml):
    refused = (5, "", "there is no office nowhere\n")
    assert ml.run("person", "awa", "--office", "nowhere") == refused
    count = "from liptako.members.models import Person; print(Person.objects.count())"
    assert ml.do(count) == "1"


def test_with_an_office_that_is_none_the_old_password_stays(ml):
    password = password_in(ml.ok("person", "awa"), "awa")
    assert ml.run("person", "awa", "--office", "nowhere").code == 5
    assert fits(ml, "awa", password) == "True"


@pytest.fixture
def table(tmp_path):
    file = tmp_path / "incidents.csv"
    file.write_text(TABLE)
    return file


def audiences(home):
    """Return for each published incident the rosters it is for."""
    return home.do(
        "from liptako.situation.models import Incident\n"
        "from liptako.ledger.reader import roster_of\n"
        "rows = Incident.objects.values_list('summary', 'audience')\n"
        "print(sorted((words, '+'.join(sorted(roster_of(name)))) for words, name in rows))"
    )


def test_published_incidents_are_taken_in_once(ml, table):
    first, second = ml.run("import", table), ml.run("import", table)
    assert (first.code, first.out) == (0, "2 new incidents of 2 rows.\n")
    assert (second.code, second.out) == (0, "0 new incidents of 2 rows.\n")
    assert audiences(ml) == "[('One', 'ML'), ('Two', 'ML')]"


def test_the_incidents_of_one_country_may_be_released_to_all(ml, table):
    said = ml.ok("import", table, "--country", "MLI", "--release")
    assert said == "1 new incidents of 2 rows.\n"
    assert audiences(ml) == "[('One', 'BF+ML'), ('One', 'ML')]"


def test_an_import_tells_the_audit_trail_for_whom_and_how_much(ml, table):
    ml.ok("import", table, "--country", "MLI", "--release")
    ml.ok("import", table)
    trail = "AuditEvent.objects.filter(event='incidents.import').order_by('at')"
    told = f"print(list({trail}.values_list('office', 'subject', 'detail')))"
    assert ml.do(f"from liptako.members.models import AuditEvent; {told}") == str(
        [("administration", "BF ML", "1/2"), ("administration", "ML", "1/2")]
    )


def test_a_row_that_cannot_be_read_is_named_and_the_others_are_taken(ml, table):
    table.write_text(TABLE.replace("16.2", "no number"))
    result = ml.run("import", table)
    assert (result.code, result.out) == (1, "1 new incidents of 2 rows.\n")
    assert "line 2" in result.err


def test_a_table_that_is_not_there_is_named(ml, tmp_path):
    file = tmp_path / "nothing.csv"
    assert ml.run("import", file) == (3, "", f"table: {file} cannot be read\n")


def test_without_a_table_and_without_data_the_setting_is_named(ml):
    assert ml.run("import") == (9, "", "LIPTAKO_DATA: this setting is missing\n")


def test_the_table_of_the_data_folder_is_taken(ml, tmp_path):
    (tmp_path / "data" / "incidents").mkdir(parents=True)
    table = tmp_path / "data" / "incidents" / "insecurity_insight_sahel.csv"
    table.write_text(TABLE)
    result = ml.run("import", LIPTAKO_DATA=str(tmp_path / "data"))
    assert (result.code, result.out) == (0, "2 new incidents of 2 rows.\n")


def test_a_base_map_that_was_lost_is_built_again(ml):
    (ml / basemap.FILE).unlink()
    assert ml.ok("basemap") == "Building the base map …\nBase map built.\n"
    assert basemap.is_built(ml.folder)
