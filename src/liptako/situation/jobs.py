"""Work of the desk that takes longer than a page may: the import of published incidents."""

import logging
from pathlib import Path

from django.utils import timezone
from django_tasks import task

from liptako.core.errors import LiptakoError, MalformedError
from liptako.ledger.node import this_node
from liptako.members.actions import record_audit
from liptako.members.permissions import Actor
from liptako.situation import queries
from liptako.situation.actions import ImportOrder, import_published
from liptako.situation.imports import Published, read_published

logger = logging.getLogger(__name__)

TABLE = Path("incidents") / "insecurity_insight_sahel.csv"


def read_table(path: Path) -> list[Published | MalformedError]:
    """Return the rows of a table of published incidents. Raises MalformedError."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as table:
            return list(read_published(table))
    except (OSError, UnicodeDecodeError) as cause:
        raise MalformedError("table: %(file)s cannot be read", file=str(path)) from cause


@task()
def import_incidents(
    run_id: int, path: str, actor: dict[str, object], countries: list[str], members: list[str]
) -> None:
    """Import published incidents for a run that was started on a page.

    May run twice: what is held already is passed over.
    """
    run = queries.import_run(run_id)
    if run is None or run.ended_at is not None:
        return

    def progress(done: int, added: int) -> None:
        run.done, run.added = done, added
        run.save(update_fields=["done", "added"])

    who = Actor(
        member=str(actor["member"]),
        person=str(actor["person"]),
        office=str(actor["office"]),
        roles=frozenset(actor["roles"]),  # type: ignore[call-overload]  # JSON of our own page
    )
    order = ImportOrder(countries=frozenset(countries), members=frozenset(members))
    node = this_node()
    try:
        faults = import_published(node, who, read_table(Path(path)), order, progress)
        run.fault = "\n".join(str(fault) for fault in faults[:20])
        record_audit(node, "incidents.import", actor=who, detail=str(run.added))
    except LiptakoError as error:
        logger.warning("import %d: %s", run_id, error)
        run.fault = str(error)
    run.ended_at = timezone.now()
    run.save()
