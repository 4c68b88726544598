"""The same searches on a Spark cluster."""
