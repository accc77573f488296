"""Three real nodes with servers and workers of their own, and a real browser.

The nodes are those of `liptako demo`, in a folder that is thrown away. Every page that a test opens
is watched: a request to any other machine fails the test.
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import connections
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 120


@dataclass(frozen=True)
class Live:
    """Three running nodes."""

    folder: Path
    base_port: int
    sign_ins: dict[str, dict[str, str]]

    def url(self, member: str, path: str = "/") -> str:
        """Return the address of a page."""
        port = self.base_port + {"ML": 1, "BF": 2, "NE": 3}[member]
        return f"http://localhost:{port}{path}"


def clean_environment() -> dict[str, str]:
    """Return the environment without the settings of the test run itself."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LIPTAKO_")}
    kept.pop("DATABASE_URL", None)
    kept.pop("DJANGO_SETTINGS_MODULE", None)
    return kept


def free_base_port() -> int:
    """Return a first port of which all six are free."""
    for base in range(18_000, 30_000, 500):
        if all(is_free(base + shift) for shift in (1, 2, 3, 341, 342, 343)):
            return base
    pytest.fail("no free ports")


def is_free(port: int) -> bool:
    """Say whether nobody uses a port."""
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Run the demonstration and wait until it is ready."""
    folder, base = tmp_path_factory.mktemp("live") / "nodes", free_base_port()
    command = [sys.executable, "-m", "liptako", "demo", "--folder", str(folder)]
    data = os.environ.get("LIPTAKO_DATA")
    command += [f"--base-port={base}", *(["--data", data] if data else [])]
    log = folder.parent / "log.txt"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=clean_environment(), stdout=output, stderr=subprocess.STDOUT
        )
        try:
            wait_for(log, process)
            yield Live(folder, base, json.loads((folder / "sign-ins.json").read_text()))
        finally:
            process.terminate()
            assert process.wait(timeout=30) == 0, log.read_text()[-2000:]


def wait_for(log: Path, process: "subprocess.Popen[bytes]") -> None:
    """Wait until the demonstration says that it is ready."""
    deadline = time.monotonic() + PATIENCE
    while "Trois nœuds" not in log.read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"the demonstration did not start:\n{log.read_text()[-3000:]}")
        time.sleep(0.2)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start Chromium once.

    While its driver's loop runs, Django keeps the connections of this process apart from those of
    before: they are closed first, or PostgreSQL could not drop the database of the tests.
    """
    if not Path(CHROMIUM).exists():
        pytest.skip(f"{CHROMIUM} is not installed")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()
        connections.close_all()


class Desk:
    """Somebody at a node's pages, in a browser of their own."""

    def __init__(self, live: Live, context: BrowserContext, member: str) -> None:
        self.live, self.member = live, member
        self.context = context
        self.page: Page = context.new_page()
        self.faults: list[str] = []
        self.outside: list[str] = []
        context.on("request", lambda request: self._watch(request.url))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", self._listen)

    def _watch(self, url: str) -> None:
        if urlsplit(url).hostname not in {"localhost", None}:
            self.outside.append(url)

    def _listen(self, message: object) -> None:
        if getattr(message, "type", "") == "error":
            self.faults.append(getattr(message, "text", ""))

    def open(self, path: str) -> Page:
        """Open a page."""
        self.page.goto(self.live.url(self.member, path))
        return self.page

    def sign_in(self, account: str) -> "Desk":
        """Sign in with the password that the demonstration printed."""
        self.open("/account/sign-in/")
        self.page.fill("[name=login]", account)
        self.page.fill("[name=password]", self.live.sign_ins[self.member][account])
        self.page.click("form.panel button.main")
        self.page.wait_for_url(self.live.url(self.member, "/"))
        return self


@pytest.fixture
def desk(live: Live, browser: Browser) -> Iterator[object]:
    """Return a maker of desks: `desk("BF", "permanence", java_script_enabled=False)`."""
    made: list[Desk] = []

    def make(member: str, account: str = "", **options: object) -> Desk:
        viewport = {"width": 1366, "height": 768}
        context = browser.new_context(**{"viewport": viewport, "locale": "de-DE"} | options)
        made.append(Desk(live, context, member))
        return made[-1].sign_in(account) if account else made[-1]

    yield make
    for item in made:
        item.context.close()
        assert item.outside == [], "a page asked another machine for something"
        assert item.faults == [], "a page had a fault in the browser"
