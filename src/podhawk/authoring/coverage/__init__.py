"""Which techniques of the ATT&CK matrix for Containers the content names, and which its tests prove."""

from podhawk.authoring.coverage.matrix import Coverage, Covered, cover
from podhawk.authoring.coverage.navigator import layer
from podhawk.authoring.coverage.show import COLUMNS, html, rows, summary, table

__all__ = ["COLUMNS", "Coverage", "Covered", "cover", "html", "layer", "rows", "summary", "table"]
