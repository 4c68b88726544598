"""A static site from content: a page for each detection and story, an ATT&CK index, a search."""

from podhawk.life.pages.facts import InForce
from podhawk.life.pages.results import CaseResult, read_results
from podhawk.life.pages.site import Site, build_site

__all__ = ["CaseResult", "InForce", "Site", "build_site", "read_results"]
