"""Searches over the lake that the interface is asked for: each is a process that is bounded and can be ended."""
