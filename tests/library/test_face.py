"""The package as another project sees it: what it exports, its types, its documentation."""

from __future__ import annotations

import ast
import doctest
import logging
import pickle
import re
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import podhawk
from podhawk.content.model import Content
from podhawk.notebook import MOST_ROWS
from podhawk.settings.keywords import library_options
from without import run_without

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
DEMO = podhawk.shipped_pack() / "datasets" / "demo.log.gz"
NOTHING = Content()


def test_every_exported_name_is_there_and_has_its_type() -> None:
    tree = ast.parse(Path(podhawk.__file__).read_text(encoding="utf-8"))
    typed = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name)
        for imported in node.body
        if isinstance(imported, ast.ImportFrom)
        for alias in imported.names
    }
    assert typed | {"__version__"} == set(podhawk.__all__)
    assert set(podhawk.__all__) <= set(dir(podhawk))
    for name in podhawk.__all__:
        assert getattr(podhawk, name) is not None
    with pytest.raises(AttributeError, match="serch"):
        podhawk.serch  # noqa: B018


def test_importing_podhawk_imports_nothing_else_of_it() -> None:
    code = "import sys, podhawk; print(sorted(name for name in sys.modules if name.startswith('podhawk')))"
    done = run_without({"msgspec"}, code=code)
    assert done.stdout.strip() == "['podhawk', 'podhawk.settings', 'podhawk.settings.version']", done.stderr


CONSUMER = """
from typing import Unpack, assert_type
import podhawk

result = podhawk.search("* | stats count", "audit.log", earliest="-1h", jobs=2)
assert_type(result, podhawk.Result)
for row in result:
    assert_type(row, dict[str, str | list[str] | None])
content = podhawk.load_content("detections")
assert_type(content, podhawk.Content)
findings = podhawk.run(content, "audit.log", only="x")
for finding in findings:
    assert_type(finding, podhawk.Finding)
    title: str = finding.title

def hunt(spl: str, **options: Unpack[podhawk.SearchKeywords]) -> podhawk.Result:
    return podhawk.search(spl, "audit.log", **options)

try:
    hunt("*", time_field="stageTimestamp")
except podhawk.SearchError as error:
    where: podhawk.Place | None = error.place
"""
WRONG = {
    'podhawk.search("*", "audit.log", earlest="-1h")': 'Unexpected keyword argument "earlest"',
    'podhawk.search("*", "audit.log", jobs="2")': 'Argument "jobs" to "search" has incompatible type "str"',
    'podhawk.run("detections", time_field="stage")': 'Argument "time_field" to "run" has incompatible type',
    'podhawk.run("detections", output="json")': 'Unexpected keyword argument "output"',
    'podhawk.load_content("detections", overides="x")': 'Argument "overides" to "load_content" has incompatible type',
    'podhawk.serch("*")': 'Module has no attribute "serch"',
    "podhawk.search(1)": 'Argument 1 to "search" has incompatible type "int"',
}


