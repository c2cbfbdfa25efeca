"""Numbers and tables as text: exact figures, columns that fit their terminal, Markdown, CSV, JSON.

What is shown is a `Document`; how, a `View` says. `FORMATS` has the formats that every document has
and the suffixes of their files.
"""

from .column import Column, Row
from .numbers import percent, rounded, short, unit_of
from .plain import Cell, csv_table, markdown_table
from .table import Table
from .view import FORMATS, USUAL, Document, Format, View, wrapped

__all__ = [
    "FORMATS",
    "USUAL",
    "Cell",
    "Column",
    "Document",
    "Format",
    "Row",
    "Table",
    "View",
    "csv_table",
    "markdown_table",
    "percent",
    "rounded",
    "short",
    "unit_of",
    "wrapped",
]
