"""Settings: every one good and bad, each error names its setting and tells no secret."""

import os
import traceback
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from liptako.addresses import Bucket, Database, read_bucket_url, read_database_url
from liptako.core.errors import SettingError
from liptako.env import Settings, read_settings
from liptako.options import SETTINGS

SECRET = "a-secret-that-no-message-may-ever-repeat-0123456789"  # noqa: S105 (a test's)


@pytest.fixture
def read(tmp_path, empty_folder):
    """Return a reader of settings for a node's folder: `read(LIPTAKO_LANGUAGE="en")`."""
    (tmp_path / "secret").write_text(SECRET)

    def read(**changes):
        environ = {"LIPTAKO_HOME": str(tmp_path), "LIPTAKO_MEMBER": "ML"} | changes
        return read_settings({name: text for name, text in environ.items() if text is not None})

    return read


@pytest.fixture
def empty_folder(tmp_path_factory):
    """Stand in an empty folder, so that no `../shared/data` is found."""
    before = Path.cwd()
    os.chdir(tmp_path_factory.mktemp("empty"))
    yield
    os.chdir(before)


def refusal(read, **changes):
    """Return what the reader says to a wrong setting."""
    with pytest.raises(SettingError) as caught:
        read(**changes)
    return str(caught.value)


def test_a_node_needs_no_more_than_its_folder_its_member_and_a_secret(read, tmp_path):
    assert read() == Settings(
        home=tmp_path,
        member="ML",
        database=Database(engine="sqlite3", name=str(tmp_path / "liptako.sqlite3")),
        secret_key=SECRET,
        hosts=("localhost", "127.0.0.1", ".localhost"),
        listen=("http://127.0.0.1:8000",),
        data=None,
        attachments=tmp_path / "attachments",
        attachment_bytes=20 * 2**20,
        language="fr",
        exchange_seconds=60,
        spool_out=None,
        spool_in=None,
        spool_megabytes=0,
        log_level="info",
    )


