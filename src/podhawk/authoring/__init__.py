"""The life of a detection: lint, test, replay, pages, coverage, export."""
