"""Kubernetes audit-log threat detection that speaks SPL.

    import podhawk
    podhawk.search("verb=create objectRef.resource=pods | stats count by user.username", "audit.log")
    podhawk.run("detections/", "audit.log")

The library never prints and never exits, and raises only `PodhawkError` and its kinds. docs/library.md shows how it is
used. Everything is imported when it is first used, so that `import podhawk` stays cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from podhawk.settings.version import __version__

if TYPE_CHECKING:
    from podhawk.api import DetectionResult, FindingsResult, Result, RowsResult, run, search
    from podhawk.api import rows as run_rows
    from podhawk.content.load import load_content, shipped_pack
    from podhawk.content.model import Content, Detection
    from podhawk.content.selection import select
    from podhawk.detect.finding import Finding
    from podhawk.errors import (
        ContentError,
        EngineError,
        InputError,
        LimitError,
        OutputError,
        Place,
        PodhawkError,
        SearchError,
        StateUnavailableError,
        StoreError,
        UsageError,
    )
    from podhawk.settings.keywords import RunKeywords, SearchKeywords

__all__ = [
    "Content",
    "ContentError",
    "Detection",
    "DetectionResult",
    "EngineError",
    "Finding",
    "FindingsResult",
    "InputError",
    "LimitError",
    "OutputError",
    "Place",
    "PodhawkError",
    "Result",
    "RowsResult",
    "RunKeywords",
    "SearchError",
    "SearchKeywords",
    "StateUnavailableError",
    "StoreError",
    "UsageError",
    "__version__",
    "load_content",
    "run",
    "run_rows",
    "search",
    "select",
    "shipped_pack",
]

if not TYPE_CHECKING:
    _HOMES = {
        "podhawk.api": ("DetectionResult", "FindingsResult", "Result", "RowsResult", "run", "search"),
        "podhawk.content.load": ("load_content", "shipped_pack"),
        "podhawk.content.model": ("Content", "Detection"),
        "podhawk.content.selection": ("select",),
        "podhawk.detect.finding": ("Finding",),
        "podhawk.errors": (
            "ContentError",
            "EngineError",
            "InputError",
            "LimitError",
            "OutputError",
            "Place",
            "PodhawkError",
            "SearchError",
            "StateUnavailableError",
            "StoreError",
            "UsageError",
        ),
        "podhawk.settings.keywords": ("RunKeywords", "SearchKeywords"),
    }
    _WHERE = {name: (module, name) for module, names in _HOMES.items() for name in names}
    _WHERE["run_rows"] = ("podhawk.api", "rows")

    def __getattr__(name):
        if name not in _WHERE:
            raise AttributeError(f"module 'podhawk' has no attribute {name!r}")
        from importlib import import_module

        module, attribute = _WHERE[name]
        value = globals()[name] = getattr(import_module(module), attribute)
        return value

    def __dir__():
        return sorted({*globals(), *__all__})
