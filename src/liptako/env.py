"""The settings of a node: read once from the environment, typed, and refused by name.

A node's folder (`LIPTAKO_HOME`) holds a file `liptako.env` that `liptako init` wrote; the
environment goes before it. Every setting may also be given as a file (`NAME_FILE`), for secrets.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from liptako.addresses import Bucket, Database, read_bucket_url, read_database_url, wrong
from liptako.core.errors import LiptakoError, SettingError
from liptako.core.refs import member_id
from liptako.options import SETTINGS

ENV_FILE = "liptako.env"
LANGUAGES = ("fr", "en")
_LEVELS = ("debug", "info", "warning", "error")
_SECRET_LENGTH = 40  # 50 is what Django draws; 40 leaves 200 bits
_DIGITS = 9  # in a whole number at most
_DATA_HERE = Path("../shared/data")


_NAMES = {setting.name for setting in SETTINGS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings, checked."""

    home: Path
    member: str
    database: Database
    secret_key: str
    hosts: tuple[str, ...]
    listen: tuple[str, ...]
    data: Path | None
    attachments: Path | Bucket
    attachment_bytes: int
    language: str
    exchange_seconds: int
    spool_out: Path | None
    spool_in: Path | None
    spool_megabytes: int
    log_level: str


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of a node. Raises SettingError, which names the setting."""
    home = read_home(environ)
    values = _merge(_read_env_file(home / ENV_FILE), environ)
    return Settings(
        home=home,
        member=_checked("LIPTAKO_MEMBER", member_id, _text(values, "LIPTAKO_MEMBER", None)),
        database=_database(values, home),
        secret_key=_secret_key(values, home),
        hosts=_words(values, "LIPTAKO_HOSTS", "localhost 127.0.0.1 .localhost"),
        listen=_listen(values),
        data=_data(values),
        attachments=_attachments(values, home),
        attachment_bytes=_integer(values, "LIPTAKO_ATTACHMENT_MB", 20, range(1, 501)) * 2**20,
        language=_choice(values, "LIPTAKO_LANGUAGE", "fr", LANGUAGES),
        exchange_seconds=_integer(values, "LIPTAKO_EXCHANGE_SECONDS", 60, range(1, 86_401)),
        spool_out=_folder(values, "LIPTAKO_SPOOL_OUT"),
        spool_in=_folder(values, "LIPTAKO_SPOOL_IN"),
        spool_megabytes=_integer(values, "LIPTAKO_SPOOL_MEGABYTES", 0, range(4096)),
        log_level=_choice(values, "LIPTAKO_LOG_LEVEL", "info", _LEVELS),
    )


def read_home(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the node's folder. Raises SettingError."""
    return Path(_text(environ, "LIPTAKO_HOME", "") or _missing("LIPTAKO_HOME")).absolute()


