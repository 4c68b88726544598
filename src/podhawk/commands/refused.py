"""Commands that podhawk knows and does not run, each with its reason.

They parse, so that content which uses them loads, shows and round-trips; running one is refused by name
and position before anything starts.
"""

from __future__ import annotations

from msgspec import Struct

from podhawk.commands.declare import Command, Kind, always, same_columns
from podhawk.spl.cursor import Cursor


class Refused(Struct, frozen=True):
    """The text of a command that is not run."""

    text: str


_METRICS = "it reads a metrics store, but audit logs are events"
_MODEL = "it applies a machine-learning model of a Splunk server"
_SERVER = "it needs a Splunk server"
_EXTERNAL = "it belongs to another Splunk app"
_DRAWING = "it only prepares a visualisation for Splunk's own pages"
_STATISTICS = "its documentation is not detailed enough to reproduce Splunk's results"

REASONS: tuple[tuple[str, str], ...] = (
    ("mstats", _METRICS),
    ("mcatalog", _METRICS),
    ("mpreview", _METRICS),
    ("mcollect", _METRICS),
    ("meventcollect", _METRICS),
    ("apply", _MODEL),
    ("fit", _MODEL),
    ("summary", _MODEL),
    ("listmodels", _MODEL),
    ("deletemodel", _MODEL),
    ("score", _MODEL),
    ("sample", _MODEL),
    ("rest", _SERVER),
    ("sendalert", _SERVER),
    ("sendemail", _SERVER),
    ("script", _SERVER),
    ("run", _SERVER),
    ("savedsearch", _SERVER),
    ("loadjob", _SERVER),
    ("metadata", _SERVER),
    ("metasearch", _SERVER),
    ("eventcount", _SERVER),
    ("dbinspect", _SERVER),
    ("audit", _SERVER),
    ("history", _SERVER),
    ("pivot", _SERVER),
    ("delete", _SERVER),
    ("dump", _SERVER),
    ("localop", _SERVER),
    ("redistribute", _SERVER),
    ("overlap", _SERVER),
    ("typeahead", _SERVER),
    ("typer", _SERVER),
    ("typelearner", _SERVER),
    ("collect", "it writes to an index; write the rows to a file instead"),
    ("stash", _SERVER),
    ("sichart", _SERVER),
    ("sirare", _SERVER),
    ("sistats", _SERVER),
    ("sitimechart", _SERVER),
    ("sitop", _SERVER),
    ("searchtxn", _SERVER),
    ("walklex", _SERVER),
    ("cyberchef", _EXTERNAL),
    ("inputintelligence", _EXTERNAL),
    ("urlparser", _EXTERNAL),
    ("ut_parse", _EXTERNAL),
    ("ut_parse_extended", _EXTERNAL),
    ("dbxquery", _EXTERNAL),
    ("ldapsearch", _EXTERNAL),
    ("curl", _EXTERNAL),
    ("anomalies", _STATISTICS),
    ("anomalousvalue", _STATISTICS),
    ("anomalydetection", _STATISTICS),
    ("analyzefields", _STATISTICS),
    ("af", _STATISTICS),
    ("associate", _STATISTICS),
    ("arules", _STATISTICS),
    ("cluster", _STATISTICS),
    ("correlate", _STATISTICS),
    ("findtypes", _STATISTICS),
    ("findkeywords", _STATISTICS),
    ("kmeans", _STATISTICS),
    ("outlier", _STATISTICS),
    ("predict", _STATISTICS),
    ("relevancy", _STATISTICS),
    ("x11", _STATISTICS),
    ("bucketdir", _STATISTICS),
    ("concurrency", _STATISTICS),
    ("contingency", _STATISTICS),
    ("scrub", _SERVER),
    ("erex", _STATISTICS),
    ("gauge", _DRAWING),
    ("geom", _DRAWING),
    ("geomfilter", _DRAWING),
    ("geostats", _DRAWING),
    ("highlight", _DRAWING),
    ("iconify", _DRAWING),
    ("abstract", _DRAWING),
    ("folderize", _DRAWING),
    ("rtorder", "podhawk orders live events by their own time"),
    ("ctable", _STATISTICS),
    ("counttable", _STATISTICS),
    ("cofilter", _STATISTICS),
    ("reltime", "use eval with now()"),
    ("setfields", "use eval"),
    ("localize", _SERVER),
    ("kvform", _SERVER),
    ("diff", "compare fields with eval"),
    ("nokv", _SERVER),
    ("require", "use where and check the count"),
    ("bucketize", "use bin"),
    ("ping", _EXTERNAL),
    ("lookupmod", _EXTERNAL),
)


def _parse(cursor: Cursor) -> Refused:
    text = cursor.rest.strip()
    cursor.at = cursor.end
    return Refused(text)


def _refuse(name: str, reason: str) -> Command:
    return Command(
        name=name,
        syntax=f"{name} …",
        doc=f"Not supported: {reason}.",
        examples=(),
        parse=_parse,
        render=lambda node: node.text,
        kind=always(Kind.WHOLE),
        reads=lambda node, wanted: None,
        columns=same_columns,
        refused=reason,
    )


REFUSED: tuple[Command, ...] = tuple(_refuse(name, reason) for name, reason in REASONS)
