"""Small steps of the Makefile that are clearer in Python than in shell.

`link A B` lets environment B see the packages of A, `lock` pins dependencies, `types`, `migrations`
and `coverage` are gates, `makemigrations` writes what the gate asks for, `reference` writes the
pages and the test vector that are made from the code.
"""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
REQUIREMENTS = ROOT / "requirements"
_MAKEMIGRATIONS = [sys.executable, "-m", "django", "makemigrations"]


def link(source: str, target: str) -> int:
    """Let the environment `target` import what `source` has installed, but not src/.

    The line that counts what other processes run comes along: it works from the same folder only.
    """
    packages = next(Path(source).absolute().glob("lib/python*/site-packages"))
    site = next(Path(target).absolute().glob("lib/python*/site-packages"))
    counting = (packages / "a1_coverage.pth").read_text(encoding="utf-8")
    (site / "dependencies.pth").write_text(f"{packages}\n{counting}\n", encoding="utf-8")
    return 0


def lock() -> int:
    """Pin the dependencies with hashes and without the address of any index."""
    compile_ = [sys.executable, "-m", "piptools", "compile", "--quiet", "--generate-hashes"]
    plain = ["--no-emit-index-url", "--no-emit-find-links", "--no-strip-extras", "--no-header"]
    for name, source in (
        ("run", "pyproject.toml"),
        ("build", "requirements/build.in"),
        ("pkcs11", "requirements/pkcs11.in"),
        ("s3", "requirements/s3.in"),
        ("dev", "requirements/dev.in"),
        ("node", "requirements/node.in"),
    ):
        target = f"requirements/{name}.txt"
        unsafe = ["--allow-unsafe"] if name == "dev" else []
        command = [*compile_, *plain, *unsafe, "--output-file", target, source]
        subprocess.run(command, cwd=ROOT, check=True)
    return 0


def environment() -> dict[str, str]:
    """Return an environment in which Django starts, on a folder that goes when we end."""
    home = tempfile.mkdtemp(prefix="liptako-check-")
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    return {
        **os.environ,
        "LIPTAKO_HOME": home,
        "LIPTAKO_MEMBER": "ML",
        "LIPTAKO_SECRET_KEY": "x" * 50,
        "DJANGO_SETTINGS_MODULE": "liptako.settings",
    }


def types() -> int:
    """Fail if a type does not fit; the plugin for Django needs settings that can be read."""
    command = [sys.executable, "-m", "mypy", "--no-error-summary"]
    return subprocess.run(command, cwd=ROOT, env=environment(), check=False).returncode


def migrations() -> int:
    """Fail if a model has changed without a migration."""
    result = subprocess.run(
        [*_MAKEMIGRATIONS, "--check", "--dry-run", "--verbosity=1"],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        print(result.stdout, result.stderr)
    return result.returncode


def makemigrations() -> int:
    """Write the migrations of models that have changed."""
    return subprocess.run(_MAKEMIGRATIONS, env=environment(), check=False).returncode


def coverage() -> int:
    """Fail if core, records or rules are not covered in every branch."""
    files = ["*/liptako/core/*", "*/liptako/*/records.py", "*/liptako/*/rules.py"]
    command = [sys.executable, "-m", "coverage", "report", "--fail-under=100", "--skip-covered"]
    return subprocess.run([*command, f"--include={','.join(files)}"], check=False).returncode


def reference() -> int:
    """Write the reference pages and the test vector again."""
    scripts = ("tests/docs/reference.py", "tests/docs/vectors.py")
    commands = [[sys.executable, script, "write"] for script in scripts]
    return max(
        subprocess.run(command, cwd=ROOT, env=environment(), check=False).returncode
        for command in commands
    )


STEPS = {
    "link": link,
    "lock": lock,
    "types": types,
    "migrations": migrations,
    "makemigrations": makemigrations,
    "coverage": coverage,
    "reference": reference,
}

if __name__ == "__main__":
    sys.exit(STEPS[sys.argv[1]](*sys.argv[2:]))
