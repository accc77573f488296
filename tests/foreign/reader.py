"""A foreign reader, part 5: bundle.md, Taking in. What a node holds after it has read bundles."""

from base64 import b64encode
from dataclasses import dataclass, field

from tests.foreign.claims import Heads, read_heads
from tests.foreign.deeds import Compact
from tests.foreign.frames import frames_of, opened, stream_of
from tests.foreign.logs import (
    HASH,
    Checkpoint,
    extended,
    is_receipt,
    leaf_hash,
    proves_consistency,
    proves_inclusion,
    read_checkpoint,
    read_note,
    root_of,
    signed_by,
)
from tests.foreign.spelling import (
    LIMIT,
    MEMBER,
    ORIGIN,
    RefusedError,
    audience_of,
    matches,
    need,
    payload_hash,
    read_header,
    salt_of,
    whole,
)

RECALL = "exchange.recall/1"
PACKAGE = 256
_STRIPPED = b'"payload":{"hash":""'


@dataclass(slots=True, kw_only=True)
class Entry:
    """An entry of a log; no header if it cannot be read or does not belong there."""

    data: bytes
    leaf: bytes
    header: object = None
    body: bytes | None = None


@dataclass(slots=True, kw_only=True)
class Log:
    """A log: `size` entries in one run from the first, and a few beyond that were shown ahead."""

    origin: str
    roster: tuple
    lane: str
    entries: dict = field(default_factory=dict)
    size: int = 0
    subtrees: list = field(default_factory=list)
    checkpoint: Checkpoint | None = None

    @property
    def author(self):
        return ORIGIN.fullmatch(self.origin)[1]

    @property
    def audience(self):
        return audience_of(self.roster)

    def root_at(self, size):
        subtrees = []
        for place in range(size):
            subtrees = extended(subtrees, place, self.entries[place].leaf)
        return root_of(subtrees)

    def not_held(self, new):
        """Return which of these entries, by place, are not held; refuse others than those held."""
        held = self.entries.keys() & new.keys()
        need(all(self.entries[at].leaf == new[at].leaf for at in held), "another one is held")
        return {place: entry for place, entry in new.items() if place not in held}

    def entry_of(self, data, body):
        """Return a header with its payload as an entry; as evidence if it does not belong here."""
        entry = Entry(data=data, leaf=leaf_hash(data))
        try:
            header = read_header(data)
            said = (header.author, header.audience, header.lane)
            need(said == (self.author, self.audience, self.lane), "does not belong")
        except RefusedError:
            return entry
        entry.header, entry.body = header, body
        return entry


@dataclass(slots=True)
class Report:
    """What came of a bundle."""

    heads: Heads | None = None
    taken: int = 0
    whole: bool = False
    faults: list = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class _Open:
    """A log of which packages follow, and where the next one has to begin."""

    log: Log
    checkpoint: Checkpoint
    start: int
    shown: set = field(default_factory=set)


