"""Schedules: a deployment file, an inline `deployment` or a generation 3 `schedule`."""

from __future__ import annotations

from typing import Any, Final

from podhawk.content.model import Deployment
from podhawk.content.reading import MappingReader

_STORY: Final = ("analytic_story", "analytics_story")
"""Published deployment files have the second spelling."""


def read_deployment(top: MappingReader, named: bool = True) -> Deployment:
    """One schedule. Times may stand at top level or under `scheduling`.

    Raises ContentError where a deployment file has no name; an inline one needs none.
    """
    timing = top.inner("scheduling") if "scheduling" in top else top
    action: Any = top.raw("alert_action")
    tags = top.inner("tags")
    return Deployment(
        name=top.need("name") if named else top.text("name"),
        id=top.text("id"),
        type=top.text("type") or tags.text("type"),
        analytic_story=top.texts(*_STORY) or tags.texts(*_STORY),
        description=top.text("description"),
        cron_schedule=timing.text("cron_schedule", "cron"),
        earliest_time=timing.text("earliest_time", "earliest"),
        latest_time=timing.text("latest_time", "latest"),
        schedule_window=timing.text("schedule_window"),
        alert_action=action if isinstance(action, dict) else {},
        file=top.document.file,
    )
