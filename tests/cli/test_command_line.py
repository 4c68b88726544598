"""The command line as a user meets it: real processes, exit codes, what stands on which stream."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from support.command_line import podhawk
from support.findings import event, write

pytestmark = pytest.mark.slow

EVENTS = [
    event(str(number), at=f"10:00:0{number}.123456", verb=verb, user={"username": user})
    for number, (verb, user) in enumerate([("create", "bob"), ("delete", "bob"), ("create", "ann")])
]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return write(tmp_path / "audit.log", *EVENTS)


def test_search_prints_rows_on_one_stream_and_counts_on_the_other(log: Path) -> None:
    done = podhawk("search", "verb=create | stats count by user.username", str(log))
    assert done.returncode == 0
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"user.username": "ann", "count": "1"},
        {"user.username": "bob", "count": "1"},
    ]
    assert "2 rows" in done.stderr
    assert "3 audit events" in done.stderr


def test_time_is_epoch_seconds_with_its_fraction_and_newest_comes_first(log: Path) -> None:
    done = podhawk("search", "* | table _time", str(log))
    assert [json.loads(line)["_time"] for line in done.stdout.splitlines()] == [
        "1795600802.123456",
        "1795600801.123456",
        "1795600800.123456",
    ]


def test_named_columns_that_a_row_lacks_are_null(log: Path) -> None:
    done = podhawk("search", "verb=delete | table verb nope", str(log))
    assert json.loads(done.stdout) == {"verb": "delete", "nope": None}


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ("csv", "verb,count\ncreate,2\ndelete,1\n"),
        ("md", "| verb | count |\n|---|---|\n| create | 2 |\n| delete | 1 |\n"),
        ("json", '[\n{"verb":"create","count":"2"},\n{"verb":"delete","count":"1"}\n]\n'),
        ("jsonl", '{"verb":"create","count":"2"}\n{"verb":"delete","count":"1"}\n'),
    ],
)
def test_output_formats(log: Path, output: str, text: str) -> None:
    assert podhawk("search", "* | stats count by verb", str(log), "-o", output).stdout == text


def test_standard_input_is_read_where_no_path_is_given(log: Path) -> None:
    done = podhawk("search", "* | stats count", stdin=log.read_text())
    assert json.loads(done.stdout) == {"count": "3"}


def test_a_subsearch_can_read_standard_input_again(log: Path) -> None:
    done = podhawk("search", "[ search verb=delete | table user.username ] | stats count", "-", stdin=log.read_text())
    assert json.loads(done.stdout) == {"count": "2"}, done.stderr


def test_a_search_from_a_file(log: Path, tmp_path: Path) -> None:
    (tmp_path / "hunt.spl").write_text("verb=delete\n| stats count")
    assert json.loads(podhawk("search", f"@{tmp_path}/hunt.spl", str(log)).stdout) == {"count": "1"}


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["search", "verb=create | stat count", "LOG"], 2, "unknown command 'stat'"),
        (["search", "x=1", "missing.log"], 4, "no such file"),
        (["search", "* | head 1", "LOG", "--switch", "nope"], 2, "unknown switch"),
        (["search", "* | head 1", "LOG", "--tz", "Mars"], 2, "unknown time zone"),
        (["search", "* | head 1", "LOG", "--earliest", "yesterdayish"], 2, "yesterdayish"),
        (["search", "* | head 1", "LOG", "--write"], 2, "--state"),
        (["search", "* | table verb", "LOG", "--plot"], 2, "nothing to draw"),
        (["search", "* | head 1", "LOG", "--geo", "missing.mmdb"], 2, "missing.mmdb"),
        (["run", "LOG", "--only", "no such thing"], 2, "no such thing"),
        (["run", "LOG", "--content", "no-such-folder"], 3, "no-such-folder"),
        (["serch"], 2, "Did you mean 'search'?"),
        (["content", "show", "kube_audti"], 2, "kube_audit"),
        (["help", "spl", "stast"], 2, "stats"),
    ],
)
def test_mistakes_are_told_with_their_exit_code(
    log: Path, tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    done = podhawk(*[str(log) if part == "LOG" else part for part in arguments], cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_input_without_an_event_says_what_was_found(tmp_path: Path) -> None:
    (tmp_path / "x.log").write_text("I1125 10:00:00.000000       1 controller.go:1] hello\n")
    done = podhawk("run", str(tmp_path / "x.log"))
    assert done.returncode == 4
    assert "no audit event" in done.stderr
    assert "klog" in done.stderr


def test_an_empty_input_ended_with_code_0_and_every_detection_silent(tmp_path: Path) -> None:
    (tmp_path / "x.log").write_bytes(b"")
    done = podhawk("run", str(tmp_path / "x.log"))
    assert done.returncode == 4
    assert "no audit event in the input: it is empty" in done.stderr


def test_strict_makes_a_rejected_line_an_error(log: Path) -> None:
    log.write_text(log.read_text() + "garbage\n")
    assert podhawk("search", "* | stats count", str(log)).returncode == 0
    assert podhawk("search", "* | stats count", str(log), "--strict").returncode == 4


def test_fail_on(log: Path) -> None:
    arguments = ["run", str(log), "--only", "kubernetes_pod_created_in_default_namespace"]
    assert podhawk(*arguments).returncode == 0
    assert podhawk(*arguments, "--fail-on", "medium").returncode == 5
    assert podhawk(*arguments, "--fail-on", "critical").returncode == 0


def test_settings_come_from_the_command_line_then_the_environment_then_the_file(log: Path, tmp_path: Path) -> None:
    (tmp_path / "podhawk.toml").write_text('output = "csv"\n[macros]\nmine = "verb=delete"\n')
    search = ["search", "`mine` | stats count", str(log)]
    assert podhawk(*search, cwd=tmp_path).stdout == "count\n1\n"
    assert podhawk(*search, cwd=tmp_path, env={"PODHAWK_OUTPUT": "jsonl"}).stdout == '{"count":"1"}\n'
    assert podhawk(*search, "-o", "md", cwd=tmp_path, env={"PODHAWK_OUTPUT": "jsonl"}).stdout.startswith("| count")


@pytest.mark.parametrize("text", ["outpt = 'csv'", "output = 'xml'", "quiet = 'maybe'", "output = ", "[macros]\nx = 1"])
def test_a_wrong_settings_file_is_told(log: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "podhawk.toml").write_text(text)
    done = podhawk("search", "* | head 1", str(log), cwd=tmp_path)
    assert done.returncode == 2
    assert "podhawk.toml" in done.stderr


def test_output_file_appears_only_complete(log: Path, tmp_path: Path) -> None:
    target = tmp_path / "rows.csv"
    done = podhawk("search", "* | stats count", str(log), "-o", "csv", "--output-file", str(target))
    assert (done.stdout, target.read_text()) == ("", "count\n3\n")
    assert not list(tmp_path.glob("*.part"))


def test_lookups_are_written_only_when_told(log: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    search = ["search", "* | stats count by verb | outputlookup seen", str(log), "--state", str(state)]
    assert podhawk(*search).returncode == 0
    assert not list(state.iterdir())
    assert podhawk(*search, "--write").returncode == 0
    assert (state / "seen.csv").read_text() == "verb,count\ncreate,2\ndelete,1\n"
    again = podhawk("search", "| inputlookup seen where verb=create | outputlookup seen", "--state", str(state))
    assert json.loads(again.stdout) == {"verb": "create", "count": "2"}, again.stderr


def test_a_closed_pipe_ends_silently(log: Path) -> None:
    log.write_text(log.read_text() * 3000)
    process = subprocess.Popen(
        [sys.executable, "-m", "podhawk", "search", "*", log, "-q"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline()
    process.stdout.close()
    assert process.communicate(timeout=60)[1] == b""
    assert process.returncode == 0


def test_run_prints_rows_with_their_detection(log: Path) -> None:
    done = podhawk("run", "--rows", "-o", "jsonl", "--only", "kubernetes_pod_created_in_default_namespace", str(log))
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(records) == 2
    assert set(records[0]) == {"detection", "row"}
    assert set(records[0]["detection"]) == {"name", "id", "version", "file"}
    assert "fired" in done.stderr


def test_a_broken_detection_is_told_with_its_place_and_the_rest_runs(log: Path, tmp_path: Path) -> None:
    folder = tmp_path / "content" / "detections"
    folder.mkdir(parents=True)
    for name, search in (("good", "verb=create | stats count"), ("bad", "verb=create\n  | stast count")):
        (folder / f"{name}.yml").write_text(
            f"name: {name}\nid: {name}\nversion: 1\ntype: Anomaly\nstatus: production\nsearch: |-\n  "
            + search.replace("\n", "\n  ")
            + "\n"
        )
    done = podhawk("run", "--rows", "--content", str(tmp_path / "content"), str(log))
    assert done.returncode == 3
    assert json.loads(done.stdout)["row"] == {"count": "2"}
    assert "bad.yml: search:2:5" in done.stderr
    assert "Did you mean 'stats'?" in done.stderr


def test_what_a_carrier_cut_off_is_not_evaluable_never_clean(log: Path) -> None:
    """AKS cuts the inner string at 16 KiB: the body that the detection looks at is gone."""
    event = {
        **EVENTS[0],
        "level": "Request",
        "objectRef": {"resource": "services", "namespace": "default"},
        "requestObject": {"spec": {"pad": "x" * 20000, "type": "NodePort"}},
    }
    cut = json.dumps(event, separators=(",", ":"))[:16384]
    log.write_text(json.dumps({"records": [{"category": "kube-audit", "properties": {"log": cut}}]}))
    done = podhawk("run", str(log), "--only", "kubernetes_node_port_creation")
    assert "unknown   Kubernetes Node Port Creation: no findings, but not evaluable on at least 1 event" in done.stderr
    assert "silent" not in done.stderr
    assert "1 event arrived truncated" in done.stderr


def test_fieldformat_changes_tables_only(log: Path) -> None:
    search = '* | stats count | fieldformat count=tostring(count, "hex")'
    assert "0x3" in podhawk("search", search, str(log), "-o", "table").stdout
    assert json.loads(podhawk("search", search, str(log)).stdout) == {"count": "3"}


def test_the_cursor_cannot_be_moved_by_what_a_log_holds(log: Path) -> None:
    log.write_text(log.read_text().replace('"bob"', '"bo\\u001b[2Jb"'))
    done = podhawk("search", "* | stats count by user.username", str(log), "-o", "table")
    assert "\x1b[2J" not in done.stdout
    assert "\\x1b[2J" in done.stdout


def test_the_demo_runs() -> None:
    done = podhawk("demo")
    assert done.returncode == 0, done.stderr
    assert "Kubernetes Pod Created in" in done.stdout
    assert "audit events" in done.stdout
    assert "INCIDENT" in done.stdout
    assert "findings hidden" in done.stderr


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from podhawk.cli.main import invoke; invoke(['--help']); "
        "print([name for name in ('msgspec', 'yaml', 'pcre2', 'logging') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "search", ["* | timechart span=1s count by verb", "* | top verb", "* | chart count over verb by user.username"]
)
def test_plots_are_drawn(log: Path, search: str) -> None:
    done = podhawk("search", search, str(log), "--plot")
    assert done.returncode == 0, done.stderr
    assert "create" in done.stdout


def test_a_baseline_fills_its_lookup_which_detections_then_read(log: Path, tmp_path: Path) -> None:
    folder = tmp_path / "content"
    (folder / "detections").mkdir(parents=True)
    (folder / "baselines").mkdir()
    (folder / "lookups").mkdir()
    (folder / "lookups" / "known_users.csv").write_text("user,count\n")
    (folder / "lookups" / "known_users.yml").write_text("name: known_users\nfilename: known_users.csv\n")
    (folder / "baselines" / "users.yml").write_text(
        "name: Users\nid: b\nversion: 1\ntype: Baseline\nstatus: production\n"
        "search: '* | stats count by user.username | rename user.username as user | outputlookup known_users'\n"
    )
    (folder / "detections" / "new.yml").write_text(
        "name: New User\nid: d\nversion: 1\ntype: Anomaly\nstatus: production\nsearch: >-\n  verb=create | rename "
        "user.username as user | lookup known_users user OUTPUT count as known | where isnull(known) | table user\n"
    )
    run = ("run", "--content", str(folder), "--state", str(tmp_path / "state"), "--rows", "-o", "jsonl", str(log))
    assert podhawk(*run).stdout != ""
    filled = podhawk(*run, "--write")
    assert "baseline  Users:" in filled.stderr
    assert filled.stdout == ""


def test_members_that_hold_nothing_are_not_shown() -> None:
    for name in ("kube_audit", "Kubernetes Privileged Pod"):
        shown = podhawk("content", "show", name).stdout
        assert "[]" not in shown, name


@pytest.mark.parametrize(
    ("verb", "said"),
    [
        ("validate", "podhawk lint"),
        ("build", "podhawk export splunk"),
        ("release_notes", "podhawk diff"),
        ("init", "podhawk new detection NAME"),
    ],
)
def test_a_verb_of_contentctl_was_only_unknown(verb: str, said: str) -> None:
    done = podhawk(verb)
    assert done.returncode == 2
    assert said in done.stderr