def test_every_setting_may_be_given(read, tmp_path):
    assert read(
        LIPTAKO_MEMBER="BF",
        DATABASE_URL="postgresql://u:p@h:5433/n",
        LIPTAKO_SECRET_KEY=SECRET[::-1],
        LIPTAKO_HOSTS="node.bf  10.0.0.1",
        LIPTAKO_LISTEN="http://127.0.0.1:80 https://[::1]:443/",
        LIPTAKO_DATA=str(tmp_path),
        LIPTAKO_ATTACHMENTS="s3://k:s%2F@store.bf:9000/files",
        LIPTAKO_ATTACHMENT_MB="500",
        LIPTAKO_LANGUAGE="en",
        LIPTAKO_EXCHANGE_SECONDS="86400",
        LIPTAKO_SPOOL_OUT="/media/stick/out",
        LIPTAKO_SPOOL_IN="/media/stick/in",
        LIPTAKO_SPOOL_MEGABYTES="4000",
        LIPTAKO_LOG_LEVEL="error",
    ) == Settings(
        home=tmp_path,
        member="BF",
        database=Database(
            engine="postgresql",
            name="n",
            user="u",
            password="p",  # noqa: S106
            host="h",
            port="5433",
        ),
        secret_key=SECRET[::-1],
        hosts=("node.bf", "10.0.0.1"),
        listen=("http://127.0.0.1:80", "https://[::1]:443/"),
        data=tmp_path,
        attachments=Bucket(
            url="https://store.bf:9000",
            name="files",
            key="k",
            secret="s/",  # noqa: S106
        ),
        attachment_bytes=500 * 2**20,
        language="en",
        exchange_seconds=86400,
        spool_out=Path("/media/stick/out"),
        spool_in=Path("/media/stick/in"),
        spool_megabytes=4000,
        log_level="error",
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"LIPTAKO_HOME": None}, "LIPTAKO_HOME: this setting is missing"),
        ({"LIPTAKO_HOME": ""}, "LIPTAKO_HOME: this setting is missing"),
        ({"LIPTAKO_MEMBER": None}, "LIPTAKO_MEMBER: this setting is missing"),
        (
            {"LIPTAKO_MEMBER": "ml"},
            "LIPTAKO_MEMBER: member: expected 2 to 12 capital letters or digits, got ml",
        ),
        ({"LIPTAKO_SECRET_KEY": "short"}, "LIPTAKO_SECRET_KEY: expected ≥ 40, got 5"),
        ({"LIPTAKO_SECRET_KEY": ""}, "LIPTAKO_SECRET_KEY: expected ≥ 40, got 0"),
        (
            {"LIPTAKO_SECRET_KEY_FILE": "/nowhere"},
            "LIPTAKO_SECRET_KEY_FILE: the file /nowhere cannot be read",
        ),
        (
            {"LIPTAKO_SECRET_KEY_FILE": "no\0where"},
            "LIPTAKO_SECRET_KEY_FILE: the file no\ufffdwhere cannot be read",
        ),
        ({"LIPTAKO_HOSTS": "  "}, "LIPTAKO_HOSTS: expected …, got "),
        ({"LIPTAKO_DATA": "/nowhere"}, "LIPTAKO_DATA: expected a folder, got /nowhere"),
        ({"LIPTAKO_SPOOL_OUT": "out"}, "LIPTAKO_SPOOL_OUT: expected /…, got out"),
        (
            {"LIPTAKO_SPOOL_MEGABYTES": "4096"},
            "LIPTAKO_SPOOL_MEGABYTES: expected 0–4095, got 4096",
        ),
        ({"LIPTAKO_ATTACHMENTS": ""}, "LIPTAKO_ATTACHMENTS: expected a folder, got "),
        ({"LIPTAKO_ATTACHMENT_MB": "0"}, "LIPTAKO_ATTACHMENT_MB: expected 1–500, got 0"),
        ({"LIPTAKO_LANGUAGE": "de"}, "LIPTAKO_LANGUAGE: expected fr / en, got de"),
        (
            {"LIPTAKO_LOG_LEVEL": "INFO"},
            "LIPTAKO_LOG_LEVEL: expected debug / info / warning / error, got INFO",
        ),
        ({"LIPTAKO_LANGAGE": "fr"}, "LIPTAKO_LANGAGE: there is no such setting"),
        ({"LIPTAKO_HOSTS_FILE_FILE": "x"}, "LIPTAKO_HOSTS_FILE_FILE: there is no such setting"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(read, changes, message):
    assert refusal(read, **changes) == message


@pytest.mark.parametrize("wrong", ["0", "86401", "-1", "1.5", "", " 5", "²", "9" * 5000])
def test_seconds_that_are_no_whole_number_within_bounds_are_refused(read, wrong):
    expected = f"LIPTAKO_EXCHANGE_SECONDS: expected 1–86400, got {wrong}"
    assert refusal(read, LIPTAKO_EXCHANGE_SECONDS=wrong) == expected


@pytest.mark.parametrize(
    "wrong",
    [
        "127.0.0.1:8000",
        "ftp://h:1",
        "http://h",
        "http://:80",
        "http://h:0",
        "http://h:x",
        "http://h:70000",
        "http://[::1:80",
        "http://h:80/path",
        "http://h:80?x",
        "http://h:80#x",
        "http://u@h:80",
    ],
)
def test_an_address_without_scheme_host_and_port_or_with_more_is_refused(read, wrong):
    expected = f"LIPTAKO_LISTEN: expected http(s)://HOST:PORT, got {wrong}"
    assert refusal(read, LIPTAKO_LISTEN=f"http://good:80 {wrong}") == expected


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("sqlite:////var/lib/x.sqlite3", "/var/lib/x.sqlite3"),
        ("sqlite:///x.sqlite3", "/home/ml/x.sqlite3"),
        ("sqlite:////a%20b/c%23d", "/a b/c#d"),
    ],
)
def test_an_sqlite_file_is_found_from_the_root_or_from_the_folder(url, name):
    database = read_database_url(url, Path("/home/ml"))
    assert database == Database(engine="sqlite3", name=name)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgres://h/n", {"host": "h", "name": "n"}),
        (
            "postgresql://us%40er:p%2Fa%3As%23s@h/n%20m",
            {"user": "us@er", "password": "p/a:s#s", "host": "h", "name": "n m"},
        ),
        (
            "postgresql://u@%2Frun%2Fpostgresql/n",
            {"user": "u", "host": "/run/postgresql", "name": "n"},
        ),
        ("postgresql:///n", {"name": "n"}),
    ],
)
def test_a_postgresql_address_is_read_with_its_escapes(url, expected):
    assert read_database_url(url, Path("/home")) == Database(engine="postgresql", **expected)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "PASSWORD",
        "PASSWORD:x",
        "mysql://u:PASSWORD@h/n",
        "postgresql://u:PASSWORD@h",
        "postgresql://u:PASSWORD@h/",
        "postgresql://u:PASSWORD@h:port/n",
        "postgresql://u:PASSWORD/x@h/n",
        "postgresql://u:PASSWORD@[h/n",
        "postgresql://u:PASS#PASSWORD@h/n",
        "postgresql://u:PASSWORD@h/n?sslmode=require",
        "postgresql://u:x@h/n#PASSWORD",
        "sqlite://PASSWORD/x",
        "sqlite:///",
    ],
)
def test_a_wrong_address_of_a_database_is_refused_and_nothing_of_it_told(read, url):
    with pytest.raises(SettingError, match=r"^DATABASE_URL: expected sqlite:///PATH") as caught:
        read(DATABASE_URL=url)
    told = "".join(traceback.format_exception(caught.value))
    assert told.count("PASSWORD") == told.count("USER:PASSWORD@HOST")  # only in the example


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_may_be_given_as_a_file(read, tmp_path, setting):
    values = {
        "LIPTAKO_HOME": str(tmp_path),
        "LIPTAKO_MEMBER": "NE",
        "DATABASE_URL": "postgresql://h/n",
        "LIPTAKO_SECRET_KEY": SECRET[::-1],
        "LIPTAKO_HOSTS": "h",
        "LIPTAKO_LISTEN": "http://h:1",
        "LIPTAKO_DATA": str(tmp_path),
        "LIPTAKO_ATTACHMENTS": "s3://k:s@host/bucket",
        "LIPTAKO_ATTACHMENT_MB": "7",
        "LIPTAKO_LANGUAGE": "en",
        "LIPTAKO_EXCHANGE_SECONDS": "7",
        "LIPTAKO_SPOOL_OUT": "/media/out",
        "LIPTAKO_SPOOL_IN": "/media/in",
        "LIPTAKO_SPOOL_MEGABYTES": "7",
        "LIPTAKO_LOG_LEVEL": "debug",
    }
    file = tmp_path / "value"
    file.write_text(values[setting.name] + "\n")
    assert read(**{setting.name: None, f"{setting.name}_FILE": str(file)}) == read(
        **{setting.name: values[setting.name]}
    )


