"""What an increment costs beside a million kept findings, in process, compared with the same increment beside none.

    python bench/beside_many.py --findings 1000000 --new 1000 --rounds 5

Takes a log of work with the shipped pack into a state, and copies the rows of this state, each copy earlier than the
one before, under other ids, until the state has so many findings. Keys of accounts and credentials stay the same, so
that the account that makes a tenth of everything has a tenth of the findings. Then it runs increments of `--new`
events, half of them of this account, over that state and over new ones. `--keep FOLDER` keeps the state for the next
time.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from podhawk import api
from podhawk.content.load import load_content, shipped_pack
from podhawk.content.model import Content

START = 1_794_960_000.0
"""Midnight."""
BASE = 35_000
"""Events that are read; the rest are copies."""
PIECE = 5_000
"""Events of one run that fills the state."""
SPAN = 86_400.0
"""Seconds that the events of one copy take: a day, so that copies share no daily cap."""
ONCE = ("charge", "owner", "report", "template")
"""Series that go by requests, which copies do not share."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--findings", type=int, default=1_000_000)
    parser.add_argument("--new", type=int, default=1_000, help="events of an increment")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="a folder that holds the state, or that is to hold it")
    options = parser.parse_args()
    content = load_content([shipped_pack()])
    with tempfile.TemporaryDirectory(prefix="podhawk-bench-") as folder:
        root = options.keep or Path(folder)
        if not (root / "many" / "podhawk.db").is_file():
            filled(content, root / "many", Path(folder), options.findings)
        measured(content, root / "many", Path(folder), options.new, options.rounds)


def measured(content: Content, many: Path, folder: Path, new: int, rounds: int) -> None:
    """Run increments, and print what they cost. The first one meets a state that no increment has touched."""
    with sqlite3.connect(many / "podhawk.db") as db:
        newest = db.execute("SELECT max(time) FROM podhawk_events").fetchone()[0]
    events = made(Random(os.getpid()), 2, newest + 60, f"n{newest:.0f}")
    beside, alone = [], []
    for number in range(rounds + 1):
        # Each reads events of its own: a second run over the same bytes knows already what is rare in them.
        with_many = run(content, many, folder, [next(events) for _ in range(new)])
        with_none = run(content, folder / f"none{number}", folder, [next(events) for _ in range(new)])
        print(f"{number or 'first'}: {with_many[0]:.2f} s beside, {with_none[0]:.2f} s alone", flush=True)
        if number:
            beside.append(with_many[0])
            alone.append(with_none[0])
    ratio = statistics.median(beside) / statistics.median(alone)
    print(
        f"{new:,} new events: {statistics.median(beside):.2f} s beside {with_many[1]:,} findings, "
        f"{statistics.median(alone):.2f} s beside none: {ratio:.2f} times; "
        f"{(many / 'podhawk.db').stat().st_size / 1e6:,.0f} MB of state, "
        f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB of memory, load {os.getloadavg()[0]:.1f}"
    )


def run(content: Content, state: Path, folder: Path, events: list[dict[str, Any]]) -> tuple[float, int]:
    """The processor seconds of one increment, and how many findings are known then."""
    log = folder / "piece.log"
    log.write_text("".join(json.dumps(one) + "\n" for one in events))
    start = time.process_time()
    found = api.run(content, log, state=str(state), jobs=1).found
    return time.process_time() - start, found.known


def made(random: Random, hot: int, second: float, prefix: str) -> Iterator[dict[str, Any]]:
    """Events without end, each of which is a finding; one in `hot` is of the account `busy`."""
    number = 0
    while True:
        number += 1
        second += random.random() * 2 * SPAN / BASE
        user = "busy" if number % hot == 0 else f"user{random.randrange(2_000)}"
        yield event(random.randrange(4), user, second, f"{prefix}-{number}", random)


def event(kind: int, user: str, second: float, id_: str, random: Random) -> dict[str, Any]:
    """A pod, an exec, a binding of a role, or a secret that a workload reads."""
    name = f"n{random.randrange(500)}"
    reference: dict[str, Any] = {"resource": "pods", "namespace": "shop", "name": name, "apiVersion": "v1"}
    who: dict[str, Any] = {"username": user, "groups": ["system:authenticated"]}
    verb = "create"
    if kind == 1:
        reference["subresource"] = "exec"
    elif kind == 2:
        reference = {"resource": "clusterrolebindings", "name": name, "apiGroup": "rbac.authorization.k8s.io"}
    elif kind == 3:
        verb, reference["resource"] = "get", "secrets"
        who = {
            "username": f"system:serviceaccount:shop:{user}",
            "groups": ["system:serviceaccounts", "system:authenticated"],
            "extra": {"authentication.kubernetes.io/credential-id": [f"JTI={user}"]},
        }
    body = {"roleRef": {"kind": "ClusterRole", "name": "cluster-admin"}, "subjects": [{"kind": "User", "name": user}]}
    return {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "RequestResponse" if kind == 2 else "Metadata",
        "auditID": id_,
        "stage": "ResponseComplete",
        "requestURI": f"/api/{name}/{reference['resource']}/{reference.get('subresource', '')}?command=id",
        "verb": verb,
        "user": who,
        "sourceIPs": ["10.0.0.7"],
        "userAgent": "app/1",
        "objectRef": reference,
        "responseStatus": {"code": 201 if verb == "create" else 200},
        "requestReceivedTimestamp": at(second),
        "stageTimestamp": at(second + 0.01),
        **({"requestObject": body} if kind == 2 else {}),
    }


