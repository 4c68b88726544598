"""How Spark is started: which Python, what is printed, and what happens without a master."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from podhawk.engine.spark.cluster import Cluster, addresses_of, cluster_of
from podhawk.engine.spark.launch import check_master, python_of
from podhawk.errors import EngineError, UsageError
from support.findings import event, write
from support.spark_cluster import HOST
from support.spark_cluster import Cluster as RealCluster


def environment(**more: str) -> dict[str, str]:
    """Without a choice of Python; the `python3` of the PATH is one that has no podhawk."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("PYSPARK")}
    return {**kept, "SPARK_LOCAL_IP": HOST, **more}


def search(tmp_path: Path, *options: str, **more: str) -> subprocess.CompletedProcess[str]:
    log = write(tmp_path / "a.log", event("a"), event("b"))
    spl = "verb=create | stats count by user.username"
    command = [sys.executable, "-m", "podhawk", "search", spl, str(log), "-o", "jsonl", "--engine", "spark", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=180, env=environment(**more))


@pytest.fixture
def no_python(tmp_path: Path) -> str:
    """A PATH whose python3 fails."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "bin" / "python3").chmod(0o755)
    return f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"


def assert_quiet(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stderr
    assert done.stdout == '{"user.username":"alice","count":"2"}\n'
    assert done.stderr.splitlines()[:2] == ["content: the shipped pack", "1 row"]
    assert "formats: native 2" in done.stderr.splitlines()[-1]


@pytest.mark.slow
@pytest.mark.spark
@pytest.mark.needs("spark")
def test_a_local_master_used_another_python_and_printed_the_log_of_java(tmp_path: Path, no_python: str) -> None:
    assert_quiet(search(tmp_path, "--master", "local[2]", PATH=no_python))


def test_workers_on_this_machine_used_another_python(cluster: RealCluster, tmp_path: Path, no_python: str) -> None:
    conf = [part for name, value in cluster.conf().items() for part in ("--spark-conf", f"{name}={value}")]
    assert_quiet(search(tmp_path, "--master", cluster.url, *conf, PATH=no_python))


@pytest.mark.slow
@pytest.mark.spark
@pytest.mark.needs("spark")
def test_java_that_does_not_start_is_told_with_its_own_words(tmp_path: Path) -> None:
    done = search(tmp_path, "--master", "local[2]", "--spark-conf", "spark.driver.memory=1k")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 3
    assert "Spark did not start: " in done.stderr
    assert "Too small maximum heap" in done.stderr


def free_address() -> tuple[str, int]:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        return HOST, int(taken.getsockname()[1])


@pytest.mark.parametrize("hosts", ["{here}", "{here},{here}", "nowhere.invalid:7077"])
def test_a_master_that_is_not_there_was_looked_for_for_a_minute(hosts: str) -> None:
    host, port = free_address()
    with pytest.raises(EngineError, match="there is no Spark master at spark://"):
        check_master(Cluster(f"spark://{hosts.format(here=f'{host}:{port}')}"))


def test_a_master_that_does_not_answer_is_waited_for_for_a_few_seconds() -> None:
    with socket.socket() as full:
        full.bind((HOST, 0))
        full.listen(0)
        others = [socket.socket() for _ in range(4)]  # nobody accepts them, so further ones get no answer
        for one in others:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        with pytest.raises(EngineError):
            check_master(Cluster(f"spark://{HOST}:{full.getsockname()[1]}"))
        for one in others:
            one.close()


def test_one_of_several_masters_is_enough() -> None:
    with socket.socket() as master:
        master.bind((HOST, 0))
        master.listen()
        host, port = free_address()
        check_master(Cluster(f"spark://{host}:{port},{HOST}:{master.getsockname()[1]}"))
        check_master(Cluster(f"k8s://https://{HOST}:{master.getsockname()[1]}"))
    check_master(Cluster("local[2]"))
    check_master(Cluster("yarn"))


@pytest.mark.parametrize(
    ("master", "addresses"),
    [
        ("spark://a:1,b", [("a", 1), ("b", 7077)]),
        ("spark://[::1]:5", [("::1", 5)]),
        ("k8s://https://api:6443", [("api", 6443)]),
        ("k8s://api", [("api", 443)]),
        ("local[*]", []),
        ("yarn", []),
    ],
)
def test_where_masters_are(master: str, addresses: list[tuple[str, int]]) -> None:
    assert addresses_of(master) == addresses
    assert cluster_of({"engine": "spark", "master": master}) == Cluster(master)


@pytest.mark.parametrize("master", ["here", "spark://", "spark://host:port", "spark//host", "local[x]", "http://host"])
def test_what_is_no_master_is_a_usage_error(master: str) -> None:
    with pytest.raises(UsageError, match="--master takes the URL"):
        cluster_of({"engine": "spark", "master": master})


def test_the_python_of_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYSPARK_PYTHON", raising=False)
    for here in ("local", "local[2]", "local-cluster[2,1,1024]", f"spark://{HOST}:7077", "spark://localhost:7077"):
        assert python_of(Cluster(here)) == sys.executable
    for elsewhere in ("yarn", "spark://192.0.2.1:7077", "k8s://https://192.0.2.1"):
        assert python_of(Cluster(elsewhere)) is None
    assert python_of(Cluster("local", {"spark.pyspark.python": "./env/bin/python"})) == "./env/bin/python"
    monkeypatch.setenv("PYSPARK_PYTHON", "/opt/python")
    assert python_of(Cluster("local")) == "/opt/python"
