"""All commands of podhawk: a new command gets one entry here.

A program can add commands of its own for the length of a `with` block: `with COMMANDS.registered(MINE): …`.
"""

from __future__ import annotations

from podhawk.commands.addtotals import ADDTOTALS
from podhawk.commands.append import APPEND
from podhawk.commands.appendcols import APPENDCOLS
from podhawk.commands.appendpipe import APPENDPIPE
from podhawk.commands.bin import BIN
from podhawk.commands.catalog import COMMANDS
from podhawk.commands.chart import CHART
from podhawk.commands.convert import CONVERT
from podhawk.commands.datamodel import DATAMODEL
from podhawk.commands.declare import Command
from podhawk.commands.dedup import DEDUP
from podhawk.commands.eval import EVAL
from podhawk.commands.eventstats import EVENTSTATS
from podhawk.commands.extract import EXTRACT
from podhawk.commands.fieldformat import FIELDFORMAT
from podhawk.commands.fields import FIELDS
from podhawk.commands.filldown import FILLDOWN
from podhawk.commands.fillnull import FILLNULL
from podhawk.commands.foreach import FOREACH
from podhawk.commands.format import FORMAT
from podhawk.commands.from_dataset import FROM
from podhawk.commands.fromjson import FROMJSON
from podhawk.commands.head import HEAD
from podhawk.commands.inputlookup import INPUTLOOKUP
from podhawk.commands.iplocation import IPLOCATION
from podhawk.commands.join import JOIN
from podhawk.commands.lookup import LOOKUP
from podhawk.commands.makemv import MAKEMV
from podhawk.commands.makeresults import MAKERESULTS
from podhawk.commands.map import MAP
from podhawk.commands.multikv import MULTIKV
from podhawk.commands.multisearch import MULTISEARCH
from podhawk.commands.mvcombine import MVCOMBINE
from podhawk.commands.mvexpand import MVEXPAND
from podhawk.commands.nomv import NOMV
from podhawk.commands.outputlookup import OUTPUTLOOKUP
from podhawk.commands.rare import RARE
from podhawk.commands.refused import REFUSED
from podhawk.commands.regex import REGEX
from podhawk.commands.rename import RENAME
from podhawk.commands.replace import REPLACE
from podhawk.commands.returns import RETURN
from podhawk.commands.rex import REX
from podhawk.commands.search import SEARCH
from podhawk.commands.sort import SORT
from podhawk.commands.spath import SPATH
from podhawk.commands.stats import STATS
from podhawk.commands.streamstats import STREAMSTATS
from podhawk.commands.table import TABLE
from podhawk.commands.tail import TAIL
from podhawk.commands.timechart import TIMECHART
from podhawk.commands.top import TOP
from podhawk.commands.transaction import TRANSACTION
from podhawk.commands.tstats import TSTATS
from podhawk.commands.union import UNION
from podhawk.commands.untable import UNTABLE
from podhawk.commands.where import WHERE
from podhawk.commands.xmlkv import XMLKV
from podhawk.commands.xyseries import XYSERIES

SUPPORTED: tuple[Command, ...] = (
    ADDTOTALS,
    APPEND,
    APPENDCOLS,
    APPENDPIPE,
    BIN,
    CHART,
    CONVERT,
    DATAMODEL,
    DEDUP,
    EVAL,
    EVENTSTATS,
    EXTRACT,
    FIELDFORMAT,
    FIELDS,
    FILLDOWN,
    FILLNULL,
    FOREACH,
    FORMAT,
    FROM,
    FROMJSON,
    HEAD,
    INPUTLOOKUP,
    IPLOCATION,
    JOIN,
    LOOKUP,
    MAKEMV,
    MAKERESULTS,
    MAP,
    MULTIKV,
    MULTISEARCH,
    MVCOMBINE,
    MVEXPAND,
    NOMV,
    OUTPUTLOOKUP,
    RARE,
    REGEX,
    RENAME,
    REPLACE,
    RETURN,
    REX,
    SEARCH,
    SORT,
    SPATH,
    STATS,
    STREAMSTATS,
    TABLE,
    TAIL,
    TIMECHART,
    TOP,
    TRANSACTION,
    TSTATS,
    UNION,
    UNTABLE,
    WHERE,
    XMLKV,
    XYSERIES,
)
COMMANDS.enter(*REFUSED, *SUPPORTED)

__all__ = ["COMMANDS", "SUPPORTED"]
