"""What the app is called: from `contentctl.yml` where content has one, else podhawk's own names.

Source: https://github.com/splunk/contentctl (the `app` section of contentctl.yml)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from podhawk.content.reading import MappingReader
from podhawk.content.root import root_of
from podhawk.content.yamlfile import read_yaml
from podhawk.errors import ContentError

MOST_NAME = 99
"""Characters that Enterprise Security takes for the name of a saved search, with prefix and suffix."""


class AppSettings(Struct, frozen=True):
    """The app's id (its folder), title, version, author and description; the prefix of its saved searches."""

    id: str = "podhawk_content"
    title: str = "podhawk content"
    version: str = "1.0.0"
    author: str = "podhawk"
    description: str = "Kubernetes audit-log detections, exported by podhawk."
    prefix: str = "PODHAWK"

    def label(self, name: str) -> str:
        """The name of a detection's saved search."""
        return f"{self.prefix} - {name} - Rule"[:MOST_NAME]


def app_settings(paths: Sequence[str | Path]) -> AppSettings:
    """The settings of the content's contentctl.yml, if it has one. Raises ContentError for one that cannot be read."""
    for path in paths:
        file = root_of(Path(path)) / "contentctl.yml"
        if file.is_file():
            return _read(file)
    return AppSettings()


def _read(file: Path) -> AppSettings:
    document = next(iter(read_yaml(file)), None)
    if document is None or not isinstance(document.data, dict):
        raise ContentError(f"{file} is not a mapping", remedy="See contentctl's documentation of contentctl.yml.")
    app = MappingReader(document, document.data).inner("app")
    plain = AppSettings()
    found = AppSettings(
        app.text("appid") or app.text("id") or plain.id,
        app.text("title") or plain.title,
        app.text("version") or plain.version,
        app.text("author_name") or app.text("author") or plain.author,
        app.text("description") or plain.description,
        app.text("prefix") or plain.prefix,
    )
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_.-]*", found.id):
        raise ContentError(
            f"Splunk does not accept the app id {found.id!r}",
            place=app.place("appid"),
            remedy="Use only letters, digits, _ and -.",
        )
    if not re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z.+_-]*", found.version):
        raise ContentError(
            f"Splunk does not accept the version {found.version!r}",
            place=app.place("version"),
            remedy="Use three numbers, such as 1.2.3.",
        )
    return found
