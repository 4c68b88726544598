"""The version, declared once: the package's metadata is built from this line."""

from __future__ import annotations

__version__ = "0.1.0"
