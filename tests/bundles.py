"""Bundles between the nodes of a fleet: made, opened, and changed on the way as an enemy would."""

import io

from liptako.core.log.bundle import BundleWriter, read_bundle, restore_hash
from liptako.core.log.checkpoint import head_of, sign_checkpoint
from liptako.core.log.frames import (
    ChannelFrame,
    DeedsFrame,
    HeadsFrame,
    PackageFrame,
)
from liptako.core.log.heads import Heads, sign_heads
from liptako.core.log.merkle import CompactRange, leaf_hash
from liptako.core.log.sealed import recipient_of, seal, unseal
from liptako.core.records.payload import derive_salt
from liptako.federation import sync
from liptako.ledger import store
from liptako.ledger.records import Draft
from liptako.members.models import AuditEvent
from liptako.members.records import AUDIT, Audit

ALL = frozenset({"ML", "BF", "NE"})
PAIR = frozenset({"ML", "BF"})


def write(fleet, member, *texts, audience=ALL, **changes):
    """Let a member write events for an audience."""
    with fleet.at(member) as node:
        drafts = [
            Draft(
                kind=AUDIT,
                object=f"{abs(hash((member, text))) % 10**13:013}",
                office="permanence",
                payload=Audit(event="test", detail=text),
                audience=audience,
                **changes,
            )
            for text in texts
        ]
        return store.append(node, drafts)


def texts(fleet, member):
    """Return what a member's pages would show."""
    with fleet.at(member):
        shown = AuditEvent.objects.exclude(event="log.cut")  # that is about records of others
        return sorted(shown.values_list("detail", flat=True))


def bundle_for(fleet, member, other, *, standalone=False):
    with fleet.at(member) as node:
        target = io.BytesIO()
        sync.write_bundle(node, other, target, sync.Extent(standalone=standalone))
        return target.getvalue()


def read(fleet, member, data):
    with fleet.at(member) as node:
        return sync.read_sealed(node, io.BytesIO(data), how="file")


def open_for(fleet, member, data, *, deeds=False):
    """Return the frames of a bundle, as its recipient sees them; deeds only where asked for."""
    plain = io.BytesIO()
    unseal(io.BytesIO(data), plain, fleet.nodes[member].identity)
    plain.seek(0)
    return [frame for frame in read_bundle(plain) if deeds or not isinstance(frame, DeedsFrame)]


def sealed_frames(fleet, member, frames, *, ended=True):
    """Return frames as a bundle for a member."""
    plain, target = io.BytesIO(), io.BytesIO()
    writer = BundleWriter(plain)
    for frame in frames:
        writer.write(frame)
    if ended:
        writer.close()
    plain.seek(0)
    seal(plain, target, recipient_of(fleet.nodes[member].identity))
    return target.getvalue()


def replaced(frame, **changes):
    names = ("start", "headers", "bodies", "seed", "salts", "proof")
    return PackageFrame(**{name: getattr(frame, name) for name in names} | changes)


def tampered(frames, change):
    return [change(frame) if isinstance(frame, PackageFrame) else frame for frame in frames]


def whole(frames):
    """Return frames with the headers as their author wrote them."""
    return [
        replaced(
            frame,
            headers=tuple(
                restore_hash(
                    header, frame.salts[i] if frame.salts else derive_salt(frame.seed, i), body
                )
                for i, (header, body) in enumerate(zip(frame.headers, frame.bodies, strict=True))
            ),
        )
        if isinstance(frame, PackageFrame)
        else frame
        for frame in frames
    ]


def forged_channel(fleet, author="ML", signer="ML", roster=("BF", "ML"), lane="bulk"):
    origin = f"{author}/c/0001020304050607/e1"
    log = CompactRange().extend([leaf_hash(b"x")])
    note = sign_checkpoint(head_of(origin, log), fleet.nodes[signer].signer)
    return ChannelFrame(origin, tuple(roster), lane, note, 0, b"")


def heads_frame(fleet, sender="ML", recipient="BF"):
    heads = Heads(sender=sender, recipient=recipient)
    return HeadsFrame(sign_heads(heads, fleet.nodes[sender].signer))


PACKAGE = PackageFrame(0, (b"x",), (None,), b"", (b"",), ())
