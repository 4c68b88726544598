"""Which cluster to run on, as options say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from podhawk.errors import UsageError


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
    return Cluster(str(master), conf)
