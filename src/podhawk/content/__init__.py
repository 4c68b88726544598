"""Detection content: files of every schema generation into one model."""

from podhawk.content.load import load_content, shipped_pack
from podhawk.content.lookup_table import LookupTable
from podhawk.content.lookups import LookupStore
from podhawk.content.model import Content, ContentProblem, Detection, LookupDefinition, Macro
from podhawk.content.normalised import normalised, required_fields_note
from podhawk.content.selection import select

__all__ = [
    "Content",
    "ContentProblem",
    "Detection",
    "LookupDefinition",
    "LookupStore",
    "LookupTable",
    "Macro",
    "load_content",
    "normalised",
    "required_fields_note",
    "select",
    "shipped_pack",
]
