"""The report of a run as HTML: its parts, its bounds, and that no value in it is anything but text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from podhawk.cli.main import invoke
from podhawk.cli.report import identities
from podhawk.cli.report.page import content_security_policy
from podhawk.content.datasets import shipped_attacks
from podhawk.content.model import Detection
from podhawk.detect.finding import Actor, ChainLink, Finding, identity_of
from podhawk.inert import MOST_CHARACTERS, shown
from support.command_line import podhawk
from support.findings import NOW, event
from support.hostile import HIDDEN, HOSTILE, exceptions, hostile_content, hostile_log

pytestmark = pytest.mark.slow

SECTIONS = [
    "Summary",
    "Identities",
    "Timeline",
    "Findings and evidence",
    "Detections",
    "What could not be seen",
    "Hidden findings",
    "Terms",
]
VOID = frozenset({"meta", "br"})
ALLOWED = frozenset(
    (
        *("html", "head", "meta", "title", "style", "body", "header", "main", "footer", "section", "nav", "article"),
        *("h1", "h2", "h3", "h4", "h5", "p", "dl", "div", "dt", "dd", "ul", "li", "pre", "code", "b", "br", "span"),
        *("details", "summary", "a", "bdi", "table", "caption", "thead", "tbody", "tr", "th", "td"),
    )
)
ATTRIBUTES = frozenset(
    {"class", "id", "href", "scope", "lang", "tabindex", "aria-label", "aria-labelledby", "data-label"}
)


class Page(HTMLParser):
    """A page as a browser reads it. Raises AssertionError where a tag is not closed as it was opened."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.source = text
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.headings: list[tuple[int, str]] = []
        self.text = ""
        self.style = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append((int(tag[1]), ""))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, self.getpos()

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["style"]:
            self.style += data
            return
        self.text += data
        if any(re.fullmatch("h[1-6]", tag) for tag in self.open):
            level, text = self.headings[-1]
            self.headings[-1] = level, text + data

    def values(self, name: str) -> list[str]:
        return [attributes[name] or "" for _, attributes in self.tags if name in attributes]


@pytest.fixture
def report(tmp_path: Path) -> Callable[..., Page]:
    def made(*words: object) -> Page:
        path = tmp_path / "report.html"
        code = invoke(["run", "-o", "html", "--output-file", str(path), "--now", NOW, *map(str, words)])
        assert code in (0, 3)
        return Page(path.read_text("utf-8"))

    return made


def log_of(folder: Path, *events: dict[str, object]) -> Path:
    path = folder / "audit.log"
    path.write_text("".join(json.dumps(one) + "\n" for one in events))
    return path


@pytest.fixture(scope="module")
def attacks(tmp_path_factory: pytest.TempPathFactory) -> Page:
    path = tmp_path_factory.mktemp("report") / "report.html"
    assert invoke(["run", "-q", "-o", "html", "--output-file", str(path), "--now", NOW, str(shipped_attacks())]) == 0
    return Page(path.read_text("utf-8"))


def well_made(page: Page) -> None:
    """Only our elements and attributes; links lead into the page; the policy allows its style sheet only."""
    assert {tag for tag, _ in page.tags} <= ALLOWED
    outside = [(tag, set(found)) for tag, found in page.tags if tag != "meta" and not set(found) <= ATTRIBUTES]
    assert outside == []
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert {one.removeprefix("#") for one in page.values("href")} <= set(ids)
    assert all(one.startswith("#") for one in page.values("href"))
    assert set(page.values("aria-labelledby")) <= set(ids)
    policy = next(one["content"] for tag, one in page.tags if tag == "meta" and "http-equiv" in one)
    assert policy == content_security_policy(page.style)
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    levels = [level for level, _ in page.headings]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert "url(" not in page.style
    assert "@import" not in page.style


