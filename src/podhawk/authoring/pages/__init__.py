"""A static site from content: a page for each detection and story, an ATT&CK index, a search."""

from podhawk.authoring.pages.facts import InForce
from podhawk.authoring.pages.site import Site, build_site
from podhawk.authoring.testing.results import CaseResult, read_results

__all__ = ["CaseResult", "InForce", "Site", "build_site", "read_results"]
