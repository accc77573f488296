"""The French catalogue, for make.

`update` collects new texts, `check` fails if any is new or untranslated, `compile` writes what the
program reads.
"""

import re
import subprocess
import sys
from pathlib import Path

import polib
from project import environment

ROOT = Path(__file__).parent.parent / "src" / "liptako"
CATALOGUE = ROOT / "locale" / "fr" / "LC_MESSAGES" / "django.po"


def update() -> None:
    """Collect the texts of code and templates into the catalogue."""
    command = [sys.executable, "-m", "django", "makemessages", "--locale=fr", "--no-location"]
    ignored = ["--ignore=static", "--ignore=*/tests/*", "--no-obsolete", "--verbosity=0"]
    subprocess.run([*command, *ignored], cwd=ROOT, env=environment(), check=True)
    catalogue = polib.pofile(str(CATALOGUE), wrapwidth=78)
    catalogue.header = "The words of Liptako in French. `make messages` collects, people translate."
    catalogue.metadata = {
        "Project-Id-Version": "Liptako",
        "Language": "fr",
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": "nplurals=2; plural=(n > 1);",
    }
    catalogue.metadata_is_fuzzy = False
    catalogue.save()


def texts() -> set[tuple[str, str]]:
    """Return the texts that the catalogue knows."""
    return {(entry.msgid, entry.msgid_plural) for entry in polib.pofile(str(CATALOGUE))}


def faults() -> list[str]:
    """Return what is wrong with the catalogue, beside being out of date."""
    found = []
    for entry in polib.pofile(str(CATALOGUE)):
        if entry.fuzzy or not entry.translated():
            found.append(f"not translated: {entry.msgid!r}")
        texts = [entry.msgstr, *entry.msgstr_plural.values()]
        for text in filter(None, texts):
            wanted = set(re.findall(r"%\(\w+\)[a-z]", entry.msgid + (entry.msgid_plural or "")))
            got = set(re.findall(r"%\(\w+\)[a-z]", text))
            if not got <= wanted:
                found.append(f"other parameters: {entry.msgid!r}")
    return found


def check() -> int:
    """Say what is missing; leave the catalogue as it was."""
    before, known = CATALOGUE.read_bytes(), texts()
    try:
        update()
        found = faults()
        found += [f"no longer used: {text!r}" for text, _ in known - texts()]
    finally:
        CATALOGUE.write_bytes(before)
    print("\n".join(found) or "catalogue: complete")
    return 1 if found else 0


def compile_catalogue() -> None:
    """Write the binary catalogue."""
    polib.pofile(str(CATALOGUE)).save_as_mofile(str(CATALOGUE.with_suffix(".mo")))


if __name__ == "__main__":
    what = sys.argv[1]
    if what == "check":
        sys.exit(check())
    update() if what == "update" else compile_catalogue()
