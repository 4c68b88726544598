"""The lake holds each event once, whenever whoever seals it is killed, and other programs can read it."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from podhawk import api
from podhawk.errors import InputError
from podhawk.events.time import parse_rfc3339
from podhawk.serve.lake.seal import EventTimes
from podhawk.store.lake import SEALED, Manifest
from support.command_line import podhawk
from support.lakes import HOUR, T0, counted, kept, killed_at, stored
from support.samples import event
from support.served import demo_lines

STRANGE = "a/../b \"%20'é"


def line(number: int, time: str = "2026-11-30T10:00:00.000000Z", **members: Any) -> bytes:
    made = {**event(), "auditID": f"id-{number}", "requestReceivedTimestamp": time, "stageTimestamp": time}
    return json.dumps({**made, **members}, separators=(",", ":")).encode()


def bodies(count: int, *clusters: str) -> list[tuple[str, list[bytes]]]:
    return [(clusters[number % len(clusters)], [line(number), line(number + 1000)]) for number in range(count)]


def once(count: int, *clusters: str) -> dict[tuple[str, str], int]:
    return {(cluster, json.loads(text)["auditID"]): 1 for cluster, lines in bodies(count, *clusters) for text in lines}


def files(state: Path) -> list[Path]:
    return sorted((state / "lake").glob("**/*.json.gz"))


def test_sealed_hours_hold_what_the_inbox_held(tmp_path: Path) -> None:
    stored(tmp_path, bodies(12, "prod", STRANGE), hours=2)
    before = counted(tmp_path)
    assert before == once(12, "prod", STRANGE)
    done = kept(tmp_path)
    assert (done.sealed, done.events, done.error) == (4, 24, "")
    assert counted(tmp_path) == before
    texts = [text for path in files(tmp_path) for text in gzip.decompress(path.read_bytes()).splitlines()]
    assert sorted(texts) == sorted(text for _, lines in bodies(12, "prod", STRANGE) for text in lines)
    assert kept(tmp_path).sealed == 0
    stored(tmp_path, [("prod", [line(7777)])], closed=False)
    assert counted(tmp_path) == {**before, ("prod", "id-7777"): 1}


@pytest.mark.slow
def test_whoever_seals_is_killed_at_each_step(tmp_path: Path) -> None:
    """What is in the lake and what is in the inbox are told apart by the manifest, so each event is there once."""
    expected = once(6, "prod", "dev")
    step = steps = 0
    while True:
        step += 1
        state = tmp_path / str(step)
        stored(state, bodies(6, "prod", "dev"), hours=2)
        if not killed_at(state, step):
            break
        steps += 1
        assert counted(state) == expected, step
        assert kept(state).error == ""
        assert counted(state) == expected, step
        assert len(files(state)) == 4
        assert not list((state / "lake").glob("**/.*"))
    assert steps > 20


@pytest.mark.slow
def test_whoever_removes_is_killed_at_each_step(tmp_path: Path) -> None:
    step = 0
    while True:
        step += 1
        state = tmp_path / str(step)
        stored(state, bodies(4, "prod"), hours=2)
        assert kept(state).error == ""
        late = T0 + HOUR + 86400 + 1
        killed = killed_at(state, step, late, days=1)
        found = counted(state)
        assert set(found.values()) == {1}
        assert len(found) in (4, 8)
        assert kept(state, late, days=1).error == ""
        assert len(counted(state)) == len(files(state)) * 4 == 4
        if not killed:
            break
    assert step > 5


def test_retention_by_age_size_and_disk(tmp_path: Path) -> None:
    stored(tmp_path, bodies(8, "prod"), hours=4)
    kept(tmp_path)
    sizes = [path.stat().st_size for path in files(tmp_path)]
    assert kept(tmp_path, T0 + HOUR).removed == 0
    assert kept(tmp_path, T0, most=sum(sizes[1:])).removed == 1
    assert kept(tmp_path, T0 + 2 * HOUR + 3 * 86400 + 1, days=3).removed == 1
    assert len(counted(tmp_path)) == 8
    assert kept(tmp_path, T0, free=1 << 60).removed == 2
    with pytest.raises(InputError, match="holds no events"):
        counted(tmp_path)
    assert list((tmp_path / "lake").glob("*/*")) == []


def test_old_files_go_though_sealing_fails(tmp_path: Path) -> None:
    """A full disk never gave way: nothing was removed when nothing could be sealed."""
    stored(tmp_path, [("old", [line(1)])])
    kept(tmp_path)
    (tmp_path / "lake" / "cluster=prod").write_text("", encoding="utf-8")
    stored(tmp_path, [("prod", [line(2)]), ("dev", [line(3)])])
    done = kept(tmp_path, most=1)
    assert done.error
    assert (done.removed, done.sealed) == (1, 0)
    (tmp_path / "lake" / "cluster=prod").unlink()
    assert (kept(tmp_path).error, len(counted(tmp_path))) == ("", 2)


def test_what_was_removed_is_told(tmp_path: Path) -> None:
    """Nothing is called silent of which the events are gone."""
    stored(tmp_path, bodies(2, "prod"), hours=2)
    kept(tmp_path)
    kept(tmp_path, most=files(tmp_path)[0].stat().st_size)
    result = api.search("* | stats count", f"state:{tmp_path}")
    assert [dict(row.items()) for row in result.table.rows] == [{"count": 2}]
    (gap,) = result.report.gaps.values()
    assert "no longer holds 2 events of 2026-11-30 10:00 UTC" in gap.text("x")
    later = api.search("* | stats count", f"state:{tmp_path}", earliest="2026-11-30T09:00:00Z")
    assert later.report.gaps


def test_only_files_in_the_time_range_are_opened(tmp_path: Path) -> None:
    days = [(f"d{day}", [line(day, f"2026-11-{day:02d}T10:00:00.000000Z")]) for day in range(1, 11)]
    stored(tmp_path, days)
    kept(tmp_path)
    session = api.session_of({"earliest": "2026-11-04T00:00:00Z", "latest": "2026-11-06T00:00:00Z"})
    with api.inputs_for([f"state:{tmp_path}"], session) as inputs:
        assert [path.split("cluster=")[1][:3] for path in [one.path for one in inputs.files]] == ["d4/", "d5/"]
    with pytest.raises(InputError, match="no events in the time range"):
        api.search("*", f"state:{tmp_path}", earliest="2026-12-01T00:00:00Z")


@pytest.mark.parametrize(
    ("text", "span"),
    [
        (line(1, "1970-01-01T00:00:07.000000Z"), (7.0, 7.0)),
        (line(1, "1970-01-01T00:00:07.000000Z", stageTimestamp="1970-01-01T00:00:09.000000Z"), (7.0, 9.0)),
        (line(1, "1970-01-01T00:00:07.000000Z", requestObject={"stageTimestamp": "x"}), (7.0, 7.0)),
        (b'{"time":5,"event":' + line(1, "1970-01-01T00:00:07.000000Z") + b"}", (7.0, 7.0)),
        (b'{"time":5,"event":' + line(1, "?") + b"}", (5.0, 5.0)),
        (line(1, "never"), (None, None)),
        (b"not json", (None, None)),
    ],
)
def test_the_span_of_a_file_never_leaves_an_event_out(text: bytes, span: tuple[float | None, float | None]) -> None:
    found = EventTimes()
    found.look(text + b"\n")
    assert found.bounds() == span


@pytest.mark.parametrize("begin", [b"", b'{"time":5,"event":'])
def test_a_deeply_nested_event_does_not_end_sealing(tmp_path: Path, begin: bytes) -> None:
    """It raised RecursionError, and neither this file of the inbox nor any later one was sealed."""
    depth = 20_000
    nested = b',"requestObject":' + b'{"x":' * depth + b"1" + b"}" * (depth + 1)
    deep = begin + line(1)[:-1] + nested + (b"}" if begin else b"")
    stored(tmp_path, [("prod", [deep])])
    assert (kept(tmp_path).error, len(files(tmp_path))) == ("", 1)
    time = parse_rfc3339("2026-11-30T10:00:00Z")
    (file,) = Manifest(str(tmp_path)).files(SEALED)
    assert file.may_cover(time, None)


def test_a_folder_that_is_no_state(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no state of podhawk serve"):
        api.search("*", f"state:{tmp_path}/nothing")


def test_the_manifest_says_what_is_in_each_file(tmp_path: Path) -> None:
    stored(tmp_path, bodies(4, "prod"))
    kept(tmp_path)
    (one,) = Manifest(str(tmp_path)).files(SEALED)
    assert (one.cluster, one.first, one.last, one.events) == ("prod", 1, 4, 8)
    assert one.name == "cluster=prod/hour=2026-11-30T01/000000000001-000000000004.json.gz"
    assert one.size == files(tmp_path)[0].stat().st_size


def test_status_shows_what_the_lake_holds(tmp_path: Path) -> None:
    stored(tmp_path, bodies(4, "prod"))
    kept(tmp_path)
    shown = podhawk("status", "--state", tmp_path, "-o", "json")
    told = {one["what"]: one["value"] for one in json.loads(shown.stdout)}
    assert told["lake events"] == "8"
    assert told["lake first event"].startswith("2026-11-30T10:00:00")
    assert told["webhook:x/1 received"] == "8"


def test_every_verb_that_reads_logs_reads_the_lake(tmp_path: Path) -> None:
    lines = demo_lines(400)
    log = tmp_path / "demo.log"
    log.write_bytes(b"\n".join(lines) + b"\n")
    state = tmp_path / "state"
    stored(state, [("default", lines[:100]), ("default", lines[100:300])])
    kept(state)
    stored(state, [("default", lines[300:])], closed=False)
    for verb in (
        ["search", "* | stats count by user.username", "-o", "csv", "--quiet"],
        ["run", "-o", "csv", "--quiet"],
        ["timeline", "-o", "csv", "--quiet"],
        ["who", "alice", "-o", "csv", "--quiet"],
    ):
        done = [podhawk(*verb, path) for path in (log, f"state:{state}")]
        assert [one.returncode for one in done] == [0, 0], done
        shown = [re.sub(r"[^\s\"]*(demo\.log|\.json\.gz|inbox/cluster=[^:]*):\d+", "PLACE", one.stdout) for one in done]
        assert shown[0] == shown[1]
        assert shown[0]


@pytest.mark.needs("zcat")
def test_zcat_reads_the_lake(tmp_path: Path) -> None:
    stored(tmp_path, bodies(4, "prod"))
    kept(tmp_path)
    text = subprocess.run(["zcat", *files(tmp_path)], check=True, capture_output=True).stdout
    assert text.splitlines() == [text for _, lines in bodies(4, "prod") for text in lines]


@pytest.mark.needs("duckdb")
def test_duckdb_reads_the_lake(tmp_path: Path) -> None:
    import duckdb

    stored(tmp_path, bodies(10, "prod", "dev"), hours=2)
    kept(tmp_path)
    query = (
        f"SELECT cluster, user.username, count(DISTINCT auditID) FROM read_json('{tmp_path}/lake/*/*/*.json.gz',"
        " hive_partitioning = true) GROUP BY ALL ORDER BY ALL"
    )
    name = event()["user"]["username"]
    assert duckdb.sql(query).fetchall() == [("dev", name, 10), ("prod", name, 10)]


@pytest.mark.spark
@pytest.mark.slow
def test_a_spark_cluster_reads_the_lake(tmp_path: Path) -> None:
    """What is not sealed yet lies in no file: it is told that it was not read."""
    stored(tmp_path, bodies(10, "prod", "dev"), hours=2)
    kept(tmp_path)
    stored(tmp_path, [("prod", [line(7777)])], closed=False)
    from podhawk.engine.spark.cluster import Cluster
    from podhawk.engine.spark.runner import session

    with session(Cluster("local[1]")) as spark:
        found = api.search("* | stats count by verb", f"state:{tmp_path}", engine="spark", master="local[1]")
        assert [row["count"] for row in found.table.rows] == [20]
        assert any("was not read: it holds events" in gap.text("") for gap in found.report.gaps.values())
        rows = spark.read.json(f"{tmp_path}/lake").groupBy("cluster").count().collect()
        assert sorted((row["cluster"], row["count"]) for row in rows) == [("dev", 10), ("prod", 10)]
