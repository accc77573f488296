"""How bundles get from one node to another: over wires and on sticks, whole or spoilt."""

import errno
import io
from contextlib import contextmanager
from random import Random

from django.db import DatabaseError, OperationalError

from liptako.core.errors import LiptakoError, NetworkError
from liptako.core.log.bundle import read_bundle
from liptako.core.log.sealed import recipient_of, seal, unseal
from liptako.federation import exchange, sync
from liptako.federation.intake import Report
from tests.bundles import sealed_frames
from tests.simulator.world import Crash, Stick, World

_KEPT = 12  # sticks, and requests that may be played again


class Wire:
    """The way to one partner's node (the port of `federation.client`), with a trouble of its own.

    What ends the partner's work is for us a partner who does not answer.
    """

    def __init__(
        self, world: World, sender: str, target: str, trouble: str, chance: Random
    ) -> None:
        self._world, self._sender, self._target = world, sender, target
        self._trouble, self._chance = trouble, chance

    def exchange(self, url: str, pin: bytes, bundle: bytes, follow: object = None) -> bytes:  # noqa: ARG002 (the port's)
        """Hand a bundle to the partner's node and return what it answers."""
        world, trouble, self._trouble = self._world, self._trouble, ""
        if world.is_down(self._sender, self._target):
            raise NetworkError("cut")
        before = [request for request in world.requests if request.recipient == self._target]
        _keep(world.requests, Stick(sender=self._sender, recipient=self._target, data=bundle))
        if trouble == "request damaged":
            bundle = damaged(bundle, self._chance)
        if trouble == "request twice":
            self._answer(bundle)
        if trouble == "old request" and before:
            self._answer(self._chance.choice(before).data)
        answer = self._answer(bundle)
        if trouble == "answer lost":
            raise NetworkError("lost")
        return damaged(answer, self._chance) if trouble == "answer damaged" else answer

    def _answer(self, bundle: bytes) -> bytes:
        with self._world.at(self._target) as node:
            try:
                return exchange.answer(node, bundle)
            except (LiptakoError, Crash, DatabaseError) as fault:
                raise NetworkError("it answered with a fault") from fault


TROUBLES = ("request damaged", "request twice", "old request", "answer lost", "answer damaged")


def exchange_between(
    world: World, one: str, other: str, chance: Random, trouble: str = ""
) -> Report | None:
    """Let a member exchange with another; nothing if that failed."""
    with world.at(one) as node:
        try:
            wire = Wire(world, one, other, trouble, chance)
            return exchange.exchange_with(node, other, wire, world.pace)
        except LiptakoError:
            return None


def fill_stick(world: World, sender: str, recipient: str, *, standalone: bool = False) -> Stick:
    """Let a member write a bundle for another into a file, and keep the stick."""
    target = io.BytesIO()
    with world.at(sender) as node:
        sync.write_bundle(node, recipient, target, sync.Extent(standalone=standalone))
    stick = Stick(sender=sender, recipient=recipient, data=target.getvalue())
    _keep(world.sticks, stick)
    return stick


def read_stick(world: World, member: str, data: bytes) -> Report | None:
    """Let a member read a file; nothing if it was refused."""
    with world.at(member) as node:
        try:
            return sync.read_sealed(node, io.BytesIO(data), how="file")
        except LiptakoError:
            return None


def _keep(sticks: list[Stick], stick: Stick) -> None:
    """Put a stick to the others; the oldest but one gets lost where there are too many."""
    sticks.append(stick)
    if len(sticks) > _KEPT:
        del sticks[1]


# What happens to bytes on the way. Places are counted from the end: the seal's beginning has
# a random length, and there all damage comes to the same.


def damaged(data: bytes, chance: Random) -> bytes:
    """Return bytes with a fault in them: cut, a bit turned, a part lost, twice, or zeroed."""
    place = max(len(data) - int(2 ** chance.uniform(0, 17)), 0)
    end = min(place + int(2 ** chance.uniform(0, 9)), len(data))
    part = data[place:end]
    middle = chance.choice((b"", None, bytes(len(part)), part + part, _turned(part, chance)))
    return data[:place] if middle is None else data[:place] + middle + data[end:]


def _turned(part: bytes, chance: Random) -> bytes:
    """Return bytes with one bit turned in the first of them."""
    return bytes(part[:1][0] ^ 1 << chance.randrange(8) for _ in part[:1]) + part[1:]


def opened(world: World, stick: Stick) -> bytes:
    """Return what is inside a seal."""
    plain = io.BytesIO()
    unseal(io.BytesIO(stick.data), plain, world.fleet.nodes[stick.recipient].identity)
    return plain.getvalue()


def sealed(world: World, recipient: str, plain: bytes) -> bytes:
    """Return bytes under a new seal: age tells nobody who sealed them."""
    target = io.BytesIO()
    seal(io.BytesIO(plain), target, recipient_of(world.fleet.nodes[recipient].identity))
    return target.getvalue()


def rearranged(world: World, stick: Stick, chance: Random) -> bytes:
    """Return a bundle with its frames moved, left out or given twice, as an enemy would."""
    frames = list(read_bundle(io.BytesIO(opened(world, stick))))
    place, other = chance.randrange(len(frames)), chance.randrange(len(frames))
    change = chance.choice(("left out", "twice", "moved", "backwards"))
    if change == "left out":
        del frames[place]
    elif change == "twice":
        frames.insert(other, frames[place])
    elif change == "moved":
        frames.insert(other, frames.pop(place))
    else:
        frames[1:] = reversed(frames[1:])
    return sealed_frames(world.fleet, stick.recipient, frames, ended=chance.random() < 0.9)


# Faults of the machine: at some statement the program ends, or the disk is full.


class FullFile(io.BytesIO):
    """A file on a disk that takes only so many bytes."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self._room = room

    def write(self, data) -> int:
        """Write, or raise as the system does."""
        if self.tell() + len(data) > self._room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)


_CONTROL = ("BEGIN", "SAVEPOINT", "RELEASE", "ROLLBACK")
_WRITES = ("INSERT", "UPDATE", "DELETE")


class Trap:
    """Raises at the n-th statement that a database is given, once."""

    def __init__(self, at: int, fault: BaseException, *, only: tuple[str, ...] = ()) -> None:
        self.left, self._fault, self._only = at, fault, only

    def __call__(self, execute, sql, params, many, context):
        """Run a statement, unless it is the one."""
        if not sql.startswith(_CONTROL) and (not self._only or sql.startswith(self._only)):
            self.left -= 1
            if not self.left:
                raise self._fault
        return execute(sql, params, many, context)

    @property
    def is_sprung(self) -> bool:
        """Say whether it has raised."""
        return self.left <= 0


@contextmanager
def trapped(world: World, member: str, trap: Trap):
    """Let a member's database raise; the program ends, and what it did not commit is gone."""
    with world.fleet.database(member).execute_wrapper(trap):
        try:
            yield
        except (Crash, OperationalError):
            if not trap.is_sprung:
                raise
    with world.writing(member):
        pass  # what it had committed when it ended counts


def crash(at: int) -> Trap:
    """Return a trap that ends the program at the n-th statement."""
    return Trap(at, Crash())


def full_disk(at: int) -> Trap:
    """Return a trap that makes the n-th writing statement fail as on a full disk."""
    return Trap(at, OperationalError("database or disk is full"), only=_WRITES)


def power_cut() -> Trap:
    """Return a trap that ends the program when it has taken evidence and not yet drawn it."""
    return Trap(1, Crash(), only=('UPDATE "ledger_counter" SET "projected"',))