def _merge(file: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of both; the environment goes before the file, however it spells them.

    Raises SettingError for a name that is none of ours: any in the file, ours by its beginning in
    the environment.
    """
    ours = {name: value for name, value in environ.items() if _base(name) in _NAMES}
    looks_ours = {name for name in environ if name.startswith("LIPTAKO_")}
    for name in sorted((looks_ours - ours.keys()) | {x for x in file if _base(x) not in _NAMES}):
        raise SettingError("%(name)s: there is no such setting", name=name)
    given = {_base(name) for name in ours}
    return {name: value for name, value in file.items() if _base(name) not in given} | ours


def _base(name: str) -> str:
    """Return the setting that a name is of: itself, or without `_FILE`."""
    return name.removesuffix("_FILE")


def _read_env_file(path: Path) -> dict[str, str]:
    """Return the lines `NAME=value` of a file; nothing if there is no such file.

    A line that is none is named by its number: it may hold a secret.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as cause:
        raise SettingError("%(name)s: the file cannot be read", name=str(path)) from cause
    pairs = {}
    for number, line in enumerate(map(str.strip, lines), 1):
        name, equals, value = line.partition("=")
        if line and not line.startswith("#"):
            if not equals:
                raise SettingError(
                    "%(name)s: expected NAME=value in line %(line)d", name=str(path), line=number
                )
            pairs[name.strip()] = value.strip()
    return pairs


def _text(values: Mapping[str, str], name: str, default: str | None) -> str:
    """Return a text, from the setting or from the file that `NAME_FILE` names."""
    if file := values.get(f"{name}_FILE"):
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as cause:
            raise SettingError(
                "%(name)s_FILE: the file %(file)s cannot be read", name=name, file=file
            ) from cause
    value = values.get(name, default)
    return _missing(name) if value is None else value


def _missing(name: str) -> NoReturn:
    """Raise SettingError for a setting that has no default."""
    raise SettingError("%(name)s: this setting is missing", name=name)


def _checked(name: str, check: Callable[[str], str], text: str) -> str:
    """Return a text that passes a check, whose complaint is put behind the setting's name."""
    try:
        return check(text)
    except LiptakoError as cause:
        raise SettingError("%(name)s: %(cause)s", name=name, cause=str(cause)) from cause


def _choice(values: Mapping[str, str], name: str, default: str, choices: tuple[str, ...]) -> str:
    """Return one of a few words."""
    value = _text(values, name, default)
    if value not in choices:
        raise wrong(name, " / ".join(choices), value)
    return value


def _integer(values: Mapping[str, str], name: str, default: int, bounds: range) -> int:
    """Return a whole number within bounds."""
    value = _text(values, name, str(default))
    if not value.isdecimal() or len(value) > _DIGITS or int(value) not in bounds:
        raise wrong(name, f"{bounds.start}–{bounds.stop - 1}", value)
    return int(value)


def _folder(values: Mapping[str, str], name: str) -> Path | None:
    """Return a folder, which may be on a stick that is not here now; nothing for an empty text."""
    text = _text(values, name, "")
    if text and not Path(text).is_absolute():
        raise wrong(name, "/…", text)
    return Path(text) if text else None


def _words(values: Mapping[str, str], name: str, default: str) -> tuple[str, ...]:
    """Return words that were separated by spaces; at least one."""
    words = tuple(_text(values, name, default).split())
    if not words:
        raise wrong(name, "…", "")
    return words


def _listen(values: Mapping[str, str]) -> tuple[str, ...]:
    """Return the addresses to serve, each with scheme, host and port."""
    addresses = _words(values, "LIPTAKO_LISTEN", "http://127.0.0.1:8000")
    for address in addresses:
        split_address(address)
    return addresses


def split_address(address: str) -> tuple[str, str, int]:
    """Return scheme, host and port of an address to serve. Raises SettingError."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError as cause:
        raise wrong("LIPTAKO_LISTEN", "http(s)://HOST:PORT", address) from cause
    more = parts.path.strip("/") or parts.query or parts.fragment or parts.username
    if parts.scheme not in {"http", "https"} or not host or not port or more:
        raise wrong("LIPTAKO_LISTEN", "http(s)://HOST:PORT", address)
    return parts.scheme, host, port


def _secret_key(values: Mapping[str, str], home: Path) -> str:
    """Return the secret that signs sessions: from the setting, or from the node's folder."""
    name = "LIPTAKO_SECRET_KEY"
    if not {name, f"{name}_FILE"} & values.keys():
        values = {f"{name}_FILE": str(home / "secret")}
    secret = _text(values, name, None)
    if len(secret) < _SECRET_LENGTH:
        raise wrong(name, "≥ 40", str(len(secret)))
    return secret


def _data(values: Mapping[str, str]) -> Path | None:
    """Return the folder with public data, if there is one."""
    if "LIPTAKO_DATA" in values or "LIPTAKO_DATA_FILE" in values:
        text = _text(values, "LIPTAKO_DATA", None)
        if text and not Path(text).is_dir():
            raise wrong("LIPTAKO_DATA", "a folder", text)
        return Path(text).absolute() if text else None
    return _DATA_HERE.absolute() if _DATA_HERE.is_dir() else None


def _attachments(values: Mapping[str, str], home: Path) -> Path | Bucket:
    """Return where files lie: a folder, which may begin in the node's, or a bucket."""
    text = _text(values, "LIPTAKO_ATTACHMENTS", "attachments")
    if "://" in text:
        return read_bucket_url(text)
    if not text:
        raise wrong("LIPTAKO_ATTACHMENTS", "a folder", text)
    return home / text


def _database(values: Mapping[str, str], home: Path) -> Database:
    """Return where the database is."""
    if not {"DATABASE_URL", "DATABASE_URL_FILE"} & values.keys():
        return Database(engine="sqlite3", name=str(home / "liptako.sqlite3"))
    return read_database_url(_text(values, "DATABASE_URL", None), home)