@dataclass(slots=True, kw_only=True)
class Reader:
    """Somebody who has only the pages: the member's identity for the seal, and a compact."""

    member: str
    identity: str
    compact: Compact
    now: int = 1_790_000_000_000
    logs: dict = field(default_factory=dict)
    receipts: dict = field(default_factory=dict)
    forked: dict = field(default_factory=dict)
    recalls: list = field(default_factory=list)
    _open: _Open | None = None
    _sender: str = ""
    _former: bool = False

    def take(self, sealed):
        """Take in a sealed bundle as far as it is good."""
        plain, whole_seal = opened(sealed, self.identity)
        report = self.take_plain(plain)
        report.whole = report.whole and whole_seal
        return report

    def take_plain(self, plain):
        """Take in a bundle whose seal was opened."""
        report, self._open = Report(), None
        try:
            stream, _ = stream_of(plain)
        except RefusedError as fault:
            report.faults.append(str(fault))
            return report
        for number, frame in enumerate(frames_of(stream)):
            if isinstance(frame, bool):
                report.whole = frame
            elif frame.name == "deeds" and number == 0:
                self._guard(report, self._deeds, *frame.parts)
            elif report.heads is None:
                self._guard(report, self._heads, report, frame)
                if report.heads is None:
                    break
            elif frame.name in _FRAMES:
                self._guard(report, _FRAMES[frame.name], self, report, *frame.parts)
        return report

    @staticmethod
    def _guard(report, action, *parts):
        try:
            action(*parts)
        except RefusedError as fault:
            report.faults.append(str(fault))

    def _deeds(self, dossier):
        need(len(dossier) <= 1 << 20, "deeds")
        self.compact.take(dossier)

    def _heads(self, report, frame):
        need(frame.name == "heads", "heads come first")
        note = read_note(frame.parts[0], 1 << 20)
        heads = read_heads(note.lines)
        need(heads.recipient == self.member != heads.sender, "heads: for somebody else")
        need(self.compact.is_active(heads.sender), "heads: of a stranger")
        name, public = f"{heads.sender}/node", self.compact.sign_of(heads.sender)
        self._former = not signed_by(note, name, public)
        if self._former:  # a file may be older than a change of keys
            former = self.compact.former_of(heads.sender)
            need(any(signed_by(note, name, key) for key in former), "heads: not signed")
        report.heads, self._sender = heads, heads.sender

    def opened_checkpoint(self, data, origin):
        """Return a checkpoint that the author of a log has signed with a key that counts for it."""
        note = read_note(data)
        checkpoint = read_checkpoint(note.lines)
        need(checkpoint.origin == origin, "checkpoint: of another log")
        author = ORIGIN.fullmatch(origin)[1]
        if signed_by(note, origin, self.compact.sign_of(author)):
            return checkpoint
        for key, cap in self.compact.caps_of(author, origin).items():
            if checkpoint.size <= cap and signed_by(note, origin, key):
                return checkpoint
        raise RefusedError("checkpoint: not signed")

    def _channel(self, _report, *parts):
        self._open = None
        origin, roster, lane, note, start, _frontier = parts
        need(matches(ORIGIN, origin), "origin")
        author = ORIGIN.fullmatch(origin)[1]
        need(all(matches(MEMBER, name) for name in roster), "roster: ids")
        need(roster == sorted(set(roster)), "roster: order")
        need({author, self._sender, self.member} <= set(roster), "roster: members")
        need(author in self.compact.versions[-1].members, "author")
        need(lane in {"urgent", "bulk"}, "lane")
        checkpoint = self.opened_checkpoint(note, origin)
        need(0 <= start <= checkpoint.size, "start")
        held = self.logs.get(origin)
        if author == self.member and (held is None or checkpoint.size <= held.size):
            need(held is None and checkpoint.size, "our own log")  # else we were set back
        log = held or Log(origin=origin, roster=tuple(roster), lane=lane)
        need((log.roster, log.lane) == (tuple(roster), lane), "not the log that it was")
        need(origin not in self.forked, "two histories")
        if 0 < checkpoint.size <= log.size and log.root_at(checkpoint.size) != checkpoint.root:
            self.forked[origin] = checkpoint.size
            raise RefusedError("two histories")
        self._open = _Open(log=log, checkpoint=checkpoint, start=start)

    def _ahead(self, report, *parts):
        if self._open is None:
            return
        seq, header, body, salt, proof = parts
        current, self._open = self._open, None  # what is refused ends the intake of its log
        log, signed = current.log, current.checkpoint
        need(len(header) <= LIMIT and len(body or b"") <= LIMIT, "ahead: size")
        need(self._is_open(log, seq + 1), "the log is frozen")
        need(body is None or len(salt) == 16, "ahead: salt")
        entry = payload_checked(log, header, (salt, body))
        good = proves_inclusion(entry.leaf, seq, signed.size, signed.root, proof)
        need(good and entry.header is not None, "ahead: proof")
        if entry.header.kind == RECALL:
            current.shown |= {(ref.origin, ref.place) for ref in entry.header.refs}
        if body is not None:
            report.taken += self._commit(log, log.not_held({seq: entry}))
        self._open = current

    def _package(self, report, *parts):
        if self._open is None:
            return
        current, self._open = self._open, None  # what is refused ends the intake of its log
        new, log, signed = self._checked(current, parts), current.log, current.checkpoint
        if new:
            subtrees = log.subtrees
            for place, entry in new.items():
                subtrees = extended(subtrees, place, entry.leaf)
            size, proof = log.size + len(new), parts[-1]
            after = (size, root_of(subtrees))
            need(proves_consistency(after, (signed.size, signed.root), proof), "package: proof")
            report.taken += self._commit(log, log.not_held(new))
            log.size, log.subtrees = size, subtrees
            if log.size == signed.size:
                log.checkpoint = signed
        current.start += len(parts[1])
        self._open = current

    def _checked(self, current, parts):
        """Return the entries of a package that are new, as their author wrote them."""
        start, headers, bodies, seed, salts, proof = parts
        log, count = current.log, len(headers)
        need(start == current.start, "package: where it has to begin")
        need(self._is_open(log, start + count), "the log is frozen")
        need(1 <= count <= PACKAGE - start % PACKAGE and len(bodies) == count, "package: number")
        need((len(seed), len(salts)) in {(16, 0), (0, count)}, "package: salts")
        need(all(len(step) == 32 for step in proof), "package: proof")
        need(all(len(one) <= LIMIT for one in (*headers, *filter(None, bodies))), "package: size")
        entries = {}
        for place, (data, body) in enumerate(zip(headers, bodies, strict=True), start):
            salt = salt_of(seed, place) if seed else salts[place - start]
            need(body is None or len(salt) == 16, "package: salt")
            entries[place] = self._entry(current, place, data, (salt, body))
        need(start <= log.size, "package: behind the last entry held")
        return {place: entry for place, entry in entries.items() if place >= log.size}

    def _is_open(self, log, size):
        """Say whether a log may have so many entries: its author may have left."""
        limit = self.compact.limit_of(log.author, log.origin)
        return limit is None or size <= limit

    def _entry(self, current, place, data, payload):
        entry = payload_checked(current.log, data, payload)
        held_back = payload[1] is None and not self._may_lack(current, place, entry)
        need(not held_back, "package: a payload is kept back")
        return entry

    def _may_lack(self, current, place, entry):
        """Nobody who hands a log on can make the receiver go without."""
        is_author = self._sender == current.log.author and not self._former
        if is_author or entry.header is None:
            return True
        retain = entry.header.retain
        if retain is not None and retain <= self.now:
            return True
        name = (current.log.origin, place)
        held = {(ref.origin, ref.place) for recall in self.recalls for ref in recall.refs}
        return name in held | current.shown

    def _commit(self, log, new):
        """Hold new entries, and what they recall no longer; return how many they are."""
        if not new:
            return 0
        self.logs[log.origin] = log
        log.entries |= new
        for entry in new.values():
            if entry.header is not None and entry.header.kind == RECALL:
                self.recalls.append(entry.header)
        for recall in self.recalls:
            for ref in recall.refs:
                self._take_back(recall, ref)
        return len(new)

    def _take_back(self, recall, ref):
        log = self.logs.get(ref.origin)
        target = log.entries.get(ref.place) if log else None
        if target is None or target.header is None:
            return
        meant = target.header.thread == recall.thread
        if meant and target.leaf[:16] == ref.leaf:
            target.body = None

    def expire(self, now):
        """Delete the payloads whose time has passed."""
        self.now = now
        for log in self.logs.values():
            for entry in log.entries.values():
                retain = entry.header.retain if entry.header else None
                if retain is not None and retain <= now:
                    entry.body = None

    def _receipt(self, _report, origin, size, member, time, signature):
        log = self.logs.get(origin)
        if log is None or not 0 < size <= log.size or member in {self.member, log.author}:
            return
        if member not in log.roster or size <= self.receipts.get((origin, member), (0, 0))[0]:
            return
        need(whole(time) and self.compact.is_active(member), "receipt")
        checkpoint = Checkpoint(origin=origin, size=size, root=log.root_at(size))
        said = (time, signature)
        if any(
            is_receipt(checkpoint, member, key, *said) for key in self.compact.former_of(member)
        ):
            return
        public = self.compact.sign_of(member)
        need(is_receipt(checkpoint, member, public, *said), "receipt: signature")
        self.receipts[origin, member] = (size, time)

    def _history(self, _report, origin, note, size, root, proof):
        log = self.logs.get(origin)
        need(matches(ORIGIN, origin), "history: origin")
        checkpoint = self.opened_checkpoint(note, origin)
        good = proves_consistency((size, root), (checkpoint.size, checkpoint.root), proof)
        need(good and len(root) == HASH, "history: proof")
        if log is None or log.checkpoint is None or not 0 < size <= log.checkpoint.size:
            return
        if log.root_at(size) != root:
            self.forked[origin] = size
            raise RefusedError("two histories")


def payload_checked(log, data, payload):
    """Return an entry; its payload, if there is one, must be the one that its header names."""
    salt, body = payload
    if body is None:
        return log.entry_of(data, None)
    digest = payload_hash(salt, body)
    entry = log.entry_of(restored(data, digest), body)
    if entry.header is not None:
        named = (entry.header.digest, entry.header.size)
        need(named == (digest, len(body)), "not the payload that is named")
    return entry


def restored(header, digest):
    """Put the hash of the payload that came along into a header that was sent without."""
    if header.count(_STRIPPED) != 1:
        return header
    return header.replace(_STRIPPED, _STRIPPED[:-1] + b64encode(digest) + b'"')


_FRAMES = {
    "channel": Reader._channel,  # noqa: SLF001 (of this file)
    "ahead": Reader._ahead,  # noqa: SLF001
    "package": Reader._package,  # noqa: SLF001
    "receipt": Reader._receipt,  # noqa: SLF001
    "history": Reader._history,  # noqa: SLF001
}
