"""What can happen in a history: one function for each kind, with a chance of its own.

Each makes what it needs itself, so that any history may begin with any of them, and says in
`world.happened` when the fault really came about.
"""

from collections.abc import Callable
from random import Random

from liptako.federation import sync
from liptako.ledger import store
from tests.simulator.attaching import attaches, save
from tests.simulator.carrying import (
    TROUBLES,
    FullFile,
    Trap,
    crash,
    damaged,
    exchange_between,
    fill_stick,
    full_disk,
    opened,
    power_cut,
    read_stick,
    rearranged,
    sealed,
    trapped,
)
from tests.simulator.healing import work
from tests.simulator.poison import write_poison
from tests.simulator.thief import steals, use_keys
from tests.simulator.world import DAY, HOUR, START, Stick, World
from tests.simulator.writing import take_back, write, write_many, write_one

Step = Callable[[World, Random], None]
_MINUTE = 60_000
_YEAR_2099 = 4_070_908_800_000
_LONG = 250  # entries, so that a few more begin the next package


def _two(world: World, chance: Random) -> tuple[str, str]:
    """Return two members."""
    one, other = chance.sample(world.members, 2)
    return one, other


def writes(world: World, chance: Random) -> None:
    """Somebody writes."""
    write(world, chance.choice(world.members), chance)


def exchanges(world: World, chance: Random) -> None:
    """Two members exchange."""
    exchange_between(world, *_two(world, chance), chance)


def fills_stick(world: World, chance: Random) -> None:
    """Somebody writes a bundle into a file, which is carried for long."""
    fill_stick(world, *_two(world, chance), standalone=chance.random() < 0.3)


def reads_stick(world: World, chance: Random) -> None:
    """A file arrives: one that was carried for long, or once more."""
    stick = _some_stick(world, chance)
    report = read_stick(world, stick.recipient, stick.data)
    if report is not None and report.outdated:
        world.happened["old bundle"] += 1


def _some_stick(world: World, chance: Random) -> Stick:
    """Return a stick that lies about, or one that is filled now."""
    if not world.sticks:
        fill_stick(world, *_two(world, chance))
    place = chance.randrange(len(world.sticks))
    return world.sticks[place] if chance.random() < 0.5 else world.sticks.pop(place)


def works(world: World, chance: Random) -> None:
    """A node's worker draws what waits and deletes what has expired."""
    work(world, chance.choice(world.members))


def recalls(world: World, chance: Random) -> None:
    """A member takes back what it has said about an object."""
    known = [subject for subject, names in world.subjects.items() if names]
    if not known:
        return
    member, audience = chance.choice(known)
    _, name = chance.choice(world.subjects[member, audience])
    take_back(world, member, audience, name)


def waits(world: World, chance: Random) -> None:
    """Time goes on."""
    world.now += chance.choice((_MINUTE, HOUR, 6 * HOUR, DAY, 10 * DAY))


# Faults of the machine


def _something(world: World, member: str, chance: Random) -> None:
    """Let a member do something that writes into its database."""
    other = chance.choice([name for name in world.members if name != member])
    what = chance.randrange(5)
    if what == 0:
        write(world, member, chance)
    elif what == 1:
        exchange_between(world, member, other, chance)
    elif what == 2:
        exchange_between(world, other, member, chance)
    elif what == 3:
        read_stick(world, member, fill_stick(world, other, member).data)
    else:
        work(world, member)


def _sprung(world: World, member: str, trap: Trap, name: str, chance: Random) -> None:
    """Let a member do something on a database with a trap, and note if it sprang."""
    with trapped(world, member, trap):
        _something(world, member, chance)
    world.happened[name] += trap.is_sprung


def crashes(world: World, chance: Random) -> None:
    """A program is killed in the middle of something."""
    member = chance.choice(world.members)
    write(world, chance.choice(world.members), chance)
    _sprung(world, member, crash(int(2 ** chance.uniform(0, 7))), "crash", chance)


def fills_disk(world: World, chance: Random) -> None:
    """A database takes nothing more in the middle of something."""
    member = chance.choice(world.members)
    write(world, chance.choice(world.members), chance)
    _sprung(world, member, full_disk(int(2 ** chance.uniform(0, 4.5))), "full disk", chance)


def fills_file(world: World, chance: Random) -> None:
    """A stick is full before the bundle is on it."""
    sender, recipient = _two(world, chance)
    with world.at(sender) as node:
        try:
            target = FullFile(int(2 ** chance.uniform(0, 11)))
            sync.write_bundle(node, recipient, target, sync.WHOLE)
        except OSError:
            world.happened["full stick"] += 1


def cuts_power(world: World, chance: Random) -> None:
    """The power goes when entries are stored and not yet drawn."""
    sender, recipient = _two(world, chance)
    write_one(world, sender, frozenset({sender, recipient}))
    stick, trap = fill_stick(world, sender, recipient), power_cut()
    with trapped(world, recipient, trap):
        read_stick(world, recipient, stick.data)
    world.happened["power cut"] += trap.is_sprung


# Faults on the way


