"""Windows over event time: when an aggregate plan looks, and at what.

A detection's deployment says when its search runs (cron) and which span it looks at (`earliest_time`, `latest_time`
relative to that moment). Both are taken in event time, so old logs give what the live stream would have given. A plan
that only gains rows while its window fills looks after every minute that brought something, over the same length.

Source: https://help.splunk.com/en/splunk-enterprise/alert-and-respond/alerting-manual/9.4/create-alerts/
use-cron-expressions-for-alert-scheduling
"""

from __future__ import annotations

import bisect
import functools
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Final

from cronsim import CronSim, CronSimError
from msgspec import Struct

from podhawk.content.model import Deployment
from podhawk.errors import ContentError, Place, SearchError
from podhawk.functions.times import resolve

MINUTE: Final = 60.0
_SOME_MOMENT: Final = 1.5e9
_YEARS: Final = 4 * 366 * 86_400.0
HOURLY: Final = Deployment("hourly", cron_schedule="0 * * * *", earliest_time="-70m@m", latest_time="-10m@m")
"""What a detection without a deployment gets: the default of Splunk's content."""


class Window(Struct, frozen=True):
    """What is looked at: `start <= time < end`, at the moment `at`."""

    start: float
    end: float
    at: float


EVER: Final = Window(float("-inf"), float("inf"), _SOME_MOMENT)
"""A window that holds everything."""


class Schedule(Struct, frozen=True):
    """When a detection looks, and at which span, in seconds before or after that moment where it is not snapped."""

    cron: str
    earliest: str
    latest: str
    zone: tzinfo

    @property
    def length(self) -> float:
        """The length of the window in seconds, an hour where it is open."""
        window = self.window(_SOME_MOMENT)
        return max(window.end - window.start, MINUTE)

    @property
    def longest(self) -> float:
        """The length that no window exceeds: snapped ones (`@d`) are not all of the same length."""
        return _longest(self)

    @property
    def looks_ahead(self) -> bool:
        """Whether a window ends later than the moment at which the detection looks."""
        return self.window(_SOME_MOMENT).end > _SOME_MOMENT

    @property
    def is_even(self) -> bool:
        """Whether all windows are of one length and each ends later than the one before, but not later than the moment
        of looking: then no window depends on whether there are events outside of it."""
        return not self.looks_ahead and _is_even(self)

    def window(self, at: float) -> Window:
        """The span that is looked at at a moment."""
        return Window(resolve(self.earliest, at, self.zone), resolve(self.latest, at, self.zone), at)

    def positions(self, times: Sequence[float]) -> Iterator[Window]:
        """The windows that hold any of these times, which are sorted."""
        if not times:
            return
        one, other = self.window(_SOME_MOMENT), self.window(_SOME_MOMENT + _YEARS)
        end = float("-inf")
        for moment in CronSim(self.cron, datetime.fromtimestamp(times[0] - MINUTE, self.zone)):
            window = self.window(moment.timestamp())
            over = end > times[-1] or end == other.end == one.end  # the window before held all that there is to come
            if window.start > times[-1] or (over and one.start == other.start):
                return
            end = window.end
            first = bisect.bisect_left(times, window.start)
            if first < len(times) and times[first] < window.end:
                yield window

    def sliding(self, times: Sequence[float]) -> Iterator[Window]:
        """A window that ends with each minute that holds any of these times, which are sorted."""
        length = self.length
        for minute in dict.fromkeys(time // MINUTE for time in times):
            end = (minute + 1) * MINUTE
            yield Window(end - length, end, end)


@functools.lru_cache(maxsize=256)
def _longest(schedule: Schedule) -> float:
    moments = (_SOME_MOMENT + number * 3_607.0 * 11 for number in range(800))  # all hours, over a year
    windows = [schedule.window(at) for at in moments] if "@" in schedule.earliest + schedule.latest else []
    return max([schedule.length, *(one.end - one.start + MINUTE for one in windows)])


@functools.lru_cache(maxsize=256)
def _is_even(schedule: Schedule) -> bool:
    days = range(0 if schedule.zone is UTC else 366)  # clocks are changed on some day of the year
    moments = (_SOME_MOMENT + offset for offset in (0.0, 59.0, 61.0, 3_601.0, *(day * 86_400.0 for day in days)))
    spans = [(at - window.start, at - window.end) for at in moments for window in [schedule.window(at)]]
    return all(max(lengths) - min(lengths) < MINUTE for lengths in zip(*spans, strict=True))


def schedule_of(deployment: Deployment | None, zone: tzinfo = UTC) -> Schedule:
    """The schedule of a deployment. Raises ContentError for times or a cron line that cannot be read."""
    chosen = deployment if deployment is not None else HOURLY
    made = Schedule(
        chosen.cron_schedule or HOURLY.cron_schedule,
        chosen.earliest_time or HOURLY.earliest_time,
        chosen.latest_time or HOURLY.latest_time,
        zone,
    )
    try:
        CronSim(made.cron, datetime.fromtimestamp(0, zone))
        made.window(_SOME_MOMENT)
    except (CronSimError, SearchError) as error:
        raise ContentError(
            f"invalid schedule of {chosen.name or 'this detection'}: {error}",
            place=Place(chosen.file) if chosen.file else None,
            remedy="Use a cron expression of five fields, and times such as -70m@m.",
        ) from None
    return made
