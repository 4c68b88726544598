"""Which cluster to run on, as options say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from msgspec import Struct, field

from podhawk.errors import UsageError

_PORTS: Final = {"spark": 7077, "k8s": 443}
"""The port of a master whose URL names none."""
_MASTER: Final = re.compile(r"(?:spark|k8s)://\S+|yarn|local(?:-cluster)?(?:\[[\d*, ]+\])?")
"""The forms of a master. Source: https://spark.apache.org/docs/latest/submitting-applications.html#master-urls"""


class Cluster(Struct, frozen=True):
    """Where to run: the master's URL, Spark's own settings, and the size of a split in bytes."""

    master: str
    conf: Mapping[str, str] = field(default_factory=dict)
    split_size: int = 64 << 20


def cluster_of(options: Mapping[str, Any]) -> Cluster | None:
    """The cluster that options name; None for the batch engine. Raises UsageError where they do not fit."""
    engine = options.get("engine") or "batch"
    if engine not in ("batch", "spark"):
        raise UsageError(f"unknown engine {engine!r}", remedy="Known engines: batch, spark.")
    if engine == "batch":
        for name in ("master", "spark_conf"):
            if options.get(name):
                raise UsageError(f"--{name.replace('_', '-')} needs a cluster", remedy="Add --engine spark.")
        return None
    master = options.get("master")
    if not master:
        raise UsageError("--engine spark needs a cluster", remedy="Add --master URL, for example spark://HOST:7077.")
    conf: dict[str, str] = {}
    for text in options.get("spark_conf") or ():
        name, found, value = str(text).partition("=")
        if not found or not name.strip():
            raise UsageError(
                f"--spark-conf takes NAME=VALUE, not {text!r}",
                remedy="For example: --spark-conf spark.executor.memory=4g.",
            )
        conf[name.strip()] = value
    if not _is_master(str(master)):
        raise UsageError(
            f"--master takes the URL of a Spark master, not {str(master)!r}",
            remedy="For example: spark://HOST:7077, k8s://https://HOST:6443, yarn or local[2].",
        )
    return Cluster(str(master), conf)


def _is_master(text: str) -> bool:
    try:
        return _MASTER.fullmatch(text) is not None and (
            text.partition(":")[0] not in _PORTS or bool(addresses_of(text))
        )
    except ValueError:  # a port that is no number
        return False


def addresses_of(master: str) -> list[tuple[str, int]]:
    """The hosts and ports at which a master is; none for one that has no address, such as `local[2]`."""
    scheme, found, rest = master.partition("://")
    if not found or scheme not in _PORTS:
        return []
    _, _, plain = rest.rpartition("://")
    addresses: list[tuple[str, int]] = []
    for one in plain.split(","):
        parts = urlsplit(f"//{one}")
        if parts.hostname:
            addresses.append((parts.hostname, parts.port or _PORTS[scheme]))
    return addresses
