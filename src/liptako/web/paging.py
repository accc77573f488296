"""Cuts long lists into pages that are addressed by number."""

from typing import Any, TypeVar

from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest

PAGE_SIZE = 50
Row = TypeVar("Row", bound=Model)


def page_of(request: HttpRequest, rows: QuerySet[Row, Any], size: int = PAGE_SIZE) -> Page[Row]:
    """Return the page that the address asks for; the nearest one for a number out of range."""
    return Paginator(rows, size).get_page(request.GET.get("page"))
