"""The words that people read for roles, rights and events."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from liptako.members.records import Role

ROLES: dict[Role, Promise] = {
    Role.WATCH_OFFICER: _("Watch officer"),
    Role.RELEASING_OFFICER: _("Releasing officer"),
    Role.PLANNER: _("Planner"),
    Role.LOGISTICIAN: _("Logistician"),
    Role.DELEGATE: _("Delegate"),
    Role.DRAFTER: _("Drafter"),
    Role.TRAINING_OFFICER: _("Training officer"),
    Role.EXERCISE_DIRECTOR: _("Exercise director"),
    Role.EXERCISE_CONTROLLER: _("Exercise controller"),
    Role.NODE_ADMINISTRATOR: _("Node administrator"),
    Role.AUDITOR: _("Auditor"),
}

EVENTS: dict[str, Promise] = {
    "sign_in": _("Signed in"),
    "sign_in.failed": _("Sign-in failed"),
    "sign_out": _("Signed out"),
    "person.add": _("Account created"),
    "person.activate": _("Account opened again"),
    "person.deactivate": _("Account closed"),
    "person.erase": _("Account and name erased"),
    "person.password_reset": _("Sign-in reset: new password, other means removed"),
    "person.password_change": _("Password changed"),
    "authenticator.add": _("Second factor added"),
    "authenticator.remove": _("Second factor removed"),
    "partner.limits": _("Limits of an exchange changed"),
    "partner.address": _("Address of a partner changed"),
    "office.assign": _("Office given"),
    "office.relieve": _("Office ended"),
    "office.set": _("Office created or changed"),
    "watch.begin": _("Watch begun"),
    "watch.hand_over": _("Watch handed over"),
    "watch.accept": _("Watch accepted"),
    "watch.take_over": _("Watch taken over without a hand-over"),
    "watch.end": _("Watch ended without relief"),
    "roster.subscribe": _("Address of the roster made for a calendar"),
    "roster.unsubscribe": _("Address of the roster ended"),
    "mandate.give": _("Mandate given"),
    "mandate.end": _("Mandate ended"),
    "incident.release": _("Incident released"),
    "incident.recall": _("Release recalled"),
    "incident.file": _("File of an incident destroyed"),
    "bundle.refused": _("Bundle refused"),
    "bundle.export": _("Bundle written to a file"),
    "bundle.import": _("Bundle read from a file"),
    "incidents.import": _("Published incidents imported"),
    "node.init": _("Node set up"),
    "node.fence": _("Node goes on in new logs"),
    "node.restore": _("Node restored from a backup"),
    "compact.adopt": _("Compact adopted"),
    "log.cut": _("Records deleted: their key was taken back"),
    "keys.delegate": _("Keys of the node changed"),
}


def event_word(event: str) -> str:
    """Return the words for an event; its name if a later version wrote it."""
    return str(EVENTS.get(event, event))
