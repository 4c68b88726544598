"""A second reading of SPL: plain, slow, obvious. The engine is compared with it on generated input.

It shares the parser and the declared eval functions with podhawk and nothing else: fields, clauses,
operators, groups, aggregations and commands are written again here, from the description of what
Splunk does, with lists and dicts and no thought for speed.
"""
