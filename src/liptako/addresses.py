"""Addresses of databases and storages in the settings, with what is wrong with one."""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from liptako.core.errors import SettingError

_URLS = "sqlite:///PATH / postgresql://USER:PASSWORD@HOST:PORT/NAME"
_BUCKETS = "s3://KEY:SECRET@HOST:PORT/BUCKET"


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """Where the database is: an SQLite file, or a PostgreSQL server."""

    engine: str
    name: str
    user: str = ""
    password: str = ""
    host: str = ""
    port: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A bucket of S3-compatible storage, and who may use it."""

    url: str
    name: str
    key: str
    secret: str = field(repr=False)


def wrong(name: str, expected: str, got: str) -> SettingError:
    """Return the error for a value that is not of the expected form."""
    return SettingError(
        "%(name)s: expected %(expected)s, got %(got)s", name=name, expected=expected, got=got
    )


def read_database_url(url: str, home: Path) -> Database:
    """Return the database of an address. Raises SettingError, which tells nothing of it."""
    try:
        parts = urlsplit(url)
        name, port, host = unquote(parts.path[1:]), str(parts.port or ""), parts.hostname or ""
    except ValueError:
        raise wrong("DATABASE_URL", _URLS, "…") from None  # the cause may quote the password
    sqlite = parts.scheme == "sqlite" and not parts.netloc
    known = sqlite or parts.scheme in {"postgresql", "postgres"}
    if not (known and name) or parts.query or parts.fragment:
        raise wrong("DATABASE_URL", _URLS, "…")
    if sqlite:
        return Database(engine="sqlite3", name=str(home / name))
    return Database(
        engine="postgresql",
        name=name,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        host=unquote(host),
        port=port,
    )


def read_bucket_url(url: str) -> Bucket:
    """Return the bucket of an address. Raises SettingError, which tells nothing of it."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise wrong("LIPTAKO_ATTACHMENTS", _BUCKETS, "…") from None  # it may quote the secret
    name, key, secret = parts.path[1:], parts.username, parts.password
    whole = name and "/" not in name and host and key and secret
    if parts.scheme not in {"s3", "s3+http"} or not whole or parts.query or parts.fragment:
        raise wrong("LIPTAKO_ATTACHMENTS", _BUCKETS, "…")
    scheme = "https" if parts.scheme == "s3" else "http"
    return Bucket(
        url=f"{scheme}://{host}{f':{port}' if port else ''}",
        name=name,
        key=unquote(key or ""),
        secret=unquote(secret or ""),
    )
