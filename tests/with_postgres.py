"""Runs a command with DATABASE_URL pointing at a PostgreSQL server of its own, thrown away after.

Usage: python tests/with_postgres.py COMMAND [ARGUMENT ...]

Takes Debian's or any other PostgreSQL that is installed. As root the server runs as `postgres` or
`nobody`, because PostgreSQL refuses to run as root.
"""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path


def find_programs() -> Path:
    """Return the folder with initdb and pg_ctl."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).parent
    if found:
        return found[0].parent
    sys.exit("PostgreSQL is not installed: `make system` installs it, or apt install postgresql")


def free_port() -> int:
    """Return a port that nobody uses now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def as_user(command: list[str]) -> list[str]:
    """Return the command as it is to be run by somebody who is not root."""
    if os.geteuid() != 0:
        return command
    users = {entry.pw_name for entry in pwd.getpwall()}
    return ["runuser", "-u", "postgres" if "postgres" in users else "nobody", "--", *command]


def run(command: list[str]) -> None:
    """Run a program of PostgreSQL; show what it said if it fails."""
    result = subprocess.run(as_user(command), capture_output=True, text=True, check=False)
    if result.returncode:
        sys.exit(f"{command[0]} failed:\n{result.stdout}\n{result.stderr}")


def main(command: list[str]) -> int:
    """Start a server, run the command, stop the server."""
    programs, port = find_programs(), free_port()
    base = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 (faster than a disk)
    folder = Path(tempfile.mkdtemp(prefix="liptako-pg-", dir=base))
    folder.chmod(0o777)
    cluster = str(folder / "cluster")
    fast = " ".join(
        (
            f"-c port={port} -c listen_addresses=127.0.0.1 -k {folder}",
            "-c fsync=off -c full_page_writes=off -c synchronous_commit=off",
        )
    )
    try:
        run(
            [
                f"{programs}/initdb",
                "-D",
                cluster,
                "-U",
                "liptako",
                "--auth=trust",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
            ]
        )
        run([f"{programs}/pg_ctl", "-D", cluster, "-w", "-l", f"{folder}/log", "-o", fast, "start"])
        try:
            url = f"postgresql://liptako@127.0.0.1:{port}/postgres"
            path = f"{programs}:{os.environ['PATH']}"
            return subprocess.run(
                command, env={**os.environ, "DATABASE_URL": url, "PATH": path}, check=False
            ).returncode
        finally:
            run([f"{programs}/pg_ctl", "-D", cluster, "-m", "immediate", "stop"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
