"""Whether a search can run: one answer for every verb, given before anything is read.

The answer is one of three. *Runnable*: the search has a plan. *Unsupported*: the search may be right, but podhawk does
not run one of its commands, or a command needs something that this run was not given. *Broken*: the content is at
fault. The last two carry a code for programs and a message for people.

The answer depends on the content and the options of a run, not on its input. What an input has to say about a
detection (it fired, it is silent, it cannot fire on these events) begins with this answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from podhawk.commands.context import Context
from podhawk.commands.declare import Pipeline
from podhawk.commands.parse import parse_search
from podhawk.commands.registry import COMMANDS
from podhawk.commands.shared.datasets import MODELS, needs_model, split_model
from podhawk.commands.shared.parser import parse_slice
from podhawk.content.lookups import LookupStore
from podhawk.content.model import Content, Detection
from podhawk.content.parsed import SearchKey
from podhawk.engine.plan.pipelines import every_pipeline, reading_pipelines
from podhawk.engine.plan.planner import Plan, expand_search, make_plan
from podhawk.errors import ContentError, Place, SearchError, TableError
from podhawk.spl.pipeline import commands_at


class Runnable(Struct, frozen=True):
    """The search can run. `pipeline` is the search as it was read, `plan` its plan."""

    pipeline: Pipeline
    plan: Plan


class Unsupported(Struct, frozen=True):
    """The search cannot run here, through no fault of the content.

    Codes: `command` (podhawk does not run the command), `data-model` (the command reads a data model that podhawk does
    not have), `geo-database` (the command needs one, and none was given).
    """

    code: Literal["command", "data-model", "geo-database"]
    command: str
    message: str

    def __str__(self) -> str:
        return self.message


class Broken(Struct, frozen=True):
    """The search cannot run because of an error in the content.

    Codes: `macro` (its macros cannot be expanded), `syntax` (its text cannot be read), `lookup` (a lookup table is
    missing or cannot be read), `command` (a command rejects its arguments, or the place where it stands).
    """

    code: Literal["macro", "syntax", "lookup", "command"]
    error: SearchError

    @property
    def message(self) -> str:
        """The error without its place."""
        return self.error.message

    def __str__(self) -> str:
        return str(self.error)


Runnability = Runnable | Unsupported | Broken


def runnability(detection: Detection, content: Content, context: Context | None = None) -> Runnability:
    """Whether a detection's search can run.

    With the context of a run the answer holds for that run. Without one it is about the content alone: what a run may
    be given (a geo database) is taken to be there. A search beyond what can be read or planned is broken too, so that
    one file never ends a run of the others.
    """
    try:
        return _runnability(detection, content, context)
    except RecursionError:
        reason = "the search is nested too deeply"
    except (ArithmeticError, ValueError) as error:
        reason = f"the search cannot be planned: {error}"
    place = Place(detection.search_name, 1, 1)
    return Broken("command", SearchError(reason, place=place, remedy="Divide it into smaller searches."))


def _runnability(detection: Detection, content: Content, context: Context | None) -> Runnability:
    own = context if context is not None else content_context(content)
    read = _read(detection, content, own)
    if isinstance(read, Broken):
        return _unsupported_despite(detection, content, own) or _model_despite(detection, content, own) or read
    unsupported = _unsupported([read])
    if unsupported is not None:
        return unsupported
    pipelines = _pipelines(read, own)
    unsupported = _unsupported(pipelines)
    if unsupported is not None:
        return unsupported
    try:
        plan = make_plan(read, own)
        for inner in reading_pipelines(read) if len(pipelines) > 1 else ():
            if inner is not read:
                make_plan(inner, own)
    except TableError as error:
        return Broken("lookup", error)
    except SearchError as error:
        return Broken("command", error)
    except ContentError as error:
        return Broken("lookup", SearchError(error.message, place=error.place, remedy=error.remedy))
    lacking = _lacking(pipelines) if context is not None and context.geo is None else None
    return lacking or Runnable(read, plan)


def content_context(content: Content) -> Context:
    """The context of a search that is looked at and not run: its content's macros and lookups, and nothing else."""
    return Context(lookups=LookupStore(content, None, False), macros=content.macros)


def _read(detection: Detection, content: Content, context: Context) -> Pipeline | Broken:
    """The search, parsed now or by an earlier run."""
    env = context.env
    key = SearchKey(detection.search_name, detection.search, "macro-keeps-quotes" in env.switches)
    macros = content.macros_for(detection)
    known = content.parsed.find(macros, key)
    if known is not None:
        return known
    evaluated: list[str] = []
    try:
        text = expand_search(detection.search, macros, detection.search_name, env, evaluated=evaluated)
    except SearchError as error:
        return Broken("macro", error)
    try:
        pipeline = parse_search(text)
    except SearchError as error:
        return Broken("syntax", error)
    if not evaluated:
        content.parsed.keep(macros, key, pipeline)
    return pipeline


def _unsupported_despite(detection: Detection, content: Content, context: Context) -> Unsupported | None:
    """The unsupported command of a search that cannot be read, if it can be read without its undefined macros.

    That a command is not supported is the better answer: whoever defines the macro would find out next.
    """
    try:
        macros = content.macros_for(detection)
        text = expand_search(detection.search, macros, detection.search_name, context.env, keep_unknown=True)
        pipeline = parse_search(text)
        return _unsupported([pipeline]) or _unsupported(_pipelines(pipeline, context))
    except SearchError:
        return None


def _model_despite(detection: Detection, content: Content, context: Context) -> Unsupported | None:
    """The missing data model of a search that cannot be read, looked for in each command by itself.

    A search over a data model often ends with macros of the add-on that has the model.
    """
    try:
        text = expand_search(detection.search, content.macros, detection.search_name, context.env, keep_unknown=True)
        places = commands_at(text)
    except SearchError:
        return None
    for number, (start, end) in enumerate(places):
        try:
            alone = parse_slice(text, start, end, frozenset(COMMANDS), continues=number > 0)
            found = _unsupported(_pipelines(alone, context))
        except SearchError:
            continue
        if found is not None:
            return found
    return None


def _pipelines(pipeline: Pipeline, context: Context) -> tuple[Pipeline, ...]:
    """The pipelines of a search at any depth. Of one with a template that cannot be read, planning tells the error."""
    try:
        return tuple(every_pipeline(pipeline, context))
    except SearchError:
        return tuple(reading_pipelines(pipeline))


def _unsupported(pipelines: Iterable[Pipeline]) -> Unsupported | None:
    """The first command that podhawk does not run, or that reads a data model which podhawk does not have."""
    for pipeline in pipelines:
        for stage in pipeline.stages:
            if stage.command.refused:
                return Unsupported("command", stage.name, f"{stage.name} is not supported: {stage.command.refused}")
            for name in stage.command.resources(stage.node).models:
                model, _ = split_model(name)
                if model not in MODELS:
                    return Unsupported("data-model", stage.name, needs_model(model))
    return None


def _lacking(pipelines: Iterable[Pipeline]) -> Unsupported | None:
    """The first command that needs a geo database."""
    for pipeline in pipelines:
        for stage in pipeline.stages:
            if stage.command.resources(stage.node).geo:
                message = f"no geolocation database: {stage.name} needs one; add --geo FILE.mmdb"
                return Unsupported("geo-database", stage.name, message)
    return None
