"""All commands by name: the one place where a new file is entered."""

from __future__ import annotations

from podhawk.commands.addtotals import ADDTOTALS
from podhawk.commands.append import APPEND
from podhawk.commands.appendcols import APPENDCOLS
from podhawk.commands.appendpipe import APPENDPIPE
from podhawk.commands.bin import BIN
from podhawk.commands.chart import CHART
from podhawk.commands.datamodel import DATAMODEL
from podhawk.commands.declare import Command
from podhawk.commands.dedup import DEDUP
from podhawk.commands.eval import EVAL
from podhawk.commands.eventstats import EVENTSTATS
from podhawk.commands.fields import FIELDS
from podhawk.commands.filldown import FILLDOWN
from podhawk.commands.fillnull import FILLNULL
from podhawk.commands.foreach import FOREACH
from podhawk.commands.from_dataset import FROM
from podhawk.commands.head import HEAD
from podhawk.commands.join import JOIN
from podhawk.commands.makeresults import MAKERESULTS
from podhawk.commands.map import MAP
from podhawk.commands.multisearch import MULTISEARCH
from podhawk.commands.rare import RARE
from podhawk.commands.refused import REFUSED
from podhawk.commands.rename import RENAME
from podhawk.commands.search import SEARCH
from podhawk.commands.sort import SORT
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
from podhawk.commands.xyseries import XYSERIES

SUPPORTED: tuple[Command, ...] = (
    ADDTOTALS,
    APPEND,
    APPENDCOLS,
    APPENDPIPE,
    BIN,
    CHART,
    DATAMODEL,
    DEDUP,
    EVAL,
    EVENTSTATS,
    FIELDS,
    FILLDOWN,
    FILLNULL,
    FOREACH,
    FROM,
    HEAD,
    JOIN,
    MAKERESULTS,
    MAP,
    MULTISEARCH,
    RARE,
    RENAME,
    SEARCH,
    SORT,
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
    XYSERIES,
)
COMMANDS: dict[str, Command] = {
    name: command for command in (*REFUSED, *SUPPORTED) for name in (command.name, *command.aliases)}
