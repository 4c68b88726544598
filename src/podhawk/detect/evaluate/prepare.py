"""A detection made ready to run."""

from __future__ import annotations

from msgspec import Struct

from podhawk.content.lookups import LookupStore
from podhawk.content.model import Content, Detection
from podhawk.engine.plan.runnable import Broken, Runnability, Runnable, Unsupported, runnability
from podhawk.engine.run.batch import SearchJob
from podhawk.engine.search.judgement import Judgement
from podhawk.session import Session


class Prepared(Struct, frozen=True):
    """A detection, whether its search can run in this session, and the search to run if it can."""

    detection: Detection
    runnability: Runnability
    request: SearchJob | None = None


def prepare(detection: Detection, content: Content, session: Session, store: LookupStore) -> Prepared:
    """Read and plan a detection's search. Never raises for a search that cannot run: the answer says why."""
    context = session.context(content, store)
    answer = runnability(detection, content, context)
    return Prepared(detection, answer, SearchJob(answer.pipeline, context) if isinstance(answer, Runnable) else None)


def not_run(runnability: Runnability) -> Judgement:
    """The judgement of a detection that has not run, by whether it can."""
    match runnability:
        case Broken():
            return Judgement("broken", str(runnability))
        case Unsupported(code="command" | "data-model"):
            return Judgement("refused", str(runnability))
        case Runnable():
            return Judgement("silent")
    return Judgement("cannot", str(runnability))
