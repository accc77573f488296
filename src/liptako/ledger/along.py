"""Draws what is taken in while more of it comes: from many entries on with a process that helps.

The helper reads the packages that are next. What their author has signed is proved here, and kept.
This process reads what is to be drawn and writes what it comes to; between the two the helper folds
it. Should anything else have been written or drawn in the meantime, or the helper be of no use, the
entries are drawn in the ordinary way. `Counter.projected` says at any time how far all is drawn.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from itertools import islice
from typing import NamedTuple, Self

from django.db import transaction

from liptako.core.errors import MalformedError
from liptako.core.log.delivery import channel_of
from liptako.core.log.frames import ChannelFrame, Frame, PackageFrame
from liptako.core.log.verify import Channel as ChannelValue
from liptako.core.log.verify import Opened
from liptako.ledger import helping
from liptako.ledger.folding import POISON, Sheet
from liptako.ledger.helping import Helper
from liptako.ledger.models import Counter, Entry, Payload
from liptako.ledger.projector import BATCH, batch_of, project_pending, write
from liptako.ledger.reader import StoredEntry, stored
from liptako.ledger.rows import one_of

_TOGETHER = 4  # batches that are written in one transaction: a page of an index is written once
_AT_ONCE = 8  # batches that are with the helper, or wait to be written
_READ_AHEAD = 16  # packages that are with the helper: while it folds a batch, some come
_BYTES = 16 * 2**20  # of packages, and as much of batches: what is longer is settled first
_UNDRAWN = 8  # batches that are left undrawn until the helper has started


class _Job(NamedTuple):
    """A batch that is with the helper, and by what to tell that nothing else has been at it."""

    start: int  # `projected` and `position` when it was read
    position: int
    taken: int  # how many entries this intake had taken in by then
    end: int
    is_new: bool  # nothing was held before about the same objects
    entries: list[StoredEntry]
    length: int  # of these entries, in bytes
    answer: "Future[Sheet | None]"


class Along:
    """Draws while one bundle is taken in."""

    def __init__(
        self, *, helped: bool | None = None, many: int = BATCH, batch: int = BATCH
    ) -> None:
        """Begin alone: most bundles are short. A helper is started at so `many` entries.

        `helped` says if there may be one; `helping.pays` does if nothing is said.
        """
        self.helper: Helper | None = None
        self.folded = 0  # batches that the helper folded, and that were written
        self._helped = helping.pays() if helped is None else helped
        self._many, self._batch = many, batch
        self._stack = ExitStack()
        self._jobs: deque[_Job] = deque()
        self._taken = 0
        self._news: list[StoredEntry] = []  # what was not handed out
        self._seen = 0  # so many of them when something was last done
        self._drawn = 0  # so many when all was last drawn in the ordinary way

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the helper. What is not written by now is drawn in the ordinary way."""
        self._jobs.clear()
        self._stack.close()

    def read_ahead(
        self, frames: Iterator[Frame]
    ) -> Iterator[tuple[Frame, "Future[Opened | None] | None"]]:
        """Give the frames of a bundle, packages with what the helper reads in them meanwhile."""
        found: deque[tuple[Frame, Future[Opened | None] | None]] = deque()
        fault, log, ahead = None, None, 0
        while fault is None:
            try:
                frame = next(frames)
            except (StopIteration, MalformedError) as cause:
                fault = cause
            else:
                log = _log_after(frame, log)
                found.append((frame, self._reading(log, frame)))
                ahead += _length(frame)
            while found and (
                fault or found[-1][1] is None or len(found) > _READ_AHEAD or ahead > _BYTES
            ):
                ahead -= _length(found[0][0])
                yield found.popleft()
        if isinstance(fault, MalformedError):
            raise fault

    def _reading(self, log: ChannelValue | None, frame: Frame) -> "Future[Opened | None] | None":
        """Let the helper read a package, if there is one."""
        if self.helper is None or not self.helper.is_ready() or log is None:
            return None
        return self.helper.read(log, frame) if isinstance(frame, PackageFrame) else None

    def go_on(self, taken: int, news: Sequence[StoredEntry] = ()) -> None:
        """Draw what is due after so many entries were taken in, the last of which are at hand."""
        self._taken = taken
        self._news += news
        if taken < self._seen + self._batch:
            return
        self._seen = taken
        if self.helper is None and self._helped and taken >= self._many:
            self.helper = self._stack.enter_context(Helper())
        if self.helper is None or not self.helper.is_ready():
            starts = self.helper is not None and self.helper.is_alive() and not self._jobs
            if not starts or taken >= self._drawn + _UNDRAWN * self._batch:
                self._draw()
            return
        done = all(job.answer.done() for job in self._first())
        much = sum(job.length for job in self._jobs) > _BYTES
        if len(self._jobs) >= (_TOGETHER if done else _AT_ONCE) or much:
            self._settle()
        self._hand_out(self.helper)

    def finish(self) -> None:
        """Write what is with the helper, and draw the rest."""
        while self._jobs:
            self._settle()
        project_pending()

    def _first(self) -> list[_Job]:
        """Return the first batches, those that are written together."""
        return list(islice(self._jobs, _TOGETHER))

    @transaction.atomic
    def _hand_out(self, helper: Helper) -> None:
        """Read the next batch and let it be folded."""
        counter = Counter.objects.select_for_update().get(id=1)
        start = self._jobs[-1].end if self._jobs else counter.projected
        news = self._next(start, counter.position)
        if not news:
            return
        names = one_of({entry.object for entry in news})
        old = list(stored(Entry.objects.filter(object__in=names, position__lte=start)))
        entries = old + news
        self._jobs.append(
            _Job(
                start=start,
                position=counter.position,
                taken=self._taken,
                end=news[-1].position,
                is_new=not old,
                entries=entries,
                length=sum(len(entry.header) + len(entry.body or b"") for entry in entries),
                answer=helper.ask(batch_of(entries)),
            )
        )

    def _next(self, start: int, end: int) -> list[StoredEntry]:
        """Return the next entries between two places; read, unless they are all at hand."""
        found, self._news = self._news[: 2 * self._batch], self._news[2 * self._batch :]
        count = len(found) + len(self._news)
        if found and (found[0].position, count) == (start + 1, end - start):
            return found
        self._news = []
        return list(stored(Entry.objects.filter(position__gt=start), limit=2 * self._batch))

    def _settle(self) -> None:
        """Write what the first batches came to; else draw all in the ordinary way."""
        jobs = [self._jobs.popleft() for _ in self._first()]
        sheets = [job.answer.result() for job in jobs]
        try:
            if self._write_all(zip(jobs, sheets, strict=True)):
                return
        except POISON:  # a record that the database does not take: found in the ordinary way
            pass
        self._draw()

    @transaction.atomic
    def _write_all(self, found: Iterable[tuple[_Job, Sheet | None]]) -> bool:
        """Write what batches came to up to the first that cannot be; say whether all could be."""
        return all(sheet is not None and self._write(job, sheet) for job, sheet in found)

    def _draw(self) -> None:
        """Draw all in the ordinary way. What is with the helper is not waited for."""
        self._jobs.clear()
        self._news = []
        project_pending()
        self._drawn = self._taken

    def _write(self, job: _Job, sheet: Sheet) -> bool:
        """Write what a batch came to, unless anybody else was at the log or the tables."""
        counter = Counter.objects.select_for_update().get(id=1)
        ours = counter.position - job.position == self._taken - job.taken
        if counter.projected != job.start or not ours or not _have_payloads(job.entries):
            return False
        write(job.entries, sheet, is_new=job.is_new)
        counter.projected = job.end
        counter.save(update_fields=["projected"])
        self.folded += 1
        return True


def _have_payloads(entries: list[StoredEntry]) -> bool:
    """Say whether the payloads that entries had are all here still: one may have been destroyed."""
    had = [entry.position for entry in entries if entry.body is not None]
    held = Payload.objects.filter(entry_id__gte=min(had, default=0), entry_id__in=one_of(had))
    return held.count() == len(had)


def _length(frame: Frame) -> int:
    """Return about how many bytes of the memory a frame takes."""
    if not isinstance(frame, PackageFrame):
        return 0
    return sum(map(len, frame.headers)) + sum(len(body or b"") for body in frame.bodies)


def _log_after(frame: Frame, log: ChannelValue | None) -> ChannelValue | None:
    """Return the log that packages behind a frame are of; nothing if that is no log."""
    if not isinstance(frame, ChannelFrame):
        return log
    try:
        return channel_of(frame)
    except MalformedError:
        return None
