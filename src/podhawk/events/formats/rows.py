"""Tables as names of columns and rows of values, as the APIs of databases and log stores answer.

Azure Monitor and Kusto (`tables[].columns`, `rows`), Elasticsearch's SQL and ES|QL, Splunk (`fields`, `rows`), Trino,
ClickHouse, Snowflake, pandas; Athena and BigQuery, which wrap each value. Each row becomes an object by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from podhawk.events.envelope import Format, Layer, Record
from podhawk.events.formats.columns import is_event_column
from podhawk.events.formats.inside import text_in

_COLUMNS: Final = ("columns", "Columns", "fields", "meta", "rowType")
_ROWS: Final = ("rows", "Rows", "data", "values")
_NAMES: Final = ("name", "Name", "ColumnName", "field")
_LOOKED_AT: Final = 100

_MARKS: Final = frozenset({*_COLUMNS, "tables", "Tables", "resultSetMetaData", "ResultSet", "schema"})

ColumnTable = tuple[list[str], list[list[Any]]]


def _names(value: Any) -> list[str] | None:
    """The names of columns, given as texts or as objects."""
    if type(value) is not list or not value:
        return None
    found = [item if type(item) is str else _name(item) for item in value]
    return None if None in found else [str(name) for name in found]


def _name(item: Any) -> str | None:
    if type(item) is not dict:
        return None
    return next((item[key] for key in _NAMES if type(item.get(key)) is str), None)


def _tables(value: dict[str, Any]) -> Iterator[ColumnTable]:
    for key in ("tables", "Tables"):
        found = value.get(key)
        for table in found if type(found) is list else []:
            if type(table) is dict:
                yield from _tables(table)
    about = value.get("resultSetMetaData")
    columns = [*(value.get(key) for key in _COLUMNS), about.get("rowType") if type(about) is dict else None]
    for names in filter(None, map(_names, columns)):
        for key in _ROWS:
            rows = value.get(key)
            if type(rows) is list and rows and all(type(row) is list and len(row) == len(names) for row in rows):
                yield names, rows
                return
    yield from _athena(value)
    yield from _bigquery(value)


def _athena(value: dict[str, Any]) -> Iterator[ColumnTable]:
    """An answer of GetQueryResults: the first row has the names."""
    result = value.get("ResultSet")
    rows = result.get("Rows") if type(result) is dict else None
    if type(rows) is not list or not all(type(row) is dict and type(row.get("Data")) is list for row in rows):
        return
    cells = [[cell.get("VarCharValue") if type(cell) is dict else None for cell in row["Data"]] for row in rows]
    names = _names(cells[0]) if cells else None
    if names is not None:
        yield names, [row for row in cells[1:] if len(row) == len(cells[0])]


def _bigquery(value: dict[str, Any]) -> Iterator[ColumnTable]:
    """An answer of jobs.query and tabledata.list: `{"f":[{"v":…}]}`, with records inside records."""
    schema = value.get("schema")
    fields = schema.get("fields") if type(schema) is dict else None
    names = _names(fields)
    rows = value.get("rows")
    if names is None or type(fields) is not list or type(rows) is not list:
        return
    found = [_record(row, fields) for row in rows]
    yield names, [[row.get(name) for name in names] for row in found if row]


def _record(row: Any, fields: list[Any]) -> dict[str, Any]:
    cells = row.get("f") if type(row) is dict else None
    if type(cells) is not list or len(cells) != len(fields):
        return {}
    return {
        field["name"]: _cell(cell.get("v"), field)
        for cell, field in zip(cells, fields, strict=True)
        if type(cell) is dict and _name(field)
    }


def _cell(value: Any, field: dict[str, Any]) -> Any:
    if type(value) is list:
        return [_cell(item.get("v") if type(item) is dict else None, field) for item in value]
    inner = field.get("fields")
    return _record(value, inner) if type(value) is dict and type(inner) is list else value


def _holds(table: ColumnTable) -> bool:
    names, rows = table
    return any(map(is_event_column, names)) or any(
        text_in(cell) is not None for row in rows[:_LOOKED_AT] for cell in row
    )


def _recognise(value: Any) -> bool:
    return type(value) is dict and not _MARKS.isdisjoint(value) and any(map(_holds, _tables(value)))


def _unwrap(record: Record) -> Layer:
    envelope = record.envelope.within("rows")
    for names, rows in _tables(record.value):
        for row in rows:
            cells = {name: cell for name, cell in zip(names, row, strict=True) if cell is not None}
            yield Record(cells, envelope)


ROWS: Final = Format(
    name="rows",
    doc="Tables as names of columns and rows of values: the REST APIs of Azure Monitor, Elasticsearch SQL, Splunk, "
    "BigQuery, Athena, Trino and others. Each row is a record of any format.",
    recognise=_recognise,
    unwrap=_unwrap,
    certain=True,
    example='{"tables":[{"name":"PrimaryResult","columns":[{"name":"auditID","type":"string"},{"name":"stage"},'
    '{"name":"verb"}],"rows":[["7f0a","ResponseComplete","get"]]}]}\n',
)
