"""Scans that go on with the work of the scan before find what scans of their own find."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from podhawk import api
from podhawk.content.model import Content
from podhawk.engine.plan.planner import read_search
from podhawk.engine.run.batch import BatchRunner, CompiledJobs, SearchJob
from podhawk.engine.run.files import FileSource
from podhawk.engine.run.repeated import RepeatedScan
from podhawk.events.collected import place_of
from podhawk.events.inputfile import Input
from podhawk.events.inputs import Inputs
from podhawk.events.options import ReadOptions
from support.wrappings import event

GATHERED = ["verb=create objectRef.resource=pods", "verb=delete", "objectRef.resource=secrets NOT verb=get"]
COUNTED = ["verb=list | stats count by objectRef.resource", "verb=get | table auditID verb"]


def jobs(texts: list[str]) -> list[SearchJob]:
    return [SearchJob(read_search(text, {}), api.session_of({}).context(Content())) for text in texts]


def source(number: int) -> FileSource:
    chance = random.Random(f"repeated {number}")
    lines: list[dict[str, Any]] = [event(chance, place) for place in range(300)]
    for place in range(0, 300, 7):
        lines[place]["user.username"] = "flattened"  # only the slow path reads this
    text = "".join(json.dumps(one, separators=(",", ":")) + "\n" for one in lines)
    return FileSource(Inputs.of([Input.of_bytes(f"part-{number}", text.encode())]), ReadOptions())


@pytest.mark.parametrize("fewest", [1, 100])
def test_one_input_after_the_other_gives_what_each_gives_alone(fewest: int) -> None:
    gathered, counted = jobs(GATHERED), jobs(COUNTED)
    compiled, scan = CompiledJobs([*gathered, *counted]), RepeatedScan(fewest)
    for number in range(4):
        alone, numbers = BatchRunner(source(number)).gather_and_count(jobs(GATHERED), jobs(COUNTED))
        runner = BatchRunner(source(number), scan=scan, compiled=compiled)
        together, same = runner.gather_and_count(gathered, counted)
        assert [list(map(place_of, one.state)) for one in together] == [list(map(place_of, one.state)) for one in alone]
        assert same == numbers
        assert all(one.state for one in alone)
        assert sum(numbers) > 5


def test_the_work_is_kept_for_the_same_searches_only() -> None:
    gathered = jobs(GATHERED)
    compiled, scan = CompiledJobs(gathered), RepeatedScan(1)
    for some in (gathered, gathered[::-1], gathered):
        found = BatchRunner(source(1), scan=scan, compiled=compiled).gather(some)
        alone = BatchRunner(source(1)).gather(jobs([GATHERED[gathered.index(one)] for one in some]))
        assert [len(one.state) for one in found] == [len(one.state) for one in alone]
