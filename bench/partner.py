"""A node that exchanges when it is told to: reads words, answers each with a line.

Usage: … python bench/partner.py MEMBER URL   (LIPTAKO_HOME, DJANGO_SETTINGS_MODULE)

"sync" exchanges with MEMBER at URL and says how many seconds it took and how many records that
member has signed for; "settle" exchanges until neither side has anything to say; "lines" tells how
many bytes the last request and its answer had, sealed, without TLS and HTTP around them.
"""

import sys
import time
from collections.abc import Sequence

import django

django.setup()

from liptako.federation import peers  # noqa: E402 (after django.setup)
from liptako.federation.client import Follow, HttpsClient  # noqa: E402
from liptako.federation.exchange import exchange_with  # noqa: E402
from liptako.ledger.models import Receipt  # noqa: E402
from liptako.ledger.node import this_node  # noqa: E402

_ROUNDS = 5


class Counted:
    """The client over HTTPS; `last` is how many bytes went and came with the last request."""

    def __init__(self) -> None:
        """Begin with a connection yet to be opened."""
        self._https, self.last, self.requests = HttpsClient(), 0, 0

    def exchange(
        self, url: str, pins: Sequence[bytes], bundle: bytes, follow: Follow | None = None
    ) -> bytes:
        """Return the answer."""
        answer = self._https.exchange(url, pins, bundle, follow)
        self.last, self.requests = len(bundle) + len(answer), self.requests + 1
        return answer

    def close(self) -> None:
        """End the connection."""
        self._https.__exit__()


class Partner:
    """Exchanges with one member."""

    def __init__(self, member: str, url: str) -> None:
        """Keep the address of the member."""
        self._node, self._member, self._last = this_node(), member, 0
        peers.set_url(self._node, member, url)

    def sync(self) -> str:
        """Exchange until nothing is left."""
        began, more = time.perf_counter(), True
        while more:
            more = self._exchange()
        seconds = time.perf_counter() - began
        receipts = Receipt.objects.filter(member=self._member, channel__author=self._node.member)
        return f"synced {seconds} {sum(receipts.values_list('size', flat=True))}"

    def settle(self) -> str:
        """Exchange until one request and its answer say that nothing is new."""
        for _ in range(_ROUNDS):
            self._exchange()
        return "settled"

    def lines(self) -> str:
        """Tell the size of the last request and its answer."""
        return f"lines {self._last}"

    def _exchange(self) -> bool:
        """Exchange once, over a new connection; say whether something is left."""
        client = Counted()
        report = exchange_with(self._node, self._member, client)
        client.close()
        if report.faults:
            sys.exit(str(report.faults[0]))
        self._last = client.last
        return report.more


def main(member: str, url: str) -> None:
    """Do what each line says."""
    partner = Partner(member, url)
    words = {"sync": partner.sync, "settle": partner.settle, "lines": partner.lines}
    print("ready", flush=True)
    for line in sys.stdin:
        print(words[line.strip()](), flush=True)


main(*sys.argv[1:])
