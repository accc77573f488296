"""The environment of a test run, set before Django reads its settings: a node's folder of its own.

Loaded as the first plugin (pyproject.toml), before anything counts which lines run: it imports
nothing of the program. The keys are written by `conftest.py`.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent


def make_home() -> Path:
    """Return the folder of a node ML, in memory where the machine has room for that."""
    base = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 (faster than a disk)
    home = Path(tempfile.mkdtemp(prefix="liptako-test-", dir=base))
    (home / "secret").write_text("not secret, but long enough for a test of anything at all")
    return home


def set_environment() -> None:
    """Make a folder for this process and point the settings at it."""
    for name in [name for name in os.environ if name.startswith("LIPTAKO_")]:
        if name != "LIPTAKO_DATA":
            del os.environ[name]
    home = make_home()
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    os.environ["LIPTAKO_HOME"] = str(home)
    os.environ["LIPTAKO_MEMBER"] = "ML"
    os.environ["DJANGO_SETTINGS_MODULE"] = "liptako.settings"
    os.environ["LIPTAKO_HOSTS"] = "localhost 127.0.0.1 testserver"
    os.environ["LIPTAKO_LOG_LEVEL"] = "error"
    data = ROOT / "../shared/data"
    if "LIPTAKO_DATA" not in os.environ and data.is_dir():
        os.environ["LIPTAKO_DATA"] = str(data.resolve())
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # the browser's driver runs a loop of its own


set_environment()
