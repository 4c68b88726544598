"""`podhawk serve --check`: everything that would keep the service from starting, without starting it."""

from __future__ import annotations

from collections.abc import Iterator

from podhawk.api import content_of
from podhawk.content.selection import select
from podhawk.detect.evaluate.prepare import prepare
from podhawk.detect.rank.exception_fields import check_fields
from podhawk.serve.configuration import Configuration
from podhawk.serve.connections import Certificates
from podhawk.serve.inbox.room import lack_of, size_of
from podhawk.serve.server import alone, listening
from podhawk.serve.shadow import served_policies
from podhawk.serve.tokens import read_tokens
from podhawk.session import redaction_of, session_of
from podhawk.store.holdings import holdings
from podhawk.wording import counted


def check(configuration: Configuration) -> Iterator[str]:
    """What would be served, one line for each part. Raises PodhawkError for the first part that does not work."""
    settings = configuration.settings
    with alone(configuration), listening(configuration):
        yield f"listens on {configuration.host}:{configuration.port}"
    if configuration.certificate is not None and configuration.key is not None:
        Certificates(configuration.certificate, configuration.key, configuration.authority)
        yield f"TLS with {configuration.certificate}" + (
            f", client certificates of {configuration.authority}" if configuration.authority is not None else ""
        )
    else:
        yield "no TLS: only for loopback, or behind a proxy that encrypts"
    tokens = read_tokens(configuration.tokens)
    known = tokens.every
    yield f"{counted(len(known), 'token')} in {configuration.tokens}"
    for token in known:
        ends = " (disabled)" if token.disabled else ""
        yield f"  {token.name}: {', '.join(token.scopes)} for {', '.join(token.clusters)}{ends}"
    if not any(one.may("send") for one in known):
        yield "  nobody can send: podhawk init token"
    session = session_of(settings.values)
    content = content_of(settings.values, settings.macros)
    store = session.lookups(content)
    prepared = [prepare(one, content, session, store) for one in select(content, settings["only"], settings["exclude"])]
    check_fields(served_policies(content, settings).exceptions, prepared)
    able = [one for one in prepared if one.request is not None]
    yield f"{counted(len(able), 'detection')} of {len(prepared)} can run"
    for one in prepared:
        if one.request is None:
            yield f"  {one.detection.name}: {one.runnability}"
    redaction = redaction_of(settings.values)
    yield f"secrets are masked {'with a keyed hash' if redaction.key else 'by a constant: there is no redaction key'}"
    yield f"state: {holdings(str(configuration.folder))['findings']} findings in {configuration.folder}"
    for sink in configuration.sinks:
        yield f"sink {sink.name}: {sink.kind.name}{', only says what it would send' if sink.dry_run else ''}"
    keeping = configuration.keeping
    kept = f"{keeping.days:g} days, at most {keeping.most:,} bytes" if keeping.is_on else "events are not kept"
    yield f"lake: {kept}"
    inbox = configuration.inbox
    lack = lack_of(configuration.room, configuration.folder, size_of(inbox) if inbox.is_dir() else 0)
    yield f"inbox: {lack or 'there is room'}"
