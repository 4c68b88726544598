"""The cluster that a folder names, as Hive, Spark and DuckDB name the parts of a table: `cluster=NAME`.

The events of a lake (docs/serve.md) lie in such folders, so that they keep their bytes and their cluster is known
wherever they are copied to.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha256
from typing import Final
from urllib.parse import quote, unquote

_FOLDER: Final = re.compile(r"(?:\A|/)cluster=([^/]+)(?=/)")
_CUT: Final = re.compile(r"%[0-9A-F]?\Z")
"""A character that was cut through."""
LONGEST: Final = 200
"""Bytes of a name, percent-encoded; file systems allow 255."""


@lru_cache(512)
def cluster_of(path: str) -> str | None:
    """The cluster that a file is of by the innermost folder that names one; None if none does."""
    if "cluster=" not in path:
        return None
    found = _FOLDER.findall(path)
    return unquote(found[-1]) if found else None


def fits(cluster: str) -> bool:
    """Whether the name of a cluster comes back whole from the name of its folder."""
    return len(cluster) <= LONGEST and _fits(cluster)


@lru_cache(512)
def _fits(cluster: str) -> bool:
    try:
        return len(quote(cluster, safe="")) <= LONGEST
    except UnicodeEncodeError:  # half of a surrogate pair
        return False


def folder_of(cluster: str) -> str:
    """The name of the folder for a cluster. A name that is too long for a folder is cut, and ends in a hash."""
    name = quote(cluster, safe="")
    if len(name) > LONGEST:
        name = f"{_CUT.sub('', name[: LONGEST - 20])}-{sha256(cluster.encode()).hexdigest()[:16]}"
    return f"cluster={name}"
