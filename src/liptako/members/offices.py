"""The offices that a new node begins with: a proposal that its administrator changes."""

from liptako.members.records import Office, Role

STANDARD = (
    Office(
        code="permanence",
        titles={"fr": "Officier de permanence", "en": "Watch officer"},
        roles=(Role.WATCH_OFFICER,),
    ),
    Office(
        code="diffusion",
        titles={"fr": "Autorité de diffusion", "en": "Releasing officer"},
        roles=(Role.RELEASING_OFFICER,),
    ),
    Office(
        code="planification",
        titles={"fr": "Planification", "en": "Planning"},
        roles=(Role.PLANNER,),
    ),
    Office(
        code="logistique",
        titles={"fr": "Logistique", "en": "Logistics"},
        roles=(Role.LOGISTICIAN,),
    ),
    Office(code="delegue", titles={"fr": "Délégué", "en": "Delegate"}, roles=(Role.DELEGATE,)),
    Office(code="redaction", titles={"fr": "Rédaction", "en": "Drafting"}, roles=(Role.DRAFTER,)),
    Office(
        code="formation",
        titles={"fr": "Formation", "en": "Training"},
        roles=(Role.TRAINING_OFFICER,),
    ),
    Office(
        code="exercices",
        titles={"fr": "Direction d’exercice", "en": "Exercise direction"},
        roles=(Role.EXERCISE_DIRECTOR, Role.EXERCISE_CONTROLLER),
    ),
    Office(
        code="administration",
        titles={"fr": "Administration du nœud", "en": "Node administration"},
        roles=(Role.NODE_ADMINISTRATOR,),
    ),
    Office(code="audit", titles={"fr": "Audit", "en": "Audit"}, roles=(Role.AUDITOR,)),
)
