"""Digests of whole inputs: what the verbs `fields`, `who` and `timeline` ask."""

from __future__ import annotations

from podhawk.content.model import Content
from podhawk.detect.activity.fields import FieldDigest
from podhawk.engine.run.along import DigestScan
from podhawk.engine.run.files import FileSource
from podhawk.events.collected import EventDecoder
from podhawk.events.inputs import Inputs
from podhawk.events.options import InputReport
from podhawk.session import Session
from podhawk.spl.clause import EVERYTHING


def field_digest(inputs: Inputs, session: Session) -> tuple[FieldDigest, InputReport]:
    """The fields of an input, and the report on it. Raises InputError if it holds no audit event."""
    source = FileSource(inputs, session.redacting)
    decoder = EventDecoder(session.redacting)
    made = DigestScan(EVERYTHING, lambda: FieldDigest(decoder), session.context(Content()))
    found: FieldDigest = made.digest(source, session.within, session.jobs, session.engine)
    source.check(session.within)
    return found, source.report
