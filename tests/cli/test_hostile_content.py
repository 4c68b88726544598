"""One content file never ends a verb for the others: it is broken, with its place and reason."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest

from podhawk.cli.main import invoke
from podhawk.content import load_content, shipped_pack
from podhawk.engine.plan.runnable import Broken, Runnable, runnability
from podhawk.errors import PodhawkError
from support.findings import event

pytestmark = pytest.mark.slow

TERMS = 5_000
MUTATED = 2_000 if os.environ.get("PODHAWK_EFFORT") == "full" else 120


def _joined(word: str, term: str) -> str:
    return word.join(term.format(number) for number in range(TERMS))


LONG = {
    "or": _joined(" OR ", "verb=v{}") + " OR verb=create | table auditID",
    "and": "verb=create " + _joined(" ", "NOT verb=v{}") + " | table auditID",
    "plus": "verb=create | eval x=" + _joined("+", "{}") + f" | where x={sum(range(TERMS))} | table auditID",
    "dot": "verb=create | eval x=" + _joined(".", '"a"') + f" | where len(x)={TERMS} | table auditID",
    "eval or": "verb=create | where " + _joined(" OR ", 'verb="v{}"') + ' OR verb="create" | table auditID',
    "eval and": "verb=create | where " + _joined(" AND ", 'verb!="v{}"') + " | table auditID",
    "in": f"verb IN ({_joined(', ', 'v{}')}, create) | table auditID",
    "subsearch": "verb=create [search verb=create | fields auditID] | table auditID",
}
BROKEN = {
    "not": "NOT " * TERMS + "verb=create | table verb",
    "parentheses": "(" * TERMS + "verb=create" + ")" * TERMS + " | table verb",
    "eval not": "verb=create | where " + "NOT " * TERMS + "1=1 | table verb",
    "eval parentheses": "verb=create | eval x=" + "(" * TERMS + "1" + ")" * TERMS + " | table x",
    "minus": "verb=create | eval x=" + "-" * TERMS + "1 | table x",
    "subsearches": "verb=create " + "[search verb=create " * 300 + "x" + "]" * 300,
    "commands": "verb=create " + "| eval x=1 " * 1_000 + "| table x",
    "digits": f"verb=create | eval x={'9' * 4_301} | table x",
    "head": f"verb=create | head {'9' * 5_000}",
    "regex": 'verb=create | regex verb="' + "(" * TERMS + "a" + ")" * TERMS + '" | table verb',
    "macros": "`m0` | table verb",
}
UNREAD = {
    "deep yaml": "x: " + "[" * TERMS + "]" * TERMS,
    "deeper yaml": "".join(" " * depth + "x:\n" for depth in range(1_000)) + " " * 1_000 + "y: 1",
    "impact": "tags:\n  impact: 1e308\n  confidence: 1e308\n  message: x",
    "score": "rba:\n  message: x\n  risk_objects:\n  - {field: verb, type: user, score: 1e308}",
    "version": "version: " + "9" * TERMS,
}
VERBS = {
    "run": ["run", "--jobs", "1", "--content", "CONTENT", "LOG"],
    "run --rows": ["run", "--rows", "--jobs", "1", "--content", "CONTENT", "LOG"],
    "run --state": ["run", "--jobs", "1", "--content", "CONTENT", "LOG", "--state", "STATE"],
    "lint": ["lint", "CONTENT"],
    "fmt": ["fmt", "--check", "CONTENT"],
    "content list": ["content", "list", "--content", "CONTENT"],
    "docs": ["docs", "--content", "CONTENT", "--output-dir", "SITE"],
    "explain": ["explain", "or", "--content", "CONTENT", "LOG"],
    "tune": ["tune", "or", "--when", "verb=create", "--content", "CONTENT", "LOG"],
    "diff": ["diff", "CONTENT", "CONTENT", "LOG"],
    "export": ["export", "splunk", "--content", "CONTENT", "--output-dir", "SITE"],
    "test": ["test", "--content", "CONTENT", "--allow-skipped"],
    "coverage": ["coverage", "--content", "CONTENT"],
}


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("content")
    (root / "detections").mkdir()
    (root / "macros").mkdir()
    for name, search in (LONG | BROKEN).items():
        (root / "detections" / f"{name}.yml").write_text(f"name: {name}\nid: {name}\nsearch: |\n  {search}\n")
    for name, member in UNREAD.items():
        (root / "detections" / f"{name}.yml").write_text(f"name: {name}\nid: {name}\nsearch: verb=create\n{member}\n")
    macros = [{"name": f"m{number}", "definition": f"`m{number + 1}`"} for number in range(1_000)]
    (root / "macros" / "macros.yml").write_text(json.dumps(macros))
    return root


def test_long_chains_run_and_deep_nesting_is_refused_with_its_place(content: Path) -> None:
    loaded = load_content(content)
    answers = {one.name: runnability(one, loaded) for one in loaded.detections}
    assert {name for name, answer in answers.items() if isinstance(answer, Runnable)} == set(LONG)
    broken = {name: answer for name, answer in answers.items() if isinstance(answer, Broken)}
    assert set(broken) == set(BROKEN)
    assert all(answer.error.place is not None and answer.error.place.line for answer in broken.values())
    assert {Path(one.place.file).stem for one in loaded.problems if one.place.line} == set(UNREAD)


@pytest.mark.parametrize("verb", VERBS)
def test_one_broken_file_ended_a_verb_for_all(
    verb: str, content: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "audit.log").write_text(json.dumps(event("a0")) + "\n")
    places = {"CONTENT": str(content), "LOG": str(tmp_path / "audit.log")}
    places |= {"STATE": str(tmp_path / "state"), "SITE": str(tmp_path / "site")}
    code = invoke([places.get(word, word) for word in VERBS[verb]])
    assert code in (0, 3)
    told = capsys.readouterr().err
    if verb == "run --rows":
        assert all(f"fired     {name}: 1 row" in told for name in LONG)
        assert all(f"broken    {name}: " in told for name in BROKEN)


def mutated(text: str, chance: random.Random) -> str:
    """A content file with a few faults."""
    pieces = [
        "(",
        ")",
        "[",
        "]",
        "|",
        '"',
        "`",
        "\\",
        "\n",
        "\t",
        "NOT ",
        " OR ",
        ": ",
        "- ",
        "{",
        "}",
        "&a ",
        "*a",
        "9" * 400,
    ]
    pieces += ["\x1b", "\x85", "\u202e", "''", "!!python/object:os ", "$x$", "1e308", "null", "%"]
    pieces += ["../../x", "<<: "]
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(text) + 1)
        if chance.random() < 0.4:
            text = text[:at] + text[at + chance.randint(1, 40) :]
        else:
            text = text[:at] + chance.choice(pieces) * chance.choice((1, 1, 2, 300)) + text[at:]
    return text


def test_mutated_files_raise_only_errors_of_podhawk(tmp_path: Path) -> None:
    sources = sorted(shipped_pack().glob("detections/*.yml")) + sorted(shipped_pack().glob("macros/*.yml"))
    chance = random.Random(14)
    (tmp_path / "macros").mkdir()
    for path in shipped_pack().glob("macros/*.yml"):
        (tmp_path / "macros" / path.name).write_text(path.read_text())
    for number in range(MUTATED):
        source = chance.choice(sources)
        (tmp_path / "one").mkdir(exist_ok=True)
        (tmp_path / "one" / "one.yml").write_text(mutated(source.read_text(), chance))
        try:
            loaded = load_content([tmp_path / "macros", tmp_path / "one"])
        except PodhawkError:
            continue
        for one in loaded.detections:
            assert runnability(one, loaded), number
