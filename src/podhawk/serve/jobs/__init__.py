"""Work over the lake beside the increments: searches over the whole input on their cron, and backfills."""