def test_the_parts_of_a_report(attacks: Page) -> None:
    well_made(attacks)
    assert [text for level, text in attacks.headings if level == 2] == SECTIONS
    for text in (
        "the shipped pack",
        "identities with findings",
        "mallory",
        "Incident: mallory",
        "Why it fired",
        "meets every condition of the search",
        "Priority 100 of 100",
        "kubectl get",
        "priority below the bar",
        "Known false positives:",
        "Looked for and not found",
        "more like it",
        "HTTP 201",
    ):
        assert text in attacks.text, text


def test_two_reports_of_the_same_run_are_equal(attacks: Page, report: Callable[..., Page]) -> None:
    assert report("-q", shipped_attacks()).source == attacks.source


def test_what_could_not_be_seen(report: Callable[..., Page], tmp_path: Path) -> None:
    page = report(log_of(tmp_path, event("a0")))
    start = page.text.index("What could not be seen", page.text.index("Terms") + 1)
    unseen = page.text[start : page.text.index("Hidden findings", start)]
    assert "Kubernetes Privileged Pod" in unseen
    assert "bodies are not logged at level Metadata" in unseen
    assert "cannot" in unseen


def test_input_that_was_not_read_is_named(report: Callable[..., Page], tmp_path: Path) -> None:
    log_of(tmp_path, event("a0"))
    (tmp_path / "broken.log.gz").write_bytes(b"\x1f\x8b\x08\x00broken")
    page = report(tmp_path)
    assert "Input that was not read" in page.text
    assert "broken.log.gz" in page.text


def test_a_run_without_findings(report: Callable[..., Page], tmp_path: Path) -> None:
    page = report(log_of(tmp_path, event("a0", verb="get", objectRef={"resource": "nodes"})))
    well_made(page)
    assert "No findings." in page.text
    assert "Looked for and not found" in page.text


def test_hidden_findings_are_counted_and_all_shows_them(report: Callable[..., Page], tmp_path: Path) -> None:
    kept = tmp_path / "exceptions.yml"
    kept.write_text(
        "name: alice makes pods\ndetection: '*'\nwhen: user.username=alice\nowner: ops\nreason: she may\n"
        "expires: 2026-12-31\n"
    )
    log = log_of(tmp_path, event("a0"))
    page = report("--exceptions", kept, log)
    assert "No finding is hidden" not in page.text
    assert "exception alice makes pods" in page.text
    assert "she may (owner ops, until 2026-12-31)" in page.text
    assert "pods/web" not in page.text
    everything = report("--all", "--exceptions", kept, log)
    assert "Hidden by exception alice makes pods" in everything.text
    assert "are in this report and marked as hidden" in everything.text


@pytest.mark.parametrize(
    ("certain", "complete", "who"),
    [(True, True, "mallory"), (False, True, "replicaset-controller"), (True, False, "replicaset-controller")],
)
def test_only_a_certain_owner_is_named_for_what_a_controller_did(certain: bool, complete: bool, who: str) -> None:
    link = ChainLink("Deployment", "default", "web", "mallory", "a0", certain)
    actor = Actor(user="replicaset-controller", kind="controller", chain=(link,), chain_complete=complete)
    made = Finding(
        finding_id="x",
        detection=Detection(name="Made", search=""),
        kind="finding",
        first_time=0,
        last_time=0,
        title="",
        severity="low",
        risk_score=0,
        cluster="",
        actor=actor,
    )
    assert identity_of(made) == who


def test_many_findings_do_not_make_an_endless_page(report: Callable[..., Page], tmp_path: Path) -> None:
    number = identities.MOST_DETAILED + 7
    made = [
        event(f"a{one}", user={"username": f"user{one}", "groups": []}, at=f"10:{one // 60:02}:{one % 60:02}.000001")
        for one in range(number)
    ]
    made += [event(f"b{one}", at=f"09:00:{one:02}.000001") for one in range(identities.MOST_LINES + 5)]
    page = report("--all", log_of(tmp_path, *made))
    well_made(page)
    assert sum(level == 3 and text.startswith("user") for level, text in page.headings) == number - 8
    assert "The findings of 8 less urgent identities are only counted in the table above." in page.text
    assert all(f"user{one}" in page.text for one in range(number)), "a flood pushed somebody off the page"
    assert "and 5 more findings" in page.text


