"""The live published detections over logs of a real API server: the second reading gives the same rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from oracle.logs import results_of, rows_of, without_nothing
from podhawk import api
from podhawk.content import Content

pytestmark = pytest.mark.slow

CORPORA = ("A-metadata", "C-requestresponse", "D-background-1")


@pytest.mark.parametrize("corpus", CORPORA)
def test_rows_of_live_detections(published: Content, shared: Path, corpus: str) -> None:
    path = shared / "audit" / "corpus" / f"{corpus}.log.gz"
    live = [one for one in published.detections if "`kube_audit`" in one.search and "iplocation" not in one.search]
    assert len(live) == 12
    events = rows_of(path)
    for exact in (False, True):
        result = api.rows(published, path, detections=live, splunk_exact=exact, now="2026-11-25T12:00:00Z")
        for one in result.detections:
            expected = results_of(one.detection.search, published.macros, events, exact)
            assert without_nothing(one.result) == expected, (one.detection.name, exact)
