"""The administrator's guide, done as it says: its commands install the wheel that was built."""

import shlex
import subprocess
from pathlib import Path

import pytest

from liptako import __version__
from tests.cli.shell import python

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guide" / "administrator.en.md"
WHEEL = ROOT / "dist" / f"liptako-{__version__}-py3-none-any.whl"


def installs_of_the_wheel():
    """Return the arguments for pip in the lines of the guide that install the wheel."""
    lines = GUIDE.read_text(encoding="utf-8").splitlines()
    return [shlex.split(line)[1:] for line in lines if "pip install" in line and ".whl" in line]


@pytest.mark.skipif(not WHEEL.is_file(), reason="no wheel was built here: run `make wheel`")
@pytest.mark.parametrize("words", installs_of_the_wheel(), ids=["network", "no network"])
def test_the_wheel_is_installed_as_the_guide_says(tmp_path, words):
    home = tmp_path / "opt"
    assert python("-m", "venv", "--without-pip", home).code == 0
    arguments = [str(WHEEL) if word == WHEEL.name else word for word in words]
    done = python("-m", "pip", "--python", home / "bin" / "python", *arguments)
    assert (done.code, str(WHEEL) in arguments) == (0, True), done.err
    code = "import liptako; print(liptako.__version__, liptako.__file__)"
    said = subprocess.check_output([home / "bin" / "python", "-c", code], text=True)
    version, file = said.split()
    assert (version, Path(file).is_relative_to(home)) == (__version__, True)
    assert (home / "bin" / "liptako").is_file()
