"""Where the datasets of a detection's tests are on this machine."""

from __future__ import annotations

import os
from pathlib import Path

from podhawk.content.boundary import OUTSIDE_REMEDY, dataset_paths, outside
from podhawk.content.load import shipped_pack
from podhawk.content.model import Detection
from podhawk.content.walk import home_of
from podhawk.errors import ContentError, Place


def own_attacks(detection: Detection) -> list[Path]:
    """The attack datasets of a detection's own tests (those that expect anything), as far as they are files here."""
    named = [data.data for test in detection.tests if test.expected_results != 0 for data in test.attack_data]
    return list(dict.fromkeys(path for name in named if (path := local(name, detection)) is not None))


def shipped_attacks() -> Path:
    """The shipped dataset that holds attacks of every kind mixed into routine work."""
    return shipped_pack() / "datasets" / "demo.log.gz"


def local(name: str, detection: Detection) -> Path | None:
    """A dataset by path: as it stands, or beside the detection's file or a folder above it, up to the content root.

    Raises ContentError for a path that leads out of the content root.
    """
    if "://" in name or not name:
        return None
    home = Path(detection.home) if detection.home else home_of(Path(detection.file))
    named = dataset_paths(name, detection.file, home)
    if named.leads_out:
        raise ContentError(outside(name), place=Place(detection.file), remedy=OUTSIDE_REMEDY)
    return next((path for path in named.inside if os.path.isfile(path)), None)
