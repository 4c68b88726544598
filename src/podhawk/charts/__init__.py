"""Charts of results: what of a result can be drawn, round values on an axis, and drawings as SVG."""
