"""The parser, with all commands registered."""

from __future__ import annotations

from podhawk.commands.registry import COMMANDS
from podhawk.commands.shared.parser import parse_bracketed, parse_search, parse_slice, render_bracketed, render_pipeline

__all__ = ["COMMANDS", "parse_bracketed", "parse_search", "parse_slice", "render_bracketed", "render_pipeline"]
