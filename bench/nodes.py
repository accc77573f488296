"""Nodes to measure: real folders, set up and run by the commands that people use."""

import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent


def environ_of(home: Path | None) -> dict[str, str]:
    """Return the environment of a program that works on a node, or on none."""
    environ = {name: text for name, text in os.environ.items() if not name.startswith("LIPTAKO_")}
    environ |= {"LIPTAKO_LANGUAGE": "en", "DJANGO_SETTINGS_MODULE": "liptako.settings"}
    if home:
        environ["LIPTAKO_HOME"] = str(home)
    return environ


def run(*words: object, home: Path | None = None) -> tuple[str, float]:
    """Run Python with these words to its end; return what it said and the seconds it took."""
    command = [sys.executable, *map(str, words)]
    began = time.perf_counter()
    done = subprocess.run(
        command, env=environ_of(home), capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, words))}: {done.stdout}{done.stderr}")
    return done.stdout, time.perf_counter() - began


def liptako(home: Path, *words: object) -> tuple[str, float]:
    """Run a command of a node."""
    return run("-m", "liptako", *words, home=home)


def make_nodes(folder: Path, *members: str, listen: str = "", host: str = "") -> list[Path]:
    """Set up nodes with one compact; return their folders. The last one listens, if any does."""
    homes = [folder / member for member in members]
    for home in homes:
        options = ("--listen", listen, "--hosts", host) if listen and home == homes[-1] else ()
        liptako(home, "init", "--member", home.name, "--data", "", *options)
    compact = folder / "compact.json"
    names = ("--name", "fr=Pacte", "--everyone", "fr=Tous", "--output", compact)
    said, _ = run("-m", "liptako", "compact-draft", *names, *(home / "card.json" for home in homes))
    phrase = said.rpartition("Compare aloud: ")[2].strip()
    for home in homes:
        run("-m", "liptako", "compact-sign", compact, "--key", home / "keys" / "root.key")
    for home in homes:
        liptako(home, "compact-adopt", compact, "--phrase", phrase)
    return homes


def fill(home: Path, count: int, skip: int = 0, *options: object) -> float:
    """Write reference records into a node, after the first `skip`; return the seconds it took."""
    return run(HERE / "fill.py", count, skip, *options, home=home)[1]