def test_the_file_in_the_folder_has_comments_and_empty_lines(read, tmp_path):
    (tmp_path / "liptako.env").write_text(
        "# the node of Burkina Faso\n\n  # more\nLIPTAKO_MEMBER=BF\n LIPTAKO_LANGUAGE = en \n"
    )
    settings = read(LIPTAKO_MEMBER=None)
    assert (settings.member, settings.language) == ("BF", "en")


def test_the_environment_goes_before_the_file_however_each_spells_a_setting(read, tmp_path):
    (tmp_path / "level").write_text("error")
    (tmp_path / "liptako.env").write_text(
        f"LIPTAKO_LANGUAGE=en\nLIPTAKO_LOG_LEVEL_FILE={tmp_path / 'level'}\nLIPTAKO_HOSTS=file\n"
    )
    settings = read(LIPTAKO_LANGUAGE="fr", LIPTAKO_LOG_LEVEL="debug")
    assert (settings.language, settings.log_level, settings.hosts) == ("fr", "debug", ("file",))


@pytest.mark.parametrize("name", ["LIPTAKO_LANGAGE", "DATABSE_URL", "PATH", ""])
def test_a_name_in_the_file_that_is_no_setting_is_refused(read, tmp_path, name):
    (tmp_path / "liptako.env").write_text(f"{name}=x\n")
    assert refusal(read) == f"{name}: there is no such setting"


