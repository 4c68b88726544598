"""What several commands have in common: aggregations and groups, spans of time, lists of names, legs."""