def test_many_logs_are_not_repeated_in_every_command(report: Callable[..., Page], tmp_path: Path) -> None:
    logs = []
    for number in range(30):
        (tmp_path / f"{number:02}").mkdir()
        logs.append(log_of(tmp_path / f"{number:02}", event(f"a{number}")))
    page = report("--all", *logs)
    assert "and 10 more" in page.text
    assert "podhawk who alice LOG" in page.text


def test_a_state_and_standard_input(tmp_path: Path) -> None:
    first, second = json.dumps(event("a0")) + "\n", json.dumps(event("a1", user={"username": "bob"})) + "\n"
    given = ("run", "-o", "html", "--all", "--now", NOW, "--state", tmp_path / "state", "-")
    assert ">alice<" in podhawk(*given, stdin=first).stdout
    changed = podhawk(*given, stdin=second).stdout
    assert ">bob<" in changed
    assert ">alice<" not in changed
    known = podhawk(*given, "--all-known", stdin=second)
    assert ">alice<" in known.stdout, known.stderr
    assert ">bob<" in known.stdout


def test_clusters_are_named_where_there_are_several(report: Callable[..., Page], tmp_path: Path) -> None:
    one, other = (event(name, user={"username": name}) for name in ("first", "other"))
    (tmp_path / "a").mkdir()
    state = ("--all", "--all-known", "--state", tmp_path / "state")
    assert "cluster eu" not in report(*state, "--cluster", "eu", log_of(tmp_path / "a", one)).text
    assert "cluster eu" in report(*state, "--cluster", "us", log_of(tmp_path, other)).text


def test_hostile_values_are_text(report: Callable[..., Page], tmp_path: Path) -> None:
    page = report(
        "--all", "--content", hostile_content(tmp_path), "--exceptions", exceptions(tmp_path), hostile_log(tmp_path)
    )
    well_made(page)
    assert not HIDDEN & set(page.source)
    for text in HOSTILE[:16]:
        assert text in page.text, text
    assert "INJECTED" not in [line.strip() for line in page.text.splitlines()]
    assert r"a\x1b[2Jb" in page.text
    assert "<bdi>אבג</bdi> 10" in page.source
    assert "x" * (MOST_CHARACTERS + 1) not in page.source
    assert r"\u3164\u2800\u115f" in page.text, "a user without a visible name"
    assert "\u0301\u0336\u0301\u0336" not in page.text, "marks that cover the lines above"
    assert "50337" not in page.text, "a value was taken for a template"
    assert (tmp_path / "report.html").stat().st_size < 2_000_000


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("<b>&\"'", "&lt;b&gt;&amp;&#34;&#39;"),
        ("a\nb\x1b", "a\\nb\\x1b"),
        ("\udc80", "\\udc80"),
        ("x אב גד 10", "x <bdi>אב גד</bdi> 10"),
        ("x" * (MOST_CHARACTERS + 3), "x" * MOST_CHARACTERS + "… (3 more characters)"),
        (7, "7"),
        ("a\u3164b\u2800", "a\\u3164b\\u2800"),
        ("e" + "\u0301" * 5, "e" + "\u0301" * 3 + "\\u0301\\u0301"),
    ],
)
def test_a_value_as_text(value: object, text: str) -> None:
    assert str(shown(value)) == text


@pytest.mark.parametrize("option", ["--rows", "--judgements-only"])
def test_a_report_is_of_findings(option: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert invoke(["run", "-o", "html", option, str(log_of(tmp_path, event("a0")))]) == 2
    assert "-o html is a report of findings" in capsys.readouterr().err
