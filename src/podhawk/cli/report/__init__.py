"""The report of a run: one HTML file to hand over."""
