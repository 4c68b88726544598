"""Starting Spark: its master is asked first, its Java process is kept quiet, and its Python is the right one.

Spark itself looks for a master for a minute, prints the log of its Java process on standard error, and starts `python3`
on the workers, which on one machine is rarely the interpreter that has podhawk.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from typing import IO, TYPE_CHECKING, Any, Final

from podhawk.engine.spark.cluster import Cluster, addresses_of
from podhawk.errors import EngineError

if TYPE_CHECKING:
    from pyspark import SparkContext

ASKED: Final = 6.0
"""Seconds in which a master must accept a connection."""
_LOCAL: Final = ("local", "local-cluster")
_TAIL: Final = 2000
_log = logging.getLogger(__name__)


def check_master(cluster: Cluster) -> None:
    """Raise EngineError if nothing accepts connections at the master's address."""
    addresses = addresses_of(cluster.master)
    if not addresses:
        return
    found = threading.Event()
    asked = [threading.Thread(target=_ask, args=(one, found), daemon=True) for one in addresses]
    for one in asked:
        one.start()
    end = time.monotonic() + ASKED
    while not found.is_set() and any(one.is_alive() for one in asked) and time.monotonic() < end:
        found.wait(0.05)
    if not found.is_set():
        raise EngineError(
            f"there is no Spark master at {cluster.master}",
            remedy="Start it, or name another with --master; --master 'local[*]' needs none.",
        )


def _ask(address: tuple[str, int], found: threading.Event) -> None:
    """Note that an address accepts connections. Looking up its name can take longer than anybody waits."""
    try:
        socket.create_connection(address, timeout=ASKED).close()
    except OSError:
        return
    found.set()


def python_of(cluster: Cluster) -> str | None:
    """The interpreter for the workers: the one that the settings name, on this machine the one that runs podhawk; None
    for Spark's own choice."""
    named = cluster.conf.get("spark.pyspark.python") or os.environ.get("PYSPARK_PYTHON")
    if named:
        return named
    if cluster.master.partition("[")[0] in _LOCAL or any(_is_here(host) for host, _ in addresses_of(cluster.master)):
        return sys.executable or None
    return None


def _is_here(host: str) -> bool:
    """Whether an address is one of this machine's: only then can a socket be bound to it."""
    try:
        for family, kind, protocol, _, where in socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM):
            if ipaddress.ip_address(where[0]).is_loopback:
                return True
            with socket.socket(family, kind, protocol) as own:
                own.bind(where)
                return True
    except (OSError, ValueError):
        pass
    return False


def start(cluster: Cluster, settings: Mapping[str, str]) -> SparkContext:
    """A context on the cluster, with its Java process.

    What Java prints is not shown, and added to the error if it does not start; `--verbose` shows it.
    """
    from pyspark import SparkConf, SparkContext, java_gateway

    conf = SparkConf()
    conf.setAppName("podhawk").setMaster(cluster.master)
    for name, value in settings.items():
        conf.set(name, value)
    gateway = SparkContext._gateway
    if gateway is None:
        with tempfile.TemporaryFile() as printed:
            kept: dict[str, Any] = {"stdout": printed, "stderr": printed}
            try:
                launch: Any = java_gateway.launch_gateway
                gateway = launch(conf, None if _log.isEnabledFor(logging.DEBUG) else kept)
            except Exception as error:
                raise _not_started(printed) from error
    context = SparkContext(conf=conf, gateway=gateway)
    context.setLogLevel("ERROR")
    python = python_of(cluster)
    if python is not None:
        context.pythonExec = python
    return context


def _not_started(printed: IO[bytes]) -> EngineError:
    printed.seek(max(0, printed.seek(0, os.SEEK_END) - _TAIL))
    lines = [line.strip() for line in printed.read().decode("utf-8", "replace").splitlines()]
    said = [line for line in lines if line and not line.startswith("at ")][:5]
    return EngineError(
        "Spark did not start" + (f": {' / '.join(said)}" if said else ""),
        remedy="Spark needs Java 17 or later on this machine.",
    )
