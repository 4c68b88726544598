"""A static site from content: a page for each detection and story, an ATT&CK index, a search."""

from podhawk.life.pages.site import Site, build_site

__all__ = ["Site", "build_site"]
