"""Programs that others have written send to HEC, as their users set them up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.findings import event
from support.needs import program
from support.processes import wait_for
from support.service import Service, balanced

pytestmark = [pytest.mark.needs("serve"), pytest.mark.slow]
EVENTS = 120
PYTHON = """
import json, logging, sys
from splunk_handler import SplunkHandler
port, token, log = sys.argv[1:]
handler = SplunkHandler(host="127.0.0.1", port=port, token=token, index="main", protocol="http", flush_interval=0.2)
handler.setFormatter(logging.Formatter("%(message)s"))
logger = logging.getLogger("audit")
logger.addHandler(handler)
for line in open(log):
    logger.error(line.rstrip())
handler.force_flush()
"""
NODE = """
const { Logger } = require("splunk-logging");
const fs = require("fs");
const [port, token, log] = process.argv.slice(2);
const logger = new Logger({ token, url: `http://127.0.0.1:${port}`, maxBatchCount: 0, batchInterval: 0 });
logger.eventFormatter = (message) => message;
logger.error = (error) => { console.error(error); process.exitCode = 1; };
for (const line of fs.readFileSync(log, "utf8").trim().split("\\n")) {
    logger.send({ message: JSON.parse(line) });
}
logger.flush((error, response, body) => {
    if (error || body.code !== 0) { console.error(error, body); process.exit(1); }
});
"""
SYSLOG_NG = """@version: 3.38
options {{ log-msg-size(1048576); stats-freq(0); }};
source audit {{ file("{log}" flags(no-parse) follow-freq(0.2)); }};
destination podhawk {{
    http(
        url("http://127.0.0.1:{port}/services/collector/event")
        headers("Authorization: Splunk {token}")
        method("POST") user-agent("syslog-ng") workers(2) batch-lines(40) batch-timeout(300) timeout(10)
        body('{{"source": "syslog-ng", "event": ${{MSG}}}}') body-suffix("\\n")
    );
}};
log {{ source(audit); destination(podhawk); flags(flow-control); }};
"""


TOKENS: dict[str, str] = {}


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that knows the tokens before the clients come: some give a batch up at the first 4xx."""
    one = Service(tmp_path_factory.mktemp("live"))
    for name in ("python", "node", "syslog-ng"):
        TOKENS[name] = one.new_token(name, scopes=("send",))
    one.start()
    yield one
    one.stop()


def log_of(folder: Path, name: str) -> Path:
    path = folder / "audit.log"
    lines = [json.dumps(event(f"{name}-{number}"), separators=(",", ":")) for number in range(EVENTS)]
    path.write_text("\n".join(lines) + "\n")
    return path


def installed(command: list[object]) -> None:
    """Install a client; skip the test where its registry is not reached."""
    done = subprocess.run([str(one) for one in command], capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        pytest.skip(f"the client cannot be installed: {(done.stderr or done.stdout).strip()[-200:]}")


def all_arrived(live: Service, token: str) -> bool:
    account = live.ledger().get(f"hec:{token}")
    if account is None or account["received"] < EVENTS:
        return False
    assert balanced(account)
    assert (account["rejected"], account["dead_lettered"], account["received"]) == ({}, 0, EVENTS)
    return True


@pytest.mark.registry
def test_a_python_logging_handler(live: Service, tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    installed([sys.executable, "-m", "pip", "install", "--quiet", "--target", packages, "splunk-handler==3.0.0"])
    done = subprocess.run(
        [sys.executable, "-c", PYTHON, str(live.port), TOKENS["python"], str(log_of(tmp_path, "python"))],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(packages)},
    )
    assert done.returncode == 0, done.stderr
    wait_for(lambda: all_arrived(live, "python"), 30, f"{done.stderr} {live.ledger()} {live.log}")


@pytest.mark.registry
@pytest.mark.needs("npm")
def test_a_node_logger(live: Service, tmp_path: Path) -> None:
    installed(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", tmp_path, "splunk-logging@0.11.1"])
    (tmp_path / "send.js").write_text(NODE)
    done = subprocess.run(
        ["node", str(tmp_path / "send.js"), str(live.port), TOKENS["node"], str(log_of(tmp_path, "node"))],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    wait_for(lambda: all_arrived(live, "node"), 30, f"{done.stderr} {live.ledger()} {live.log}")


@pytest.mark.needs("syslog-ng")
def test_syslog_ng(live: Service, tmp_path: Path) -> None:
    configuration = tmp_path / "syslog-ng.conf"
    log = log_of(tmp_path, "syslog-ng")
    configuration.write_text(SYSLOG_NG.format(log=log, port=live.port, token=TOKENS["syslog-ng"]))
    command = [
        *(str(program("syslog-ng")), "--foreground", "--no-caps", "--cfgfile", str(configuration)),
        *("--persist-file", str(tmp_path / "persist"), "--control", str(tmp_path / "control")),
        *("--pidfile", str(tmp_path / "pid"), "--stderr"),
    ]
    with (tmp_path / "said").open("wb") as said:
        running = subprocess.Popen(command, stdout=said, stderr=said)
    try:
        wait_for(lambda: all_arrived(live, "syslog-ng"), 60, f"{(tmp_path / 'said').read_text()} {live.log}")
    finally:
        running.terminate()
        running.wait(30)


def test_what_they_sent_is_evaluated(live: Service) -> None:
    live.wait_until_evaluated()
    assert all(balanced(one) for one in live.ledger().values())
