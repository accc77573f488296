"""The settings by name, as the reference page describes them; `env` reads them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting as the reference page describes it. `default` is how the page words it."""

    name: str
    default: str
    meaning: str


SETTINGS = (
    Setting("LIPTAKO_HOME", "(required)", "Folder of this node: keys, database, base map."),
    Setting("LIPTAKO_MEMBER", "(required)", "Member whose node this is, such as `ML`."),
    Setting(
        "DATABASE_URL",
        "`liptako.sqlite3` in the node's folder",
        "`sqlite:///PATH` (a relative path begins in the node's folder) or "
        "`postgresql://USER:PASSWORD@HOST:PORT/NAME`.",
    ),
    Setting(
        "LIPTAKO_SECRET_KEY",
        "file `secret` in the node's folder",
        "Secret of at least 40 characters that signs sessions; changing it signs everybody out.",
    ),
    Setting(
        "LIPTAKO_HOSTS",
        "`localhost 127.0.0.1 .localhost`",
        "Host names under which people and partners reach the node, separated by spaces.",
    ),
    Setting(
        "LIPTAKO_LISTEN",
        "`http://127.0.0.1:8000`",
        "Addresses to serve, separated by spaces; `https` uses `keys/tls.crt` and `keys/tls.key`.",
    ),
    Setting(
        "LIPTAKO_DATA",
        "`../shared/data` where that folder exists",
        "Folder with public data; empty for the outlines that come with the program.",
    ),
    Setting(
        "LIPTAKO_ATTACHMENTS",
        "`attachments` in the node's folder",
        "Where files that go with records lie: a folder, or S3-compatible storage as "
        "`s3://KEY:SECRET@HOST:PORT/BUCKET` (`s3+http://` without TLS; needs "
        "`requirements/s3.txt`).",
    ),
    Setting(
        "LIPTAKO_ATTACHMENT_MB",
        "`20`",
        "Megabytes (of 2²⁰ bytes) that one file may have, of our own and of partners (1 to 500).",
    ),
    Setting("LIPTAKO_LANGUAGE", "`fr`", "Language until a person chooses: `fr` or `en`."),
    Setting(
        "LIPTAKO_EXCHANGE_SECONDS",
        "`60`",
        "Seconds between two exchanges with a partner when nothing is new (1 to 86400).",
    ),
    Setting(
        "LIPTAKO_SPOOL_OUT",
        "(none)",
        "Folder into which files for partners are written, for a stick, e-mail or another carrier.",
    ),
    Setting(
        "LIPTAKO_SPOOL_IN",
        "(none)",
        "Folder out of which files of partners are read; may be the same one.",
    ),
    Setting(
        "LIPTAKO_SPOOL_MEGABYTES",
        "`0`",
        "Size that none of these files may exceed (1 to 4095), so that there are several; 0: none.",
    ),
    Setting("LIPTAKO_LOG_LEVEL", "`info`", "`debug`, `info`, `warning` or `error`."),
)
