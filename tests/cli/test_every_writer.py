"""Every writer, with hostile text in each place that others fill: events of the log, and the texts of content."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from podhawk.cli.main import invoke
from podhawk.settings.options import BY_KEY, OUTPUTS
from support.findings import event

pytestmark = pytest.mark.slow

INJECTED = "INJECTED: all is well"
HOSTILE = f"=a\x1b[2Jb\x1b]0;t\x07c\x9b31md\u202ee\u2066f\u200bg\ufeffh\x7fi\u2028j\x85k\r\n{INJECTED}\n=1+1"
HIDDEN = set(HOSTILE) - set(map(chr, range(32, 127))) - set("\r\n")
CONTENT = {
    "detections/made.yml": {
        "name": "Made",
        "id": "11111111-1111-1111-1111-111111111111",
        "version": 1,
        "type": "TTP",
        "status": "production",
        "description": HOSTILE,
        "how_to_implement": HOSTILE,
        "known_false_positives": HOSTILE,
        "references": [f"https://x/{HOSTILE}"],
        "author": HOSTILE,
        "search": f'verb=create userAgent!="{HOSTILE}" | table auditID user.username userAgent',
        "severity": "high",
        "tags": {"mitre_attack_id": ["T1610"], "analytic_story": ["Story"]},
        "finding": {
            "title": f"$user.username$ {HOSTILE}",
            "entity": {"field": "user.username", "type": "user", "score": 90},
        },
        "tests": [{"name": "one", "attack_data": [{"data": "audit.log"}]}],
    },
    "detections/broken.yml": {"name": "Broken", "id": "2", "search": f"verb=create | nonsense {HOSTILE}"},
    "stories/story.yml": {"name": "Story", "id": "3", "description": HOSTILE, "narrative": HOSTILE},
    "macros/m.yml": {"name": "m", "definition": f'verb="{HOSTILE}"', "description": HOSTILE},
}
RUN = "run --content CONTENT LOG --all"
CALLS = [
    *(f"{RUN} -o {kind}" for kind in OUTPUTS),
    *(f"{RUN} --rows -o {kind}" for kind in OUTPUTS),
    *(f"search SEARCH LOG -o {kind}" for kind in OUTPUTS),
    *(f"diff CONTENT EMPTY LOG -o {kind}" for kind in OUTPUTS),
    *(f"content list --content CONTENT -o {kind}" for kind in OUTPUTS),
    *(f"content show Made --content CONTENT -o {kind}" for kind in OUTPUTS),
    *(f"coverage --content CONTENT -o {kind}" for kind in BY_KEY["output"].choices_for("coverage")),
    *(f"lint CONTENT -o {kind}" for kind in BY_KEY["output"].choices_for("lint")),
    *(f"test --content CONTENT --allow-skipped -o {kind}" for kind in BY_KEY["output"].choices_for("test")),
    f"{RUN} -o html",
    "search COUNTS LOG --plot",
    "explain Made --content CONTENT LOG",
    "explain Made --content CONTENT LOG --event a0",
    "explain Broken --content CONTENT LOG",
    "explain Misses --content CONTENT LOG",
    "tune Made --content CONTENT LOG",
    "tune Made --content CONTENT LOG --when verb=create",
    *(f"learn --content CONTENT LOG --output-dir FILES -o {kind}" for kind in OUTPUTS),
    "docs --content CONTENT --output-dir FILES",
    "export splunk --content CONTENT --output-dir FILES",
    "content convert --to gen3 --content CONTENT --output-dir FILES --only Made",
    f"{RUN} --verbose",
    "run HOSTILE",
    "run --HOSTILE",
    "HOSTILE",
    "run --output HOSTILE LOG",
    "run --jobs HOSTILE LOG",
    "search HOSTILE LOG",
    "run --only HOSTILE LOG",
    "explain HOSTILE LOG",
    "help spl HOSTILE",
    "run --content HOSTILE LOG",
    "run --state mysql://HOSTILE LOG",
    "new HOSTILE HOSTILE",
    "replay LOG --to http://HOSTILE/",
    "run --memory HOSTILE LOG",
    "run --tz HOSTILE LOG",
]
MACHINE = ("jsonl", "json", "navigator", "sarif", "junit")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("hostile")
    for name, text in CONTENT.items():
        (root / "content" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "content" / name).write_text(json.dumps(text))
    misses = {**CONTENT["detections/made.yml"], "name": "Misses", "id": "4", "search": "verb=create userAgent=x"}
    (root / "content" / "detections" / "misses.yml").write_text(json.dumps(misses))
    (root / "empty" / "detections").mkdir(parents=True)
    one = json.dumps(event("a0", user={"username": HOSTILE, "groups": [HOSTILE]}, userAgent=f"x{HOSTILE}"))
    for path in (root / "audit.log", root / "content" / "detections" / "audit.log"):
        path.write_text(one + "\n")
    return root


def _settings(text: str) -> list[str]:
    """The settings of a .conf file, with their continued lines."""
    return text.replace("\\\n", "\0").split("\n")


@pytest.mark.parametrize("call", CALLS)
def test_hostile_text_reaches_no_output(
    call: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = {
        "CONTENT": str(folder / "content"),
        "EMPTY": str(folder / "empty"),
        "LOG": str(folder / "audit.log"),
        "FILES": str(tmp_path / "files"),
        "SEARCH": '* | table user.username userAgent | rename userAgent as "=x\u202e"',
        "COUNTS": "* | stats count by user.username",
    }
    words = [named.get(word, word.replace("HOSTILE", HOSTILE)) for word in call.split()]
    code = invoke(words)
    printed = capsys.readouterr()
    assert code in ((0, 2, 3, 4, 6) if "HOSTILE" in call else (0, 3, 6)), printed.err
    texts = {"standard output": printed.out, "standard error": printed.err}
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    texts |= {path.name: path.read_text() for path in written if not path.name.endswith((".log", ".yml", ".gz"))}
    kind = words[words.index("-o") + 1] if "-o" in words else ""
    for name, written_text in texts.items():
        text = written_text
        if name.endswith(".conf"):  # what Splunk runs stays as it is, control characters included
            text = "\n".join(part for part in _settings(text) if not part.startswith(("search =", "definition =")))
        assert not HIDDEN & set(text.replace("\0", "")), (name, HIDDEN & set(text))
        if not name.endswith((".html", ".conf", ".js")) and not (name == "standard output" and kind in ("csv", "html")):
            assert not [line for line in text.splitlines() if line.startswith(INJECTED)], (name, text)
    if kind == "csv":
        cells = [cell for row in csv.reader(io.StringIO(printed.out)) for cell in row]
        assert cells or not printed.out
        assert not [cell for cell in cells if cell.startswith(("=", "+", "@"))]
    if kind in MACHINE and printed.out and kind != "junit":
        documents = printed.out.splitlines() if kind == "jsonl" else [printed.out]
        assert [json.loads(one) for one in documents]
