"""What somebody or something did in a log, and which fields its events have: bounded summaries, made in one scan."""
