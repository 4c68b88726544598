"""From a parsed search to a plan: what is refused, what is rewritten, where the map side ends."""
