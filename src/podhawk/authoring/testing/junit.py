"""Test outcomes as JUnit XML: what CI systems and `podhawk coverage --tested` read."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from podhawk.authoring.testing.run import CaseOutcome
from podhawk.visible import visible


def junit(outcomes: Sequence[CaseOutcome]) -> str:
    """The outcomes as one test suite; the class name of a case is the detection's name."""
    failed = sum(one.verdict == "failed" for one in outcomes)
    skipped = sum(one.verdict == "skipped" for one in outcomes)
    suite = ElementTree.Element(
        "testsuite",
        name="podhawk test",
        tests=str(len(outcomes)),
        failures=str(failed),
        errors="0",
        skipped=str(skipped),
        time=f"{sum(one.seconds for one in outcomes):.3f}",
    )
    for one in outcomes:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=_clean(one.case.detection.name),
            name=_clean(one.case.test.name) or "(no test)",
            file=_clean(one.case.detection.file),
            time=f"{one.seconds:.3f}",
        )
        if one.verdict == "failed":
            failure = ElementTree.SubElement(case, "failure", message=_clean(one.message))
            failure.text = _clean("\n".join(one.details))
        elif one.verdict == "skipped":
            ElementTree.SubElement(case, "skipped", message=_clean(one.message))
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _clean(text: str) -> str:
    """Text without what XML cannot hold; control characters and invisible ones are escapes."""
    return "".join(
        char
        for char in visible(text)
        if char in "\t\n\r" or " " <= char <= "\ud7ff" or "\ue000" <= char <= "\ufffd" or char > "\uffff"
    )
