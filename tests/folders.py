"""The folders of a node's spool, and what its worker does with them."""

from liptako.federation.files import read_file
from liptako.federation.models import Peer
from liptako.federation.spool import Spool, Watch, take_in, write_out
from liptako.ledger import store
from liptako.ledger.records import Draft
from liptako.members.records import AUDIT, Audit

ALL = frozenset({"ML", "BF", "NE"})


class Ticks:
    """A clock that goes on by as much as it is told."""

    now = 0.0

    def __call__(self):
        return self.now


class Folders:
    """Two folders of ML, and what its worker does with them."""

    def __init__(self, fleet, path):
        self.fleet, self.ticks = fleet, Ticks()
        self.watch = Watch(clock=self.ticks)
        self.out, self.incoming = path / "out", path / "in"
        self.out.mkdir()
        self.incoming.mkdir()
        self.spool = Spool(outgoing=self.out, incoming=self.incoming)
        for member in fleet.nodes:
            with fleet.at(member):
                Peer.objects.update(url="")

    def write(self, member, *texts, audience=ALL):
        with self.fleet.at(member) as node:
            store.append(node, [self.draft(text, audience) for text in texts])

    def draft(self, text, audience):
        return Draft(
            kind=AUDIT,
            object=f"{abs(hash(text)) % 10**13:013}",
            office="permanence",
            payload=Audit(event="test", detail=text),
            audience=audience,
        )

    def send(self, member="ML", **more):
        """Write out; returns for whom, and how many records."""
        with self.fleet.at(member) as node:
            return [
                (volume.name.recipient, volume.count)
                for volume in write_out(node, self.spool, **more)
            ]

    def bring(self, *texts, cut=0, name=None):
        """Put a file of BF for ML into the incoming folder; returns it."""
        self.write("BF", *texts)
        with self.fleet.at("BF") as node:
            here = self.incoming.parent / "bf"
            here.mkdir(exist_ok=True)
            volume = write_out(node, Spool(outgoing=here, incoming=None), again=True)[0]
        (path,) = here.glob("liptako-BF-ML-*")
        assert volume
        target = self.incoming / (name or path.name)
        data = path.read_bytes()
        target.write_bytes(data[:-cut] if cut else data)
        return target

    def take(self, seconds=3.0):
        """Look twice, some seconds apart; returns what became of each file."""
        with self.fleet.at("ML") as node:
            before = take_in(node, self.spool, self.watch)
            self.ticks.now += seconds
            results = [*before, *take_in(node, self.spool, self.watch)]
        return [(result.fate, result.taken) for result in results]

    def carry(self, member, other):
        """Let what a member wrote into its folder for another be read there; return how many."""
        found = list(self.out.glob(f"liptako-{member}-{other}-*"))
        for path in found:
            with self.fleet.at(other) as node, path.open("rb") as file:
                assert read_file(node, file).faults == []
        return len(found)

    def for_whom(self, member="ML"):
        """Return for whom files of a member stand in the folder."""
        names = [path.name.split("-") for path in self.out.iterdir()]
        return sorted(other for _, author, other, *_ in names if author == member)

    def names(self, folder=""):
        """Return the files of the incoming folder, or of one in it."""
        place = self.incoming / folder
        return (
            sorted(path.name for path in place.iterdir() if path.is_file())
            if place.is_dir()
            else []
        )
