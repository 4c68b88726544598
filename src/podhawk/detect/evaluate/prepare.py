"""A detection made ready to run, or why it cannot."""

from __future__ import annotations

from msgspec import Struct

from podhawk.commands.declare import Pipeline
from podhawk.content.lookups import LookupStore
from podhawk.content.model import Content, Detection
from podhawk.content.parsed import SearchKey
from podhawk.engine.plan.planner import make_plan, read_search
from podhawk.engine.plan.unsupported import needs_geo, refusal, refused_in
from podhawk.engine.run.batch import Request
from podhawk.errors import ContentError, SearchError
from podhawk.functions.declare import Env
from podhawk.session import Surroundings


class Prepared(Struct, frozen=True):
    """A detection with its search, or without one: `refused` (a command that podhawk does not run), `broken` (an
    error in the content) or `cannot` (something that it needs is not there)."""

    detection: Detection
    request: Request | None = None
    refused: str = ""
    broken: SearchError | None = None
    cannot: str = ""


def prepare(detection: Detection, content: Content, around: Surroundings, store: LookupStore) -> Prepared:
    """Read and plan a detection's search."""
    context = around.context(content, store)
    name = f"{detection.file or detection.name}: search"
    try:
        try:
            pipeline = _read(detection.search, content, name, context.env)
            reason = refused_in(pipeline)
        except SearchError:
            # That a command is not supported is the better answer where a macro, say, is not defined either.
            reason = refusal(detection.search, content.macros, name)
            if not reason:
                raise
        if reason:
            return Prepared(detection, refused=reason)
        make_plan(pipeline, context)
    except SearchError as error:
        return Prepared(detection, broken=error)
    except ContentError as error:
        return Prepared(detection, broken=SearchError(error.message, place=error.place, remedy=error.remedy))
    if context.geo is None and needs_geo(pipeline):
        return Prepared(detection, cannot="no geolocation database: iplocation needs one; add --geo FILE.mmdb")
    return Prepared(detection, Request(pipeline, context))


def _read(text: str, content: Content, name: str, env: Env) -> Pipeline:
    """A search parsed, now or before."""
    key = SearchKey(name, text, "macro-keeps-quotes" in env.switches)
    known = content.parsed.find(content.macros, key)
    if known is not None:
        return known
    evaluated: list[str] = []
    pipeline = read_search(text, content.macros, name, env, evaluated)
    if not evaluated:
        content.parsed.keep(content.macros, key, pipeline)
    return pipeline
