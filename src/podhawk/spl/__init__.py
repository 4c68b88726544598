"""The language: from a search's text to trees.

Read in this order: `text` (comments, quoting, positions), `macros` (expansion), `pipeline` (the
split into commands), `cursor` (how a command reads its own text), `expression` (eval), `clause`
(search). Nothing here knows what a command or a function does.
"""
