"""All commands of podhawk: a new command gets one entry here.

A program can add commands of its own for the length of a `with` block: `with COMMANDS.registered(MINE): …`.
"""

from __future__ import annotations

from podhawk.commands.accum import ACCUM
from podhawk.commands.addcoltotals import ADDCOLTOTALS
from podhawk.commands.addinfo import ADDINFO
from podhawk.commands.addtotals import ADDTOTALS
from podhawk.commands.append import APPEND
from podhawk.commands.appendcols import APPENDCOLS
from podhawk.commands.appendpipe import APPENDPIPE
from podhawk.commands.autoregress import AUTOREGRESS
from podhawk.commands.bin import BIN
from podhawk.commands.catalog import COMMANDS
from podhawk.commands.chart import CHART
from podhawk.commands.convert import CONVERT
from podhawk.commands.datamodel import DATAMODEL
from podhawk.commands.declare import Command
from podhawk.commands.dedup import DEDUP
from podhawk.commands.delta import DELTA
from podhawk.commands.eval import EVAL
from podhawk.commands.eventstats import EVENTSTATS
from podhawk.commands.extract import EXTRACT
from podhawk.commands.fieldformat import FIELDFORMAT
from podhawk.commands.fields import FIELDS
from podhawk.commands.fieldsummary import FIELDSUMMARY
from podhawk.commands.filldown import FILLDOWN
from podhawk.commands.fillnull import FILLNULL
from podhawk.commands.foreach import FOREACH
from podhawk.commands.format import FORMAT
from podhawk.commands.from_dataset import FROM
from podhawk.commands.fromjson import FROMJSON
from podhawk.commands.gentimes import GENTIMES
from podhawk.commands.head import HEAD
from podhawk.commands.inputcsv import INPUTCSV
from podhawk.commands.inputlookup import INPUTLOOKUP
from podhawk.commands.iplocation import IPLOCATION
from podhawk.commands.join import JOIN
from podhawk.commands.lookup import LOOKUP
from podhawk.commands.makecontinuous import MAKECONTINUOUS
from podhawk.commands.makemv import MAKEMV
from podhawk.commands.makeresults import MAKERESULTS
from podhawk.commands.map import MAP
from podhawk.commands.multikv import MULTIKV
from podhawk.commands.multisearch import MULTISEARCH
from podhawk.commands.mvcombine import MVCOMBINE
from podhawk.commands.mvexpand import MVEXPAND
from podhawk.commands.nomv import NOMV
from podhawk.commands.noop import NOOP
from podhawk.commands.outputcsv import OUTPUTCSV
from podhawk.commands.outputlookup import OUTPUTLOOKUP
from podhawk.commands.outputtext import OUTPUTTEXT
from podhawk.commands.rangemap import RANGEMAP
from podhawk.commands.rare import RARE
from podhawk.commands.refused import REFUSED
from podhawk.commands.regex import REGEX
from podhawk.commands.rename import RENAME
from podhawk.commands.replace import REPLACE
from podhawk.commands.returns import RETURN
from podhawk.commands.reverse import REVERSE
from podhawk.commands.rex import REX
from podhawk.commands.search import SEARCH
from podhawk.commands.selfjoin import SELFJOIN
from podhawk.commands.set_operation import SET
from podhawk.commands.sort import SORT
from podhawk.commands.spath import SPATH
from podhawk.commands.stats import STATS
from podhawk.commands.strcat import STRCAT
from podhawk.commands.streamstats import STREAMSTATS
from podhawk.commands.table import TABLE
from podhawk.commands.tags import TAGS
from podhawk.commands.tail import TAIL
from podhawk.commands.timechart import TIMECHART
from podhawk.commands.timewrap import TIMEWRAP
from podhawk.commands.tojson import TOJSON
from podhawk.commands.top import TOP
from podhawk.commands.transaction import TRANSACTION
from podhawk.commands.transpose import TRANSPOSE
from podhawk.commands.trendline import TRENDLINE
from podhawk.commands.tscollect import TSCOLLECT
from podhawk.commands.tstats import TSTATS
from podhawk.commands.union import UNION
from podhawk.commands.uniq import UNIQ
from podhawk.commands.untable import UNTABLE
from podhawk.commands.where import WHERE
from podhawk.commands.xmlkv import XMLKV
from podhawk.commands.xmlunescape import XMLUNESCAPE
from podhawk.commands.xpath import XPATH
from podhawk.commands.xyseries import XYSERIES

SUPPORTED: tuple[Command, ...] = (
    ACCUM,
    ADDCOLTOTALS,
    ADDINFO,
    ADDTOTALS,
    APPEND,
    APPENDCOLS,
    APPENDPIPE,
    AUTOREGRESS,
    BIN,
    CHART,
    CONVERT,
    DATAMODEL,
    DEDUP,
    DELTA,
    EVAL,
    EVENTSTATS,
    EXTRACT,
    FIELDFORMAT,
    FIELDS,
    FIELDSUMMARY,
    FILLDOWN,
    FILLNULL,
    FOREACH,
    FORMAT,
    FROM,
    FROMJSON,
    GENTIMES,
    HEAD,
    INPUTCSV,
    INPUTLOOKUP,
    IPLOCATION,
    JOIN,
    LOOKUP,
    MAKECONTINUOUS,
    MAKEMV,
    MAKERESULTS,
    MAP,
    MULTIKV,
    MULTISEARCH,
    MVCOMBINE,
    MVEXPAND,
    NOMV,
    NOOP,
    OUTPUTCSV,
    OUTPUTLOOKUP,
    OUTPUTTEXT,
    RANGEMAP,
    RARE,
    REGEX,
    RENAME,
    REPLACE,
    RETURN,
    REVERSE,
    REX,
    SEARCH,
    SELFJOIN,
    SET,
    SORT,
    SPATH,
    STATS,
    STRCAT,
    STREAMSTATS,
    TABLE,
    TAGS,
    TAIL,
    TIMECHART,
    TIMEWRAP,
    TOJSON,
    TOP,
    TRANSACTION,
    TRANSPOSE,
    TRENDLINE,
    TSCOLLECT,
    TSTATS,
    UNION,
    UNIQ,
    UNTABLE,
    WHERE,
    XMLKV,
    XMLUNESCAPE,
    XPATH,
    XYSERIES,
)
COMMANDS.enter(*REFUSED, *SUPPORTED)

__all__ = ["COMMANDS", "SUPPORTED"]
