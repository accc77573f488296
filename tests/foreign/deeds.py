"""A foreign reader, part 3: what compact.md says of envelopes, versions, delegations."""

import hashlib
from dataclasses import dataclass, field, replace

import pyrage

from tests.foreign.logs import good_key, is_signed
from tests.foreign.spelling import (
    FARTHEST,
    MEMBER,
    ORIGIN,
    RefusedError,
    from_base64,
    matches,
    need,
    read_object,
    text,
    whole,
)

VERSION = "application/vnd.liptako.compact+json"
DELEGATION = "application/vnd.liptako.delegation+json"
MEBIBYTE = 1 << 20
STATES = ("active", "suspended", "left")


def keyid(public):
    return hashlib.sha256(public).digest()[:16].hex()


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A document as it was signed, with signatures by their hints."""

    payload: bytes
    type: str
    signatures: tuple[tuple[str, bytes], ...]

    @property
    def digest(self):
        return hashlib.sha256(self.payload).digest()

    def signers(self, keys):
        """Return which of these keys have signed: DSSE 1.0, PAE."""
        kind = self.type.encode()
        sizes = (str(len(kind)).encode(), str(len(self.payload)).encode())
        message = b" ".join((b"DSSEv1", sizes[0], kind, sizes[1], self.payload))
        return {
            key
            for key in keys
            for hint, signature in self.signatures
            if hint == keyid(key) and is_signed(key, message, signature)
        }


def read_envelope(line):
    said = read_object(line, 2 * MEBIBYTE)
    need(text(said.get("payloadType")), "envelope: type")
    signatures = said.get("signatures")
    need(isinstance(signatures, list) and len(signatures) <= 1024, "envelope: signatures")
    need(all(isinstance(one, dict) and text(one.get("keyid")) for one in signatures), "keyid")
    return Envelope(
        payload=from_base64(said.get("payload")),
        type=said["payloadType"],
        signatures=tuple((one["keyid"], from_base64(one.get("sig"), 64)) for one in signatures),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """A member as a version names it: its root keys, and where its logs end if it is not active."""

    threshold: int
    keys: tuple[bytes, ...]
    state: str
    frozen: dict[str, int]

    def has_signed(self, envelope):
        return len(envelope.signers(self.keys)) >= self.threshold

    def same_keys(self, other):
        return (self.threshold, set(self.keys)) == (other.threshold, set(other.keys))


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A version of the compact."""

    number: int
    previous: bytes
    approve: int | None  # None: all
    members: dict[str, Root]
    envelope: Envelope

    @property
    def active(self):
        return {name for name, root in self.members.items() if root.state == "active"}

    def approved_by(self, envelope):
        """Return the active members that have signed with the keys of this version, if enough."""
        found = {name for name in self.active if self.members[name].has_signed(envelope)}
        need(len(found) >= (self.approve or len(self.active)), "compact: signatures")
        return found


def names_of(said, least=0):
    need(isinstance(said, dict) and len(said) >= least, "names")
    need(all(map(text, said.values())), "names")


def _sizes(said):
    need(isinstance(said, dict), "sizes of logs")
    need(all(matches(ORIGIN, name) and whole(size) for name, size in said.items()), "sizes")
    return said


def _of_one(member, sizes):
    """Refuse sizes of logs of somebody else."""
    need(all(name.startswith(f"{member}/") for name in sizes), "a log of somebody else")


def _key(said):
    public = from_base64(said, 32)
    need(good_key(public), "public key")
    return public


def _list(said, low, high):
    need(isinstance(said, list) and low <= len(said) <= high, "list")
    return said


def _root(said):
    names_of(said.get("names"), 1)
    need(text(said.get("timezone")) and isinstance(said.get("root"), dict), "member")
    keys = tuple(map(_key, _list(said["root"].get("keys"), 1, 1024)))
    need(whole(said["root"].get("threshold"), 1, len(keys)), "threshold")
    state = said.get("state", "active")
    need(state in STATES and (state != "active" or not said.get("frozen")), "state")
    frozen = dict(_sizes(said.get("frozen", {})))
    _of_one(said.get("id"), frozen)
    return Root(threshold=said["root"]["threshold"], keys=keys, state=state, frozen=frozen)


