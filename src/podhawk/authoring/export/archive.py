"""The app as an archive, as Splunk installs it. Two exports of the same content give the same bytes.

Source: https://dev.splunk.com/enterprise/docs/releaseapps/packageapps
"""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

from podhawk.writing import writing_to

_LOCAL = "local"
"""The folder of an installation; it is not part of an app."""


def write_archive(folder: Path, path: Path) -> Path:
    """Write a folder as a compressed archive, in order of names, without owners and times."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for one in sorted(folder.rglob("*")):
            name = one.relative_to(folder)
            if one.is_file() and not one.is_symlink() and name.parts[0] != _LOCAL:
                entry = tarfile.TarInfo(f"{folder.name}/{name.as_posix()}")
                data = one.read_bytes()
                entry.size, entry.mode = len(data), 0o644
                archive.addfile(entry, io.BytesIO(data))
    with writing_to(path):
        path.write_bytes(gzip.compress(made.getvalue(), mtime=0))
    return path
