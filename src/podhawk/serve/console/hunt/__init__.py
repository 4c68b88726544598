"""Searches over the lake: the editor, the results, and what goes on from them."""
