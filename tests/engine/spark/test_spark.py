"""A cluster gives what one machine gives: rows, columns and the account of the input."""

from __future__ import annotations

import gzip
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from oracle.generate import pair
from podhawk import api
from podhawk.content.load import load_content, shipped_pack
from podhawk.content.model import Content
from podhawk.detect.report.finding_json import to_record
from podhawk.engine.plan.planner import make_plan, read_search
from podhawk.engine.run.batch import SearchJob
from podhawk.engine.run.files import FileSource
from podhawk.engine.spark import cluster as declared
from podhawk.errors import PodhawkError, UsageError
from support.generated_logs import SEARCHES, write
from support.packing import zstd
from support.spark_cluster import Cluster, wait_for

NOTHING = Content()
NOW = "2026-11-25T12:00:00Z"


def session_on(cluster: Cluster | None, split_size: int = 20_000, **options: Any) -> api.Session:
    made = api.session_of({"now": NOW, "jobs": 1, **options})
    return made if cluster is None else replace(made, cluster=declared.Cluster(cluster.url, cluster.conf(), split_size))


def searched(
    cluster: Cluster | None, search: str, *paths: Path, split_size: int = 20_000, **options: Any
) -> api.Result:
    return api.search(search, *paths, content=NOTHING, session=session_on(cluster, split_size, **options))


def together(cluster: Cluster | None, searches: list[str], *paths: Path, **options: Any) -> list[Any]:
    """The rows of several searches in one job; the error of one that cannot run."""
    settings = session_on(cluster, **options)
    source = FileSource([str(path) for path in paths], settings.reading)
    jobs = []
    for search in searches:
        context = settings.context(NOTHING)
        try:
            pipeline = read_search(search, {}, env=context.env)
            make_plan(pipeline, context)
        except PodhawkError:
            continue
        jobs.append(SearchJob(pipeline, context))
    tables = settings.runner(source).run(jobs)
    return [
        (table.columns, [list(row.items()) for row in table.rows], job.stats.matched, job.stats.warnings)
        for table, job in zip(tables, jobs, strict=True)
    ]


def test_rows_and_account_of_many_splits(cluster: Cluster, session: object, tmp_path: Path) -> None:
    paths = [write(tmp_path / "a.log", 1), write(tmp_path / "b.log", 2, 500)]
    assert together(cluster, SEARCHES, *paths) == together(None, SEARCHES, *paths)
    one, many = (searched(on, "* | stats count by verb", *paths) for on in (None, cluster))
    assert list(one) == list(many)
    assert one.report == many.report


def test_gzip_and_zstandard_are_read_whole(cluster: Cluster, session: object, tmp_path: Path) -> None:
    plain = write(tmp_path / "a.log", 3).read_bytes()
    (tmp_path / "b.log.gz").write_bytes(gzip.compress(plain))
    (tmp_path / "c.log.zst").write_bytes(zstd.compress(plain))
    one, many = (searched(on, "* | stats count list(n) by verb ns", tmp_path) for on in (None, cluster))
    assert list(one) == list(many)
    assert one.report == many.report
    assert one.report.files == 3


def test_a_file_of_documents_over_several_lines_is_read_whole(
    cluster: Cluster, session: object, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.log", 4, 600)
    path.write_text(path.read_text().replace(',"verb"', ',\n"verb"').replace(', "verb"', ',\n"verb"'))
    write(tmp_path / "b.log", 5, 600)
    one, many = (searched(on, "* | stats count by verb", tmp_path) for on in (None, cluster))
    assert list(one) == list(many)
    assert one.report == many.report


def test_generated_searches(cluster: Cluster, session: object, tmp_path: Path) -> None:
    pairs = [pair(seed) for seed in range(60)]
    path = tmp_path / "events.json"
    path.write_text("".join(event + "\n" for events, *_ in pairs for event in events), encoding="utf-8")
    searches = [given[1] for given in pairs]
    many = together(cluster, searches, path, input_format="json")
    assert many == together(None, searches, path, input_format="json")
    assert len(many) > 30


@pytest.mark.parametrize("corpus", ["A-metadata", "C-requestresponse"])
def test_every_audit_detection(cluster: Cluster, session: object, shared: Path, corpus: str) -> None:
    path = shared / "audit" / "corpus" / f"{corpus}.log.gz"
    for folder in (shared / "content" / "splunk", shipped_pack()):
        content = load_content([folder])
        chosen = [one for one in content.detections if "kube" in one.search]
        one, many = (api.rows(content, path, detections=chosen, session=session_on(on)) for on in (None, cluster))
        assert [list(found.result or ()) for found in one.detections] == [
            list(found.result or ()) for found in many.detections
        ]
        assert [found.judgement for found in one.detections] == [found.judgement for found in many.detections]
        assert sum(len(found.result or ()) for found in one.detections) > 0
        assert one.report == many.report


@pytest.mark.parametrize("corpus", ["A-metadata"])
def test_findings_risk_and_incidents_are_those_of_one_machine(
    cluster: Cluster, session: object, shared: Path, corpus: str
) -> None:
    content = load_content([shipped_pack()])
    path = shared / "audit" / "corpus" / f"{corpus}.log.gz"
    one, many = (api.run(content, path, session=session_on(on)) for on in (None, cluster))
    assert [to_record(finding) for finding in many] == [to_record(finding) for finding in one]
    assert many.found.risk == one.found.risk
    assert len(one) > 50


def test_a_worker_killed_in_the_middle(cluster: Cluster, session: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "a.log", 6, 6000)
    search = "* | stats count list(n) by verb ns"
    found: list[api.Result] = []
    thread = threading.Thread(target=lambda: found.append(searched(cluster, search, path, split_size=5_000)))
    tracker = session.sparkContext.statusTracker()

    def running() -> Any:
        stages = [tracker.getStageInfo(number) for number in tracker.getActiveStageIds()]
        return next(
            (
                one
                for one in stages
                if one and one.numTasks > 50 and one.numCompletedTasks > 5 and one.numActiveTasks > 0
            ),
            None,
        )

    thread.start()
    stage = wait_for(running, 60, "tasks on the workers")
    victim = cluster.workers.pop(0)
    os.killpg(victim.pid, signal.SIGKILL)
    assert victim.wait(20) == -signal.SIGKILL
    assert stage.numCompletedTasks + 2 < stage.numTasks
    cluster.add_worker()
    thread.join(120)
    assert found, "the search did not end"
    assert list(found[0]) == list(searched(None, search, path))


def test_a_missing_package_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(UsageError, match=r"package pyspark, which is not installed\n.*podhawk\[spark\]"):
        api.search("*", write(tmp_path / "a.log", 1, 5), content=NOTHING, engine="spark", master="spark://h:1")


def test_standard_input_is_told(cluster: Cluster, session: object) -> None:
    with pytest.raises(PodhawkError, match="a cluster cannot read standard input"):
        api.search("* | stats count", "-", content=NOTHING, session=session_on(cluster))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"engine": "spark"}, "needs a cluster"),
        ({"master": "spark://h:1"}, "master needs a cluster"),
        ({"engine": "spark", "master": "spark://h:1", "spark_conf": ["x"]}, "NAME=VALUE"),
        ({"engine": "x"}, "unknown engine"),
    ],
)
def test_options_that_do_not_fit(options: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        api.session_of(options)
