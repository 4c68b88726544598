"""Searches with subsearches and templates, printed and parsed again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from podhawk.commands.parse import parse_search, render_pipeline
from podhawk.spl.macros import expand
from podhawk.spl.text import plain
from support.golden_case import read_cases

GOLDEN = Path(__file__).parent.parent / "golden"
NAMES = (
    "append",
    "appendcols",
    "appendpipe",
    "datamodel",
    "foreach",
    "from",
    "join",
    "map",
    "multisearch",
    "subsearch",
    "transaction",
    "tstats",
    "union",
)
MORE = (
    '* | transaction a, "b c" maxspan=2h maxpause=90s maxevents=-1 startswith=eval(x>1 AND like(y, "a%")) '
    'endswith="a (b OR c) NOT d" connected=f unifyends=t keepevicted=1 keeporphans=yes mvraw=t delim=";" nullstr=""',
    '* | join type=outer max=0 overwrite=f usetime=t earlier=f a, "b c" [ search x=1 | append [ makeresults ] ]',
    '| tstats summariesonly=t fillnull_value="" dc(A.b) AS n count from datamodel=Endpoint.Processes where '
    '(A.c="* by *" OR A.d!=1) NOT A.e IN (1, 2) by _time span=1d A.b',
    '* | foreach mode=auto_collections "a b" itemstr="#" [ eval x=x+#, y="[#]" ]',
    '* | map maxsearches=3 [ search a=$b.c{}$ | stats count by "d e" ]',
    "* | appendpipe [ search a=1 | stats count ]",
    '* | union lookup:"my table.csv" maxout=5 [ search a=1 ], datamodel Risk',
)
CASES = [
    pytest.param(case["spl"], id=f"{name}-{case['id']}")
    for name in NAMES
    for case in read_cases(GOLDEN / f"{name}.jsonl")
    if case["expect"] != "ERROR" and "macros" not in case
]


@pytest.mark.parametrize("spl", [*CASES, *MORE])
def test_round_trip(spl: str) -> None:
    tree = parse_search(plain(spl))
    assert parse_search(plain(render_pipeline(tree))) == tree


def test_published_foreach_keeps_its_template(shared: Path) -> None:
    """The template's text is part of the tree, so printing a published search cannot change it."""
    seen = 0
    for path in sorted((shared / "content" / "splunk" / "detections" / "cloud").glob("*.yml")):
        search = yaml.safe_load(path.read_text(encoding="utf-8")).get("search", "")
        if "foreach" not in search:
            continue
        text = expand(search, {}, keep_unknown=True)
        start = re.search(r"foreach stdev_\*", text.text)
        assert start is not None
        alone = plain("* | " + text.text[start.start() : text.text.index("|", text.text.index("]", start.start()))])
        tree = parse_search(alone)
        node = tree.stages[1].node
        assert node.template.startswith("eval anomalies =if(")
        assert "'avg_<<MATCHSTR>>'" in node.template
        assert parse_search(plain(render_pipeline(tree))) == tree
        seen += 1
    assert seen >= 5