def parts(world: World, chance: Random) -> None:
    """A member is cut off, or two are, for days or weeks; or a link comes back."""
    one, other = _two(world, chance)
    if world.down and chance.random() < 0.3:
        world.down.remove(chance.choice(sorted(world.down, key=sorted)))
        return
    others = world.members if chance.random() < 0.5 else (other,)
    world.down |= {frozenset({one, name}) for name in others if name != one}
    world.now += chance.choice((HOUR, DAY, 20 * DAY))
    world.happened["partition"] += 1


def troubles(world: World, chance: Random) -> None:
    """An exchange meets a trouble: a bundle is damaged, lost, given twice, or an old one."""
    trouble = chance.choice(TROUBLES)
    one, other = _two(world, chance)
    write(world, one, chance)
    exchange_between(world, one, other, chance, trouble)
    world.happened[trouble] += not world.is_down(one, other)


def damages_stick(world: World, chance: Random) -> None:
    """A file is cut, or a bit of it turns, under the seal or in it."""
    stick = _some_stick(world, chance)
    inside = chance.random() < 0.7
    data = damaged(opened(world, stick) if inside else stick.data, chance)
    read_stick(world, stick.recipient, sealed(world, stick.recipient, data) if inside else data)
    world.happened["damaged bundle"] += 1


def rearranges(world: World, chance: Random) -> None:
    """An enemy moves the frames of a bundle, leaves one out, or gives one twice."""
    stick = _some_stick(world, chance)
    read_stick(world, stick.recipient, rearranged(world, stick, chance))
    world.happened["rearranged bundle"] += 1


def takes_wrong_stick(world: World, chance: Random) -> None:
    """Somebody reads a stick for somebody else, their own, or no bundle at all."""
    stick = _some_stick(world, chance)
    reader = chance.choice([name for name in world.members if name != stick.recipient])
    data = chance.choice((stick.data, stick.data, b"", b"age-encryption.org/v1\nnonsense"))
    read_stick(world, reader, data)
    resealed = sealed(world, reader, opened(world, stick))
    read_stick(world, reader, resealed)
    world.happened["wrong stick"] += 1


def sets_clock(world: World, chance: Random) -> None:
    """A clock is put wrong, forward or backward, or right again."""
    clock = world.clocks[chance.choice(world.members)]
    if clock.wrong and chance.random() < 0.5:
        clock.wrong = 0
        return
    away = chance.choice((_MINUTE, HOUR, 3 * DAY, 40 * DAY, 400 * DAY))
    clock.wrong = chance.choice((away, away, -away, -away, -START, _YEAR_2099 - START))
    world.happened["wrong clock"] += 1


# Faults of a member


def backs_up(world: World, chance: Random) -> None:
    """A node is backed up."""
    member = chance.choice(world.members)
    world.backups.setdefault(member, []).append(save(world, member))


def _goes_back(world: World, chance: Random) -> str:
    """Put back a backup of a member that has gone on since; return whose."""
    if not world.backups:
        backs_up(world, chance)
        (member,) = world.backups
        write(world, member, chance)
        exchange_between(world, *_two(world, chance), chance)
    member = chance.choice(sorted(world.backups))
    world.put_back(member, chance.choice(world.backups[member]))
    use_keys(world, member)
    return member


def restores(world: World, chance: Random) -> None:
    """A node is restored from a backup, as `liptako restore` does it."""
    with world.writing(_goes_back(world, chance)) as node:
        store.begin_epoch(node.clock())
    world.happened["restore"] += 1


def sets_back(world: World, chance: Random) -> None:
    """A disk is set back, and the node does not know it."""
    member = _goes_back(world, chance)
    if chance.random() < 0.4:
        write(world, member, chance)
    world.happened["set back"] += 1


def tells_two_histories(world: World, chance: Random) -> None:
    """A member runs two copies of its node, and tells two partners different things."""
    author, *others = chance.sample(world.members, 3)
    everybody = frozenset(world.members)
    write_one(world, author, everybody)
    copy = save(world, author)
    for partner in others:
        world.put_back(author, copy)
        use_keys(world, author)
        write_many(world, author, everybody, chance.choice((1, 1, 2)))
        read_stick(world, partner, fill_stick(world, author, partner).data)
    world.happened["two histories"] += 1


def poisons(world: World, chance: Random) -> None:
    """A member signs what nobody can read, or what breaks a rule."""
    write_poison(world, chance.choice(world.members), chance)
    world.happened["poison"] += 1


def writes_long(world: World, chance: Random) -> None:
    """A log grows beyond a package, and a bundle of it is cut."""
    sender, recipient = _two(world, chance)
    write_many(world, sender, frozenset({sender, recipient}), _LONG)
    write_many(world, sender, frozenset({sender, recipient}), chance.randint(1, 20))
    stick = fill_stick(world, sender, recipient)
    data = damaged(opened(world, stick), chance)
    read_stick(world, recipient, sealed(world, recipient, data))
    world.happened["long log"] += 1


FAULTS: tuple[Step, ...] = (
    crashes, fills_disk, fills_file, cuts_power, parts, troubles, damages_stick, rearranges,
    takes_wrong_stick, sets_clock, restores, sets_back, tells_two_histories, poisons,
    steals,

)  # fmt: skip

ORDINARY: tuple[Step, ...] = (
    *(writes,) * 6, *(exchanges,) * 5, *(fills_stick,) * 2, *(reads_stick,) * 3, works, waits,
    backs_up, recalls, recalls, attaches,
)  # fmt: skip
