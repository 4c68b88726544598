"""A backup that is taken under load: a service goes on from it, with the findings of its position and no event lost."""

from __future__ import annotations

import json
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from podhawk.serve.backup import back_up
from support.command_line import podhawk
from support.findings import event
from support.processes import wait_for
from support.service import Service, balanced, event_list, service

pytestmark = [pytest.mark.needs("serve")]
ANONYMOUS = {"username": "system:anonymous", "groups": ["system:unauthenticated"]}


def secrets_listed(number: int) -> dict[str, Any]:
    about = {"resource": "secrets", "namespace": f"ns{number % 7}"}
    at = f"10:{number // 60 % 60:02}:{number % 60:02}.{number:06}"
    return event(f"e{number}", at=at, verb="list", user=ANONYMOUS, objectRef=about)


def sent_to(live: Service) -> int:
    return int(live.ledger()["webhook:prod/cp-1"]["received"])


@pytest.mark.slow
def test_a_backup_under_load_is_a_state_to_go_on_from(tmp_path: Path) -> None:
    stop, answered = threading.Event(), list[int]()

    def send(live: Service) -> None:
        number = 0
        while not stop.is_set():
            body = event_list([secrets_listed(number + one) for one in range(10)])
            if live.post("/audit/prod/cp-1", body).status_code == 200:
                number += 10
                answered.append(number)

    with service(tmp_path / "live") as live:
        sender = threading.Thread(target=send, args=(live,))
        sender.start()
        try:
            wait_for(lambda: len(answered) >= 20, 60, live.log)
            told = podhawk("serve", "--state", live.folder, "--backup", tmp_path / "copy")
            assert told.returncode == 0, told.stderr
        finally:
            stop.set()
            sender.join()
        live.wait_until_evaluated()
        whole = {one["finding_id"]: one for one in live.findings()}
    with sqlite3.connect(tmp_path / "copy" / "podhawk.db") as copied:
        kept = [json.loads(row[0]) for row in copied.execute("SELECT record FROM podhawk_findings")]
    assert all(one["finding_id"] in whole for one in kept if one["kind"] != "incident")
    (tmp_path / "copy" / "log").unlink(missing_ok=True)
    with service(tmp_path / "copy", token=live.token) as restored:
        restored.wait_until_evaluated()
        count = sent_to(restored)
        assert 200 <= count <= answered[-1]
        assert all(balanced(one) for one in restored.ledger().values())
        lines = [json.dumps(secrets_listed(number)) for number in range(count)]
        log = tmp_path / "cluster=prod" / "audit.log"
        log.parent.mkdir()
        log.write_text("\n".join([*lines, ""]))
        told = podhawk("run", "-o", "jsonl", "--now", "2026-11-25T12:00:00Z", log)
        expected = {one["finding_id"] for one in map(json.loads, told.stdout.splitlines())}
        assert {one["finding_id"] for one in restored.findings()} == expected
        body = event_list([secrets_listed(100_000)])
        assert restored.post("/audit/prod/cp-1", body).status_code == 200
        restored.wait_until_evaluated()
        assert sent_to(restored) == count + 1


def test_a_backup_never_writes_over_anything(tmp_path: Path) -> None:
    told = podhawk("serve", "--state", tmp_path / "none", "--backup", tmp_path / "copy")
    assert (told.returncode, "holds no state" in told.stderr) == (2, True)
    (tmp_path / "state").mkdir()
    sqlite3.connect(tmp_path / "state" / "podhawk.db").close()
    (tmp_path / "there").mkdir()
    told = podhawk("serve", "--state", tmp_path / "state", "--backup", tmp_path / "there")
    assert (told.returncode, "there already" in told.stderr) == (2, True)


def test_nothing_is_left_of_a_backup_that_failed(tmp_path: Path) -> None:
    from podhawk.errors import PodhawkError

    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "podhawk.db").write_bytes(b"no database" * 100)
    with pytest.raises(PodhawkError):
        list(back_up(tmp_path / "state", tmp_path / "copy"))
    assert sorted(one.name for one in tmp_path.iterdir()) == ["state"]


def test_a_state_of_a_newer_podhawk_is_refused(tmp_path: Path) -> None:
    """A downgrade is refused before anything is written."""
    from podhawk.serve.changes import make_tables
    from podhawk.store.schema import CURRENT

    make_tables(str(tmp_path))
    with sqlite3.connect(tmp_path / "podhawk.db") as connection:
        connection.execute("UPDATE podhawk_schema SET version = ?", (CURRENT + 1,))
    told = podhawk("serve", "--state", tmp_path, "--listen", "127.0.0.1:0", "--free-disk", "1M")
    assert told.returncode != 0
    assert "newer podhawk" in told.stderr
