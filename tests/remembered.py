"""The compiler of Django's queries, with a memory: what was compiled once is not compiled again.

The simulator asks the same few hundred queries millions of times, and to put one into SQL costs ten
times what SQLite does with it. A query is known again by its shape: all that its SQL depends on but
the values that it compares with. Now and then one that is known is compiled anyway, and must come
to the same. Named by a fleet's databases as `compiler_module`, which Django gives its backends for.
"""

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db.models.expressions import Col, Value
from django.db.models.lookups import Lookup
from django.db.models.sql import compiler as plain
from django.db.models.sql.where import WhereNode

SQLInsertCompiler = plain.SQLInsertCompiler
SQLDeleteCompiler = plain.SQLDeleteCompiler
SQLUpdateCompiler = plain.SQLUpdateCompiler
SQLAggregateCompiler = plain.SQLAggregateCompiler

_KEPT = ("select", "klass_info", "annotation_col_map", "col_count", "has_extra_select")
_CHECKED_ONE_IN = 200

_memory: dict[tuple, tuple[str, dict]] = {}
_converters: dict[tuple, dict] = {}
_asked = 0


class _UnknownShapeError(Exception):
    """Something in a query that only Django itself can put into SQL."""


class SQLCompiler(plain.SQLCompiler):
    """Puts queries into SQL, and remembers how."""

    _shape: tuple | None = None

    def as_sql(self, with_limits=True, with_col_aliases=False):  # noqa: FBT002 (Django's)
        """Return the SQL of the query with its values."""
        if with_col_aliases or not with_limits:
            return super().as_sql(with_limits, with_col_aliases)
        try:
            shape, values = _shape(self)
        except (_UnknownShapeError, EmptyResultSet, FullResultSet):
            return super().as_sql()
        known = _memory.get(shape)
        if known is None or _is_checked():
            sql, params = super().as_sql()
            assert known is None or (known[0], values) == (sql, params), sql
            if values == params:
                _memory[shape] = sql, {name: getattr(self, name) for name in _KEPT}
            return sql, params
        sql, kept = known
        for name, value in kept.items():
            setattr(self, name, value)
        self._shape = shape
        return sql, values

    def get_converters(self, expressions):
        """Return what makes values of Python out of those of the columns that are selected."""
        if self._shape is None:
            return super().get_converters(expressions)
        if self._shape not in _converters:
            _converters[self._shape] = super().get_converters(expressions)
        return _converters[self._shape]


def _is_checked() -> bool:
    """Say whether a query that is known is compiled all the same."""
    global _asked  # noqa: PLW0603 (a count)
    _asked += 1
    return not _asked % _CHECKED_ONE_IN


def _shape(compiler) -> tuple[tuple, tuple]:
    """Return what a query's SQL depends on but values, and these in their order."""
    query = compiler.query
    if query.subquery or query.combinator or query.group_by is not None or query.extra:
        raise _UnknownShapeError
    if query.distinct_fields or query.extra_order_by or query.filter_is_sticky:
        raise _UnknownShapeError
    values: list = []
    related = query.select_related
    shape = (
        query.model,
        tuple(_column(item) for item in query.select),
        tuple(_annotation(*item, values) for item in query.annotations.items()),
        None if query.annotation_select_mask is None else tuple(query.annotation_select_mask),
        query.values_select,
        query.default_cols,
        (frozenset(query.deferred_loading[0]), query.deferred_loading[1]),
        repr(related),
        tuple(map(_text, query.order_by)),
        (query.default_ordering, query.standard_ordering, query.distinct),
        (query.low_mark, query.high_mark, query.select_for_update, compiler.elide_empty),
        tuple(_join(alias, join, query) for alias, join in query.alias_map.items()),
        _where(query.where, compiler, values),
    )
    return shape, tuple(values)


def _column(item) -> tuple:
    """Return what tells a column."""
    if type(item) is not Col:
        raise _UnknownShapeError
    return item.alias, item.target


def _text(name) -> str:
    """Return by what a query is ordered, if that is a name."""
    if not isinstance(name, str):
        raise _UnknownShapeError
    return name


def _annotation(name: str, item, values: list) -> str:
    """Return the name of a constant that is asked for, as `exists` does."""
    if type(item) is not Value:
        raise _UnknownShapeError
    values.append(item.value)
    return name


def _join(alias: str, join, query) -> tuple:
    """Return what tells a table of a query."""
    if getattr(join, "filtered_relation", None) is not None:
        raise _UnknownShapeError
    field = getattr(join, "join_field", None)
    kind, parent = getattr(join, "join_type", None), getattr(join, "parent_alias", None)
    return alias, join.table_name, kind, parent, field, query.alias_refcount[alias]


def _where(node, compiler, values: list) -> tuple:
    """Return what tells a condition, with its values put to the others."""
    if type(node) is WhereNode:
        children = tuple([_where(child, compiler, values) for child in node.children])
        return node.connector, node.negated, children
    if not isinstance(node, Lookup) or hasattr(node.rhs, "resolve_expression"):
        raise _UnknownShapeError
    if node.lookup_name == "isnull":
        return "isnull", _column(node.lhs), node.rhs
    sql, params = node.process_rhs(compiler, compiler.connection)
    values += params
    return type(node), _column(node.lhs), str(sql)
