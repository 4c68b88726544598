"""What stats, chart, timechart, eventstats and streamstats compute.

Every aggregation is a state with four operations: make one, add a value, merge two, finish. Merging
commutes: states that depend on order keep the order key beside the value. Sums are exact and rounded
once, at the end, so that no split of the input changes a digit.
"""

from podhawk.functions.aggregations.declare import Aggregation, AggregationState
from podhawk.functions.aggregations.registry import AGGREGATIONS, find

__all__ = ["AGGREGATIONS", "Aggregation", "AggregationState", "find"]
