"""Every format, in the order in which they are asked: the more particular before the more general."""

from __future__ import annotations

from typing import Final

from podhawk.events.envelope import Format
from podhawk.events.formats.aks import AKS
from podhawk.events.formats.beats import FILEBEAT
from podhawk.events.formats.cloudwatch import CLOUDWATCH
from podhawk.events.formats.containerlog import CLOUDWATCH_EXPORT, CRI, DOCKER, PREFIXED
from podhawk.events.formats.fluent import FLUENT, FORWARD
from podhawk.events.formats.gke import GKE, PUBSUB
from podhawk.events.formats.hec import HEC, SPLUNK_EXPORT
from podhawk.events.formats.lists import ARRAY, EVENTLIST
from podhawk.events.formats.native import NATIVE
from podhawk.events.formats.openshift import OPENSHIFT
from podhawk.events.formats.otlp import OTLP
from podhawk.events.formats.ruletests import RULE_TESTS
from podhawk.events.formats.shipper import SHIPPER
from podhawk.events.formats.vector import NESTED, VECTOR

FORMATS: Final[tuple[Format, ...]] = (
    OPENSHIFT,
    SHIPPER,
    NATIVE,
    FORWARD,
    ARRAY,
    EVENTLIST,
    HEC,
    SPLUNK_EXPORT,
    OTLP,
    GKE,
    PUBSUB,
    AKS,
    CLOUDWATCH,
    DOCKER,
    FILEBEAT,
    FLUENT,
    RULE_TESTS,
    VECTOR,
    CRI,
    CLOUDWATCH_EXPORT,
    PREFIXED,
    NESTED,
)
