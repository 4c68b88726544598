"""Every behaviour that can be turned, in one table.

Two kinds stand here. *Differences* are places where podhawk deliberately does something else than Splunk;
`--splunk-exact` turns all of them off. *Readings* are Splunk behaviours for which no sentence of its
documentation was found: the default is what is believed true, the switch is the other reading, to be
turned on once a real Splunk has shown it right.
"""

from __future__ import annotations

from msgspec import Struct

from podhawk.errors import UsageError, nearest


class Switch(Struct, frozen=True):
    """A named behaviour: what holds by default, and what holds when the switch is on."""

    name: str
    default: str
    turned: str
    difference: bool = False


SWITCHES: tuple[Switch, ...] = (
    Switch("macro-keeps-quotes", "a quoted macro argument loses its outer quotes", "it keeps them"),
    Switch(
        "phrase-boundaries",
        "a quoted phrase matches anywhere in _raw",
        "a quoted phrase must begin and end at a breaker, as a bare word must",
    ),
    Switch(
        "field-names-any-case",
        "search compares field names case-sensitively",
        "search ignores the case of field names",
    ),
    Switch(
        "search-multivalue-all",
        "a comparison in search is true for a multivalue field if any value satisfies it",
        "all values must satisfy it",
    ),
    Switch("json-null-absent", "JSON null becomes the text null", "JSON null makes no field"),
    Switch("json-empty-text-absent", "an empty JSON string is an empty value", "an empty JSON string makes no field"),
    Switch("json-empty-container-value", "an empty JSON object or array makes no field", "they make an empty value"),
    Switch(
        "json-numbers-normalised",
        "JSON numbers keep their spelling (1.0, 1e3)",
        "they are normalised to the shortest form (1, 1000)",
    ),
    Switch("json-booleans-as-digits", "JSON booleans become true and false", "they become 1 and 0"),
    Switch("json-duplicates-dropped", "repeated values of a JSON array are kept", "each value is kept once"),
    Switch("json-nested-arrays-plain", "an array inside an array is named a{}{}", "it is named a{}"),
    Switch(
        "spath-cutoff",
        "automatic extraction and spath read the whole event",
        "they read only the first 5,000 characters, as limits.conf sets for events that are not indexed as _json",
    ),
    Switch(
        "spath-append", "spath without a path replaces an existing field", "it adds its values to the existing ones"
    ),
    Switch("fillnull-empty", "fillnull leaves empty text alone", "fillnull fills empty text too"),
    Switch("stats-nothing-no-row", "stats count over no events returns one row with 0", "it returns no row"),
    Switch(
        "stats-null-by-kept",
        "stats drops a row that lacks a BY field",
        "the row is grouped under an empty text for that field",
    ),
    Switch(
        "stats-multivalue-by-first",
        "a multivalue BY field puts a row into one group per value",
        "only its first value counts",
    ),
    Switch(
        "stats-count-rows",
        "count(field) counts every value of a multivalue field",
        "it counts rows that have the field",
    ),
    Switch(
        "percentile-nearest-rank",
        "percentiles are interpolated between neighbours",
        "the nearest value that occurs is returned",
    ),
    Switch(
        "eventstats-null-by-kept",
        "eventstats and streamstats add nothing to a row that lacks a BY field",
        "such rows form a group of their own",
    ),
    Switch("mvexpand-drops-empty", "mvexpand keeps a row without the field", "it drops the row"),
    Switch("regex-missing-drops", "regex field!=… keeps rows that lack the field", "it drops them"),
    Switch(
        "rex-empty-groups", "a rex group that did not take part in the match makes no field", "it makes an empty field"
    ),
    Switch("plus-needs-numbers", "a number + a text that is not a number concatenates them", "the result is null"),
    Switch(
        "compare-as-text",
        "where and eval compare as numbers whenever both sides look like numbers",
        "a quoted literal compares as text",
    ),
    Switch(
        "where-multivalue-first",
        "a comparison in where or eval is true for a multivalue field if any value satisfies it",
        "only its first value counts",
    ),
    Switch("like-any-case", "like() is case-sensitive", "it ignores case"),
    Switch(
        "lookup-keeps-unmatched",
        "lookup … OUTPUT clears the output fields of a row without a match",
        "it leaves them unchanged",
    ),
    Switch(
        "iplocation-first-only",
        "iplocation uses the first address of a multivalue field that has a location",
        "it uses only the first address",
    ),
    Switch(
        "iplocation-no-empty",
        "iplocation sets fields that the database lacks for a known address to empty text",
        "it leaves them out",
    ),
    Switch("convert-unread-drops", "convert keeps a value that its function cannot convert", "it removes the value"),
)

DIFFERENCES: tuple[Switch, ...] = (
    Switch(
        "fillnull-by-list",
        "fillnull without a field list fills the fields that at least one row has",
        "it also fills the by fields of the next stats, chart, timechart or top, so that a published "
        "detection does not go silent because no event in the input has, for example, objectRef.name",
        True,
    ),
)

NAMES: frozenset[str] = frozenset(switch.name for switch in SWITCHES)


def chosen(names: list[str] | tuple[str, ...]) -> frozenset[str]:
    """The switches that are on. Raises UsageError for a name that no switch has."""
    for name in names:
        if name not in NAMES:
            raise UsageError(
                f"unknown switch {name!r}",
                remedy=nearest(name, NAMES) or f"Known switches: {', '.join(sorted(NAMES))}.",
            )
    return frozenset(names)
