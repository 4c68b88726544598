"""The cluster, started once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.spark_cluster import HOST, Cluster


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A master and two workers on loopback."""
    patch = pytest.MonkeyPatch()
    patch.setenv("SPARK_LOCAL_IP", HOST)
    patch.setenv("PYSPARK_PYTHON", sys.executable)
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        made.start()
        yield made
    finally:
        made.stop()
        patch.undo()


@pytest.fixture(scope="session")
def session(cluster: Cluster) -> Iterator[object]:
    """One session for all tests that need no cluster of their own."""
    from podhawk.engine.spark import cluster as declared
    from podhawk.engine.spark.runner import session as open_session

    with open_session(declared.Cluster(cluster.url, cluster.conf())) as spark:
        yield spark


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """A folder that all workers see."""
    return tmp_path
