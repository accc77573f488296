"""Long runs: work in pieces on several processes, a line of progress, and a mark to go on from."""

import hashlib
import multiprocessing
import resource
import signal
import sys
import time
from collections import Counter as Tally
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import msgspec

ROOT = Path(__file__).parent.parent
_PROCESSES = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


@dataclass(slots=True, kw_only=True)
class Progress:
    """How far a run got: which piece is next, what was found, how often what has happened."""

    code: str
    next: int
    took: float = 0.0
    found: list[str] = field(default_factory=list)
    happened: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """What came of one piece of a run: what was found, and how often what has happened."""

    found: tuple[str, ...] = ()
    happened: Tally = field(default_factory=Tally)


@dataclass(frozen=True, slots=True, kw_only=True)
class Soak:
    """A long run of pieces [first, first + count), each done by `work` in some process."""

    name: str
    first: int
    count: int
    jobs: int
    work: Callable[[int], Piece]
    begin: Callable[[], None]
    folder: Path = ROOT / "build"


def peak() -> int:
    """Return how much memory the greatest of our processes took, in MiB."""
    found = [resource.getrusage(who).ru_maxrss for who in _PROCESSES]
    return max(found) // 1024


def code_digest(folders: Sequence[str]) -> str:
    """Return what tells two states of the code apart: a run does not go on with another one."""
    files = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def run(soak: Soak) -> Progress:
    """Do what is left of a run; it can be stopped at any time, and goes on where it was."""
    path = soak.folder / f"soak-{soak.name}-{soak.first}-{soak.count}.json"
    progress = _read(path, soak.first)
    end, begun, before = soak.first + soak.count, time.monotonic(), progress.took
    with _workers(soak) as pieces:
        for piece in pieces(soak.work, range(progress.next, end)):
            progress.next += 1
            progress.took = before + time.monotonic() - begun
            progress.found += piece.found
            progress.happened = dict(Tally(progress.happened) + piece.happened)
            _show(soak, progress, piece)
            path.write_bytes(msgspec.json.encode(asdict(progress)))
    sys.stderr.write("\n")
    path.unlink(missing_ok=True)
    return progress


def _read(path: Path, first: int) -> Progress:
    """Return how far a run got, if it was one of this code."""
    code = code_digest(("src/liptako", "tests"))
    path.parent.mkdir(exist_ok=True)
    if path.exists():
        progress = msgspec.json.decode(path.read_bytes(), type=Progress)
        if progress.code == code:
            return progress
    return Progress(code=code, next=first)


@contextmanager
def _workers(soak: Soak) -> Iterator[Callable[..., Iterator[Piece]]]:
    """Give what does pieces in their order, on several processes if that is wanted."""
    if soak.jobs == 1:
        soak.begin()
        yield map
        return
    # Forked, so that each has Django set up; what it needs else it makes itself.
    context = multiprocessing.get_context("fork")
    with context.Pool(soak.jobs, _begin_worker, (soak.begin,)) as pool:
        yield pool.imap


def _begin_worker(begin: Callable[[], None]) -> None:
    """Prepare a process; only the first one hears that somebody stops it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    begin()


def _show(soak: Soak, progress: Progress, piece: Piece) -> None:
    """Show what was found, and how far it is."""
    for found in piece.found:
        sys.stderr.write(f"\r{found}\n")
    done = progress.next - soak.first
    if done % max(soak.count // 200, 1):
        return
    rate = done / max(progress.took, 0.001)
    sys.stderr.write(
        f"\r{soak.name}: {done} of {soak.count}, {rate:.1f} a second, {len(progress.found)} found "
    )
    sys.stderr.flush()
