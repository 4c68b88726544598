"""Requests that changed nothing."""

from __future__ import annotations

from typing import Final

from podhawk.detect.noise.declare import NoiseClass, each

DRY_RUN: Final = NoiseClass(
    name="dry-run",
    doc="The request was a dry run (`dryRun=All`): the API server answered without changing anything.",
    action="lower",
    members=each(lambda match: match.finding.outcome == "dry_run"),
)
