"""The batch runner: files in, rows or events out, on one core or several."""
