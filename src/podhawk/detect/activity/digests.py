"""Digests of whole inputs: what the verbs `fields`, `who` and `timeline` ask."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from podhawk.content.model import Content
from podhawk.detect.activity.entity import EntityDigest, focus_on
from podhawk.detect.activity.fields import FieldDigest
from podhawk.detect.activity.near_names import NearSearch
from podhawk.detect.activity.nearby import NearbyDigest, clause_of_actors, spans_of
from podhawk.detect.finding import Finding
from podhawk.engine.run.along import DigestPart, DigestScan
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
    made = DigestScan([(EVERYTHING, lambda: FieldDigest(decoder))], session.context(Content()))
    found: FieldDigest = made.digest(source, session.within, session.jobs, session.engine)
    source.check(session.within)
    return found, source.report


def entity_scan(
    name: str, content: Content, session: Session, beside: Sequence[DigestPart] = ()
) -> tuple[DigestScan, Callable[[Inputs], EntityDigest]]:
    """A scan that makes the digest of an entity along with searches, which see only what matters to the entity; and
    what gives the digest after it. Where no search has read the input, it is read for the digest alone. `beside` makes
    another digest in the same reading."""
    parts, focus = focus_on(name, EventDecoder(session.redacting))
    made = DigestScan(parts, session.context(content), focus, beside)

    def digest(inputs: Inputs) -> EntityDigest:
        source = FileSource(inputs, session.redacting)
        found: EntityDigest = made.digest(source, session.within, session.jobs, session.engine)
        return found

    return made, digest


def near_names(name: str, inputs: Inputs, session: Session) -> NearSearch:
    """What looks for names like this one. It reads no more of the input than a sample."""
    sample = FileSource(inputs, session.redacting).sample()
    return NearSearch(name, sample, EventDecoder(session.redacting))


def nearby_digest(
    findings: Sequence[Finding], around: float, content: Content, inputs: Inputs, session: Session
) -> NearbyDigest | None:
    """What the actors of findings did within so many seconds around them; None if no finding has an actor."""
    spans = spans_of(findings, around)
    if not spans:
        return None
    source = FileSource(inputs, session.redacting)
    decoder = EventDecoder(session.redacting)
    made = DigestScan([(clause_of_actors(spans), lambda: NearbyDigest(spans, decoder))], session.context(content))
    found: NearbyDigest = made.digest(source, session.within, session.jobs, session.engine)
    return found
