"""Detections over the events of an input: which requests, windows or rows are findings."""
