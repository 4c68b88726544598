"""The value and row model that everything else shares."""

from podhawk.rows.row import OrderKey, Row, Table
from podhawk.rows.values import Filled, Value, as_number, as_text, texts

__all__ = ["Filled", "OrderKey", "Row", "Table", "Value", "as_number", "as_text", "texts"]
