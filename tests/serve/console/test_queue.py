"""The queue shows what podhawk run finds, in pages that nothing moves, and closed findings open again by the rule."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, unquote_plus

import pytest
import sqlalchemy as sql
from msgspec.structs import replace

from podhawk.cli.main import invoke
from podhawk.detect.finding import Finding
from podhawk.detect.report.finding_json import to_record
from podhawk.errors import UsageError
from podhawk.serve.changes import make_tables as make_change_tables
from podhawk.serve.console import queue_rows
from podhawk.serve.console.filters import FILTERS, chosen
from podhawk.serve.console.queue_index import (
    QUEUE,
    ClosedAs,
    identity_key,
    make_tables,
    read_noted,
    refresh,
    reopens,
    waiting,
    write_noted,
)
from podhawk.serve.console.render import environment
from podhawk.store.behind import known_matches
from podhawk.store.database import open_engine, reading, transaction
from podhawk.store.rows import upsert
from podhawk.store.schema import FINDINGS, TRIAGE
from podhawk.store.triage import change_triage, pass_on
from support.console import Person, add_account
from support.findings import event, only_finding
from support.processes import wait_for
from support.served import alike, demo_lines, expected, send
from support.service import SECONDS, Service, service

pytestmark = pytest.mark.slow
ALL = "/queue?rows=findings&show=all&status=any"


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    return demo_lines(2200)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("queue")
    add_account(folder, "ann", "analyst")
    with service(folder) as made:
        send(made, lines, "demo")
        made.wait_until_evaluated()
        yield made


@pytest.fixture(scope="module")
def person(running: Service) -> Person:
    return Person(running, "ann")


def linked(text: str, name: str) -> str | None:
    """Where a link with this text leads."""
    found = re.search(rf'href="([^"]+)"[^>]*>{name}<', text)
    return html.unescape(found[1]) if found else None


def listed(person: Person, path: str) -> list[str]:
    """The ids of the findings on all pages of a view, in order."""
    found: list[str] = []
    following: str | None = path
    while following:
        text = person.get(following).text
        found += re.findall(r'href="/findings/(\w+)" data-open', text)
        following = linked(text, "Next page")
    return found


def test_the_queue_has_the_findings_of_one_run(
    running: Service, person: Person, lines: list[bytes], tmp_path: Path
) -> None:
    wanted, _ = expected(lines, tmp_path, "demo")
    records = running.findings()
    ours = [one for one in records if not one["finding_id"].startswith("tripwire-")]
    assert alike(ours) == wanted
    ids = listed(person, ALL)
    assert len(ids) == len(set(ids)), "a page repeats a finding"
    assert set(ids) == {one["finding_id"] for one in records}
    visible = {one["finding_id"] for one in records if one["visible"]}
    assert set(listed(person, "/queue?rows=findings")) == visible
    exported = person.get(f"/findings/{ids[0]}/export/json").json()
    assert alike([exported]) == alike([one for one in records if one["finding_id"] == ids[0]])


def test_each_filter_leaves_what_the_interface_says(running: Service, person: Person) -> None:
    records = running.findings()
    view = ALL
    cases = {
        "severity=high&severity=critical": lambda one: one["severity"] in ("high", "critical"),
        "priority=90": lambda one: one["priority"] >= 90,
        "outcome=denied": lambda one: one["outcome"] == "denied",
        "kind=human": lambda one: one["actor"]["kind"] == "human",
        "technique=T1610": lambda one: any(each["id"] == "T1610" for each in one["attack"]),
        "type=incident": lambda one: one["kind"] == "incident",
        "cluster=none": lambda one: False,
        "cluster=demo": lambda one: one["cluster"] == "demo",
    }
    sizes = set()
    for query, wanted in cases.items():
        right = {one["finding_id"] for one in records if wanted(one)}
        assert set(listed(person, f"{view}&{query}")) == right, query
        sizes.add(len(right))
    assert len(sizes) > 4, "the cases leave the same findings, so they prove little"
    noise = next(hit["class"] for one in records for hit in one["noise"])
    right = {one["finding_id"] for one in records if any(hit["class"] == noise for hit in one["noise"])}
    assert set(listed(person, f"{view}&noise={noise}")) == right


def test_what_is_hidden_is_one_click_away_and_counted(running: Service, person: Person) -> None:
    text = person.get("/queue").text
    hidden = {one["finding_id"] for one in running.findings() if not one["visible"]}
    assert f"{len(hidden):,} more are hidden" in text
    links = re.findall(r'<li><a href="([^"]+hidden_by[^"]+)">', text)
    found = [id_ for link in links for id_ in listed(person, html.unescape(link))]
    assert sorted(found) == sorted(hidden)


def test_an_empty_queue_says_why(tmp_path: Path, person: Person) -> None:
    add_account(tmp_path / "own", "ann", "viewer")
    with service(tmp_path / "own") as made:
        text = Person(made, "ann").get("/queue").text
        assert "Nothing calls for attention" in text
        assert "Nobody has sent an event yet." in text, "it is called quiet where podhawk was blind"
    assert "Nothing matches these filters" in person.get("/queue?actor=nobody-of-this-name").text


@pytest.mark.parametrize("query", ["?show=all", "?show=all&rows=findings", "?actor=nobody-of-this-name"])
def test_the_part_that_a_filter_asks_for_is_what_the_page_shows(person: Person, query: str) -> None:
    """Macros that a template imports outside of a block are not known in the block alone."""
    whole = person.get(f"/queue{query}")
    part = person.get(f"/queue{query}", **{"HX-Request": "true", "HX-Target": "view"})
    assert part.status_code == 200
    assert part.text.strip() in whole.text


def test_many_are_changed_at_once_but_not_what_came_later(running: Service, person: Person) -> None:
    text = person.get("/queue?rows=findings&severity=critical").text
    ids = re.findall(r'name="finding" value="(\w+)"', text)
    upto = re.search(r'name="upto" value="(\d+)"', text)
    assert upto is not None
    assert len(ids) >= 2
    back = "/queue?rows=findings&severity=critical"
    answer = person.post("/queue/triage", finding=ids, status="closed", upto=upto[1], back=back)
    assert answer.status_code == 400, "closed without a disposition"
    form = {"finding": ids, "status": "closed", "disposition": "duplicate", "upto": upto[1], "back": back}
    assert person.post("/queue/triage", **form).headers["location"] == back
    changed = {one["finding_id"] for one in running.findings() if one["status"] == "closed"}
    assert changed == set(ids)
    again = person.post("/queue/triage", **{**form, "status": "new", "disposition": ""})
    assert again.status_code == 303
    assert "stay as they are" in person.get("/queue").text
    assert {one["finding_id"] for one in running.findings() if one["status"] == "closed"} == changed
    assert not set(ids) & set(listed(person, "/queue?rows=findings"))
    assert set(listed(person, "/queue?rows=findings&status=done")) == changed


def test_a_long_address_of_the_queue_keeps_its_filters_when_many_are_changed(running: Service, person: Person) -> None:
    long = "/queue?actor=" + "%D0%B6" * 900
    back = re.search(
        r'name="_csrf" value="[^"]+">\s*<input type="hidden" name="to" value="([^"]+)"', person.get(long).text
    )
    assert back is not None
    assert html.unescape(back[1]) == long, "an address that is cut has no filters"
    before = running.findings()
    keys = re.findall(r'name="identity" value="(\w+)"', person.get("/queue").text)
    for address in (f"{long[:1500]}… (9 more characters)", "/queue?actor=" + "a" * 8000, "/health?actor=a", ""):
        form = {"identity": keys, "status": "closed", "disposition": "duplicate", "upto": "99999999", "back": address}
        assert person.post("/queue/triage", **form).status_code == 400, address
    assert running.findings() == before, "what the filters did not show was closed"


TYPED = "\u05d0\u05d1 \u200bx\u202e<b>'\" &amp; " + "y" * 900


def test_a_field_sends_back_what_was_typed(running: Service, person: Person) -> None:
    text = person.get(f"/queue?actor={quote(TYPED)}").text
    field = re.search(r'id="filter-actor" value="([^"]*)"', text)
    assert field is not None
    assert html.unescape(field[1]) == TYPED, "another filter, if a second one is set"
    id_ = listed(person, "/queue?rows=findings")[0]
    record = running.get(f"/api/v1/findings/{id_}").json()
    note = f"one\ntwo\n{TYPED}\n{TYPED}"
    form = {"status": record["status"], "note": note, "seen": str(record["triage_changed"])}
    assert person.post(f"/findings/{id_}/triage", **form).status_code == 303
    area = re.search(r'<textarea name="note"[^>]*>\n?([^<]*)</textarea>', person.get(f"/findings/{id_}").text)
    assert area is not None
    assert html.unescape(area[1]) == note.strip(), "each change of a finding would damage its note"


@pytest.mark.parametrize("name", ["\u0436" * 400, "L" * 3000, "a\ud800b", '\u05d0 \u200b&"<b>'])
def test_a_link_to_an_identity_is_whole(name: str) -> None:
    made = environment().from_string(
        '<a href="/identities?name={{ name|part }}">{{ name }}</a><a href="{{ address|attr }}">x</a>'
        '<a href="{{ values|query }}">y</a>'
    )
    address = f"/hunt?q={quote(name.encode('utf-8', 'backslashreplace'))}"
    links = re.findall(r'href="([^"]+)"', made.render(name=name, address=address, values={"name": name}))
    safe = name.encode("utf-8", "backslashreplace").decode()
    assert unquote(html.unescape(links[0])) == f"/identities?name={safe}"
    assert html.unescape(links[1]) == address
    assert unquote_plus(html.unescape(links[2])) == f"?name={safe}"


def test_an_identity_with_a_very_long_name_has_a_page_with_its_findings(running: Service, person: Person) -> None:
    name = "\u0436" * 5000
    privileged = (json.loads(one) for one in demo_lines(2200) if b'"privileged":true' in one.replace(b" ", b""))
    pod = next(one for one in privileged if one["verb"] == "create" and one["objectRef"]["resource"] == "pods")
    send(running, [json.dumps({**pod, "auditID": "long", "user": {"username": name}}).encode()], "demo")
    running.wait_until_evaluated()
    found = [one for one in running.findings() if one["actor"]["user"] == name]
    assert found, "the event made no finding, so this proves nothing"
    text = person.get("/queue?show=all&status=any&actor=" + quote("\u0436" * 100)).text
    link = re.search(r'href="(/identities[^"]+)"', text)
    assert link is not None
    page = person.get(html.unescape(link[1])).text
    assert f"All {len(found)} in the queue" in page, "its page says that there is nothing of it"
    assert person.get("/identities?key=" + "0" * 32).status_code == 404
    assert person.get("/identities?name=" + "x" * 4001).status_code == 400, "the page of another name was shown"


def test_an_identity_has_a_key_that_nobody_finds_twice() -> None:
    assert len(identity_key("alice")) == 32, "64 bits can be searched for two names with the same key"
    assert identity_key("alice") != identity_key("Alice") != identity_key("alice\u200b")


def test_the_queue_follows_podhawk_close_beside_the_service(running: Service, person: Person) -> None:
    id_ = listed(person, "/queue?rows=findings")[-1]
    assert invoke(["close", id_, "--state", str(running.folder), "--disposition", "false_positive"]) == 0
    wait_for(lambda: id_ not in listed(person, "/queue?rows=findings"), SECONDS, "the queue follows")


def test_a_closed_finding_whose_priority_rises_opens_again(running: Service, person: Person) -> None:
    ids = listed(person, "/queue?rows=findings&type=finding")
    id_ = ids[-1]
    assert invoke(["close", id_, "--state", str(running.folder), "--disposition", "benign_positive"]) == 0
    wait_for(lambda: id_ in listed(person, "/queue?rows=findings&status=done"), SECONDS, "it is closed")
    with transaction(open_engine(str(running.folder))) as connection:
        text = connection.execute(sql.select(FINDINGS.c.record).where(FINDINGS.c.finding_id == id_)).scalar()
        record = json.loads(text or "")
        record["priority"] += 1
        values = {"record": json.dumps(record), "priority": record["priority"]}
        connection.execute(FINDINGS.update().where(FINDINGS.c.finding_id == id_).values(**values))

    def triage() -> tuple[str, str]:
        row = running.get(f"/api/v1/findings/{id_}").json()
        return row["status"], row["note"] or ""

    wait_for(lambda: triage()[0] == "new", SECONDS, "it opens again")
    assert "its priority rose from" in triage()[1]
    with reading(str(running.folder)) as connection:
        assert connection is not None
        assert connection.execute(sql.select(TRIAGE.c.disposition).where(TRIAGE.c.finding_id == id_)).scalar() is None


def kept(one: Finding) -> dict[str, object]:
    """The row of a finding in a state."""
    return {
        "finding_id": one.finding_id, "detection_id": "d", "kind": one.kind, "first_time": one.first_time,
        "visible": True, "priority": one.priority, "revision": 1, "record": json.dumps(to_record(one)),
    }  # fmt: skip


def test_a_slow_reader_of_notes_does_not_put_an_older_row_over_a_newer_one(tmp_path: Path) -> None:
    found = only_finding(tmp_path, event())
    state = str(tmp_path / "state")
    make_tables(state)

    def write(priority: int) -> None:
        with transaction(open_engine(state)) as connection:
            upsert(connection, FINDINGS, [kept(replace(found, finding_id="a", priority=priority))])

    write(40)
    slow = read_noted(state, 1.0)
    write(90)
    assert refresh(state) is False
    assert slow is not None
    write_noted(state, slow, 5.0)
    with reading(state) as connection:
        assert connection is not None
        priority = connection.execute(sql.select(QUEUE.c.priority).where(QUEUE.c.finding_id == "a")).scalar()
        assert priority == 90, "the priority that rose is not in the queue, and nothing notes it any more"
        assert waiting(connection) == 0


def test_a_closed_finding_opens_again_if_it_rises_under_another_id(tmp_path: Path) -> None:
    found = only_finding(tmp_path, event())
    state = str(tmp_path / "state")
    make_change_tables(state)
    make_tables(state)
    with transaction(open_engine(state)) as connection:
        upsert(connection, FINDINGS, [kept(replace(found, finding_id="first-id", priority=40))])
    change_triage(state, ["first-id"], status="closed", disposition="duplicate", changed=1.0)
    assert refresh(state) is False
    heir = replace(found, finding_id="second-id", priority=90, replaces=("first-id",))
    with transaction(open_engine(state)) as connection:
        connection.execute(FINDINGS.delete().where(FINDINGS.c.finding_id == "first-id"))
        upsert(connection, FINDINGS, [kept(heir)])
        pass_on(connection, "first-id", "second-id")
    assert refresh(state) is False
    with reading(state) as connection:
        assert connection is not None
        triage = connection.execute(sql.select(TRIAGE.c.finding_id, TRIAGE.c.status)).all()
        assert [tuple(one) for one in triage] == [("second-id", "new")], "it rose from 40 to 90, and stays closed"


def test_the_page_of_an_incident_reads_its_most_urgent_findings_only(tmp_path: Path) -> None:
    """An incident of 20,000 findings took 19 s: all of them were read, and the first 50 shown."""
    found = only_finding(tmp_path, event())
    state = str(tmp_path / "state")
    make_tables(state)
    parts = [replace(found, finding_id=f"part-{number}", priority=number % 40) for number in range(200)]
    ids = tuple(one.finding_id for one in parts)
    incident = replace(found, finding_id="incident", kind="incident", findings=ids)
    rows = [kept(one) for one in (*parts, incident)]
    with transaction(open_engine(state)) as connection:
        upsert(connection, FINDINGS, rows)
    first, *few = known_matches(state, "incident", 10)
    assert first.finding.finding_id == "incident"
    assert [one.finding.finding_id for one in few] == [one.finding_id for one in parts if one.priority >= 38]
    assert len(known_matches(state, "incident")) == 201


def test_nobody_closes_a_finding_that_rose_after_its_page_was_read(running: Service, person: Person) -> None:
    id_ = listed(person, "/queue?rows=findings&type=intermediate")[-1]
    text = person.get(f"/findings/{id_}").text
    hidden = dict(re.findall(r'<input type="hidden" name="(seen|read)" value="([^"]+)"', text))
    with transaction(open_engine(str(running.folder))) as connection:
        kept_record = sql.select(FINDINGS.c.record).where(FINDINGS.c.finding_id == id_)
        record = json.loads(connection.execute(kept_record).scalar() or "")
        record["priority"] += 1
        values = {"record": json.dumps(record), "priority": record["priority"]}
        connection.execute(FINDINGS.update().where(FINDINGS.c.finding_id == id_).values(**values))
    form = {**hidden, "status": "closed", "disposition": "duplicate"}
    answer = person.post(f"/findings/{id_}/triage", **form)
    assert answer.status_code == 409
    assert "rose after this page was read" in answer.text
    assert running.get(f"/api/v1/findings/{id_}").json()["status"] == "new"
    assert person.post(f"/findings/{id_}/triage", **{**form, "status": "in_progress"}).status_code == 303


THEN = ClosedAs(90, 1, ("rule",), ("TA0001",), 100.0)


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (THEN, ""),
        (ClosedAs(99, 1, ("rule",), ("TA0001",), 199.0), ""),
        (ClosedAs(90, 1, ("rule", "other"), ("TA0001",), 100.0), "new reason"),
        (ClosedAs(90, 1, ("rule",), ("TA0001", "TA0002"), 100.0), "new tactic: TA0002"),
        (ClosedAs(90, 2, ("rule",), ("TA0001",), 100.0), "succeeded"),
        (ClosedAs(90, 1, ("rule",), ("TA0001",), 200.0), "risk rose from 100 to 200"),
    ],
)
def test_a_closed_incident_opens_again_by_the_rule(now: ClosedAs, why: str) -> None:
    assert why in reopens(THEN, now, incident=True)
    assert bool(reopens(THEN, now, incident=True)) is bool(why)


def test_a_closed_finding_opens_again_by_the_rule() -> None:
    closed = ClosedAs(50, 0)
    assert reopens(closed, ClosedAs(50, 2), incident=False) == "what it tried has succeeded"
    assert "rose from 50 to 51" in reopens(closed, ClosedAs(51, 0), incident=False)
    assert reopens(closed, ClosedAs(49, 0), incident=False) == ""
    assert reopens(ClosedAs(50, 2), ClosedAs(50, 0), incident=False) == ""


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/findings/ID/triage", {"seen": "x", "status": "new"}),
        ("/queue/triage", {"finding": "ID", "upto": "9" * 5000, "status": "new"}),
        ("/queue/triage", {"finding": "ID", "upto": "", "status": "new"}),
    ],
)
def test_a_wrong_form_is_a_page_that_says_so(person: Person, path: str, form: dict[str, str]) -> None:
    id_ = listed(person, ALL)[0]
    values = {name: value.replace("ID", id_) for name, value in form.items()}
    answer = person.post(path.replace("ID", id_), **values)
    assert answer.status_code == 400
    assert "does not say what it knew" in answer.text


def test_all_that_is_hidden_is_counted_whatever_hides_it(tmp_path: Path) -> None:
    state = str(tmp_path)
    make_tables(state)
    hidden = {"shown": 0, "hidden_by": "exception"}
    with transaction(open_engine(state)) as connection:
        upsert(connection, QUEUE, [{**row(number), **hidden, "hiding": f"e{number}"} for number in range(100)])
    with reading(state) as connection:
        assert connection is not None
        groups = queue_rows.hidden_groups(connection, chosen({}, ("*",), 0.0))
    assert sum(one.count for one in groups) == 100, "only the first 40 exceptions count"


@pytest.mark.parametrize("query", ["severity=x", "priority=a", "earliest=soon", "status=none", "after=!!"])
def test_a_wrong_filter_is_a_page_that_says_so(person: Person, query: str) -> None:
    answer = person.get(f"/queue?{query}")
    assert answer.status_code == 400, query
    assert "<h1>" in answer.text


def test_a_filter_is_one_value_or_any_of_several() -> None:
    found = chosen({"severity": ["high", "low"], "outcome": [""], "status": ["open"], "x": ["y"]}, ("*",), 0.0)
    assert found.values == {"severity": ("high", "low")}, "what is preset or empty does not stand in the URL"
    assert len({one.name for one in FILTERS}) == len(FILTERS)
    with pytest.raises(UsageError):
        chosen({"outcome": ["x' OR 1=1"]}, ("*",), 0.0)


def test_a_view_reads_few_rows_of_many(tmp_path: Path) -> None:
    """Counts steps of the database's machine, not time: a page of rows takes one pass over an index."""
    from podhawk.serve.console.queue_index import make_tables

    state = str(tmp_path)
    make_tables(state)
    many = 5000
    rows = [row(number) for number in range(many)]
    with transaction(open_engine(state)) as connection:
        upsert(connection, QUEUE, rows)
    with reading(state) as connection:
        assert connection is not None
        raw = connection.connection.driver_connection
        assert raw is not None
        steps: list[int] = []
        raw.set_progress_handler(lambda: steps.append(1), 1000)
        page = queue_rows.read_rows(connection, chosen({}, ("*",), 0.0), 0.0, "", ())
        raw.set_progress_handler(None, 1)
        assert page.findings == many
        assert len(page.rows) == queue_rows.PAGE
        assert len(steps) < many * 120 / 1000, "a page takes more than one pass"
        seen: list[str] = []
        cursor = ""
        while True:
            page = queue_rows.read_rows(connection, chosen({}, ("*",), 0.0), 0.0, cursor, ())
            seen += [one.first.identity_key for one in page.rows]
            cursor = page.next
            if not cursor:
                break
        assert len(seen) == len(set(seen)) == 100


