"""Work of the desk that takes longer than a page may: the import of published incidents."""

import logging
from pathlib import Path

import msgspec
from django.db import DatabaseError, close_old_connections, connection
from django.utils import timezone
from django_tasks import task

from liptako.core.errors import LiptakoError, MalformedError
from liptako.core.reasons import plain
from liptako.ledger.node import this_node
from liptako.members.permissions import Actor
from liptako.situation import queries
from liptako.situation.importing import ImportOrder, import_published
from liptako.situation.imports import Published, read_published
from liptako.situation.models import ImportRun
from liptako.web.faults import storage_error

logger = logging.getLogger(__name__)

_TOLD = 20  # faulty rows that a run names
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

    May run twice: what is held already is passed over. However it ends, the run says so: nobody
    waits for work that nobody does any longer.
    """
    run = queries.import_run(run_id)
    if run is None or run.ended_at is not None:
        return
    order = ImportOrder(countries=frozenset(countries), members=frozenset(members))
    try:
        faults = _import_for(run, path, msgspec.convert(actor, Actor), order)
        run.faults = [plain(fault) for fault in faults[:_TOLD]]
    except LiptakoError as error:
        logger.warning("import %d: %s", run_id, error)
        run.faults = [plain(error)]
    except Exception as error:
        run.faults = [plain(_meaning_of(error))]
        raise  # the worker keeps it with the place where it happened
    finally:
        if not connection.in_atomic_block:
            close_old_connections()  # the end can be written down though a connection was lost
        run.ended_at = timezone.now()
        run.save()


def _import_for(
    run: ImportRun, path: str, actor: Actor, order: ImportOrder
) -> list[MalformedError]:
    """Import a table and keep in the run how far it is; return the faulty rows."""

    def progress(done: int, added: int) -> None:
        run.done, run.added = done, added
        run.save(update_fields=["done", "added"])

    return import_published(this_node(), actor, read_table(Path(path)), order, progress)


def _meaning_of(error: Exception) -> LiptakoError:
    """Return what a person is told of an error that is not ours."""
    known = storage_error(error) if isinstance(error, DatabaseError) else None
    return known or LiptakoError("a fault of the program ended the import: it is in the node's log")
