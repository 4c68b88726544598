"""Several processes give what one gives: rows, counts, first places, warnings."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from podhawk import api
from podhawk.content.model import Content
from podhawk.engine.profile import Profile, profiling
from podhawk.events.reasons import COMPRESSION
from support.generated_logs import SEARCHES, write
from support.packing import zstd
from support.sessions import SMALL_SPLITS, session_with

pytestmark = pytest.mark.slow

NOTHING = Content()


def both(search: str, paths: list[Path]) -> tuple[api.Result, api.Result]:
    """The results of one process, and of three with many splits."""
    one, several = (
        api.search(search, *paths, content=NOTHING, session=session_with(SMALL_SPLITS, jobs=jobs)) for jobs in (1, 3)
    )
    return one, several


def without_bodies(line: str) -> str:
    """An event that the API server cut, with an auditID of its own."""
    return json.dumps({**json.loads(line), "auditID": "cut", "annotations": {"audit.k8s.io/truncated": "true"}})


@pytest.fixture
def profile() -> Iterator[Profile]:
    """Tells how many splits scans used; 0 where one process read all of the input."""
    with profiling() as made:
        yield made


@pytest.mark.parametrize("search", SEARCHES)
def test_same_rows(search: str, tmp_path: Path, profile: Profile) -> None:
    paths = [write(tmp_path / "a.log", 1), write(tmp_path / "b.log", 2, 500)]
    one, several = both(search, paths)
    assert list(one) == list(several)
    assert one.columns == several.columns
    assert len(list(one)) > 0
    assert max(scan.splits for scan in profile.scans) > 3


def test_same_account(tmp_path: Path) -> None:
    path = write(tmp_path / "a.log", 3)
    lines = path.read_text().splitlines()
    lines[2000] = '{"kind":"AdmissionReview","request":{"uid":"1"}}'
    lines[2500] = '{"no":"event"}'
    path.write_text("\n".join(lines) + "\n")
    for search in ("* | stats count", "verb=delete ns=a | stats count"):
        one, several = both(search, [path])
        assert one.report.lines == several.report.lines == 3000
        assert one.report.bytes == several.report.bytes
    one, several = both("* | stats count", [path])
    assert one.report == several.report
    assert [entry.first.line for entry in several.report.rejected.values()] == [2001, 2501]


def test_what_is_not_evaluable_keeps_its_place(tmp_path: Path) -> None:
    path = write(tmp_path / "a.log", 4)
    lines = path.read_text().splitlines()
    lines[2222] = without_bodies(lines[2222])
    path.write_text("\n".join(lines) + "\n")
    one, several = both("auditID=cut requestObject.kind=Pod | stats count", [path])
    assert (one.observed.not_evaluable, str(one.observed.first_blind)) == (1, f"{path}:2223")
    assert (several.observed.not_evaluable, str(several.observed.first_blind)) == (1, f"{path}:2223")


def test_documents_over_several_lines_are_read_in_one(tmp_path: Path) -> None:
    path = write(tmp_path / "a.log", 5)
    texts = [json.dumps(json.loads(line), indent=1) for line in path.read_text().splitlines()]
    path.write_text("\n".join(texts))
    one, several = both("* | stats count by verb", [path])
    assert list(one) == list(several)
    assert one.report == several.report


def test_documents_of_any_json_were_cut_where_processes_shared_the_log(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("".join(json.dumps({"n": number, "of": [1, 2]}, indent=1) + "\n" for number in range(4000)))
    one, several = (
        api.search(
            "* | stats count dc(n)",
            path,
            content=NOTHING,
            session=session_with(SMALL_SPLITS, jobs=jobs, input_format="json"),
        )
        for jobs in (1, 3)
    )
    assert list(one) == list(several) == [{"count": "4000", "dc(n)": "4000"}]
    assert one.report == several.report


@pytest.mark.parametrize("search", ["verb=create | stats count", "* | stats count"])
def test_a_half_written_line_in_the_middle(search: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.log", 6, half=True)
    one, several = both(search, [path])
    assert list(one) == list(several)
    assert one.report.events > 100


def test_warnings_come_back(tmp_path: Path) -> None:
    path = write(tmp_path / "a.log", 7, 800)
    search = '* | eval s="aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab" | rex field=s "^(?<x>(a+)+)$" | stats count'
    one, several = both(search, [path])
    assert one.observed.warnings == several.observed.warnings
    assert one.observed.warnings["regex-limit"] == 800


def test_an_error_in_a_process_is_the_same_error_in_one(tmp_path: Path) -> None:
    path = write(tmp_path / "a.log", 8)
    for jobs in (1, 3):
        with pytest.raises(api.PodhawkError, match="unknown command"):
            api.search("* | nonsense", path, content=NOTHING, session=session_with(SMALL_SPLITS, jobs=jobs))


def test_a_piece_that_ends_with_a_whole_line_was_given_up(tmp_path: Path, profile: Profile) -> None:
    path = write(tmp_path / "a.log", 9)
    one, several = both("verb=delete ns=a | stats count", [path])
    assert list(one) == list(several)
    assert profile.scans[-1].splits, "the prefilter gave up at the end of a split, and one process read all of the log"


@pytest.mark.parametrize("search", SEARCHES)
def test_compressed_files_are_shared_out_whole(search: str, tmp_path: Path, profile: Profile) -> None:
    plain = [write(tmp_path / f"{number}.log", number, 400) for number in range(4)]
    packed = [tmp_path / "0.log.gz", tmp_path / "1.log.zst"]
    packed[0].write_bytes(gzip.compress(plain[0].read_bytes()))
    packed[1].write_bytes(zstd.compress(plain[1].read_bytes()))
    one, several = both(search, [packed[0], plain[2], packed[1], plain[3]])
    assert list(one) == list(several)
    assert (one.report.lines, one.report.bytes, one.report.files) == (
        several.report.lines,
        several.report.bytes,
        several.report.files,
    )
    assert any(scan.splits for scan in profile.scans)


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress])
def test_the_content_of_one_compressed_file_is_shared_out(
    search: str, pack: Callable[[bytes], bytes], tmp_path: Path, profile: Profile
) -> None:
    packed = tmp_path / "a.log.gz"
    packed.write_bytes(pack(write(tmp_path / "a.log", 1).read_bytes()))
    one, several = both(search, [packed])
    assert list(one) == list(several)
    assert one.report == several.report
    assert max(scan.splits for scan in profile.scans) > 3


def test_a_damaged_compressed_file_is_read_in_one(tmp_path: Path) -> None:
    packed = tmp_path / "a.log.gz"
    packed.write_bytes(gzip.compress(write(tmp_path / "a.log", 1).read_bytes())[:-9])
    one, several = both("* | stats count", [packed])
    assert list(one) == list(several)
    assert one.report == several.report
    assert list(several.report.rejected) == [COMPRESSION]


def test_lines_of_a_file_that_is_given_twice_were_counted_on(tmp_path: Path) -> None:
    path = write(tmp_path / "a.log", 4, 500)
    lines = path.read_text().splitlines()
    lines[100] = without_bodies(lines[100])
    path.write_text("\n".join(lines) + "\n")
    one, several = both("auditID=cut requestObject.kind=Pod | stats count", [path, path])
    assert str(one.observed.first_blind) == str(several.observed.first_blind) == f"{path}:101"


@pytest.mark.parametrize("jobs", [1, 3])
def test_pieces_took_the_time_of_receipt_whatever_was_asked_for(jobs: int, tmp_path: Path) -> None:
    event = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "stage": "ResponseComplete",
        "verb": "get",
        "user": {"username": "alice"},
        "requestReceivedTimestamp": "2026-11-01T10:00:00.000000Z",
        "stageTimestamp": "2026-11-01T10:00:05.000000Z",
    }
    path = tmp_path / "a.log"
    path.write_text("".join(json.dumps({**event, "auditID": str(number)}) + "\n" for number in range(100)))
    around = session_with(SMALL_SPLITS, jobs=jobs, time_field="stageTimestamp")
    found = api.search("verb=get | stats max(_time) as time", path, content=NOTHING, session=around)
    assert [row["time"] for row in found] == ["1793527205"]


def test_one_blank_line_at_the_end_made_one_process_read_it_all(tmp_path: Path, profile: Profile) -> None:
    path = write(tmp_path / "a.log", 9)
    path.write_text(path.read_text() + "\n")
    one, several = both("verb=delete ns=a | stats count", [path])
    assert list(one) == list(several)
    assert (one.report.lines, one.report.bytes) == (several.report.lines, several.report.bytes)
    assert any(scan.splits for scan in profile.scans)


@pytest.mark.parametrize("search", ["* | stats count by verb", "verb=create | stats count by who"])
@pytest.mark.parametrize(("front", "end"), [("", ""), ("", "\n"), ("\ufeff", "\n")])
def test_bytes_are_counted_as_they_stand(search: str, front: str, end: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.log", 3)
    path.write_text(front + path.read_text().rstrip("\n") + end)
    one, several = both(search, [path])
    assert one.report.bytes == several.report.bytes == path.stat().st_size - len(front.encode())


def test_a_row_that_stands_for_many_events_warned_once(tmp_path: Path) -> None:
    path = write(tmp_path / "a.log", 7, 800)
    search = f'verb=create | eval s="{"a" * 33}b" | rex field=s "^(?<x>(a+)+)$" | stats count by who'
    one, several = both(search, [path])
    counts = sum(int(row["count"]) for row in one)
    assert one.observed.warnings["regex-limit"] == several.observed.warnings["regex-limit"] == counts


def test_what_was_looked_at_depended_on_the_number_of_processes(tmp_path: Path, profile: Profile) -> None:
    """The first lines of every piece were looked at, and each process chose for itself what is rare."""
    path = write(tmp_path / "a.log", 5)
    one, several = both("verb=delete objectRef.resource=secrets | stats count", [path])
    assert max(scan.splits for scan in profile.scans) > 3
    assert list(one) == list(several)
    assert 0 < one.report.events == several.report.events < one.report.lines
