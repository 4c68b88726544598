"""What an editor of searches needs: what can be written at a place, and what is wrong where.

All of it is read from the declarations of commands and functions and from the loaded content; nothing about a single
command is written here.
"""

from podhawk.authoring.editor.completion import Completion, Completions, complete
from podhawk.authoring.editor.faults import SearchFault, search_faults

__all__ = ["Completion", "Completions", "SearchFault", "complete", "search_faults"]