def test_other_names_in_the_environment_are_not_ours(read):
    assert read(PATH="/bin", HOME_FILE="x") == read()


def test_a_broken_line_is_named_by_its_number_because_it_may_hold_a_secret(read, tmp_path):
    (tmp_path / "liptako.env").write_text(f"LIPTAKO_MEMBER=ML\nLIPTAKO_SECRET_KEY: {SECRET}\n")
    expected = f"{tmp_path}/liptako.env: expected NAME=value in line 2"
    assert refusal(read) == expected


def test_a_file_in_another_encoding_is_refused(read, tmp_path):
    (tmp_path / "liptako.env").write_bytes(b"LIPTAKO_HOSTS=\xff\n")
    assert refusal(read) == f"{tmp_path}/liptako.env: the file cannot be read"


def test_public_data_is_found_beside_the_program_unless_it_is_said_to_be_nowhere(read, tmp_path):
    data = Path("../shared/data")
    data.mkdir(parents=True)
    assert (read().data, read(LIPTAKO_DATA="").data) == (data.absolute(), None)


def test_a_missing_secret_names_the_file_that_init_writes(read, tmp_path):
    (tmp_path / "secret").unlink()
    expected = f"LIPTAKO_SECRET_KEY_FILE: the file {tmp_path}/secret cannot be read"
    assert refusal(read) == expected


NAMES = st.sampled_from([setting.name for setting in SETTINGS] + ["LIPTAKO_HOSTS_FILE", "X"])


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(NAMES, st.text(max_size=40)), st.text(max_size=60))
def test_whatever_stands_there_is_read_or_refused_by_our_own_error(read, tmp_path, values, file):
    (tmp_path / "liptako.env").write_text(file, encoding="utf-8")
    try:
        settings = read(**{"LIPTAKO_SECRET_KEY": SECRET} | values)
    except SettingError as error:
        assert SECRET not in str(error)  # noqa: PT017 (either may happen)
    else:
        assert isinstance(settings, Settings)


@pytest.mark.parametrize(
    "url",
    [
        "s3://host/bucket",
        "s3://k@host/bucket",
        "s3://k:s@host",
        "s3://k:s@host/a/b",
        "s3://k:s@host:port/bucket",
        "s3://k:s@host/bucket?x=1",
        "ftp://k:s@host/bucket",
    ],
)
def test_an_address_of_a_bucket_that_is_none_is_refused_and_its_secret_not_told(read, url):
    message = "LIPTAKO_ATTACHMENTS: expected s3://KEY:SECRET@HOST:PORT/BUCKET, got …"
    assert refusal(read, LIPTAKO_ATTACHMENTS=url) == message


def test_a_bucket_without_tls_is_asked_for_by_name_and_no_secret_is_printed():
    bucket = read_bucket_url("s3+http://key:very-secret@10.0.0.1:9000/files")
    assert (bucket.url, "very-secret" in repr(bucket)) == ("http://10.0.0.1:9000", False)


def test_attachments_lie_in_the_folder_of_the_node_or_in_another_one(read, tmp_path):
    assert read().attachments == tmp_path / "attachments"
    assert read(LIPTAKO_ATTACHMENTS="files").attachments == tmp_path / "files"
    assert str(read(LIPTAKO_ATTACHMENTS="/srv/files").attachments) == "/srv/files"
