"""Hunt, content, coverage and health as people use them: over HTTP, with roles, hostile values and bounds."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlencode

import httpx
import pytest

import podhawk
from support.console import Person, add_account
from support.findings import event
from support.hostile import HOSTILE
from support.processes import wait_for
from support.service import Service, event_list, service

pytestmark = [pytest.mark.needs("serve"), pytest.mark.slow]
SINCE = "2026-11-25T00:00:00Z"
PAGES = ("/hunt", "/content", "/coverage", "/coverage?matrix=threats", "/health", "/drafts")


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("rooms") / "live"
    with service(folder) as made:
        events = [
            event(
                f"h-{number}",
                at=f"10:{number:02}:00.0",
                user={"username": text, "groups": [text, "system:authenticated"]},
                objectRef={"resource": "pods", "namespace": "default", "name": text[:200], "apiVersion": "v1"},
                userAgent=f"={text}",
            )
            for number, text in enumerate(HOSTILE)
        ]
        assert made.post("/audit/prod/cp-1", event_list(events)).status_code == 200
        assert made.post("/audit/dev/cp-1", event_list([event("d", at="11:00:00.0")])).status_code == 200
        assert made.post("/audit/prod/cp-2", b'{"<script>": 1').status_code == 200
        made.wait_until_evaluated()
        for name, role in (("vera", "viewer"), ("ana", "analyst")):
            add_account(folder, name, role)  # type: ignore[arg-type]
        add_account(folder, "dora", "viewer", ("dev",))
        yield made


@pytest.fixture(scope="module")
def ana(live: Service) -> Person:
    return Person(live, "ana")


@pytest.fixture(scope="module")
def vera(live: Service) -> Person:
    return Person(live, "vera")


def address(search: str, **query: str) -> str:
    return "/hunt?" + urlencode({"q": search, "earliest": SINCE, **query})


def found(person: Person, path: str) -> str:
    """A page of results, when its search has ended."""
    text = ""

    def ended() -> bool:
        nonlocal text
        answer = person.get(path)
        assert answer.status_code == 200, answer.text
        text = answer.text
        return 'class="card running"' not in text  # nor does it wait for others

    wait_for(ended, 90, "the search")
    return text


def test_every_page_of_a_viewer(vera: Person) -> None:
    for path in PAGES:
        answer = vera.get(path)
        assert answer.status_code == 200, (path, answer.text)
        policy = answer.headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert not re.search(r"<script(?! src=)|<style|\sstyle=|\son[a-z]+=\"", answer.text), path


def test_a_search_and_its_files(ana: Person) -> None:
    path = address("verb=create | stats count by objectRef.namespace")
    text = found(ana, path)
    assert f'<td class="short">default</td><td class="number">{len(HOSTILE) + 1}</td>' in re.sub(r"\s*\n\s*", "", text)
    made = ana.get(path.replace("/hunt?", "/hunt/rows.csv?"))
    assert made.headers["content-disposition"].startswith("attachment")
    assert list(csv.reader(io.StringIO(made.text))) == [
        ["objectRef.namespace", "count"],
        ["default", str(len(HOSTILE) + 1)],
    ]
    lines = ana.get(path.replace("/hunt?", "/hunt/rows.jsonl?")).text
    assert lines == '{"objectRef.namespace":"default","count":"' + f'{len(HOSTILE) + 1}"}}\n'
    assert ana.get(address("nothing=here").replace("/hunt?", "/hunt/rows.csv?")).status_code == 503


def test_hostile_values_are_text_on_every_page_and_in_every_file(ana: Person) -> None:
    rows = address("verb=create | table _time user.username userAgent objectRef.name")
    pages = [found(ana, one) for one in (address("*"), rows, address("*", row="3"))]
    pages += [found(ana, address("* | stats count by userAgent | sort userAgent")), ana.get("/health").text]
    for text in pages:
        assert "document.title=1>" not in text
        assert not re.search(r"<(?:img|iframe|base|meta http|svg onload|style|form action=https)", text)
        assert not {one for one in "\u202e\u2066\u200b\ufeff\x1b\x07" if one in text}
        assert text.count("<script") == text.count("</script>")
    assert "&lt;script&gt;document.title=1" in pages[0]
    made = ana.get(rows.replace("/hunt?", "/hunt/rows.csv?")).text
    assert not any(cell.startswith(("=", "+", "@")) for line in csv.reader(io.StringIO(made)) for cell in line)


@pytest.mark.parametrize("text", [one for one in HOSTILE if len(one) < 500])
def test_what_is_typed_stays_text(ana: Person, text: str) -> None:
    for path in (address(f'user.username="{text}'), "/hunt/check?" + urlencode({"q": text})):
        shown = ana.get(path).text
        assert "<script>document" not in shown
        assert 'onerror="document' not in shown
    typed = html.unescape(re.findall(r"<textarea id=\"q\".*?>\n(.*?)</textarea>", ana.get(address(text)).text, re.S)[0])
    assert typed.strip() == text.replace("\r\n", "\n").strip()
    names = ("find", "technique", "story", "state", "judgement", "judged")
    for path in (f"/content?{urlencode(dict.fromkeys(names, text))}", f"/health?{urlencode({'letters': text})}"):
        assert "<script>document" not in ana.get(path).text


def test_an_error_is_marked_under_its_word_and_nothing_is_run(ana: Person) -> None:
    text = ana.get(address("verb=get\n| stast count")).text
    assert '<mark class="error">stast</mark>' in text
    assert "line 2, column 3: unknown command &#39;stast&#39;. Did you mean &#39;stats&#39;?" in text
    assert 'class="card running"' not in text
    assert "is not before" in ana.get(address("*", latest="2020-01-01T00:00:00Z")).text


def test_completions_come_as_text(ana: Person) -> None:
    text = ana.get("/hunt/complete?" + urlencode({"q": "verb=get | sta", "at": "14"})).text
    assert 'data-text="stats" data-back="3" data-ahead="0"' in text
    assert ana.get("/hunt/complete?at=x").status_code == 200


def test_a_run_fixes_the_clock_so_that_its_address_always_shows_the_same(ana: Person) -> None:
    answer = ana.post("/hunt/run", q="verb=create | stats count", earliest=SINCE, latest="")
    assert answer.status_code == 303
    to = answer.headers["location"]
    assert "now=20" in to
    first, second = (re.sub(r"[\d.]+ s ", "", found(ana, to)) for _ in range(2))
    assert re.findall("<td.*?</td>", first) == re.findall("<td.*?</td>", second)
    assert (
        ana.post("/hunt/run", q="*", range="-7d", earliest="-1h")
        .headers["location"]
        .startswith("/hunt?q=%2A&earliest=-7d&now=")
    )
    assert "verb=create | stats count" in html.unescape(ana.get("/hunt").text)


def test_the_history_is_a_persons_own(ana: Person, vera: Person) -> None:
    found(vera, address("verb=create auditID=only-vera"))
    assert "only-vera" in vera.get("/hunt").text
    assert "only-vera" not in ana.get("/hunt").text
    assert vera.post("/hunt/forget").status_code == 303
    assert "only-vera" not in vera.get("/hunt").text


def test_a_search_can_be_cancelled(ana: Person) -> None:
    path = address("* " + "| append [search * | eval n=mvrange(0, 50000) | mvexpand n | stats count] " * 50)
    text = ""

    def runs() -> bool:
        nonlocal text
        text = ana.get(path).text
        return 'name="id"' in text

    wait_for(runs, 90, "the search to begin")
    id_ = re.findall(r'name="id" value="(\w+)"', text)[0]
    answer = ana.post("/hunt/cancel", id=id_, q="*", earliest=SINCE, latest="")
    assert answer.status_code == 303
    shown = ana.get(answer.headers["location"]).text
    assert "The search was cancelled." in shown
    assert 'class="card running"' not in shown


def test_searches_see_the_clusters_of_the_person_only(live: Service) -> None:
    dora = Person(live, "dora")
    assert '<td class="number">1</td>' in found(dora, address("* | stats count"))
    health = dora.get("/health").text
    assert "cp-1" not in health
    assert "shown to people who see all of them" in health
    key = content_address(dora, "Pod Created in Default")
    hers, all_of_them = (int(re.findall(r"</a> of (\d+)", one.get(key).text)[0]) for one in (dora, Person(live, "ana")))
    assert hers < all_of_them


def content_address(person: Person, name: str) -> str:
    return re.findall(r'href="(/content/[^"]+)" data-open>[^<]*' + name, person.get("/content").text)[0]


def test_a_viewer_can_change_nothing(live: Service, vera: Person, ana: Person) -> None:
    form = {"name": "Draft of Vera", "q": "verb=delete | stats count by user.username"}
    assert vera.post("/hunt/draft", **form).status_code == 403
    assert not (live.folder / "drafts").exists()
    assert "Save as draft" not in vera.get("/hunt").text
    key = content_address(vera, "Exec Into Pod")
    assert vera.get(f"{key}/exception.yml?when=verb%3Dget&reason=x").status_code == 403
    assert ana.post("/hunt/draft", csrf="wrong", **form).status_code == 403
    assert httpx.post(live.url + "/hunt/run", data={"q": "*"}).headers["location"].startswith("/sign-in")
    assert httpx.get(live.url + "/hunt?q=*").status_code == 303


def test_a_draft_is_a_file_that_nothing_reads(live: Service, ana: Person) -> None:
    before = live.get("/api/v1/content").json()["detections"]
    form = {"name": "Pods Deleted in Bulk", "q": "verb=delete\r\n| stats count by user.username"}
    answer = ana.post("/hunt/draft", **form)
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"] == "/drafts/pods_deleted_in_bulk"
    text = html.unescape(ana.get("/drafts/pods_deleted_in_bulk").text)
    assert "  verb=delete\n  | stats count by user.username\n  | `pods_deleted_in_bulk_filter`" in text
    assert (live.folder / "drafts" / "pods_deleted_in_bulk.yml").is_file()
    assert ana.get("/drafts/pods_deleted_in_bulk/file").headers["content-type"] == "application/yaml"
    assert ana.post("/hunt/draft", **form).status_code == 400
    assert live.get("/api/v1/content").json()["detections"] == before
    for name in ("../x", "<script>alert(1)</script>", "x", "a\nb: c", "..%2Ftokens"):
        assert ana.post("/hunt/draft", name=name, q="*").status_code == 400
        assert ana.get(f"/drafts/{quote(name, safe='')}").status_code == 404
    assert ana.post("/hunt/draft", name="Broken Search", q="* | stast").status_code in (400, 500)
    assert "pods_deleted_in_bulk" in ana.get("/drafts").text


def test_what_is_detected_and_how_much(ana: Person) -> None:
    text = ana.get("/content?find=default+namespace").text
    assert "1 of " in text
    detection = ana.get(content_address(ana, "Pod Created in Default")).text
    assert "Known false positives" in detection
    assert "Open in Hunt" in detection
    assert ana.get("/content/no-such-thing").status_code == 404
    assert "No detection fits" in ana.get("/content?find=zzz").text
    assert "fired" in ana.get("/coverage").text
    assert "MS-TA9008" in ana.get("/coverage?matrix=threats").text


def test_content_is_judged_and_tuned_over_the_lake(ana: Person) -> None:
    to = ana.post("/content/judge").headers["location"]
    assert to.startswith("/content?judged=20")
    wait_for(lambda: "Judging every detection" not in ana.get(to).text, 120, "the judgement")
    key = content_address(ana, "Pod Created in Default")
    to = ana.post(f"{key}/tune", when="user.username=alice").headers["location"].partition("#")[0]
    wait_for(lambda: "Measuring" not in ana.get(to).text, 120, "the measurement")
    made = ana.get(f"{key}/exception.yml?" + urlencode({"when": "user.username=alice", "reason": "a: b <c>"}))
    assert made.status_code == 200
    assert "owner: ana" in made.text
    assert ana.get(f"{key}/exception.yml?when=verb%3Dget").status_code == 400


def test_health_has_the_ledger_and_what_could_not_be_read(live: Service, ana: Person) -> None:
    text = ana.get("/health").text
    for sender in live.ledger():
        assert sender in text
    assert "the ledger is balanced" in text
    assert "webhook:prod/cp-2" in text
    assert "Body Not Evaluated" in text
    assert "nobody is told of findings" in text
    assert text.count("<section") >= 7


def test_health_shows_what_a_sink_would_send(tmp_path: Path) -> None:
    table = '[sinks.siem]\nkind = "webhook"\nurl = "http://127.0.0.1:9/"\nsecret = "0123456789abcdef"\n'
    (tmp_path / "podhawk.toml").write_text(table)
    made = Service(tmp_path, ("--content", Path(podhawk.__file__).parent / "pack"), directory=tmp_path)
    made.start()
    try:
        add_account(tmp_path, "ana", "analyst")
        text = Person(made, "ana").get("/health").text
    finally:
        made.stop()
    assert "siem" in text
    assert "dry run" in text
    assert "nobody is told" not in text