@pytest.mark.parametrize(
    "query", [{}, {"priority": ["60"]}, {"title": ["T99"]}, {"kind": ["human"], "outcome": ["success"]}]
)
def test_what_is_read_of_each_identity_is_read_by_identity(tmp_path: Path, query: dict[str, list[str]]) -> None:
    """SQLAlchemy leaves out hints for SQLite, so each identity of a page took a pass over all of the same urgency."""
    state = str(tmp_path)
    make_tables(state)
    with transaction(open_engine(state)) as connection:
        upsert(connection, QUEUE, [row(number) for number in range(300)])
    with reading(state) as connection:
        assert connection is not None
        told: list[tuple[str, Any]] = []

        def note(connection: Any, cursor: Any, text: str, values: Any, context: Any, many: bool) -> None:
            told.append((text, values))

        sql.event.listen(connection, "before_cursor_execute", note)
        assert queue_rows.read_rows(connection, chosen(query, ("*",), 0.0), 0.0, "", ()).rows
        raw = connection.connection.driver_connection
        assert raw is not None
        plans = [
            line[3] for text, values in told for line in raw.execute(f"EXPLAIN QUERY PLAN {text}", values).fetchall()
            if "podhawk_serve_queue " in line[3]
        ]  # fmt: skip
    by_urgency = [one for one in plans if "_of_urgency" in one or "_of_times" in one]
    assert len(plans) >= 4
    assert by_urgency == []


def row(number: int) -> dict[str, object]:
    identity = f"user-{number % 100}"
    return {
        "finding_id": f"{number:032x}", "identity_key": identity_key(identity), "detection_id": f"d{number % 7}",
        "shown": 1, "status": "new", "cluster": "c", "urgency": number % 90, "severity": number % 5,
        "first_time": float(number), "last_time": float(number), "rose": 0.0, "kind": "finding",
        "priority": number % 90, "actor_kind": "human", "outcome": "success", "hidden_by": "", "hiding": "",
        "noise": "", "story": "", "technique": "", "identity": identity, "detection": f"D{number % 7}",
        "title": f"T{number}", "assignee": "", "closed_as": "", "number": number,
    }  # fmt: skip
