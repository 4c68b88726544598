"""The site holds what it should, in every generation, and nothing that content could smuggle in."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest
from msgspec.structs import replace

from authoring.conftest import REST
from podhawk.authoring.pages import CaseResult, InForce, build_site, read_results
from podhawk.authoring.pages.facts import gather, safe_link, slugs
from podhawk.authoring.pages.highlight import pieces
from podhawk.cli.main import invoke
from podhawk.content import Content, load_content
from podhawk.content.model import Deployment
from podhawk.errors import UsageError

SECTIONS = (
    "About",
    "Search",
    "Annotations",
    "Where it fires",
    "Required fields",
    "Macros",
    "How to implement",
    "Known false positives",
    "Exceptions in force",
    "Associated stories",
    "RBA",
    "Tests",
    "References",
    "Source and version",
    "How podhawk runs it",
)


class Reader(HTMLParser):
    """A page as a browser would see it: headings, links, scripts, text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.headings: list[str] = []
        self.links: list[str] = []
        self.scripts: list[dict[str, str | None]] = []
        self.text = ""
        self._in = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "h2":
            self.headings.append("")
        self._in = tag if tag in ("h2", "script") else self._in
        if values.get("href"):
            self.links.append(values["href"] or "")
        if tag == "script":
            self.scripts.append(values)

    def handle_endtag(self, tag: str) -> None:
        self._in = "" if tag == self._in else self._in

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._in == "h2":
            self.headings[-1] += data


def page(folder: Path, name: str) -> Reader:
    return Reader((folder / name).read_text("utf-8"))


@pytest.mark.parametrize("form", REST)
def test_every_generation_has_every_section(content: Content, tmp_path: Path, form: str) -> None:
    build_site(content, tmp_path / "site")
    seen = page(tmp_path / "site", f"detections/pod-{form}.html")
    assert tuple(seen.headings) == SECTIONS
    for text in (
        "Ada Example",
        "2024-09-30",
        "00000000-0000-4000",
        "Splunk Enterprise",
        "T1204",
        "User Execution",
        "Installation",
        "DE.AE",
        "CIS 13",
        "CVE-2024-0001",
        "filter macro",
        "user.groups{}",
        "Cron jobs.",
        "Example Story",
        "A pod by $user$",
        "impact × confidence / 100",
        "mergeable",
        "kube-system",
        "Not tested yet",
        "https://example.org/data.json",
        "Amazon EKS",
        "Where audit events are.",
    ):
        assert text in seen.text, text


def test_text_of_content_is_escaped_and_links_lead_to_the_web_only(content: Content, tmp_path: Path) -> None:
    build_site(content, tmp_path / "site")
    for path in (tmp_path / "site").rglob("*.html"):
        seen = Reader(path.read_text("utf-8"))
        assert all(script.get("src") for script in seen.scripts), path
        assert not [link for link in seen.links if link.lower().startswith("javascript")]
    seen = page(tmp_path / "site", "detections/pod-tags.html")
    assert "<script>alert(1)</script>" in seen.text
    assert "https://example.org/how" in seen.links
    assert "<script" not in (tmp_path / "site/assets/index.js").read_text("utf-8")


def test_pages_had_no_link_to_their_source_and_no_schedule(content: Content, tmp_path: Path) -> None:
    build_site(content, tmp_path / "site", source_url="https://git.example.com/team/content/blob/main/")
    (detection,) = (one for one in content.detections if one.stem == "pod_tags")
    seen = page(tmp_path / "site", "detections/pod-tags.html")
    sources = [link for link in seen.links if link.startswith("https://git.example.com/team/content/blob/main/")]
    assert any(link.endswith("/pod_tags.yml") for link in sources), seen.links
    assert safe_link(detection.tests[0].attack_data[0].data) or len(sources) > 1
    daily = Deployment(name="daily", cron_schedule="5 3 * * *", earliest_time="-1d@d")
    one = replace(content, detections=(replace(detection, deployment=daily),))
    build_site(one, tmp_path / "site")
    assert "5 3 * * *, over events from -1d@d to now" in page(tmp_path / "site", "detections/pod-tags.html").text


@pytest.mark.parametrize("path", ["../x.log", "/etc/passwd", "https://example.org/x", "javascript://x/%0aalert(1)"])
def test_no_link_leads_out_of_the_repository(content: Content, path: str) -> None:
    detection = next(one for one in content.detections if one.tests and one.tests[0].attack_data)
    test = replace(detection.tests[0], attack_data=(replace(detection.tests[0].attack_data[0], data=path),))
    facts = gather(replace(detection, tests=(test,)), content, "x", (), (), "https://git.example.com/main")
    assert facts.datasets == {path: ""}


def test_every_link_inside_the_site_leads_to_a_page(content: Content, tmp_path: Path) -> None:
    site = build_site(content, tmp_path / "site")
    checked = 0
    for name in site.files:
        if name.endswith(".html"):
            for link in page(site.folder, name).links:
                if not link.startswith(("http", "#", "data:")):
                    assert ((site.folder / name).parent / link).is_file(), (name, link)
                    checked += 1
    assert checked > 50


