"""The page of published incidents: start an import, watch how far it is, read what was wrong."""

from dataclasses import replace

import pytest
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from liptako.core.refs import audience_id
from liptako.members import actions as people
from liptako.members.records import Office, Role
from liptako.situation import importing
from liptako.situation.jobs import TABLE, import_incidents
from liptako.situation.models import ImportRun, Incident

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("compact")]
ALL = frozenset({"ML", "BF", "NE"})
OTHERS = "permanence", "diffusion", "planification", "audit", "redaction"
works = pytest.mark.django_db(transaction=True)  # a worker is never inside a transaction
ROWS = (
    "event_id,date,category,iso3,admin1,lat,lon,geo_precision,description,weapon,killed,injured,"
    "kidnapped,arrested,source_file\n"
    "II-1,2024-05-06,education,MLI,Gao,16.25,-0.05,(2) 25 km,Une école,Arson,0,,,,e.json\n"
    "II-2,2024-05-06,war,MLI,Gao,16.25,-0.05,(2) 25 km,Une école,Arson,0,,,,e.json\n"
)


@pytest.fixture(autouse=True)
def data(settings, tmp_path):
    """Give the node a folder with a table of published incidents: one good row, one faulty."""
    path = tmp_path / TABLE
    path.parent.mkdir()
    path.write_text(ROWS)
    settings.LIPTAKO = replace(settings.LIPTAKO, data=tmp_path)
    return tmp_path


@pytest.fixture
def run(node, actor):
    """Return a maker of imports: `run(total=3, done=2)`."""

    def make(total=3, **changes):
        made = importing.start_import(node, actor("node_administrator"), total)
        ImportRun.objects.filter(pk=made.pk).update(**changes)
        return made

    return make


@pytest.fixture
def browser(node, sign_in):
    """Return the browser of an office that may import and also release."""
    roles = (Role.NODE_ADMINISTRATOR, Role.RELEASING_OFFICER)
    people.set_office(node, None, Office(code="donnees", titles={"fr": "Données"}, roles=roles))
    return sign_in("donnees")


def work():
    """Do what was asked for on the page, as a worker does."""
    for task in DBTaskResult.objects.all():
        import_incidents.call(*task.args_kwargs["args"])


def test_the_page_offers_an_import_for_each_audience_ourselves_first(browser):
    answer = browser.get("/published/")
    offered = [words for _, words in answer.context["audiences"]]
    assert offered == ["Mali", "All members", "Burkina Faso", "Niger"]
    assert (answer.context["run"], "/published/start/" in answer.content.decode()) == (None, True)


def test_who_may_not_release_imports_for_this_state_alone(sign_in):
    browser = sign_in("administration")
    offered = [words for _, words in browser.get("/published/").context["audiences"]]
    answer = browser.post("/published/start/", {"audience": audience_id(ALL)})
    assert (offered, answer.status_code) == (["Mali"], 403)
    assert (ImportRun.objects.count(), DBTaskResult.objects.count()) == (0, 0)


@pytest.mark.parametrize("has_folder", [True, False])
def test_a_node_without_published_data_offers_no_import(sign_in, settings, data, has_folder):
    (data / TABLE).unlink()
    if not has_folder:
        settings.LIPTAKO = replace(settings.LIPTAKO, data=None)
    page = sign_in("administration").get("/published/").content.decode()
    assert ("/published/start/" in page, "LIPTAKO_DATA" in page) == (False, True)


@works
def test_an_import_is_asked_for_and_done_in_the_background(browser):
    answer = browser.post("/published/start/", {"audience": audience_id(ALL)})
    started = ImportRun.objects.get()
    assert (answer.headers["Location"], started.total, started.done) == ("/published/", 2, 0)
    assert Incident.objects.count() == 0
    work()
    run = browser.get("/published/").context["run"]
    assert (run.done, run.added, run.ended_at is not None) == (2, 1, True)
    audiences = Incident.objects.values_list("audience", flat=True)
    assert set(audiences) == {audience_id(["ML"]), audience_id(ALL)}


