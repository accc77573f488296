"""A foreign reader, part 6: docs/reference/kinds.md. Which payload each kind has."""

from tests.foreign.spelling import RefusedError, need, read_object

REQUIRED = object()


def _text(value):
    return isinstance(value, str)


def _number(value):
    return type(value) is int


def _maybe(check):
    return lambda value: value is None or check(value)


def _many(check):
    return lambda value: isinstance(value, list) and all(map(check, value))


def _one_of(*words):
    return lambda value: isinstance(value, str) and value in words


def _part(fields):
    def check(value):
        return isinstance(value, dict) and _fits(fields, value)

    return check


def _fits(fields, said):
    return all(
        check(said[name]) if name in said else default is not REQUIRED
        for name, (check, default) in fields.items()
    )


def _titles(value):
    return isinstance(value, dict) and all(map(_text, value.values()))


TEXT, NUMBER = (_text, REQUIRED), (_number, REQUIRED)
LEFT_OUT = (_text, "")
NOTHING = (_maybe(_number), None)
COUNT = {"best": NUMBER, "low": NOTHING, "high": NOTHING}
PRECISION = _one_of("minute", "hour", "day", "month")
LEVEL = _one_of("point", "radius", "cell", "line", "district", "region", "country")
PERIOD = {"begins": NUMBER, "ends": NOTHING, "precision": (PRECISION, "minute")}
PLACE = {
    "lat": NOTHING,
    "lon": NOTHING,
    "radius_m": (_number, 0),
    "level": (LEVEL, "point"),
    "area": LEFT_OUT,
    "words": LEFT_OUT,
}
HARMS = ("killed", "injured", "abducted", "detained", "displaced")
HARM = {name: (_maybe(_part(COUNT)), None) for name in HARMS}
SOURCE = dict.fromkeys(("words", "credit", "licence", "id"), LEFT_OUT)
STATUS = _one_of("reported", "verifying", "confirmed", "denied", "closed")
STANDING = _one_of("live", "published", "fictional")
ROLES = {
    "watch_officer", "releasing_officer", "planner", "logistician", "delegate", "drafter",
    "training_officer", "exercise_director", "exercise_controller", "node_administrator",
    "auditor",
}  # fmt: skip

KINDS = {
    "exchange.destroyed/1": {"why": TEXT},
    "exchange.files/1": {},
    "exchange.recall/1": {"reason": TEXT},
    "exchange.test/1": {"text": LEFT_OUT},
    "members.audit/1": {"event": TEXT, "person": LEFT_OUT, "subject": LEFT_OUT, "detail": LEFT_OUT},
    "members.mandate/1": {
        "office": TEXT,
        "subjects": (_many(_text), REQUIRED),
        "begins": NUMBER,
        "ends": NOTHING,
    },
    "members.mandate_end/1": {"reason": TEXT},
    "members.office/1": {
        "code": TEXT,
        "titles": (_titles, REQUIRED),
        "roles": (_many(_text), REQUIRED),
        "closed": (lambda value: isinstance(value, bool), False),
    },
    "situation.incident/1": {
        "reference": TEXT,
        "kind": TEXT,
        "summary": TEXT,
        "period": (_part(PERIOD), REQUIRED),
        "place": (_part(PLACE), REQUIRED),
        "text": LEFT_OUT,
        "severity": (_number, 2),
        "status": (STATUS, "reported"),
        "standing": (STANDING, "live"),
        "affected": (_many(_text), []),
        "harm": (_part(HARM), {}),
        "needs": (_many(_text), []),
        "reliability": LEFT_OUT,
        "credibility": (_number, 0),
        "source": (_part(SOURCE), {}),
        "handled_by": LEFT_OUT,
    },
    "situation.attachment/1": {"caption": LEFT_OUT},
    "situation.journal/1": {
        "at": NUMBER,
        "text": TEXT,
        "incident": LEFT_OUT,
        "corrects": LEFT_OUT,
    },
    "situation.recalled/1": {"audience": TEXT, "reason": TEXT},
    "situation.release/1": {
        "audience": TEXT,
        "members": (_many(_text), REQUIRED),
        "transform": (_one_of("as_is", "cell", "region"), REQUIRED),
        "basis": TEXT,
        "until": NOTHING,
    },
}


def read_payload(kind, data):
    """Return the fields of a payload of a known kind with its defaults, or refuse it."""
    said = read_object(data)
    need(_fits(KINDS[kind], said), f"no payload of {kind}")
    return {name: default for name, (_, default) in KINDS[kind].items()} | said


def is_payload(kind, data):
    """Say whether bytes are a payload of a known kind."""
    try:
        read_payload(kind, data)
    except RefusedError:
        return False
    return True
