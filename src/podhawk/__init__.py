"""Kubernetes audit-log threat detection that speaks SPL.

    import podhawk
    podhawk.search("verb=create objectRef.resource=pods | stats count by user.username", "audit.log")
    podhawk.run(podhawk.load_content("detections/"), "audit.log")

The library never prints and never exits, and raises only `podhawk.errors.PodhawkError` and its kinds.
"""

from __future__ import annotations

from typing import Any

from podhawk.settings.version import __version__

__all__ = ["__version__", "load_content", "run", "search"]


def __getattr__(name: str) -> Any:
    """The public functions, imported when first used: `import podhawk` must stay cheap."""
    if name in ("search", "run"):
        from podhawk import api

        return getattr(api, name)
    if name == "load_content":
        from podhawk.content.load import load_content

        return load_content
    raise AttributeError(f"module 'podhawk' has no attribute {name!r}")