def read_version(envelope):
    """Return a version, whoever has signed it."""
    said = read_object(envelope.payload, MEBIBYTE)
    need(envelope.type == VERSION and whole(said.get("v"), 1, 1), "version")
    need(whole(said.get("version"), 1), "version")
    names_of(said.get("names"))
    listed = _list(said.get("members"), 1, 10_000)
    need(all(isinstance(one, dict) for one in listed), "members")
    members = {one.get("id"): _root(one) for one in listed}
    need(len(members) == len(listed) and all(matches(MEMBER, name) for name in members), "ids")
    keys = [key for root in members.values() for key in root.keys]
    need(len(keys) == len(set(keys)), "a root key twice")
    for audience in _list(said.get("audiences"), 0, 10_000):
        need(isinstance(audience, dict), "audience")
        names_of(audience.get("names"))
        need(set(_list(audience.get("members"), 1, 10_000)) <= members.keys(), "audience")
    found = Version(
        number=said["version"],
        previous=from_base64(said.get("previous", "")),
        approve=_rule(said),
        members=members,
        envelope=envelope,
    )
    count = len(found.active)
    need(found.approve is None or count < 2 * found.approve <= 2 * count, "approve")
    return found


def _rule(said):
    need(isinstance(said.get("rules"), dict), "rules")
    approve = said["rules"].get("approve")
    need(approve == "all" or whole(approve, 1), "approve")
    return None if approve == "all" else approve


def check_first(version):
    need(version.number == 1 and version.previous == b"", "the first version")
    need(version.active == set(version.members), "the first version: active")
    replace(version, approve=None).approved_by(version.envelope)


def check_next(before, after):
    """Refuse a version that is not valid behind another valid one."""
    need(after.number == before.number + 1, "number")
    need(after.previous == before.envelope.digest, "previous")
    need(before.members.keys() <= after.members.keys(), "a member is missing")
    _approved_before(before, after)
    signed = after.approved_by(after.envelope)
    for name in after.active:
        root = before.members.get(name)
        if root is None or root.state != "active" or not root.same_keys(after.members[name]):
            need(name in signed, "a new key has not signed")


def _approved_before(before, after):
    """One member may have lost its keys where all have to sign, by the word of all others."""
    try:
        before.approved_by(after.envelope)
    except RefusedError:
        found = {name for name in before.active if before.members[name].has_signed(after.envelope)}
        lost = before.active - found
        everybody = before.approve in {None, len(before.active)}
        need(everybody and len(found) >= 2 and len(lost) == 1, "compact: signatures")
        old, new = before.members[min(lost)], after.members[min(lost)]
        need(min(lost) in after.active and not old.same_keys(new), "compact: signatures")
        need(new.has_signed(after.envelope), "compact: signatures")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """Which keys a member's node has, and which are taken back."""

    member: str
    serial: int
    previous: bytes
    sign: bytes
    seals: tuple[str, ...]
    revoked: dict[bytes, dict[str, int]]
    envelope: Envelope


