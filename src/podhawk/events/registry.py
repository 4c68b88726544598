"""Every format, in the order in which they are asked: the more particular before the more general.

`nested` and `prefixed` look for events inside values and text, as objects of the formats before them.
"""

from __future__ import annotations

from typing import Final

from podhawk.events.envelope import Format, Formats
from podhawk.events.formats.aks import AKS
from podhawk.events.formats.array import ARRAY
from podhawk.events.formats.beats import FILEBEAT
from podhawk.events.formats.bigquery import BIGQUERY
from podhawk.events.formats.bulk import BULK
from podhawk.events.formats.cloudwatch import CLOUDWATCH
from podhawk.events.formats.cloudwatchexport import CLOUDWATCH_EXPORT
from podhawk.events.formats.columns import COLUMNS
from podhawk.events.formats.cri import CRI
from podhawk.events.formats.csvrows import CSV
from podhawk.events.formats.docker import DOCKER
from podhawk.events.formats.eventlist import EVENTLIST
from podhawk.events.formats.fluent import FLUENT
from podhawk.events.formats.forward import FORWARD
from podhawk.events.formats.gke import GKE
from podhawk.events.formats.headings import HEADINGS
from podhawk.events.formats.hec import HEC
from podhawk.events.formats.inside import Finder
from podhawk.events.formats.journal import JOURNAL
from podhawk.events.formats.loki import LOKI
from podhawk.events.formats.native import NATIVE
from podhawk.events.formats.nested import nested
from podhawk.events.formats.openshift import OPENSHIFT
from podhawk.events.formats.otlp import OTLP
from podhawk.events.formats.prefixed import prefixed
from podhawk.events.formats.pubsub import PUBSUB
from podhawk.events.formats.rows import ROWS
from podhawk.events.formats.ruletests import RULE_TESTS
from podhawk.events.formats.shipper import SHIPPER
from podhawk.events.formats.splunkexport import SPLUNK_EXPORT
from podhawk.events.formats.vector import VECTOR

_EVENTS: Final[tuple[Format, ...]] = (OPENSHIFT, SHIPPER, NATIVE)
_RECORDS: Final[tuple[Format, ...]] = (
    DOCKER,
    HEC,
    SPLUNK_EXPORT,
    OTLP,
    GKE,
    BIGQUERY,
    PUBSUB,
    AKS,
    COLUMNS,
    ROWS,
    CLOUDWATCH,
    LOKI,
    JOURNAL,
    FILEBEAT,
)
_FINDER: Final = Finder((*_EVENTS, *_RECORDS))

FORMATS: Final[tuple[Format, ...]] = (
    *_EVENTS,
    FORWARD,
    ARRAY,
    EVENTLIST,
    *_RECORDS,
    BULK,
    CSV,
    nested(_FINDER),
    FLUENT,
    RULE_TESTS,
    VECTOR,
    CRI,
    CLOUDWATCH_EXPORT,
    HEADINGS,
    prefixed(_FINDER),
)
BY_TYPE: Final = Formats(FORMATS)
