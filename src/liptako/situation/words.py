"""The codes of incidents with the words that people read, and their APP-6 activity codes.

APP-6(D) / MIL-STD-2525D, symbol set 40 (activities): the six digits of entity, type, subtype.
Symbols of units, equipment and weapons have no place here.
"""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from liptako.core.personal import Sort
from liptako.situation.records import Level, PeriodPrecision, Standing, Status, Transform


@dataclass(frozen=True, slots=True)
class KindWord:
    """A kind of incident: its activity code and its name."""

    app6: str
    name: Promise


KINDS: dict[str, KindWord] = {
    "attack": KindWord("110400", _("Armed attack")),
    "abduction": KindWord("110000", _("Abduction")),
    "killing": KindWord("110108", _("Killing")),
    "explosive": KindWord("110301", _("Explosive device")),
    "mine": KindWord("110603", _("Mine explosion")),
    "shelling": KindWord("110604", _("Shelling")),
    "arson": KindWord("110102", _("Arson")),
    "looting": KindWord("110114", _("Looting")),
    "robbery": KindWord("110116", _("Robbery")),
    "threat": KindWord("110000", _("Threat")),
    "closure": KindWord("110000", _("Forced closure")),
    "arrest": KindWord("110101", _("Arrest")),
    "sabotage": KindWord("110122", _("Sabotage")),
    "smuggling": KindWord("110119", _("Smuggling")),
    "unrest": KindWord("120000", _("Civil unrest")),
    "displacement": KindWord("110000", _("Displacement of people")),
    "accident": KindWord("160000", _("Transport accident")),
    "fire": KindWord("140000", _("Fire")),
    "wildfire": KindWord("140800", _("Bush fire")),
    "flood": KindWord("170202", _("Flood")),
    "drought": KindWord("170201", _("Drought")),
    "storm": KindWord("170200", _("Storm")),
    "landslide": KindWord("170104", _("Landslide")),
    "locusts": KindWord("170302", _("Locusts")),
    "epidemic": KindWord("170303", _("Epidemic")),
    "hazmat": KindWord("150100", _("Hazardous materials")),
    "unexploded": KindWord("150115", _("Unexploded ordnance")),
    "other": KindWord("110000", _("Other incident")),
}

AFFECTED: dict[str, Promise] = {
    "civilians": _("Civilians"),
    "displaced": _("Displaced people"),
    "health": _("Health care"),
    "education": _("Education"),
    "aid": _("Aid operations"),
    "food": _("Food security"),
    "water": _("Water supply"),
    "transport": _("Transport"),
    "energy": _("Energy"),
    "livestock": _("Livestock"),
    "administration": _("Administration"),
}

NEEDS: dict[str, Promise] = {
    "protection": _("Protection"),
    "evacuation": _("Evacuation"),
    "medical": _("Medical care"),
    "water": _("Water"),
    "food": _("Food"),
    "shelter": _("Shelter"),
    "demining": _("Clearance of explosives"),
    "engineering": _("Engineering"),
    "information": _("Information"),
}

SEVERITIES: dict[int, Promise] = {
    1: _("Minor"),
    2: _("Moderate"),
    3: _("Serious"),
    4: _("Very serious"),
}

STATUSES: dict[str, Promise] = {
    Status.REPORTED: _("Reported"),
    Status.VERIFYING: _("Being verified"),
    Status.CONFIRMED: _("Confirmed"),
    Status.DENIED: _("Denied"),
    Status.CLOSED: _("Closed"),
}

STANDINGS: dict[str, Promise] = {
    Standing.LIVE: _("Reported by a desk"),
    Standing.PUBLISHED: _("Past, published data"),
    Standing.FICTIONAL: _("Fictional"),
}

RELIABILITIES: dict[str, Promise] = {
    "": _("not rated"),
    "A": _("A – completely reliable"),
    "B": _("B – usually reliable"),
    "C": _("C – fairly reliable"),
    "D": _("D – not usually reliable"),
    "E": _("E – unreliable"),
    "F": _("F – cannot be judged"),
}

CREDIBILITIES: dict[int, Promise] = {
    0: _("not rated"),
    1: _("1 – confirmed by other sources"),
    2: _("2 – probably true"),
    3: _("3 – possibly true"),
    4: _("4 – doubtful"),
    5: _("5 – improbable"),
    6: _("6 – cannot be judged"),
}

LEVELS: dict[str, Promise] = {
    Level.POINT: _("exact"),
    Level.RADIUS: _("within a radius"),
    Level.CELL: _("cell of about 9 km"),
    Level.LINE: _("along a road or river"),
    Level.DISTRICT: _("district"),
    Level.REGION: _("region"),
    Level.COUNTRY: _("country"),
}

PRECISIONS: dict[str, Promise] = {
    PeriodPrecision.MINUTE: _("to the minute"),
    PeriodPrecision.HOUR: _("to the hour"),
    PeriodPrecision.DAY: _("to the day"),
    PeriodPrecision.MONTH: _("to the month"),
}

TRANSFORMS: dict[str, Promise] = {
    Transform.AS_IS: _("Exact place and full text"),
    Transform.CELL: _("Coarse place: cell of about 9 km, no text"),
    Transform.REGION: _("Coarse place: region, no text"),
}

HARMS: dict[str, Promise] = {
    "killed": _("Killed"),
    "injured": _("Injured"),
    "abducted": _("Abducted"),
    "detained": _("Detained"),
    "displaced": _("Displaced"),
}


def kind_word(code: str) -> str:
    """Return the name of a kind; its code if a later version wrote it."""
    return str(KINDS[code].name) if code in KINDS else code


PILES: dict[str, Promise] = {
    "release": _("Not released yet"),
    "outdated": _("Released in an older version"),
    "news": _("New from partners"),
    "verify": _("To be verified"),
    "unhandled": _("Handled by nobody"),
    "review": _("To be looked at again"),
    "past": _("Outdated"),
}

PERSONAL: dict[str, Promise] = {
    Sort.PHONE: _("telephone number"),
    Sort.MAIL: _("address of mail"),
    Sort.PAPER: _("number of a paper"),
    Sort.NAME: _("name"),
}
"""What may tell who somebody is."""

PLACES_OF_WORDS: dict[str, Promise] = {
    "summary": _("Summary"),
    "text": _("Text"),
    "where": _("Where, in words"),
    "source": _("Source, in words"),
    "caption": _("Files"),
}
"""The fields of an incident that are written freely."""
