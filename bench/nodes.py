"""Nodes to measure: real folders, set up and run by the commands that people use."""

import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent


def run(*words: object, home: Path | None = None) -> tuple[str, float]:
    """Run Python with these words to its end; return what it said and the seconds it took."""
    environ = {name: text for name, text in os.environ.items() if not name.startswith("LIPTAKO_")}
    environ |= {"LIPTAKO_LANGUAGE": "en", "DJANGO_SETTINGS_MODULE": "liptako.settings"}
    if home:
        environ["LIPTAKO_HOME"] = str(home)
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *map(str, words)], env=environ, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, words))}: {done.stdout}{done.stderr}")
    return done.stdout, time.perf_counter() - began


def liptako(home: Path, *words: object) -> tuple[str, float]:
    """Run a command of a node."""
    return run("-m", "liptako", *words, home=home)


def make_nodes(folder: Path, *members: str) -> list[Path]:
    """Set up nodes with one compact; return their folders."""
    homes = [folder / member for member in members]
    for home in homes:
        liptako(home, "init", "--member", home.name, "--data", "")
    compact = folder / "compact.json"
    names = ("--name", "fr=Pacte", "--everyone", "fr=Tous", "--output", compact)
    said, _ = run("-m", "liptako", "compact-draft", *names, *(home / "card.json" for home in homes))
    phrase = said.rpartition("Compare aloud: ")[2].strip()
    for home in homes:
        run("-m", "liptako", "compact-sign", compact, "--key", home / "keys" / "root.key")
    for home in homes:
        liptako(home, "compact-adopt", compact, "--phrase", phrase)
    return homes


def fill(home: Path, count: int) -> float:
    """Write reference records into a node; return the seconds it took."""
    return run(HERE / "fill.py", count, home=home)[1]
