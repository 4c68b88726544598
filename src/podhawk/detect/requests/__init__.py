"""Requests and what the log says of them: whose, about what, with what outcome, on whose behalf."""