def test_mypy_in_another_project_sees_the_types(tmp_path: Path) -> None:
    """An environment in which podhawk is installed, and a project beside it."""
    venv.create(tmp_path / "env", with_pip=False, symlinks=True)
    python = tmp_path / "env" / "bin" / "python"
    (packages,) = (tmp_path / "env" / "lib").glob("python*/site-packages")
    (packages / "podhawk.pth").write_text(f"{ROOT / 'src'}\n{sysconfig.get_path('purelib')}\n")
    project = tmp_path / "project"
    project.mkdir()
    (project / "right.py").write_text(CONSUMER)
    (project / "wrong.py").write_text("import podhawk\n" + "".join(f"{call}\n" for call in WRONG))
    checked = [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(python), "right.py", "wrong.py"]
    done = subprocess.run(
        [*checked, "--cache-dir", str(tmp_path / "cache")],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    told = [line for line in done.stdout.splitlines() if ": error:" in line]
    assert [line for line in told if not line.startswith("wrong.py")] == [], done.stdout + done.stderr
    for number, (call, message) in enumerate(WRONG.items(), 2):
        assert any(line.startswith(f"wrong.py:{number}:") and message in line for line in told), (call, done.stdout)


@pytest.fixture
def quiet_logger() -> Iterator[None]:
    level = logging.getLogger("podhawk").level
    yield
    logging.getLogger("podhawk").setLevel(level)


def test_each_example_of_the_documentation_runs(quiet_logger: None) -> None:
    page = ROOT / "docs" / "library.md"
    text = page.read_text(encoding="utf-8")
    names: dict[str, object] = {}
    told: list[str] = []
    runner = doctest.DocTestRunner()
    for found in re.finditer(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        line = text.count("\n", 0, found.start(1))
        example = doctest.DocTestParser().get_doctest(found[1], names, page.name, str(page), line)
        runner.run(example, out=told.append, clear_globs=False)
        names = example.globs
    assert runner.summarize(verbose=False).attempted > 20
    assert told == [], "".join(told)


def test_the_documentation_names_each_option_and_export() -> None:
    text = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
    errors = [name for name in podhawk.__all__ if name.endswith("Error")]
    assert [name for name in [*library_options("run"), *errors] if f"`{name}`" not in text] == []
    assert [name for name in podhawk.__all__ if name not in text and not name.startswith("_")] == []


def test_a_notebook_shows_a_table() -> None:
    result = podhawk.search(
        '| makeresults count=300 | streamstats count as n | eval x="<b>" | fieldformat n="no. ".n | table n x'
    )
    shown = result._repr_html_()
    assert shown.startswith(
        "<table><thead><tr><th>n</th><th>x</th></tr></thead><tbody><tr><td>no. 1</td><td>&lt;b&gt;</td>"
    )
    assert shown.count("<tr>") == MOST_ROWS + 1
    assert shown.endswith("<p>100 more rows</p>")
    assert repr(result) == "<Result: 300 rows, columns n, x>"
    findings = podhawk.run(podhawk.shipped_pack(), DEMO, only="Kubernetes Privileged Pod")
    assert repr(findings).startswith("<FindingsResult: ")
    assert findings._repr_html_().startswith("<table><thead><tr><th>identity</th>")


def test_what_the_documentation_says_is_pickled() -> None:
    content = podhawk.load_content(podhawk.shipped_pack())
    result = podhawk.search("verb=create | stats count values(verb) as v by user.username", DEMO, content=content)
    assert list(pickle.loads(pickle.dumps(result))) == list(result)
    found = list(podhawk.run(content, DEMO, only="Kubernetes Privileged Pod"))
    assert pickle.loads(pickle.dumps(found)) == found
    assert pickle.loads(pickle.dumps(content)) == content
    with pytest.raises(podhawk.SearchError) as caught:
        podhawk.search("* | stat count", DEMO)
    copied = pickle.loads(pickle.dumps(caught.value))
    assert (str(copied), copied.place, copied.remedy) == (str(caught.value), caught.value.place, caught.value.remedy)


def test_threads_share_content_and_leave_the_garbage_collector_as_it_was() -> None:
    """Of two blocks in two threads the later one put back what the earlier one had set."""
    import gc

    before = gc.get_threshold()
    content = podhawk.load_content(podhawk.shipped_pack())
    searches = [f"* | stats count by {name}" for name in ("verb", "user.username", "objectRef.resource", "stage")] * 3
    expected = [list(podhawk.search(one, DEMO, content=content, jobs=1)) for one in searches]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda one: list(podhawk.search(one, DEMO, content=content, jobs=1)), searches))
    assert found == expected
    assert gc.get_threshold() == before
    assert gc.isenabled()


@pytest.mark.parametrize(
    ("method", "package"), [("to_arrow", "pyarrow"), ("to_pandas", "pandas"), ("to_polars", "polars")]
)
def test_a_package_for_data_frames_is_named_where_it_is_missing(method: str, package: str) -> None:
    code = f"""
import podhawk
try:
    podhawk.search("| makeresults").{method}()
except podhawk.UsageError as error:
    print(error.remedy)
"""
    done = run_without({package}, code=code)
    assert done.stdout.strip() == f"Install it: pip install {package}", done.stderr
