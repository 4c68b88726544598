"""What eval and stats can call, and how expressions and search clauses are evaluated.

One file per family; each function and aggregation is declared once, with its arity, meaning and an
example that the tests run.
"""