def read_delegation(envelope):
    said = read_object(envelope.payload, MEBIBYTE // 4)
    need(envelope.type == DELEGATION and whole(said.get("v"), 1, 1), "delegation")
    need(matches(MEMBER, said.get("member")) and whole(said.get("serial"), 1), "delegation")
    need(whole(said.get("until"), 0, FARTHEST), "until")
    pins, seals = (_list(said.get(name), 1, 8) for name in ("tls", "seal"))
    need(all(map(text, pins + seals)) and len({*pins, *seals}) == len(pins + seals), "each once")
    for pin in pins:
        from_base64(pin, 32)
    for seal in seals:
        try:
            pyrage.x25519.Recipient.from_str(seal)
        except pyrage.RecipientError as cause:
            raise RefusedError("seal") from cause
    revoked = _list(said.get("revoked", []), 0, 10_000)
    need(all(isinstance(one, dict) for one in revoked), "revoked")
    for one in revoked:
        _of_one(said["member"], _sizes(one.get("caps")))
    return Delegation(
        member=said["member"],
        serial=said["serial"],
        previous=from_base64(said.get("previous", "")),
        sign=_key(said.get("sign")),
        seals=tuple(seals),
        revoked={_key(one.get("key")): _sizes(one.get("caps")) for one in revoked},
        envelope=envelope,
    )


def line_of(root, member, delegations):
    """Return the delegations of a member from the first to the last that its root keys signed."""
    by_digest = {one.envelope.digest: one for one in delegations if one.member == member}
    signed = [one for one in by_digest.values() if root.has_signed(one.envelope)]
    need(signed, f"{member} has delegated nothing")
    line = [max(signed, key=lambda one: one.serial)]
    while line[0].serial > 1:
        before = by_digest.get(line[0].previous)
        need(before is not None and before.serial == line[0].serial - 1, "a gap")
        line.insert(0, before)
    need(line[0].previous == b"", "the first delegation")
    taken_back = set()
    for before, one in zip([None, *line], line, strict=False):
        taken_back |= one.revoked.keys()
        need(one.sign not in taken_back, "a key that was taken back")
        need(before is None or before.sign in {one.sign} | taken_back, "a key was not taken back")
    return line


def lines_of(version, delegations):
    """Return the lines of all members of a version, whatever their state."""
    return {name: line_of(root, name, delegations) for name, root in version.members.items()}


_READERS = {VERSION: read_version, DELEGATION: read_delegation}


@dataclass(slots=True)
class Compact:
    """What a reader believes: the valid versions, and the lines of all members under the last."""

    versions: list[Version] = field(default_factory=list)
    lines: dict[str, list[Delegation]] = field(default_factory=dict)
    _pool: dict[bytes, Envelope] = field(default_factory=dict)

    def take(self, dossier):
        """Take in what is new and valid of a dossier; say whether anything was."""
        before = self.trust
        lines = list(filter(None, dossier.split(b"\n")))
        said = [read_object(line, 2 * MEBIBYTE) for line in lines]
        both = zip(lines, said, strict=True)
        envelopes = [read_envelope(line) for line, one in both if "payload" in one]
        for envelope in envelopes:  # nothing is taken of a dossier that cannot be read
            _READERS.get(envelope.type, read_version)(envelope)
        for envelope in envelopes:
            self._put(envelope)
        self._believe()
        return self.trust != before

    def _put(self, new):
        old = self._pool.get(new.digest)
        if old is not None and old.type == new.type:
            both = dict.fromkeys((*old.signatures, *new.signatures))
            new = replace(new, signatures=tuple(both))
        self._pool[new.digest] = new

    def _read(self, kind):
        return [_READERS[kind](one) for one in self._pool.values() if one.type == kind]

    def _believe(self):
        versions, delegations = self._read(VERSION), self._read(DELEGATION)
        while True:
            last = self.versions[-1] if self.versions else None
            for version in versions:
                try:
                    check_next(last, version) if last else check_first(version)
                    self.lines = lines_of(version, delegations)
                except RefusedError:
                    continue
                self.versions.append(version)
                break
            else:
                break
        if self.versions:
            self.lines = lines_of(self.versions[-1], delegations)

    @property
    def trust(self):
        """What heads say of it: bundle.md."""
        envelopes = [version.envelope for version in self.versions]
        envelopes += [one.envelope for line in self.lines.values() for one in line]
        if not envelopes:
            return "0" * 16
        digests = sorted(envelope.digest for envelope in envelopes)
        return hashlib.sha256(b"".join(digests)).hexdigest()[:16]

    def is_active(self, member):
        return bool(self.versions) and member in self.versions[-1].active

    def sign_of(self, member):
        return self.lines[member][-1].sign

    def former_of(self, member):
        """Return the keys that a member has taken back."""
        return {key for one in self.lines.get(member, ()) for key in one.revoked}

    def caps_of(self, member, origin):
        """Return for each key that was taken back up to which size of a log it counts."""
        caps = {}
        for one in self.lines.get(member, ()):
            for key, sizes in one.revoked.items():
                caps[key] = min(caps.get(key, sizes.get(origin, 0)), sizes.get(origin, 0))
        return caps

    def limit_of(self, member, origin):
        """Return beyond which size nothing of a log is taken: nowhere for an active member."""
        root = self.versions[-1].members[member]
        return None if root.state == "active" else root.frozen.get(origin, 0)


def phrase_of(digest, label=b"liptako fingerprint v1"):
    """Return the eight groups that people compare aloud."""
    number, groups = int.from_bytes(hashlib.sha512(label + digest).digest(), "big"), []
    for _ in range(8):
        number, rest = divmod(number, 100_000)
        groups.append(f"{rest:05}")
    return " ".join(groups)
