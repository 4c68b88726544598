"""All kinds of sinks."""

from __future__ import annotations

from typing import Final

from podhawk.serve.sinks.alertmanager import ALERTMANAGER
from podhawk.serve.sinks.declare import SinkKind
from podhawk.serve.sinks.notify import APPRISE
from podhawk.serve.sinks.ocsf import OCSF
from podhawk.serve.sinks.splunk import SPLUNK
from podhawk.serve.sinks.syslog import SYSLOG
from podhawk.serve.sinks.webhook import WEBHOOK

KINDS: Final[tuple[SinkKind, ...]] = (WEBHOOK, SPLUNK, ALERTMANAGER, SYSLOG, OCSF, APPRISE)
