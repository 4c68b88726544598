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
        "a quoted phrase matches wherever its characters stand in _raw",
        "a quoted phrase must begin and end at a breaker, as a bare word must",
    ),
    Switch(
        "field-names-any-case",
        "search compares field names with regard to case",
        "search finds a field whatever the case of its name",
    ),
    Switch(
        "search-multivalue-all",
        "a comparison of search holds for a multivalue field if any value satisfies it",
        "all values must satisfy it",
    ),
    Switch("json-null-absent", "JSON null is the text null", "JSON null makes no field"),
    Switch("json-empty-text-absent", "an empty JSON string is an empty value", "an empty JSON string makes no field"),
    Switch("json-empty-container-value", "an empty JSON object or array makes no field", "it makes an empty value"),
    Switch(
        "json-numbers-normalised",
        "JSON numbers keep their spelling (1.0, 1e3)",
        "they are written the shortest way (1, 1000)",
    ),
    Switch("json-booleans-as-digits", "JSON booleans are true and false", "they are 1 and 0"),
    Switch("json-duplicates-dropped", "a value that an array holds twice is there twice", "it is there once"),
    Switch("json-nested-arrays-plain", "an array in an array is named a{}{}", "it is named a{}"),
    Switch(
        "spath-cutoff",
        "all of an event is extracted, and all of what spath reads",
        "only its first 5,000 characters are, as limits.conf has it for events that are not indexed as _json",
    ),
    Switch(
        "spath-append", "spath without a path replaces a field that exists", "it adds its values to those that exist"
    ),
    Switch("fillnull-empty", "an empty text is a value", "fillnull fills an empty text too"),
    Switch("stats-nothing-no-row", "stats count over nothing is one row with 0", "it is no row"),
    Switch(
        "stats-null-by-kept",
        "a row that lacks a BY field is in no group",
        "it is in a group with an empty text for that field",
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
        "the nearest value that occurs is taken",
    ),
    Switch(
        "eventstats-null-by-kept",
        "eventstats and streamstats give a row that lacks a BY field nothing",
        "such rows are a group of their own",
    ),
    Switch("mvexpand-drops-empty", "mvexpand keeps a row without the field", "it drops the row"),
    Switch("regex-missing-drops", "regex field!=… keeps rows that lack the field", "it drops them"),
    Switch("rex-empty-groups", "a group of rex that took no part makes no field", "it makes an empty one"),
    Switch("plus-concatenates", "a number + a text that is no number is null", "it is both, one after the other"),
    Switch(
        "compare-as-text",
        "where and eval compare as numbers whenever both sides look like numbers",
        "a quoted literal compares as text",
    ),
    Switch(
        "where-multivalue-first",
        "a comparison of where or eval holds for a multivalue if any value satisfies it",
        "only its first value counts",
    ),
    Switch("like-any-case", "like() regards case", "it does not"),
    Switch(
        "lookup-keeps-unmatched",
        "lookup … OUTPUT clears the output fields of a row without a match",
        "it leaves them as they were",
    ),
    Switch(
        "iplocation-first-only",
        "of several addresses in a field, iplocation takes the first that has a place",
        "it looks only at the first",
    ),
    Switch(
        "iplocation-no-empty",
        "what a geo database does not tell of a known address is an empty field",
        "it is no field",
    ),
    Switch("convert-unread-drops", "convert leaves a value that its function cannot read", "it removes the value"),
)

DIFFERENCES: tuple[Switch, ...] = (
    Switch(
        "fillnull-by-list",
        "fillnull without a list fills the fields that some row has",
        "it also fills the fields that the next stats, chart, timechart or top groups by, so that a published "
        "detection cannot go silent because no event in the input has, say, objectRef.name",
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
                remedy=nearest(name, NAMES) or f"The switches are: {', '.join(sorted(NAMES))}.",
            )
    return frozenset(names)