def test_results_and_exceptions_are_shown(content: Content, tmp_path: Path) -> None:
    results = [CaseResult("pod_tags", "first", "passed"), CaseResult("Pod Rba", "second", "failed", "3 rows, not 1")]
    exceptions = {"Pod Tags": [InForce("ci", "user.username=ci", "the build makes pods", "2027-01-01")]}
    build_site(content, tmp_path / "site", results=results, exceptions=exceptions)
    text = page(tmp_path / "site", "detections/pod-tags.html").text
    assert "Passed first" in text
    assert "user.username=ci" in text
    assert "until 2027-01-01" in text
    assert "3 rows, not 1" in page(tmp_path / "site", "detections/pod-rba.html").text


def test_a_filter_macro_that_a_site_defines_is_an_exception_in_force(folder: Path, tmp_path: Path) -> None:
    content = load_content([folder], macro_overrides={"pod_tags_filter": "search NOT user=deployer"})
    build_site(content, tmp_path / "site")
    assert "search NOT user=deployer" in page(tmp_path / "site", "detections/pod-tags.html").text
    assert "search NOT" not in page(tmp_path / "site", "detections/pod-rba.html").text


def test_pages_of_detections_that_are_gone_are_taken_away(content: Content, tmp_path: Path) -> None:
    first = build_site(content, tmp_path / "site")
    second = build_site(content, tmp_path / "site", detections=content.detections[:1])
    written = {path.relative_to(second.folder).as_posix() for path in second.folder.rglob("*") if path.is_file()}
    assert written == {*second.files, ".podhawk-docs"}
    assert len(second.files) < len(first.files)


def test_a_folder_that_holds_something_else_is_left_alone(content: Content, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="did not write"):
        build_site(content, tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["notes.txt"]


def test_two_runs_are_byte_equal(content: Content, tmp_path: Path) -> None:
    one, two = build_site(content, tmp_path / "a"), build_site(content, tmp_path / "b")
    assert one.files == two.files
    assert all((one.folder / name).read_bytes() == (two.folder / name).read_bytes() for name in one.files)


@pytest.mark.parametrize(
    "search",
    [
        'a="x | y" [search b=1 | fields c] | stats count by d',
        '`m(1)` ```note | here``` | eval a=if(b>1,"|",c)',
        "| tstats count",
        'a="never closed | b',
    ],
)
def test_highlighting_loses_no_text_and_breaks_before_outer_pipes_only(search: str) -> None:
    shown = "".join(piece.text for piece in pieces(search))
    assert "".join(shown.split()) == "".join(search.split())
    assert all(line.startswith("|") for line in shown.split("\n")[1:])
    assert "x |\n" not in shown


def test_file_names_are_plain_and_unique() -> None:
    assert slugs(["../../etc", "A b", "a-b", "日本"]) == ("etc", "a-b", "a-b-2", "page")


@pytest.mark.parametrize(
    ("address", "safe"),
    [
        ("https://a.example/x", True),
        ("http://a.example", True),
        ("javascript:alert(1)", False),
        ("JAVASCRIPT:1", False),
        ("data:text/html,x", False),
        ("//a.example", False),
        ("https://", False),
        ("https://[bad", False),
    ],
)
def test_safe_links(address: str, safe: bool) -> None:
    assert bool(safe_link(address)) is safe


def test_results_are_read_from_junit_and_json(tmp_path: Path) -> None:
    junit = tmp_path / "r.xml"
    junit.write_text(
        '<testsuites><testsuite><testcase classname="A" name="one"/><testcase classname="B" name="two">'
        '<failure message="no rows"/></testcase></testsuite></testsuites>'
    )
    assert read_results(junit) == (CaseResult("A", "one", "passed"), CaseResult("B", "two", "failed", "no rows"))
    lines = tmp_path / "r.jsonl"
    lines.write_text('{"detection":"A","test":"one","outcome":"passed"}\n{"detection":{"name":"B"},"status":"skip"}\n')
    assert read_results(lines) == (CaseResult("A", "one", "passed"), CaseResult("B", "", "skipped"))


@pytest.mark.parametrize("text", ["<a", '{"detection": "A"}', "nonsense", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'])
def test_results_that_cannot_be_read_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "r").write_text(text)
    with pytest.raises(UsageError):
        read_results(tmp_path / "r")


def test_command_line(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["docs", "--content", str(folder), "--only", "pod_tags", "--output-dir", str(tmp_path / "s")]) == 0
    assert "1 detection, 1 story" in capsys.readouterr().err
    assert (tmp_path / "s" / "detections" / "pod-tags.html").is_file()
    assert invoke(["docs", "--content", str(folder)]) == 2


def test_published_detection_has_its_whole_page(published: Content, tmp_path: Path) -> None:
    build_site(published, tmp_path / "site")
    seen = page(tmp_path / "site", "detections/kubernetes-pod-created-in-default-namespace.html")
    assert tuple(seen.headings) == SECTIONS
    for text in (
        "3d6b1a81-367b-42d5-a925-6ef90b6b9f1e",
        "Patrick Bareiss",
        "User Execution",
        "Splunk Cloud",
        "70 × 70 / 100 = 49",
        "\n| stats count",
        "default or kube-public or kube-system",
        "Kubernetes Security",
        "kubernetes_privileged_pod.json",
    ):
        assert text in seen.text, text
    assert "https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/" in seen.links