def at(second: float) -> str:
    """A time as an API server writes it."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def filled(content: Content, state: Path, folder: Path, findings: int) -> None:
    """Make a state with so many findings."""
    start = time.perf_counter()
    events = made(Random(1), 10, START, "b")
    for _ in range(0, BASE, PIECE):
        known = run(content, state, folder, [next(events) for _ in range(PIECE)])[1]
    copies = max(round(findings / known) - 1, 0)
    print(f"{known:,} findings after {time.perf_counter() - start:.0f} s; making {copies} copies", flush=True)
    db = sqlite3.connect(state / "podhawk.db", isolation_level=None)
    try:
        multiplied(db, copies)
        db.execute("ANALYZE")
    finally:
        db.close()
    print(f"filled after {time.perf_counter() - start:.0f} s", flush=True)


def other(text: str | None, copy: int) -> str | None:
    """A hash of the same kind for a copy; "" stays what it is."""
    if not text:
        return text
    return blake2b(f"{text} {copy}".encode(), digest_size=len(text) // 2).hexdigest()


def multiplied(db: sqlite3.Connection, copies: int) -> None:
    """Copy the rows of a state, each time earlier, and under other ids."""
    for name in ("synchronous=OFF", "cache_size=-500000"):
        db.execute(f"PRAGMA {name}")
    incidents = "SELECT finding_id FROM podhawk_findings WHERE kind='incident'"
    db.execute(f"DELETE FROM podhawk_series WHERE finding_id IN ({incidents})")
    db.execute("DELETE FROM podhawk_findings WHERE kind='incident'")
    # The windows of the copies would have to be looked at one by one. They are taken to have been: without rows.
    searches = [row[0] for row in db.execute("SELECT DISTINCT detection_id FROM podhawk_windows")]
    for table in ("podhawk_windows", "podhawk_cells"):
        db.execute(f"DELETE FROM {table}")
    indexes = db.execute("SELECT name, sql FROM sqlite_master WHERE type='index' AND sql IS NOT NULL").fetchall()
    for name, _ in indexes:
        db.execute(f"DROP INDEX {name}")
    tables: dict[str, Callable[[dict[str, Any], int], None]] = {
        "podhawk_events": _event,
        "podhawk_wanted": _wanted,
        "podhawk_series": _series,
        "podhawk_findings": _finding,
        "podhawk_risk": _risk,
    }
    for table, changed in tables.items():
        names = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
        rows = [dict(zip(names, row, strict=True)) for row in db.execute(f"SELECT * FROM {table}")]
        marks = ", ".join("?" * len(names))
        for copy in range(1, copies + 1):
            db.execute("BEGIN")
            db.executemany(f"INSERT INTO {table} VALUES ({marks})", (_copied(row, copy, changed) for row in rows))
            db.execute("COMMIT")
    for _, text in indexes:
        db.execute(text)
    for one in searches:
        db.execute(
            "INSERT INTO podhawk_windows SELECT entity, ?, ? FROM (SELECT DISTINCT entity FROM podhawk_risk)",
            (one, msgspec.msgpack.encode([])),
        )
    db.execute("UPDATE podhawk_counts SET number=(SELECT count(*) FROM podhawk_findings) WHERE name='findings'")


def _copied(row: dict[str, Any], copy: int, changed: Callable[[dict[str, Any], int], None]) -> list[Any]:
    made_of = dict(row)
    changed(made_of, copy)
    return list(made_of.values())


def _event(row: dict[str, Any], copy: int) -> None:
    for name in ("fingerprint", "request"):
        row[name] = other(row[name], copy)
    row["time"] -= copy * SPAN


def _wanted(row: dict[str, Any], copy: int) -> None:
    _event(row, copy)


def _series(row: dict[str, Any], copy: int) -> None:
    row["finding_id"] = other(row["finding_id"], copy)
    row["time"] -= copy * SPAN
    if row["series"] in ONCE:
        row["key"] = other(row["key"], copy)


def _finding(row: dict[str, Any], copy: int) -> None:
    old, row["finding_id"] = row["finding_id"], other(row["finding_id"], copy)
    row["first_time"] -= copy * SPAN
    row["last_time"] -= copy * SPAN
    for name in ("first_window", "last_window"):
        row[name] -= copy * SPAN if row[name] else 0
    row["request"] = other(row["request"], copy)
    row["record"] = row["record"].replace(old, row["finding_id"])
    kept = msgspec.msgpack.decode(row["kept"])
    _moved(kept[1], old, row["finding_id"], copy)
    row["kept"] = msgspec.msgpack.encode(kept)


def _risk(row: dict[str, Any], copy: int) -> None:
    old, row["finding_id"] = row["finding_id"], other(row["finding_id"], copy)
    row["time"] -= copy * SPAN
    row["thing"] = other(row["thing"], copy)
    row["day"] = other(row["day"], copy)
    row["record"] = row["record"].replace(old, row["finding_id"])
    kept = msgspec.msgpack.decode(row["kept"])
    _moved(kept[1], old, row["finding_id"], copy)
    row["kept"] = msgspec.msgpack.encode(kept)


def _moved(members: list[Any], old: str, new: str, copy: int) -> None:
    """Change ids and times in the members of a finding or risk event, in place."""
    for number, value in enumerate(members):
        if value == old:
            members[number] = new
        elif isinstance(value, float) and abs(value - START) < 1e7:
            members[number] = value - copy * SPAN


if __name__ == "__main__":
    main()