@works
def test_an_import_is_done_in_the_name_of_who_asked_for_it(sign_in):
    browser = sign_in("administration")
    browser.post("/published/start/", {"audience": audience_id(["ML"])})
    (args,) = [task.args_kwargs["args"] for task in DBTaskResult.objects.all()]
    assert [args[2]["office"], args[2]["roles"], args[4]] == [
        "administration", ["node_administrator"], ["ML"]
    ]  # fmt: skip
    work()
    assert list(Incident.objects.values_list("office", "audience")) == [
        ("administration", audience_id(["ML"]))
    ]


@works
def test_rows_that_cannot_be_read_are_named_on_the_page(sign_in):
    browser = sign_in("administration")
    browser.post("/published/start/", {"audience": audience_id(["ML"])})
    work()
    page = browser.get("/published/").content.decode()
    assert "line 3: expected one of health_care" in page


@pytest.mark.parametrize("ended", [False, True])
def test_the_page_is_asked_again_until_an_import_has_ended(sign_in, run, ended):
    run(total=1_234, done=1_000, added=17, ended_at=timezone.now() if ended else None)
    page = sign_in("administration").get("/published/").content.decode()
    assert "1,000 of 1,234 rows read, 17 new incidents." in page
    assert ('hx-get="/published/"' in page) is not ended


def test_the_same_address_gives_the_progress_alone_to_htmx(sign_in, run):
    run(total=3, done=2)
    headers = {"HX-Request": "true"}
    page = sign_in("administration").get("/published/", headers=headers).content.decode()
    found = [word in page for word in ("<html", "/published/start/", "2 of 3 rows read")]
    assert found == [False, False, True]


def test_a_browser_is_told_that_htmx_gets_something_else_at_this_address(sign_in):
    vary = sign_in("administration").get("/published/").headers["Vary"]
    assert "hx-request" in vary.lower()


def test_the_latest_import_is_shown(sign_in, run):
    run(total=1, ended_at=timezone.now())
    latest = run(total=2)
    assert sign_in("administration").get("/published/").context["run"] == latest


@pytest.mark.parametrize("audience", ["", "everybody", audience_id(["BF", "NE"])])
def test_an_audience_that_is_not_on_offer_starts_nothing(sign_in, audience):
    answer = sign_in("administration").post("/published/start/", {"audience": audience})
    assert (answer.status_code, DBTaskResult.objects.count()) == (409, 0)
    assert ImportRun.objects.count() == 0


def test_a_table_that_is_gone_starts_nothing(sign_in, data):
    browser = sign_in("administration")
    (data / TABLE).unlink()
    answer = browser.post("/published/start/", {"audience": audience_id(["ML"])})
    assert (answer.status_code, ImportRun.objects.count()) == (400, 0)
    assert "cannot be read" in answer.content.decode()


def test_a_node_without_a_folder_has_nothing_to_start(sign_in, settings):
    settings.LIPTAKO = replace(settings.LIPTAKO, data=None)
    answer = sign_in("administration").post("/published/start/", {"audience": audience_id(ALL)})
    assert (answer.status_code, ImportRun.objects.count()) == (404, 0)


def test_looking_at_the_address_of_the_start_starts_nothing(sign_in):
    answer = sign_in("administration").get("/published/start/")
    assert (answer.status_code, ImportRun.objects.count()) == (405, 0)


@pytest.mark.parametrize("office", OTHERS)
def test_an_office_without_the_right_imports_nothing(sign_in, run, office):
    run(faults=[{"template": "line 3: secret", "params": {}}])
    browser = sign_in(office)
    page = browser.get("/published/")
    start = browser.post("/published/start/", {"audience": audience_id(ALL)})
    assert (page.status_code, "secret" in page.content.decode()) == (403, False)
    assert (start.status_code, ImportRun.objects.count()) == (403, 1)
    assert DBTaskResult.objects.count() == 0
