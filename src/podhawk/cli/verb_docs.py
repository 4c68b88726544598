"""podhawk docs: a static site from content."""

from __future__ import annotations

from typing import Any

import click

from podhawk.cli.content_choice import with_content
from podhawk.cli.options import declared
from podhawk.wording import counted

EPILOG = """\b
Examples:
  podhawk docs --output-dir site
  podhawk docs --content detections/ --output-dir site --tested results.xml
  podhawk docs --output-dir site --source-url https://git.example.com/team/content/blob/main
"""


@click.command("docs", epilog=EPILOG)
@declared("docs")
def COMMAND(**given: Any) -> int:  # noqa: N802 - looked up by this name
    """Write a static site: a page for each detection and story, an ATT&CK index, and a search box."""
    from podhawk import api
    from podhawk.authoring.pages import build_site, read_results
    from podhawk.authoring.pages.facts import safe_link
    from podhawk.cli.tables import note
    from podhawk.content.selection import select
    from podhawk.errors import UsageError
    from podhawk.settings.resolve import resolve

    settings = with_content(resolve("docs", given))
    if not settings["output_dir"]:
        raise UsageError("missing --output-dir DIR", remedy="Name the folder to write the site to.")
    content = api.content_of(settings.values, settings.macros)
    chosen = (
        select(content, settings["only"], settings["exclude"])
        if settings["only"] or settings["exclude"]
        else (content.detections)
    )
    if settings["changed"]:
        from podhawk.authoring.changed import changed_here

        chosen = tuple(changed_here(content, chosen, settings["changed"], settings["content"]))
    results = read_results(settings["tested"]) if settings["tested"] else ()
    source_url = settings["source_url"] or ""
    if source_url and not safe_link(source_url):
        raise UsageError(f"--source-url is no web address: {source_url}", remedy="It begins with https:// or http://.")
    site = build_site(content, settings["output_dir"], detections=chosen, results=results, source_url=source_url)
    if not settings["quiet"]:
        for problem in content.problems:
            note(f"{problem.severity}: {problem}" + (f". {problem.remedy}" if problem.remedy else ""))
        note(
            f"{counted(site.detections, 'detection')}, {counted(site.stories, 'story', 'stories')}: "
            f"{site.folder / 'index.html'}"
        )
    return 3 if any(problem.severity == "error" for problem in content.problems) else 0
